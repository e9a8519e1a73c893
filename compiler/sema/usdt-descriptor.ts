/**
 * How the arguments of a USDT probe are found. Whoever compiled the program left a text for each place of a probe that
 * names, in the assembler's notation, where the arguments are there: `-4@%edi 8@-16(%rbp) 8@$5` has a number in a
 * register, one on the stack, and a constant, of 4 bytes (and a sign), 8 and 8.
 */
import type { KernelFacts } from "../kernel-facts.ts";
import type { Size } from "./types.ts";

export interface UsdtArgument {
  size: Size;
  signed: boolean;
  source: UsdtSource;
}

export type UsdtSource =
  | { from: "constant"; value: bigint }
  /** A part of a saved register: `width` bytes from `byte` on. */
  | { from: "register"; register: string; byte: number; width: Size }
  | { from: "memory"; at: UsdtAddress }
  /** Where no program can read it. */
  | { from: "nowhere"; reason: string };

/** symbol + base + index * scale + displacement. */
export interface UsdtAddress {
  symbol: string | undefined;
  base: string | undefined;
  index: { register: string; scale: number } | undefined;
  displacement: number;
}

type Arch = KernelFacts["arch"];

/** The arguments in order. What cannot be understood is an argument, too: one that is nowhere. */
export function parseArguments(text: string, arch: Arch): UsdtArgument[] {
  return (text.match(WORD) ?? []).map((word) => argument(word, arch));
}

/** Brackets may hold blanks. */
const WORD = /(?:\([^)]*\)|\[[^\]]*\]|\S)+/g;
const PREFIX = /^(-?)(\d+)(f?)@/;
/** Without one it is as wide as a register. */
const NO_PREFIX = ["", "-", "8", ""] as const;

function argument(word: string, arch: Arch): UsdtArgument {
  const [prefix, sign, bytes, float] = PREFIX.exec(word) ?? NO_PREFIX;
  const size = Number(bytes);
  const nowhere = (reason: string): UsdtArgument => ({ size: 8, signed: true, source: { from: "nowhere", reason } });
  if (float) return nowhere("it is a floating-point number");
  if (!isSize(size)) return nowhere(`it is ${size} bytes wide`);
  const operand = word.slice(prefix.length);
  const source = OPERANDS[arch](operand) ?? { from: "nowhere", reason: `\`${operand}\` is not understood` };
  return { size, signed: sign === "-", source };
}

const OPERANDS: Readonly<Record<Arch, (text: string) => UsdtSource | undefined>> = {
  x64: x64Operand,
  arm64: armOperand,
};

// x86-64: `$5`, `%eax`, `-16(%rbp)`, `(%rax,%rdx,8)`, `counter+4(%rip)`, `counter`

function x64Operand(text: string): UsdtSource | undefined {
  if (text.startsWith("$")) return constant(text.slice(1));
  if (text.includes(":"))
    return { from: "nowhere", reason: "it is in a segment of its own, such as a variable of the thread" };
  if (text.startsWith("%")) {
    const part = x64Register(text);
    return part && { from: "register", ...part };
  }
  const [, offset, inside] = /^([^()]*)(?:\((.*)\))?$/.exec(text) ?? [];
  if (offset === undefined || (offset === "" && inside === undefined)) return undefined;
  const distance = displacement(offset);
  const [base, index, scale = "1", ...rest] = (inside ?? "").split(",").map((each) => each.trim());
  const [first, second] = [base, index].map((each) => (each ? addressRegister(x64Register(each)) : undefined));
  const isWhole = (!base || first) && (!index || second) && /^[1248]$/.test(scale) && rest.length === 0;
  if (!distance || !isWhole) return undefined;
  const scaled = second === undefined ? undefined : { register: second, scale: Number(scale) };
  return { from: "memory", at: { ...distance, base: first, index: scaled } };
}

interface RegisterPart {
  register: string;
  byte: number;
  width: Size;
}

