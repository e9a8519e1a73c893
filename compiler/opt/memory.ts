/**
 * What instructions do to memory, in terms of places that cannot overlap: each stack slot whose address stays known, the
 * values of each map, the keys of each map, and everything else. A pass numbers the states of the places on its way
 * through a function; two loads see the same if the place was in the same state.
 */
import { type HelperSpec, helperSpec, isOutArg } from "../asm/helpers.ts";
import { edges } from "../ir/builder.ts";
import { type Dominators, dominanceFrontiers, liveBlocks, reversePostorder } from "../ir/cfg.ts";
import { type BlockId, type Insn, type IrFunction, isImm, type Operand, type SlotId, type VReg } from "../ir/ir.ts";
import { conditionInputs, inputs } from "../ir/operands.ts";

/**
 * `slot:3`, `values:1` (of map 1), `keys:1` (which keys map 1 has), `memory` (changed by every write but those to
 * slots), `unknown` (changed by writes that may hit the values of any map), `any-keys` (of all maps).
 */
export type PlaceName = string;

const MEMORY: PlaceName = "memory";
const UNKNOWN: PlaceName = "unknown";
const ANY_KEYS: PlaceName = "any-keys";

/** Where an address points to. */
type Root = { kind: "slot"; slot: SlotId; offset: number } | { kind: "map"; map: number } | { kind: "other" };

const OTHER: Root = { kind: "other" };

export class MemoryModel {
  readonly #roots = new Map<VReg, Root>();
  readonly #maps = new Map<VReg, number>();
  readonly #escaped = new Set<SlotId>();

  constructor(fn: IrFunction) {
    for (const { insns } of reversePostorder(fn)) {
      for (const insn of insns) this.#define(insn);
    }
    for (const { insns, end } of liveBlocks(fn)) {
      for (const insn of insns) for (const reg of keptAddresses(insn)) this.#escape(reg);
      for (const reg of conditionInputs(end)) this.#escape(reg);
      for (const edge of edges(end)) for (const reg of edge.args) this.#escape(reg);
    }
  }

  /** The slot that an address points into, if all that is done with the slot's addresses is known. */
  slotOf(base: VReg): SlotId | undefined {
    const root = this.#root(base);
    return root.kind === "slot" ? root.slot : undefined;
  }

  /** Where in its slot such an address points. */
  slotPlace(base: VReg): { slot: SlotId; offset: number } | undefined {
    const root = this.#root(base);
    return root.kind === "slot" ? root : undefined;
  }

  /** The places whose state a load through an address depends on. */
  readPlaces(base: VReg): PlaceName[] {
    const root = this.#root(base);
    switch (root.kind) {
      case "slot":
        return [`slot:${root.slot}`];
      case "map":
        return [`values:${root.map}`, UNKNOWN];
      case "other":
        return [MEMORY];
    }
  }

  /** What a lookup depends on, besides the memory that holds its key. */
  lookupPlaces(map: number): PlaceName[] {
    return [`keys:${map}`, ANY_KEYS];
  }

  /** The places that an instruction changes. */
  changes(insn: Insn): PlaceName[] {
    switch (insn.op) {
      case "store":
      case "atomic":
        return this.#written(insn.base);
      case "call":
        return this.#changedByCall(insn.args, helperSpec(insn.helper));
      case "call-local":
        return [MEMORY, UNKNOWN, ANY_KEYS, ...insn.args.flatMap((arg) => this.#slotPlaces(arg))];
      default:
        return [];
    }
  }

  /** The byte of a slot or of a map's only value that an address and an offset name, for comparing addresses. */
  addressKey(base: VReg, offset: number): string {
    const root = this.#roots.get(base);
    return root?.kind === "slot" ? `s${root.slot}+${root.offset + offset}` : `${base}+${offset}`;
  }

  #define(insn: Insn): void {
    switch (insn.op) {
      case "slot":
        this.#roots.set(insn.dst, { kind: "slot", slot: insn.slot, offset: insn.offset });
        break;
      case "map":
        this.#maps.set(insn.dst, insn.map);
        break;
      case "map-value":
      case "lookup":
        this.#roots.set(insn.dst, { kind: "map", map: insn.map });
        break;
      case "call": {
        const [map] = insn.args;
        const known = map === undefined || isImm(map) ? undefined : this.#maps.get(map);
        if (insn.dst !== undefined && known !== undefined && helperSpec(insn.helper).result === "map-value-or-null") {
          this.#roots.set(insn.dst, { kind: "map", map: known });
        }
        break;
      }
      case "alu": {
        // An address stays in its object; which of the operands is one, addition does not say.
        const candidates = [insn.a, ...(isImm(insn.b) ? [] : [insn.b])].map((reg) => this.#roots.get(reg));
        const root = insn.alu === "add" || insn.alu === "sub" ? candidates.find((candidate) => candidate) : undefined;
        if (root?.kind === "map") this.#roots.set(insn.dst, root);
        break;
      }
      case "copy": {
        const root = this.#roots.get(insn.src);
        if (root) this.#roots.set(insn.dst, root);
        break;
      }
      default:
        break;
    }
  }

  #escape(reg: VReg): void {
    const root = this.#roots.get(reg);
    if (root?.kind === "slot") this.#escaped.add(root.slot);
  }

  #root(base: VReg): Root {
    const root = this.#roots.get(base) ?? OTHER;
    return root.kind === "slot" && this.#escaped.has(root.slot) ? OTHER : root;
  }

