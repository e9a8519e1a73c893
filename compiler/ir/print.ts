/**
 * The IR as text, for `--emit=ir`, for tests and for whoever debugs a pass:
 *
 *     fn count(v0)
 *     b0:
 *       v1 = call map_lookup_elem(v2, v3) pure
 *       if v1 == 0 then b2 else b1(v1) likely
 */
import { unreachable } from "../unreachable.ts";
import {
  type AluOp,
  type Condition,
  type Edge,
  type Insn,
  type IrBlock,
  type IrFunction,
  type IrProgram,
  isImm,
  type Operand,
  partsOf,
  type Terminator,
  type VReg,
} from "./ir.ts";

export interface PrintOptions {
  /** Names of maps, by index. */
  maps?: readonly string[];
}

export function printProgram(program: IrProgram, options: PrintOptions = {}): string {
  const head = `program ${program.name} ${program.type}`;
  const parts = partsOf(program).map((functions) => functions.map((fn) => printFunction(fn, options)).join("\n\n"));
  return [head, parts.join("\n\npart\n\n")].join("\n\n");
}

export function printFunction(fn: IrFunction, options: PrintOptions = {}): string {
  const lines = [`fn ${fn.name}(${fn.params.map(reg).join(", ")})`];
  fn.slots.forEach((slot, i) => {
    lines.push(`  slot s${i}: ${slot.size} bytes, ${slot.note}`);
  });
  for (const block of fn.blocks) if (block) lines.push(printBlock(block, options));
  return lines.join("\n");
}

function printBlock(block: IrBlock, options: PrintOptions): string {
  const params = block.params.length > 0 ? `(${block.params.map(reg).join(", ")})` : "";
  const body = block.insns.map((insn) => `  ${printInsn(insn, options)}`);
  return [`b${block.id}${params}:`, ...body, `  ${printEnd(block.end)}`].join("\n");
}

const aluSymbols: Record<AluOp, string> = {
  add: "+",
  sub: "-",
  mul: "*",
  div: "/",
  mod: "%",
  sdiv: "s/",
  smod: "s%",
  and: "&",
  or: "|",
  xor: "^",
  lsh: "<<",
  rsh: ">>",
  arsh: "s>>",
};

const conditionSymbols: Record<Condition, string> = {
  eq: "==",
  ne: "!=",
  lt: "<",
  le: "<=",
  gt: ">",
  ge: ">=",
  slt: "s<",
  sle: "s<=",
  sgt: "s>",
  sge: "s>=",
  set: "&?",
};

export function printInsn(insn: Insn, options: PrintOptions = {}): string {
  const dst = "dst" in insn && insn.dst !== undefined ? `${reg(insn.dst)} = ` : "";
  return dst + value(insn, options);
}

function value(insn: Insn, options: PrintOptions): string {
  const map = (index: number): string => options.maps?.[index] ?? `map${index}`;
  switch (insn.op) {
    case "const":
      return `const ${insn.value}`;
    case "host-const":
      return `host ${insn.constant}`;
    case "map":
      return `map ${map(insn.map)}`;
    case "map-value":
      return `&${map(insn.map)}[0]${plus(insn.offset)}`;
    case "slot":
      return `&s${insn.slot}${plus(insn.offset)}`;
    case "func":
      return `func ${insn.index}`;
    case "copy":
      return reg(insn.src);
    case "alu":
      return `${reg(insn.a)} ${aluSymbols[insn.alu]} ${operand(insn.b)}`;
    case "extend":
      return `${type(insn.size, insn.signed)}(${reg(insn.src)})`;
    case "bswap":
      return `bswap${insn.size * 8}(${reg(insn.src)})`;
    case "log2":
      return `log2(${reg(insn.src)})`;
    case "forget":
      return `forget ${reg(insn.src)}`;
    case "detour":
      return `detour ${reg(insn.src)} by ${place(insn.base, insn.offset)}`;
    case "exhausted":
      return "exhausted";
    case "compare":
      return `${reg(insn.a)} ${conditionSymbols[insn.condition]} ${operand(insn.b)}`;
    case "load":
      return `${type(insn.size, insn.signed)} ${place(insn.base, insn.offset)}${insn.invariant ? " invariant" : ""}`;
    case "store":
      return `${type(insn.size, false)} ${place(insn.base, insn.offset)} = ${operand(insn.value)}`;
    case "atomic": {
      const expected = insn.expected === undefined ? "" : `${reg(insn.expected)}, `;
      return `atomic ${insn.atomic} u${insn.size * 8} ${place(insn.base, insn.offset)}, ${expected}${reg(insn.value)}`;
    }
    case "call":
      return `call ${insn.helper}(${insn.args.map(operand).join(", ")})${insn.pure ? " pure" : ""}`;
    case "call-local":
      return `call fn${insn.index}(${insn.args.map(operand).join(", ")})`;
    case "lookup": {
      const key =
        "address" in insn.key ? `*${reg(insn.key.address)}` : `u${insn.key.size * 8} ${operand(insn.key.value)}`;
      return `lookup ${map(insn.map)}[${key}]`;
    }
    default:
      return unreachable(insn);
  }
}

export function printEnd(end: Terminator): string {
  switch (end.op) {
    case "jump":
      return `jump ${target(end.to)}`;
    case "branch": {
      const hint = end.likely === undefined ? "" : end.likely ? " likely" : " unlikely";
      const condition = `${reg(end.a)} ${conditionSymbols[end.condition]} ${operand(end.b)}`;
      return `if ${condition} then ${target(end.then)} else ${target(end.otherwise)}${hint}`;
    }
    case "exit":
      return `exit ${operand(end.value)}`;
  }
}

function target(edge: Edge): string {
  return `b${edge.block}${edge.args.length > 0 ? `(${edge.args.map(reg).join(", ")})` : ""}`;
}

function place(base: VReg, offset: number): string {
  return `[${reg(base)}${plus(offset)}]`;
}

function type(size: number, signed: boolean): string {
  return `${signed ? "s" : "u"}${size * 8}`;
}

function operand(value: Operand): string {
  return isImm(value) ? String(value.imm) : reg(value);
}

function reg(value: VReg): string {
  return `v${value}`;
}

function plus(offset: number): string {
  if (offset === 0) return "";
  return offset < 0 ? String(offset) : `+${offset}`;
}