/** The parts of registers by their names: `%rax`, `%eax`, `%ax`, `%al`, `%ah`; `%r8`, `%r8d`, `%r8w`, `%r8b`. */
const X64_REGISTERS: ReadonlyMap<string, RegisterPart> = new Map(
  [
    ...["ax", "bx", "cx", "dx"].flatMap((name) => [...x64Parts(name, `${name[0]}l`), part(`${name[0]}h`, name, 1, 1)]),
    ...["si", "di", "bp", "sp"].flatMap((name) => x64Parts(name, `${name}l`)),
    ...[8, 9, 10, 11, 12, 13, 14, 15].flatMap((n) => {
      const name = `r${n}`;
      return [part(name, name, 8), part(`${name}d`, name, 4), part(`${name}w`, name, 2), part(`${name}b`, name, 1)];
    }),
    part("rip", "ip", 8),
  ].map(({ name, ...rest }) => [`%${name}`, rest]),
);

function x64Parts(name: string, low: string): (RegisterPart & { name: string })[] {
  return [part(`r${name}`, name, 8), part(`e${name}`, name, 4), part(name, name, 2), part(low, name, 1)];
}

function part(name: string, register: string, width: Size, byte = 0): RegisterPart & { name: string } {
  return { name, register, byte, width };
}

function x64Register(text: string): RegisterPart | undefined {
  return X64_REGISTERS.get(text);
}

/** Addresses are made of whole registers. */
function addressRegister(found: RegisterPart | undefined): string | undefined {
  return found?.width === 8 ? found.register : undefined;
}

// arm64: `5`, `x0`, `w0`, `sp`, `[x0]`, `[sp, 16]`, `[x0, x1, lsl 3]`

function armOperand(text: string): UsdtSource | undefined {
  const [, inside] = /^\[(.*)\]$/.exec(text) ?? [];
  if (inside === undefined) {
    const part = armRegister(text);
    return part ? { from: "register", ...part } : constant(text);
  }
  const [base, index, shift, ...rest] = inside.split(",").map((each) => each.trim());
  const first = addressRegister(armRegister(base ?? ""));
  if (first === undefined || rest.length > 0) return undefined;
  const at: UsdtAddress = { symbol: undefined, base: first, index: undefined, displacement: 0 };
  if (index === undefined) return { from: "memory", at };
  const distance = constant(index);
  if (distance?.from === "constant") {
    return shift === undefined ? { from: "memory", at: { ...at, displacement: Number(distance.value) } } : undefined;
  }
  const second = addressRegister(armRegister(index));
  const [, bits] = shift === undefined ? ["", "0"] : (/^lsl #?([0-3])$/.exec(shift) ?? []);
  if (second === undefined || bits === undefined) return undefined;
  return { from: "memory", at: { ...at, index: { register: second, scale: 1 << Number(bits) } } };
}

function armRegister(text: string): RegisterPart | undefined {
  if (text === "sp") return { register: "sp", byte: 0, width: 8 };
  const [, kind, number] = /^([xw])([12]?\d|30)$/.exec(text) ?? [];
  return kind === undefined ? undefined : { register: `r${number}`, byte: 0, width: kind === "x" ? 8 : 4 };
}

// Numbers

function constant(text: string): UsdtSource | undefined {
  const value = number(text.replace(/^#/, ""));
  return value === undefined ? undefined : { from: "constant", value };
}

function number(text: string): bigint | undefined {
  const [, sign, digits] = /^([+-]?)(0x[0-9a-f]+|\d+)$/i.exec(text) ?? [];
  if (digits === undefined) return undefined;
  return sign === "-" ? -BigInt(digits) : BigInt(digits);
}

/** `-16`, `counter`, `counter+4`, `4+counter`: numbers are added up, and one symbol may be among them. */
function displacement(text: string): Pick<UsdtAddress, "symbol" | "displacement"> | undefined {
  const terms = text.match(/[+-]?[^+-]+|[+-]/g) ?? [];
  let symbol: string | undefined;
  let sum = 0;
  for (const term of terms) {
    const value = number(term);
    if (value !== undefined) {
      sum += Number(value);
      continue;
    }
    const [, name] = /^\+?([A-Za-z_.$][\w.$]*)$/.exec(term) ?? [];
    if (name === undefined || symbol !== undefined) return undefined;
    symbol = name;
  }
  return { symbol, displacement: sum };
}

function isSize(size: number): size is Size {
  return size === 1 || size === 2 || size === 4 || size === 8;
}
