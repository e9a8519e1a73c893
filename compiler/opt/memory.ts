/**
 * What instructions do to memory, in terms of places that cannot overlap: each stack slot whose address stays known, the
 * values of each map, the keys of each map, and everything else. A pass numbers the states of the places on its way
 * through a function; two loads see the same if the place was in the same state.
 */
import { type HelperSpec, helperSpec, isOutArg } from "../asm/helpers.ts";
import type { Shape } from "../ir/cfg.ts";
import { type BlockId, type Insn, type IrFunction, isImm, type Operand, type SlotId, type VReg } from "../ir/ir.ts";
import { forEachEndInput, forEachInput } from "../ir/operands.ts";

/** A number: one of those below, then one for each slot, then two for each map: its values, and which keys it has. */
type Place = number;

/** Changed by every write but those to slots. */
const MEMORY: Place = 0;
/** Changed by writes that may hit the values of any map. */
const UNKNOWN: Place = 1;
/** The keys of all maps. */
const ANY_KEYS: Place = 2;
const FIRST_SLOT: Place = 3;

/** Where an address points to. */
type Root = { kind: "slot"; slot: SlotId; offset: number } | { kind: "map"; map: number };

export class MemoryModel {
  /** How many places there are. */
  readonly places: number;
  readonly #firstMap: Place;
  /** By VReg. */
  readonly #roots: (Root | undefined)[];
  readonly #maps = new Map<VReg, number>();
  /** The numbers of all maps that occur are below it. */
  #mapCount = 0;
  readonly #escaped: Uint8Array;

  constructor(fn: IrFunction, { order }: Shape) {
    this.#roots = new Array<Root | undefined>(fn.nextVReg);
    this.#escaped = new Uint8Array(fn.slots.length);
    this.#firstMap = FIRST_SLOT + fn.slots.length;
    for (const { insns } of order) for (const insn of insns) this.#define(insn);
    this.places = this.#firstMap + 2 * this.#mapCount;
    if (fn.slots.length === 0) return;
    for (const { insns, end } of order) {
      for (const insn of insns) this.#escapeKept(insn);
      forEachEndInput(end, this.#escape);
    }
  }

  /** The slot that an address points into, if all that is done with the slot's addresses is known. */
  slotOf(base: VReg): SlotId | undefined {
    return this.slotPlace(base)?.slot;
  }

  /** Where in its slot such an address points. */
  slotPlace(base: VReg): { slot: SlotId; offset: number } | undefined {
    const root = this.#root(base);
    return root?.kind === "slot" ? root : undefined;
  }

  /** Calls `f` with the places whose state a load through an address depends on. */
  readPlaces(base: VReg, f: (place: Place) => void): void {
    const root = this.#root(base);
    if (!root) f(MEMORY);
    else if (root.kind === "slot") f(FIRST_SLOT + root.slot);
    else {
      f(this.#valuesOf(root.map));
      f(UNKNOWN);
    }
  }

  /** What a lookup depends on, besides the memory that holds its key. */
  lookupPlaces(map: number, f: (place: Place) => void): void {
    f(this.#keysOf(map));
    f(ANY_KEYS);
  }

  /** Calls `f` with the places that an instruction changes. */
  changes(insn: Insn, f: (place: Place) => void): void {
    switch (insn.op) {
      case "store":
      case "atomic":
        this.#written(insn.base, f);
        break;
      case "call":
        this.#changedByCall(insn.args, helperSpec(insn.helper), f);
        break;
      case "call-local":
        this.#anything(f);
        for (const arg of insn.args) this.#slotPlace(arg, f);
        break;
      default:
        break;
    }
  }

  /** The byte of a slot or of a map's only value that an address and an offset name, for comparing addresses. */
  addressKey(base: VReg, offset: number): string {
    const root = this.#roots[base];
    return root?.kind === "slot" ? `s${root.slot}+${root.offset + offset}` : `${base}+${offset}`;
  }

  #define(insn: Insn): void {
    switch (insn.op) {
      case "slot":
        this.#roots[insn.dst] = { kind: "slot", slot: insn.slot, offset: insn.offset };
        break;
      case "map":
        this.#maps.set(insn.dst, insn.map);
        this.#mapCount = Math.max(this.#mapCount, insn.map + 1);
        break;
      case "map-value":
      case "lookup":
        this.#mapCount = Math.max(this.#mapCount, insn.map + 1);
        this.#roots[insn.dst] = { kind: "map", map: insn.map };
        break;
      case "call": {
        const [map] = insn.args;
        const known = map === undefined || isImm(map) ? undefined : this.#maps.get(map);
        if (insn.dst !== undefined && known !== undefined && helperSpec(insn.helper).result === "map-value-or-null") {
          this.#roots[insn.dst] = { kind: "map", map: known };
        }
        break;
      }
      case "alu": {
        if (insn.alu !== "add" && insn.alu !== "sub") break;
        // An address stays in its object; which of the operands is one, addition does not say.
        const root = this.#roots[insn.a] ?? (isImm(insn.b) ? undefined : this.#roots[insn.b]);
        if (root?.kind === "map") this.#roots[insn.dst] = root;
        break;
      }
      case "copy":
        this.#roots[insn.dst] = this.#roots[insn.src];
        break;
      default:
        break;
    }
  }

  readonly #escape = (reg: VReg): void => {
    const root = this.#roots[reg];
    if (root?.kind === "slot") this.#escaped[root.slot] = 1;
  };

  /** Addresses that an instruction keeps, or computes with, are no longer followed. */
  #escapeKept(insn: Insn): void {
    switch (insn.op) {
      case "load":
      case "call":
      case "call-local":
      case "copy":
        break;
      case "store":
        if (!isImm(insn.value)) this.#escape(insn.value);
        break;
      case "atomic":
        this.#escape(insn.value);
        if (insn.expected !== undefined) this.#escape(insn.expected);
        break;
      case "lookup":
        if ("value" in insn.key && !isImm(insn.key.value)) this.#escape(insn.key.value);
        break;
      default:
        forEachInput(insn, this.#escape);
    }
  }

  /** Undefined for what points somewhere else, or nobody knows where. */
  #root(base: VReg): Root | undefined {
    const root = this.#roots[base];
    return root?.kind === "slot" && this.#escaped[root.slot] ? undefined : root;
  }