  #written(base: VReg): PlaceName[] {
    const root = this.#root(base);
    switch (root.kind) {
      case "slot":
        return [`slot:${root.slot}`];
      case "map":
        return [`values:${root.map}`, MEMORY];
      case "other":
        return [MEMORY, UNKNOWN];
    }
  }

  #slotPlaces(arg: Operand): PlaceName[] {
    const slot = isImm(arg) ? undefined : this.slotOf(arg);
    return slot === undefined ? [] : [`slot:${slot}`];
  }

  #changedByCall(args: readonly Operand[], spec: HelperSpec): PlaceName[] {
    const changed: PlaceName[] = [];
    spec.args.forEach((kind, i) => {
      const arg = args[i]!;
      if (isImm(arg)) return;
      if (isOutArg(kind)) changed.push(...this.#written(arg));
      else if (kind === "callback-context" || kind === "dynptr" || kind === "spin-lock")
        changed.push(...this.#slotPlaces(arg));
    });
    switch (spec.effect) {
      case "none":
        return changed;
      case "map": {
        const [first] = args;
        const map = first === undefined || isImm(first) ? undefined : this.#maps.get(first);
        if (map === undefined) return [...changed, MEMORY, UNKNOWN, ANY_KEYS];
        return [...changed, `keys:${map}`, `values:${map}`, MEMORY];
      }
      case "world":
        // Taking or giving up a lock makes other programs' writes visible.
        return spec.args.includes("spin-lock") ? [...changed, MEMORY, UNKNOWN] : changed;
      case "callback":
        return [...changed, MEMORY, UNKNOWN, ANY_KEYS];
    }
  }
}

/** The registers that an instruction keeps, or computes with, so that an address among them is no longer followed. */
function keptAddresses(insn: Insn): VReg[] {
  switch (insn.op) {
    case "load":
    case "call":
    case "call-local":
    case "copy":
      return [];
    case "store":
      return isImm(insn.value) ? [] : [insn.value];
    case "atomic":
      return insn.expected === undefined ? [insn.value] : [insn.value, insn.expected];
    case "lookup":
      return "value" in insn.key && !isImm(insn.key.value) ? [insn.key.value] : [];
    default:
      return inputs(insn);
  }
}

/** Numbers the states of all places along a walk over the dominator tree. */
export class MemoryStates {
  readonly #model: MemoryModel;
  /** Places that may arrive in several states at a block, by BlockId. */
  readonly #merged: (Set<PlaceName> | undefined)[];
  readonly #states = new Map<PlaceName, number>();
  readonly #undo: { place: PlaceName; state: number | undefined }[] = [];
  #next = 1;

  constructor(fn: IrFunction, dominators: Dominators, model: MemoryModel) {
    this.#model = model;
    this.#merged = mergedPlaces(fn, dominators, model);
  }

  /** To be called when the walk enters a block; the result takes `leave` back to the state before. */
  enter(block: BlockId): number {
    const mark = this.#undo.length;
    for (const place of this.#merged[block] ?? []) this.#set(place);
    return mark;
  }

  leave(mark: number): void {
    while (this.#undo.length > mark) {
      const { place, state } = this.#undo.pop()!;
      if (state === undefined) this.#states.delete(place);
      else this.#states.set(place, state);
    }
  }

  execute(insn: Insn): void {
    for (const place of this.#model.changes(insn)) this.#set(place);
  }

  /** The states of some places as text, for comparing. */
  of(places: readonly PlaceName[]): string {
    return places.map((place) => `${place}=${this.#states.get(place) ?? 0}`).join();
  }

  #set(place: PlaceName): void {
    this.#undo.push({ place, state: this.#states.get(place) });
    this.#states.set(place, this.#next++);
  }
}

/** For each block the places that its predecessors leave in different states: the iterated frontier of the changes. */
function mergedPlaces(fn: IrFunction, dominators: Dominators, model: MemoryModel): (Set<PlaceName> | undefined)[] {
  const changedIn = new Map<PlaceName, Set<BlockId>>();
  for (const block of dominators.order) {
    for (const insn of block.insns) {
      for (const place of model.changes(insn)) {
        const blocks = changedIn.get(place);
        if (blocks) blocks.add(block.id);
        else changedIn.set(place, new Set([block.id]));
      }
    }
  }
  const merged: (Set<PlaceName> | undefined)[] = fn.blocks.map(() => undefined);
  const frontiers = dominanceFrontiers(fn, dominators);
  for (const [place, blocks] of changedIn) {
    // Sets may grow while they are iterated.
    for (const block of blocks) {
      for (const frontier of frontiers[block]!) {
        merged[frontier] ??= new Set();
        merged[frontier].add(place);
        blocks.add(frontier);
      }
    }
  }
  return merged;
}
