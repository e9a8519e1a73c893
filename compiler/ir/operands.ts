/**
 * What an instruction reads and does, in one place for all passes: a new operation of the IR is taught here
 * once instead of in every switch.
 */
import { helperSpec, isOutArg } from "../asm/helpers.ts";
import { unreachable } from "../unreachable.ts";
import { type Insn, isImm, type Operand, type Terminator, type VReg } from "./ir.ts";

/**
 * Rewrites every register that an instruction reads, in place. `f` may answer with a constant where `canBeImm` is true.
 */
export function mapInputs(insn: Insn, f: (reg: VReg, canBeImm: boolean) => Operand): void {
  switch (insn.op) {
    case "const":
    case "host-const":
    case "map":
    case "map-value":
    case "slot":
    case "func":
    case "exhausted":
      break;
    case "copy":
    case "extend":
    case "bswap":
    case "log2":
    case "forget":
      insn.src = f(insn.src, false) as VReg;
      break;
    case "detour":
      insn.src = f(insn.src, false) as VReg;
      insn.base = f(insn.base, false) as VReg;
      break;
    case "alu":
    case "compare":
      insn.a = f(insn.a, false) as VReg;
      if (typeof insn.b === "number") insn.b = f(insn.b, true);
      break;
    case "load":
      insn.base = f(insn.base, false) as VReg;
      break;
    case "store":
      insn.base = f(insn.base, false) as VReg;
      if (typeof insn.value === "number") insn.value = f(insn.value, true);
      break;
    case "atomic":
      insn.base = f(insn.base, false) as VReg;
      insn.value = f(insn.value, false) as VReg;
      if (insn.expected !== undefined) insn.expected = f(insn.expected, false) as VReg;
      break;
    case "call":
    case "call-local":
      for (let i = 0; i < insn.args.length; i++) {
        const arg = insn.args[i]!;
        if (typeof arg === "number") insn.args[i] = f(arg, true);
      }
      break;
    case "lookup":
      if ("address" in insn.key) insn.key.address = f(insn.key.address, false) as VReg;
      else if (typeof insn.key.value === "number") insn.key.value = f(insn.key.value, true);
      break;
    default:
      unreachable(insn);
  }
}

/** Rewrites every register that a terminator reads, the arguments of its edges included, in place. */
export function mapEndInputs(end: Terminator, f: (reg: VReg, canBeImm: boolean) => Operand): void {
  switch (end.op) {
    case "jump":
      mapArgs(end.to.args, f);
      break;
    case "branch":
      end.a = f(end.a, false) as VReg;
      if (typeof end.b === "number") end.b = f(end.b, true);
      mapArgs(end.then.args, f);
      mapArgs(end.otherwise.args, f);
      break;
    case "exit":
      if (typeof end.value === "number") end.value = f(end.value, true);
      break;
  }
}

function mapArgs(args: VReg[], f: (reg: VReg, canBeImm: boolean) => Operand): void {
  for (let i = 0; i < args.length; i++) args[i] = f(args[i]!, false) as VReg;
}

/** Calls `f` with the registers that an instruction reads, once for each place. */
export function forEachInput(insn: Insn, f: (reg: VReg) => void): void {
  switch (insn.op) {
    case "const":
    case "host-const":
    case "map":
    case "map-value":
    case "slot":
    case "func":
    case "exhausted":
      break;
    case "copy":
    case "extend":
    case "bswap":
    case "log2":
    case "forget":
      f(insn.src);
      break;
    case "detour":
      f(insn.src);
      f(insn.base);
      break;
    case "alu":
    case "compare":
      f(insn.a);
      if (typeof insn.b === "number") f(insn.b);
      break;
    case "load":
      f(insn.base);
      break;
    case "store":
      f(insn.base);
      if (typeof insn.value === "number") f(insn.value);
      break;
    case "atomic":
      f(insn.base);
      f(insn.value);
      if (insn.expected !== undefined) f(insn.expected);
      break;
    case "call":
    case "call-local":
      for (let i = 0; i < insn.args.length; i++) {
        const arg = insn.args[i]!;
        if (typeof arg === "number") f(arg);
      }
      break;
    case "lookup":
      if ("address" in insn.key) f(insn.key.address);
      else if (typeof insn.key.value === "number") f(insn.key.value);
      break;
    default:
      unreachable(insn);
  }
}

/** Calls `f` with the registers that a terminator reads, the arguments of its edges included. */
export function forEachEndInput(end: Terminator, f: (reg: VReg) => void): void {
  switch (end.op) {
    case "jump":
      forEachArg(end.to.args, f);
      break;
    case "branch":
      f(end.a);
      if (typeof end.b === "number") f(end.b);
      forEachArg(end.then.args, f);
      forEachArg(end.otherwise.args, f);
      break;
    case "exit":
      if (typeof end.value === "number") f(end.value);
      break;
  }
}

function forEachArg(args: readonly VReg[], f: (reg: VReg) => void): void {
  for (let i = 0; i < args.length; i++) f(args[i]!);
}

/** The registers that an instruction reads, once for each place. */
export function inputs(insn: Insn): VReg[] {
  const registers: VReg[] = [];
  forEachInput(insn, (reg) => registers.push(reg));
  return registers;
}

/** The registers that a terminator itself reads, without the arguments of its edges. */
export function conditionInputs(end: Terminator): VReg[] {
  if (end.op === "branch") return isImm(end.b) ? [end.a] : [end.a, end.b];
  return end.op === "exit" && !isImm(end.value) ? [end.value] : [];
}

/** Constants and addresses: instructions that read nothing. */
export type Leaf = Extract<Insn, { op: "const" | "host-const" | "map" | "map-value" | "slot" | "func" }>;

export function isLeaf(insn: Insn): insn is Leaf {
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

/** Whether nothing is lost when an instruction goes whose result nobody reads. */
export function isRemovable(insn: Insn): boolean {
  switch (insn.op) {
    case "store":
    case "atomic":
    case "call-local":
    case "exhausted":
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
    case "log2":
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

/** Calls `f` with the registers that an instruction does more with than to write where they point. */
export function forEachReadAddress(insn: Insn, f: (reg: VReg) => void): void {
  switch (insn.op) {
    case "store":
      if (typeof insn.value === "number") f(insn.value);
      break;
    case "call": {
      const { args } = helperSpec(insn.helper);
      for (let i = 0; i < insn.args.length; i++) {
        const arg = insn.args[i]!;
        if (!isImm(arg) && !isOutArg(args[i]!)) f(arg);
      }
      break;
    }
    default:
      forEachInput(insn, f);
  }
}
