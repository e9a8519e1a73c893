/**
 * What an instruction defines, reads and does, in one place for all passes: a new operation of the IR is taught here
 * once instead of in every switch.
 */
import { helperSpec, isOutArg } from "../asm/helpers.ts";
import { unreachable } from "../unreachable.ts";
import { edges } from "./builder.ts";
import { type Insn, isImm, type Operand, type Terminator, type VReg } from "./ir.ts";

/** The register that an instruction defines. */
export function result(insn: Insn): VReg | undefined {
  return "dst" in insn ? insn.dst : undefined;
}

/** Rewrites every register that an instruction reads. `f` may answer with a constant where `canBeImm` is true. */
export function mapInputs(insn: Insn, f: (reg: VReg, canBeImm: boolean) => Operand): void {
  const reg = (operand: VReg): VReg => f(operand, false) as VReg;
  const any = (operand: Operand): Operand => (isImm(operand) ? operand : f(operand, true));
  switch (insn.op) {
    case "const":
    case "host-const":
    case "map":
    case "map-value":
    case "slot":
    case "func":
      break;
    case "copy":
    case "extend":
    case "bswap":
      insn.src = reg(insn.src);
      break;
    case "alu":
    case "compare":
      insn.a = reg(insn.a);
      insn.b = any(insn.b);
      break;
    case "load":
      insn.base = reg(insn.base);
      break;
    case "store":
      insn.base = reg(insn.base);
      insn.value = any(insn.value);
      break;
    case "atomic":
      insn.base = reg(insn.base);
      insn.value = reg(insn.value);
      if (insn.expected !== undefined) insn.expected = reg(insn.expected);
      break;
    case "call":
    case "call-local":
      insn.args = insn.args.map(any);
      break;
    case "lookup":
      if ("address" in insn.key) insn.key = { address: reg(insn.key.address) };
      else insn.key = { ...insn.key, value: any(insn.key.value) };
      break;
    default:
      unreachable(insn);
  }
}

/** Rewrites every register that a terminator reads, the arguments of its edges included. */
export function mapEndInputs(end: Terminator, f: (reg: VReg, canBeImm: boolean) => Operand): void {
  if (end.op === "branch") {
    end.a = f(end.a, false) as VReg;
    if (!isImm(end.b)) end.b = f(end.b, true);
  } else if (end.op === "exit") {
    if (!isImm(end.value)) end.value = f(end.value, true);
  }
  for (const edge of edges(end)) edge.args = edge.args.map((arg) => f(arg, false) as VReg);
}

/** The registers that an instruction reads, once for each place. */
export function inputs(insn: Insn): VReg[] {
  switch (insn.op) {
    case "const":
    case "host-const":
    case "map":
    case "map-value":
    case "slot":
    case "func":
      return [];
    case "copy":
    case "extend":
    case "bswap":
      return [insn.src];
    case "alu":
    case "compare":
      return isImm(insn.b) ? [insn.a] : [insn.a, insn.b];
    case "load":
      return [insn.base];
    case "store":
      return isImm(insn.value) ? [insn.base] : [insn.base, insn.value];
    case "atomic":
      return insn.expected === undefined ? [insn.base, insn.value] : [insn.base, insn.value, insn.expected];
    case "call":
    case "call-local":
      return insn.args.filter((arg): arg is VReg => !isImm(arg));
    case "lookup":
      if ("address" in insn.key) return [insn.key.address];
      return isImm(insn.key.value) ? [] : [insn.key.value];
    default:
      return unreachable(insn);
  }
}

/** The registers that a terminator itself reads, without the arguments of its edges. */
export function conditionInputs(end: Terminator): VReg[] {
  if (end.op === "branch") return isImm(end.b) ? [end.a] : [end.a, end.b];
  return end.op === "exit" && !isImm(end.value) ? [end.value] : [];
}

/** The registers that a terminator reads, the arguments of its edges included. */
export function endInputs(end: Terminator): VReg[] {
  const reads = conditionInputs(end);
  for (const edge of edges(end)) reads.push(...edge.args);
  return reads;
}

/** Whether nothing is lost when an instruction goes whose result nobody reads. */
export function isRemovable(insn: Insn): boolean {
  switch (insn.op) {
    case "store":
    case "atomic":
    case "call-local":
      return false;
    case "call": {
      const { effect, args } = helperSpec(insn.helper);
      return effect === "none" && !args.some(isOutArg);
    }
    default:
      return true;
  }
}

/** Whether the result depends on nothing but the inputs, so that equal instructions give equal results anywhere. */
export function isPure(insn: Insn): boolean {
  switch (insn.op) {
    case "const":
    case "host-const":
    case "map":
    case "map-value":
    case "slot":
    case "func":
    case "copy":
    case "alu":
    case "extend":
    case "bswap":
    case "compare":
      return true;
    case "load":
      return insn.invariant;
    case "call":
      return insn.pure && isRemovable(insn);
    default:
      return false;
  }
}

/** The registers that an instruction does more with than to write where they point. */
export function readAddresses(insn: Insn): VReg[] {
  if (insn.op === "store") return isImm(insn.value) ? [] : [insn.value];
  if (insn.op !== "call") return inputs(insn);
  const { args } = helperSpec(insn.helper);
  return insn.args.filter((arg, i): arg is VReg => !isImm(arg) && !isOutArg(args[i]!));
}
