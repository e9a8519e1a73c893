/**
 * Shares the stack slots of map keys. A lookup, the update after a miss and a later deletion mostly have the same key;
 * one slot holds it for all of them, and a value that is there already is not written again. Last of all passes, because
 * lookups by value are easier to merge than lookups by address.
 */
import { helperSpec } from "../asm/helpers.ts";
import { Shape } from "../ir/cfg.ts";
import { type Insn, type IrFunction, isImm, type Operand, type SlotId, type VReg } from "../ir/ir.ts";
import { forEachEndInput, forEachInput } from "../ir/operands.ts";

export function shareKeys(fn: IrFunction, shape = new Shape(fn)): boolean {
  const groups = findGroups(shape);
  if (groups.size === 0) return false;
  new Sharing(fn, groups).run(shape);
  return true;
}

/** One value of one size, wherever it serves as a key. */
interface Group {
  value: Operand;
  size: 1 | 2 | 4 | 8;
  /** How many places need it. */
  sites: number;
  /** Slots that hold nothing else. */
  slots: SlotId[];
}

type Store = Extract<Insn, { op: "store" }>;

function groupName(value: Operand, size: number): string {
  return isImm(value) ? `#${BigInt.asUintN(size * 8, value.imm)}:${size}` : `${value}:${size}`;
}

/** The groups that are worth a slot of their own. */
function findGroups(shape: Shape): Map<string, Group> {
  const groups = new Map<string, Group>();
  const groupOf = (value: Operand, size: Group["size"]): Group => {
    const name = groupName(value, size);
    const group = groups.get(name) ?? { value, size, sites: 0, slots: [] };
    groups.set(name, group);
    return group;
  };
  for (const [slot, store] of keySlots(shape)) {
    const group = groupOf(store.value, store.size);
    group.slots.push(slot);
    group.sites++;
  }
  for (const { insns } of shape.order) {
    for (const insn of insns) {
      if (insn.op === "lookup" && "value" in insn.key) groupOf(insn.key.value, insn.key.size).sites++;
    }
  }
  for (const [name, { sites }] of groups) if (sites < 2) groups.delete(name);
  return groups;
}

/** Slots that are written by equal stores only, and read as keys only, with one of the stores. */
function keySlots({ order }: Shape): Map<SlotId, Store> {
  const addresses = new Map<VReg, SlotId>();
  const rejected = new Set<SlotId>();
  const stores = new Map<SlotId, Store>();
  for (const { insns } of order) {
    for (const insn of insns) {
      if (insn.op !== "slot") continue;
      addresses.set(insn.dst, insn.slot);
      if (insn.offset !== 0) rejected.add(insn.slot);
    }
  }
  if (addresses.size === 0) return stores;
  const reject = (reg: VReg): void => {
    const slot = addresses.get(reg);
    if (slot !== undefined) rejected.add(slot);
  };
  for (const { insns, end } of order) {
    for (const insn of insns) {
      forEachInput(insn, (reg) => {
        if (!servesKey(insn, reg)) reject(reg);
      });
      const slot = insn.op === "store" ? addresses.get(insn.base) : undefined;
      if (insn.op !== "store" || slot === undefined) continue;
      const other = stores.get(slot) ?? insn;
      if (insn.offset !== 0 || groupName(insn.value, insn.size) !== groupName(other.value, other.size)) {
        rejected.add(slot);
      }
      stores.set(slot, insn);
    }
    forEachEndInput(end, reject);
  }
  for (const slot of rejected) stores.delete(slot);
  return stores;
}

/** Whether an instruction uses an address for nothing but to write, or to read, a key there. */
function servesKey(insn: Insn, reg: VReg): boolean {
  if (insn.op === "store") return insn.value !== reg;
  if (insn.op === "lookup") return "address" in insn.key;
  if (insn.op !== "call") return false;
  const { args } = helperSpec(insn.helper);
  return insn.args.every((arg, i) => arg !== reg || args[i] === "key");
}

class Sharing {
  readonly #fn: IrFunction;
  readonly #groups: ReadonlyMap<string, Group>;
  readonly #shared = new Map<string, SlotId>();
  /** The group of each slot that goes. */
  readonly #names = new Map<SlotId, string>();
  readonly #addresses = new Map<VReg, string>();
  /** Groups whose slot holds the value on every path to here. */
  readonly #written = new Set<string>();

  constructor(fn: IrFunction, groups: ReadonlyMap<string, Group>) {
    this.#fn = fn;
    this.#groups = groups;
    for (const [name, { slots }] of groups) for (const slot of slots) this.#names.set(slot, name);
  }

  run({ dominators }: Shape): void {
    const marks: string[][] = [];
    dominators.walk(
      (id) => {
        marks.push(
          this.#block(this.#fn.blocks[id]!.insns, (insns) => {
            this.#fn.blocks[id]!.insns = insns;
          }),
        );
      },
      () => {
        for (const name of marks.pop()!) this.#written.delete(name);
      },
    );
  }

  /** Returns the groups whose value was written here. */
  #block(insns: readonly Insn[], replace: (insns: Insn[]) => void): string[] {
    const output: Insn[] = [];
    const added: string[] = [];
    const write = (name: string, store: Insn): void => {
      if (this.#written.has(name)) return;
      this.#written.add(name);
      added.push(name);
      output.push(store);
    };
    for (const insn of insns) {
      const span = insn.span && { span: insn.span };
      if (insn.op === "slot" && this.#names.has(insn.slot)) {
        const name = this.#names.get(insn.slot)!;
        this.#addresses.set(insn.dst, name);
        output.push({ ...insn, slot: this.#slot(name) });
      } else if (insn.op === "store" && this.#addresses.has(insn.base)) {
        write(this.#addresses.get(insn.base)!, insn);
      } else if (insn.op === "lookup" && "value" in insn.key && this.#groups.has(keyName(insn))) {
        const { value, size } = insn.key;
        const address = this.#fn.nextVReg++ as VReg;
        output.push({ op: "slot", dst: address, slot: this.#slot(keyName(insn)), offset: 0, ...span });
        write(keyName(insn), { op: "store", base: address, offset: 0, size, value, ...span });
        output.push({ ...insn, key: { address } });
      } else output.push(insn);
    }
    replace(output);
    return added;
  }

  #slot(name: string): SlotId {
    let slot = this.#shared.get(name);
    if (slot === undefined) {
      slot = this.#fn.slots.push({ size: this.#groups.get(name)!.size, note: "key" }) - 1;
      this.#shared.set(name, slot);
    }
    return slot;
  }
}

function keyName(insn: Extract<Insn, { op: "lookup" }>): string {
  return "value" in insn.key ? groupName(insn.key.value, insn.key.size) : "";
}
