/**
 * Reads the text that compiler/ir/print.ts writes, so that tests of passes are written and read as IR. Instructions
 * must be well-formed text; whether they are well-formed IR is the verifier's business.
 */
import type { HelperName } from "../../compiler/asm/helpers.ts";
import type {
  AluOp,
  AtomicOp,
  Condition,
  Edge,
  Insn,
  IrBlock,
  IrFunction,
  Operand,
  Size,
  Terminator,
  VReg,
} from "../../compiler/ir/ir.ts";
import type { HostConstant } from "../../compiler/program.ts";

const aluOps: Record<string, AluOp> = {
  "+": "add",
  "-": "sub",
  "*": "mul",
  "/": "div",
  "%": "mod",
  "s/": "sdiv",
  "s%": "smod",
  "&": "and",
  "|": "or",
  "^": "xor",
  "<<": "lsh",
  ">>": "rsh",
  "s>>": "arsh",
};

const conditions: Record<string, Condition> = {
  "==": "eq",
  "!=": "ne",
  "<": "lt",
  "<=": "le",
  ">": "gt",
  ">=": "ge",
  "s<": "slt",
  "s<=": "sle",
  "s>": "sgt",
  "s>=": "sge",
  "&?": "set",
};

/**
 * One function. The heading may be left out (one parameter, v0), and so may the first block's label:
 *
 *     parseFunction(`
 *       v1 = u64 [v0+8]
 *       exit v1
 *     `)
 */
export function parseFunction(text: string): IrFunction {
  const fn: IrFunction = { name: "test", params: [0 as VReg], blocks: [], slots: [], nextVReg: 0 };
  let block: IrBlock | undefined;
  let ended = true;
  const open = (id: number, params: VReg[]): void => {
    if (!ended) throw new Error(`b${block?.id} has no end`);
    block = { id, params, insns: [], end: { op: "exit", value: { imm: 0n } } };
    fn.blocks[id] = block;
    ended = false;
  };
  for (const line of text.split("\n").map((l) => l.replace(/\/\/.*/, "").trim())) {
    if (line === "") continue;
    const heading = /^fn (\w+)\((.*)\)$/.exec(line);
    const slot = /^slot s(\d+): (\d+) bytes, (.*)$/.exec(line);
    const label = /^b(\d+)(?:\((.*)\))?:$/.exec(line);
    if (heading) {
      fn.name = heading[1]!;
      fn.params = list(heading[2]!).map(reg);
    } else if (slot) fn.slots[Number(slot[1])] = { size: Number(slot[2]), note: slot[3]! };
    else if (label) open(Number(label[1]), list(label[2] ?? "").map(reg));
    else {
      if (ended) open(fn.blocks.length, []);
      const end = parseEnd(line);
      if (end) {
        block!.end = end;
        ended = true;
      } else block!.insns.push(parseInsn(line));
    }
  }
  if (!ended) throw new Error(`b${block?.id} has no end`);
  for (let id = 0; id < fn.blocks.length; id++) fn.blocks[id] ??= undefined;
  fn.nextVReg = 1 + Math.max(-1, ...[...text.matchAll(/\bv(\d+)\b/g)].map((match) => Number(match[1])), ...fn.params);
  return fn;
}

function parseEnd(line: string): Terminator | undefined {
  const jump = /^jump (.*)$/.exec(line);
  if (jump) return { op: "jump", to: edge(jump[1]!) };
  const exit = /^exit (.*)$/.exec(line);
  if (exit) return { op: "exit", value: operand(exit[1]!) };
  const branch = /^if (\S+) (\S+) (\S+) then (b\d+(?:\(.*?\))?) else (b\d+(?:\(.*?\))?)( likely| unlikely)?$/.exec(
    line,
  );
  if (!branch) return undefined;
  const [, a, condition, b, then, otherwise, hint] = branch;
  return {
    op: "branch",
    condition: known(conditions, condition!),
    a: reg(a!),
    b: operand(b!),
    then: edge(then!),
    otherwise: edge(otherwise!),
    ...(hint === undefined ? {} : { likely: hint === " likely" }),
  };
}

function parseInsn(line: string): Insn {
  const store = /^u(\d+) \[(.*)\] = (.*)$/.exec(line);
  if (store) return { op: "store", size: bytes(store[1]!), ...place(store[2]!), value: operand(store[3]!) };
  const assignment = /^(v\d+) = (.*)$/.exec(line);
  const dst = assignment ? reg(assignment[1]!) : undefined;
  const text = assignment ? assignment[2]! : line;

  const atomic = /^atomic (\w+) u(\d+) \[(.*)\], (?:(v\d+), )?(v\d+)$/.exec(text);
  if (atomic) {
    return {
      op: "atomic",
      atomic: atomic[1] as AtomicOp,
      dst,
      size: bytes(atomic[2]!) as 4 | 8,
      ...place(atomic[3]!),
      value: reg(atomic[5]!),
      ...(atomic[4] === undefined ? {} : { expected: reg(atomic[4]) }),
    };
  }
  const local = /^call fn(\d+)\((.*)\)$/.exec(text);
  if (local) return { op: "call-local", dst, index: Number(local[1]), args: list(local[2]!).map(operand) };
  const call = /^call (\w+)\((.*)\)( pure)?$/.exec(text);
  if (call) {
    return {
      op: "call",
      dst,
      helper: call[1] as HelperName,
      args: list(call[2]!).map(operand),
      pure: call[3] !== undefined,
    };
  }
  if (dst === undefined) throw new Error(`not an instruction: ${line}`);
  return { dst, ...parseValue(text) } as Insn;
}

