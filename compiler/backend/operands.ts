/**
 * What an instruction of the legalised IR asks of the registers: which operands must be in one, which may come
 * straight from the stack or be made on the spot, and what it destroys. The allocator and the emitter both follow this.
 */
import { isCommutative } from "../ir/arithmetic.ts";
import { liveBlocks } from "../ir/cfg.ts";
import { type AluOp, type Insn, type IrFunction, isImm, type Operand, type VReg } from "../ir/ir.ts";
import { forEachInput, isLeaf, type Leaf } from "../ir/operands.ts";

/** Values that cost no more to make again than to keep. They have no register until an instruction insists on one. */
export type Recipe = Leaf;

/** The recipes of a function, by the register that they define. */
export function recipes(fn: IrFunction): Map<VReg, Recipe> {
  const known = new Map<VReg, Recipe>();
  for (const block of liveBlocks(fn)) {
    for (const insn of block.insns) if (isLeaf(insn)) known.set(insn.dst, insn);
  }
  return known;
}

/**
 * How long an operand stays in its place: until the instruction reads it, past whatever it destroys, or until its result
 * is written (because both must not share a register).
 */
export type Until = "read" | "clobber" | "write";

/** Receives the operands of an instruction. Those that are not wanted in a register are copied from wherever they are. */
export type OnUse = (reg: VReg, inRegister: boolean, until: Until) => void;

/**
 * Whether the second operand may become the result in place of the first. In a callback no address may be added to a number: if it is one
 * on the stack of a callback further out, the verifier takes the sum for one on the stack of the program itself.
 */
export function mayExchange(alu: AluOp, fn: IrFunction): boolean {
  const isCallback = fn.params.length > 1;
  return isCommutative(alu) && !(alu === "add" && isCallback);
}

/** Calls `use` for the uses that have a lifetime; recipes that are made on the spot have none. */
export function forEachUse(insn: Insn, fn: IrFunction, known: ReadonlyMap<VReg, Recipe>, use: OnUse): void {
  switch (insn.op) {
    case "const":
    case "host-const":
    case "map":
    case "map-value":
    case "slot":
    case "func":
      break;
    case "alu": {
      const { a, b } = insn;
      if (isNegation(insn, known)) anywhere(b as VReg, known, use);
      else if (isImm(b) || a === b) anywhere(a, known, use);
      else if (mayExchange(insn.alu, fn) && !known.has(a)) {
        use(a, true, "read");
        use(b, true, "read");
      } else {
        anywhere(a, known, use);
        use(b, true, "write");
      }
      break;
    }
    case "copy":
    case "bswap":
      anywhere(insn.src, known, use);
      break;
    case "extend":
    case "log2":
      use(insn.src, true, "read");
      break;
    case "forget":
      use(insn.src, true, "write");
      break;
    case "detour":
      use(insn.src, true, "read");
      use(insn.base, true, "read");
      break;
    case "compare":
      use(insn.a, true, "write");
      if (!isImm(insn.b)) use(insn.b, true, "write");
      break;
    case "load":
      base(insn.base, "read", known, use);
      break;
    case "store":
      base(insn.base, "read", known, use);
      if (!isImm(insn.value)) use(insn.value, true, "read");
      break;
    case "atomic":
      if (insn.expected !== undefined) {
        anywhere(insn.expected, known, use);
        base(insn.base, "clobber", known, use);
        use(insn.value, true, "clobber");
      } else if (insn.dst !== undefined) {
        anywhere(insn.value, known, use);
        base(insn.base, "write", known, use);
      } else {
        use(insn.value, true, "read");
        base(insn.base, "read", known, use);
      }
      break;
    default:
      forEachInput(insn, (reg) => anywhere(reg, known, use));
  }
}

function anywhere(reg: VReg, known: ReadonlyMap<VReg, Recipe>, use: OnUse): void {
  if (!known.has(reg)) use(reg, false, "read");
}

/** A slot is addressed through the frame pointer. */
function base(reg: VReg, until: Until, known: ReadonlyMap<VReg, Recipe>, use: OnUse): void {
  if (known.get(reg)?.op !== "slot") use(reg, true, until);
}

/** 0 - x, which has an instruction of its own. */
export function isNegation(
  insn: { alu: string; a: VReg; b: Operand },
  known: ReadonlyMap<VReg, Recipe>,
): insn is { alu: "sub"; a: VReg; b: VReg } {
  const a = known.get(insn.a);
  return insn.alu === "sub" && a?.op === "const" && a.value === 0n && !isImm(insn.b);
}

/** The operand whose register the result had best reuse, because the instruction overwrites it. */
export function overwrites(insn: Insn, known: ReadonlyMap<VReg, Recipe>): VReg | undefined {
  switch (insn.op) {
    case "alu":
      return isNegation(insn, known) ? insn.b : insn.a;
    case "copy":
    case "extend":
    case "bswap":
      return insn.src;
    case "atomic":
      return insn.expected === undefined ? insn.value : undefined;
    default:
      return undefined;
  }
}

/** Which of r0 to r5 an instruction destroys: all, only r0, or none. "work" says that it needs r0 besides its result. */
export function clobbers(insn: Insn): "all" | "r0" | "work" | "none" {
  switch (insn.op) {
    case "call":
    case "call-local":
      return "all";
    case "atomic":
      return insn.expected === undefined ? "none" : "r0";
    case "log2":
      return "work";
    default:
      return "none";
  }
}