  #valuesOf(map: number): Place {
    return this.#firstMap + 2 * map;
  }

  #keysOf(map: number): Place {
    return this.#firstMap + 2 * map + 1;
  }

  #written(base: VReg, f: (place: Place) => void): void {
    const root = this.#root(base);
    if (root?.kind === "slot") f(FIRST_SLOT + root.slot);
    else {
      f(MEMORY);
      f(root ? this.#valuesOf(root.map) : UNKNOWN);
    }
  }

  #slotPlace(arg: Operand, f: (place: Place) => void): void {
    const slot = isImm(arg) ? undefined : this.slotOf(arg);
    if (slot !== undefined) f(FIRST_SLOT + slot);
  }

  #anything(f: (place: Place) => void): void {
    f(MEMORY);
    f(UNKNOWN);
    f(ANY_KEYS);
  }

  #changedByCall(args: readonly Operand[], spec: HelperSpec, f: (place: Place) => void): void {
    for (let i = 0; i < args.length; i++) {
      const [arg, kind] = [args[i]!, spec.args[i]!];
      if (isImm(arg)) continue;
      if (isOutArg(kind)) this.#written(arg, f);
      else if (kind === "callback-context" || kind === "dynptr" || kind === "spin-lock") this.#slotPlace(arg, f);
    }
    switch (spec.effect) {
      case "none":
        break;
      case "map": {
        const [first] = args;
        const map = first === undefined || isImm(first) ? undefined : this.#maps.get(first);
        if (map === undefined) this.#anything(f);
        else {
          f(MEMORY);
          f(this.#keysOf(map));
          f(this.#valuesOf(map));
        }
        break;
      }
      case "world":
        // Taking or giving up a lock makes other programs' writes visible.
        if (spec.args.includes("spin-lock")) {
          f(MEMORY);
          f(UNKNOWN);
        }
        break;
      case "callback":
        this.#anything(f);
        break;
    }
  }
}

/**
 * Numbers the states of all places along a walk over the dominator tree. On it a block comes behind those that lead to it, except
 * along the edges back in loops.
 */
export class MemoryStates {
  readonly #fn: IrFunction;
  readonly #shape: Shape;
  readonly #model: MemoryModel;
  /** By Place. */
  #states: number[];
  /** What each block that was left leaves behind, by BlockId. */
  readonly #behind: (number[] | undefined)[] = [];
  #next = 1;
  #latest = 0;

  constructor(fn: IrFunction, shape: Shape, model: MemoryModel) {
    this.#fn = fn;
    this.#shape = shape;
    this.#model = model;
    this.#states = new Array<number>(model.places).fill(0);
  }

  /** To be called when the walk enters a block. */
  enter(block: BlockId): void {
    const unvisited: BlockId[] = [];
    let states: number[] | undefined;
    for (const { from } of this.#shape.incoming[block]!) {
      const behind = this.#behind[from.id];
      if (!behind) unvisited.push(from.id);
      else if (states) this.#merge(states, behind);
      else states = [...behind];
    }
    if (!states) return;
    this.#states = states;
    // Edges back in a loop: whatever the loop changes, it may have changed before.
    if (unvisited.length > 0) this.#repeat(block, unvisited);
  }

  /** To be called when all instructions of a block were executed. */
  leave(block: BlockId): void {
    this.#behind[block] = this.#states;
  }

  execute(insn: Insn): void {
    this.#model.changes(insn, this.#set);
  }

  /**
   * The state of what a load through an address depends on. States are numbered in the order in which they come about, so the
   * latest of several stands for all: on one path it stays the same only as long as none of them changes.
   */
  ofLoad(base: VReg): number {
    this.#latest = 0;
    this.#model.readPlaces(base, this.#see);
    return this.#latest;
  }

  ofLookup(map: number): number {
    this.#latest = 0;
    this.#model.lookupPlaces(map, this.#see);
    return this.#latest;
  }

  #merge(states: number[], others: readonly number[]): void {
    for (let place = 0; place < states.length; place++) {
      if (states[place] !== others[place]) states[place] = this.#next++;
    }
  }

  /** Executes all that can happen between a loop's header and the ends of its body, in any order. */
  #repeat(header: BlockId, ends: BlockId[]): void {
    const body = new Set(ends);
    for (const block of body) {
      for (const insn of this.#fn.blocks[block]!.insns) this.execute(insn);
      // The set grows while it is iterated.
      for (const { from } of this.#shape.incoming[block]!) if (from.id !== header) body.add(from.id);
    }
    for (const insn of this.#fn.blocks[header]!.insns) this.execute(insn);
  }

  readonly #see = (place: Place): void => {
    if (this.#states[place]! > this.#latest) this.#latest = this.#states[place]!;
  };

  readonly #set = (place: Place): void => {
    this.#states[place] = this.#next++;
  };
}