type Value = { [K in Insn["op"]]: Omit<Extract<Insn, { op: K }>, "dst" | "span"> }[Insn["op"]];

/** The forms of a value, each with its meaning; the first that matches counts. */
const valueForms: [RegExp, (...groups: string[]) => Value][] = [
  [/^const (\S+)$/, (value) => ({ op: "const", value: BigInt(value!) })],
  [/^host (\w+)$/, (constant) => ({ op: "host-const", constant: constant as HostConstant })],
  [/^map map(\d+)$/, (map) => ({ op: "map", map: Number(map) })],
  [
    /^&map(\d+)\[0\]([+-]\d+)?$/,
    (map, offset = "0") => ({ op: "map-value", map: Number(map), offset: Number(offset) }),
  ],
  [/^&s(\d+)([+-]\d+)?$/, (slot, offset = "0") => ({ op: "slot", slot: Number(slot), offset: Number(offset) })],
  [/^func (\d+)$/, (index) => ({ op: "func", index: Number(index) })],
  [/^(v\d+)$/, (src) => ({ op: "copy", src: reg(src!) })],
  [/^log2\((v\d+)\)$/, (src) => ({ op: "log2", src: reg(src!) })],
  [/^forget (v\d+)$/, (src) => ({ op: "forget", src: reg(src!) })],
  [
    /^detour (v\d+) by \[(v\d+)([+-]\d+)?\]$/,
    (src, base, offset = "0") => ({ op: "detour", src: reg(src!), base: reg(base!), offset: Number(offset) }),
  ],
  [/^exhausted$/, () => ({ op: "exhausted" })],
  [/^bswap(\d+)\((v\d+)\)$/, (size, src) => ({ op: "bswap", size: bytes(size!) as 2 | 4 | 8, src: reg(src!) })],
  [
    /^([us])(\d+)\((v\d+)\)$/,
    (sign, size, src) => ({ op: "extend", signed: sign === "s", size: bytes(size!) as 1 | 2 | 4, src: reg(src!) }),
  ],
  [
    /^([us])(\d+) \[(.*)\]( invariant)?$/,
    (sign, size, at, invariant) => ({
      op: "load",
      signed: sign === "s",
      size: bytes(size!),
      ...place(at!),
      invariant: invariant !== undefined,
    }),
  ],
  [/^lookup map(\d+)\[\*(v\d+)\]$/, (map, key) => ({ op: "lookup", map: Number(map), key: { address: reg(key!) } })],
  [
    /^lookup map(\d+)\[u(\d+) (\S+)\]$/,
    (map, size, key) => ({ op: "lookup", map: Number(map), key: { value: operand(key!), size: bytes(size!) } }),
  ],
  [
    /^(v\d+) (\S+) (\S+)$/,
    (a, symbol, b) => {
      const alu = aluOps[symbol!];
      if (alu) return { op: "alu", alu, a: reg(a!), b: operand(b!) };
      return { op: "compare", condition: known(conditions, symbol!), a: reg(a!), b: operand(b!) };
    },
  ],
];

function parseValue(text: string): Value {
  for (const [form, meaning] of valueForms) {
    const match = form.exec(text);
    if (match) return meaning(...match.slice(1));
  }
  throw new Error(`not a value: ${text}`);
}

function list(text: string): string[] {
  return text.trim() === "" ? [] : text.split(",").map((item) => item.trim());
}

function reg(text: string): VReg {
  const match = /^v(\d+)$/.exec(text);
  if (!match) throw new Error(`not a register: ${text}`);
  return Number(match[1]) as VReg;
}

function operand(text: string): Operand {
  return text.startsWith("v") ? reg(text) : { imm: BigInt(text) };
}

function edge(text: string): Edge {
  const match = /^b(\d+)(?:\((.*)\))?$/.exec(text);
  if (!match) throw new Error(`not an edge: ${text}`);
  return { block: Number(match[1]), args: list(match[2] ?? "").map(reg) };
}

function place(text: string): { base: VReg; offset: number } {
  const match = /^(v\d+)([+-]\d+)?$/.exec(text);
  if (!match) throw new Error(`not an address: ${text}`);
  return { base: reg(match[1]!), offset: Number(match[2] ?? 0) };
}

function bytes(bits: string): Size {
  return (Number(bits) / 8) as Size;
}

function known<T>(table: Record<string, T>, key: string): T {
  const value = table[key];
  if (value === undefined) throw new Error(`unknown symbol ${key}`);
  return value;
}
