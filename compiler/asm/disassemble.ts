/**
 * From bytes to text, in the notation of the kernel verifier's log, so that a dump and a rejection can be read side by
 * side. Never throws on strange code: what it does not know it prints as numbers.
 */
import type { HostConstant, Relocation } from "../program.ts";
import { decode, type RawInstruction } from "./decode.ts";
import { helperById } from "./helpers.ts";
import {
  ALU_END,
  ALU_NEG,
  ATOMIC_FETCH,
  aluCodes,
  atomicCodes,
  CallKind,
  Class,
  conditionCodes,
  JMP_CALL,
  JMP_EXIT,
  JMP_JA,
  JMP_MAY,
  Mode,
  Pseudo,
  SOURCE_REGISTER,
} from "./opcodes.ts";

export interface DisassembleOptions {
  /** Names what the loader patches in. */
  relocations?: readonly Relocation[];
  /** Names of the maps that relocations refer to by index. */
  maps?: readonly string[];
}

export interface DisassembledInstruction {
  slot: number;
  text: string;
}

/** One entry an instruction: `{ slot: 4, text: "(15) if r0 == 0x0 goto pc+3" }`; 64-bit immediates take two slots. */
export function disassembleInstructions(code: Uint8Array, options: DisassembleOptions = {}): DisassembledInstruction[] {
  const raw = decode(code);
  const relocations = new Map(options.relocations?.map((relocation) => [relocation.slot, relocation]));
  const result: DisassembledInstruction[] = [];
  for (let slot = 0; slot < raw.length; slot++) {
    const insn = raw[slot]!;
    const wide = insn.opcode === WIDE;
    const body = wide
      ? `r${insn.dst} = ${wideValue(insn, raw[slot + 1], relocations.get(slot), options.maps ?? [])}`
      : instructionText(insn);
    result.push({ slot, text: `(${insn.opcode.toString(16).padStart(2, "0")}) ${body}` });
    if (wide) slot++;
  }
  return result;
}

/** The whole program as text, one instruction a line with its slot number. */
export function disassemble(code: Uint8Array, options: DisassembleOptions = {}): string {
  return disassembleInstructions(code, options)
    .map(({ slot, text }) => `${String(slot).padStart(4)}: ${text}\n`)
    .join("");
}

const WIDE = Mode.IMM | 0x18 | Class.LD;

function instructionText(insn: RawInstruction): string {
  switch (insn.opcode & 7) {
    case Class.ALU:
    case Class.ALU64:
      return aluText(insn);
    case Class.JMP:
    case Class.JMP32:
      return jumpText(insn);
    case Class.LDX:
    case Class.ST:
    case Class.STX:
      return memoryText(insn);
    default:
      return unknown(insn);
  }
}

function wideValue(
  insn: RawInstruction,
  second: RawInstruction | undefined,
  relocation: Relocation | undefined,
  maps: readonly string[],
): string {
  const mapName = (index: number): string => maps[index] ?? `#${index}`;
  switch (relocation?.kind) {
    case "map":
      return `map[${mapName(relocation.map)}]`;
    case "map_value":
      return `map[${mapName(relocation.map)}][0]+${relocation.offset}`;
    case "constant":
      return hostConstant(relocation.constant);
  }
  const high = second?.imm ?? 0;
  switch (insn.src) {
    case Pseudo.VALUE:
      return `0x${((BigInt(high >>> 0) << 32n) | BigInt(insn.imm >>> 0)).toString(16)}`;
    case Pseudo.MAP_FD:
      return `map[fd:${insn.imm}]`;
    case Pseudo.MAP_VALUE:
      return `map[fd:${insn.imm}][0]+${high}`;
    case Pseudo.FUNC:
      return `func[pc${plus(insn.imm)}]`;
    default:
      return `pseudo${insn.src}(${insn.imm}, ${high})`;
  }
}

function hostConstant(constant: HostConstant): string {
  return `host[${constant}]`;
}

const aluSymbols: Record<number, string> = {
  [aluCodes.add]: "+=",
  [aluCodes.sub]: "-=",
  [aluCodes.mul]: "*=",
  [aluCodes.div]: "/=",
  [aluCodes.or]: "|=",
  [aluCodes.and]: "&=",
  [aluCodes.lsh]: "<<=",
  [aluCodes.rsh]: ">>=",
  [aluCodes.mod]: "%=",
  [aluCodes.xor]: "^=",
  [aluCodes.mov]: "=",
  [aluCodes.arsh]: "s>>=",
};

