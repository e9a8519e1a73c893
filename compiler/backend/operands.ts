/**
 * What an instruction of the legalised IR asks of the registers: which operands must be in one, which may come
 * straight from the stack or be made on the spot, and what it destroys. The allocator and the emitter both follow this.
 */
import { isCommutative } from "../ir/arithmetic.ts";
import { liveBlocks } from "../ir/cfg.ts";
import { type Insn, type IrFunction, isImm, type Operand, type VReg } from "../ir/ir.ts";
import { inputs } from "../ir/operands.ts";

/** Values that cost no more to make again than to keep. They have no register until an instruction insists on one. */
export type Recipe = Extract<Insn, { op: "const" | "host-const" | "map" | "map-value" | "slot" | "func" }>;

export function isRecipe(insn: Insn): insn is Recipe {
  switch (insn.op) {
    case "const":
    case "host-const":
    case "map":
    case "map-value":
    case "slot":
    case "func":
      return true;
    default:
      return false;
  }
}

/** The recipes of a function, by the register that they define. */
export function recipes(fn: IrFunction): Map<VReg, Recipe> {
  const known = new Map<VReg, Recipe>();
  for (const block of liveBlocks(fn)) {
    for (const insn of block.insns) if (isRecipe(insn)) known.set(insn.dst, insn);
  }
  return known;
}

/**
 * How long an operand stays in its place: until the instruction reads it, past whatever it destroys, or until its result
 * is written (because both must not share a register).
 */
export type Until = "read" | "clobber" | "write";

export interface OperandUse {
  reg: VReg;
  /** Whether it must be in a register; otherwise it is copied from wherever it is. */
  inRegister: boolean;
  until: Until;
}

/** The uses that have a lifetime; recipes that are made on the spot have none. */
export function operandUses(insn: Insn, known: ReadonlyMap<VReg, Recipe>): OperandUse[] {
  const uses: OperandUse[] = [];
  const inRegister = (reg: VReg, until: Until = "read"): void => {
    uses.push({ reg, inRegister: true, until });
  };
  const anywhere = (reg: VReg): void => {
    if (!known.has(reg)) uses.push({ reg, inRegister: false, until: "read" });
  };
  const base = (reg: VReg, until: Until = "read"): void => {
    // A slot is addressed through the frame pointer.
    if (known.get(reg)?.op !== "slot") inRegister(reg, until);
  };
  switch (insn.op) {
    case "alu": {
      const { a, b } = insn;
      if (isNegation(insn, known)) anywhere(b as VReg);
      else if (isImm(b) || a === b) anywhere(a);
      else if (isCommutative(insn.alu) && !known.has(a)) {
        inRegister(a);
        inRegister(b);
      } else {
        anywhere(a);
        inRegister(b, "write");
      }
      break;
    }
    case "copy":
    case "bswap":
      anywhere(insn.src);
      break;
    case "extend":
      inRegister(insn.src);
      break;
    case "compare":
      inRegister(insn.a, "write");
      if (!isImm(insn.b)) inRegister(insn.b, "write");
      break;
    case "load":
      base(insn.base);
      break;
    case "store":
      base(insn.base);
      if (!isImm(insn.value)) inRegister(insn.value);
      break;
    case "atomic":
      if (insn.expected !== undefined) {
        anywhere(insn.expected);
        base(insn.base, "clobber");
        inRegister(insn.value, "clobber");
      } else if (insn.dst !== undefined) {
        anywhere(insn.value);
        base(insn.base, "write");
      } else {
        inRegister(insn.value);
        base(insn.base);
      }
      break;
    default:
      for (const reg of inputs(insn)) anywhere(reg);
  }
  return uses;
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

/** Which of r0 to r5 an instruction destroys: all, only r0, or none. */
export function clobbers(insn: Insn): "all" | "r0" | "none" {
  if (insn.op === "call" || insn.op === "call-local") return "all";
  return insn.op === "atomic" && insn.expected !== undefined ? "r0" : "none";
}