function aluText(insn: RawInstruction): string {
  const wide = (insn.opcode & 7) === Class.ALU64;
  const operation = insn.opcode & 0xf0;
  const fromRegister = (insn.opcode & SOURCE_REGISTER) !== 0;
  const r = wide ? "r" : "w";
  const dst = `${r}${insn.dst}`;
  if (operation === ALU_NEG) return `${dst} = -${dst}`;
  if (operation === ALU_END) {
    const order = wide ? "bswap" : fromRegister ? "be" : "le";
    return `r${insn.dst} = ${order}${insn.imm} r${insn.dst}`;
  }
  const symbol = aluSymbols[operation];
  if (!symbol) return unknown(insn);
  const src = fromRegister ? `${r}${insn.src}` : String(insn.imm);
  if (operation === aluCodes.mov && insn.offset !== 0) return `${dst} = (s${insn.offset})${src}`;
  const divides = operation === aluCodes.div || operation === aluCodes.mod;
  return `${dst} ${divides && insn.offset === 1 ? "s" : ""}${symbol} ${src}`;
}

const conditionSymbols: Record<number, string> = {
  [conditionCodes.eq]: "==",
  [conditionCodes.ne]: "!=",
  [conditionCodes.gt]: ">",
  [conditionCodes.ge]: ">=",
  [conditionCodes.lt]: "<",
  [conditionCodes.le]: "<=",
  [conditionCodes.set]: "&",
  [conditionCodes.sgt]: "s>",
  [conditionCodes.sge]: "s>=",
  [conditionCodes.slt]: "s<",
  [conditionCodes.sle]: "s<=",
};

function jumpText(insn: RawInstruction): string {
  const wide = (insn.opcode & 7) === Class.JMP;
  const operation = insn.opcode & 0xf0;
  if (operation === JMP_JA) return wide ? `goto pc${plus(insn.offset)}` : `gotol pc${plus(insn.imm)}`;
  if (wide && operation === JMP_MAY) return `may_goto pc${plus(insn.offset)}`;
  if (wide && operation === JMP_EXIT) return "exit";
  if (wide && operation === JMP_CALL) {
    if (insn.src === CallKind.LOCAL) return `call pc${plus(insn.imm)}`;
    if (insn.src === CallKind.KFUNC) return `call kernel function#${insn.imm}`;
    const name = helperById(insn.imm);
    return name ? `call bpf_${name}#${insn.imm}` : `call unknown#${insn.imm}`;
  }
  const symbol = conditionSymbols[operation];
  if (!symbol) return unknown(insn);
  const r = wide ? "r" : "w";
  const src = insn.opcode & SOURCE_REGISTER ? `${r}${insn.src}` : `0x${(insn.imm >>> 0).toString(16)}`;
  return `if ${r}${insn.dst} ${symbol} ${src} goto pc${plus(insn.offset)}`;
}

const sizeBits: Record<number, number> = { 0: 32, 8: 16, 16: 8, 24: 64 };

const atomicNames: Record<number, string> = {
  [atomicCodes.add]: "add",
  [atomicCodes.or]: "or",
  [atomicCodes.and]: "and",
  [atomicCodes.xor]: "xor",
};

function memoryText(insn: RawInstruction): string {
  const bits = sizeBits[insn.opcode & 0x18]!;
  const mode = insn.opcode & 0xe0;
  const place = (base: number, sign = "u"): string => `*(${sign}${bits} *)(r${base} ${plus(insn.offset)})`;
  switch (insn.opcode & 7) {
    case Class.LDX:
      if (mode === Mode.MEM) return `r${insn.dst} = ${place(insn.src)}`;
      if (mode === Mode.MEMSX) return `r${insn.dst} = ${place(insn.src, "s")}`;
      return unknown(insn);
    case Class.ST:
      return mode === Mode.MEM ? `${place(insn.dst)} = ${insn.imm}` : unknown(insn);
    default:
      if (mode === Mode.MEM) return `${place(insn.dst)} = r${insn.src}`;
      return mode === Mode.ATOMIC ? atomicText(insn, bits, place(insn.dst)) : unknown(insn);
  }
}

function atomicText(insn: RawInstruction, bits: number, place: string): string {
  // The verifier writes the address of a fetching operation as `(u64 *)(r1 +0)`.
  const target = place.slice(1);
  if (insn.imm === atomicCodes.xchg) return `r${insn.src} = atomic${bits}_xchg(${target}, r${insn.src})`;
  if (insn.imm === atomicCodes.cmpxchg) return `r0 = atomic${bits}_cmpxchg(${target}, r0, r${insn.src})`;
  const operation = insn.imm & ~ATOMIC_FETCH;
  const name = atomicNames[operation];
  if (!name) return unknown(insn);
  if (insn.imm & ATOMIC_FETCH) return `r${insn.src} = atomic${bits}_fetch_${name}(${target}, r${insn.src})`;
  return `lock ${place} ${aluSymbols[operation]} r${insn.src}`;
}

function unknown(insn: RawInstruction): string {
  return `unknown dst=${insn.dst} src=${insn.src} off=${insn.offset} imm=${insn.imm}`;
}

function plus(value: number): string {
  return value < 0 ? String(value) : `+${value}`;
}
