/**
 * Lengths of x86-64 instructions: a uprobe in the middle of one would damage the program. What an instruction does is
 * not looked at; its length follows from prefixes, opcode, ModRM byte, displacement and immediate.
 */

/** What stands behind an opcode. Several may be there: `M` with an immediate, or two immediates. */
const MODRM = 1;
const IMM8 = 2;
const IMM16 = 4;
/** 2 bytes behind a 66 prefix, else 4. */
const IMM_OPERAND = 8;
/** 4 bytes whatever the prefixes. */
const IMM32 = 16;
/** 8 bytes with REX.W, else as an operand's. */
const IMM_FULL = 32;
/** An absolute address: 4 bytes behind a 67 prefix, else 8. */
const ADDRESS = 64;
/** A test, which alone in its group has an immediate: if the register field of ModRM is 0 or 1. */
const TEST = 128;
const INVALID = 256;

type Map = Uint16Array;

/** `from-to` or single opcodes in hexadecimal, and what stands behind them. */
function opcodes(fill: number, rows: Readonly<Record<string, number>>): Map {
  const map = new Uint16Array(256).fill(fill);
  for (const [ranges, what] of Object.entries(rows)) {
    for (const range of ranges.split(" ")) {
      const [first, last] = range.split("-").map((text) => Number.parseInt(text, 16)) as [number, number?];
      map.fill(what, first, (last ?? first) + 1);
    }
  }
  return map;
}

const ARITHMETIC = [0x00, 0x08, 0x10, 0x18, 0x20, 0x28, 0x30, 0x38];

const ONE_BYTE = opcodes(0, {
  "06 07 0e 16 17 1e 1f 27 2f 37 3f 60 61 62 82 9a c4 c5 ce d4 d5 d6 ea": INVALID,
  "63 84-8f d0-d3 d8-df fe ff": MODRM,
  "6b 80 83 c0 c1 c6": MODRM | IMM8,
  "69 81 c7": MODRM | IMM_OPERAND,
  "68 a9": IMM_OPERAND,
  "6a 70-7f a8 b0-b7 cd e0-e7 eb": IMM8,
  "a0-a3": ADDRESS,
  "b8-bf": IMM_FULL,
  "c2 ca": IMM16,
  c8: IMM16 | IMM8,
  "e8 e9": IMM32,
  f6: MODRM | TEST | IMM8,
  f7: MODRM | TEST | IMM_OPERAND,
});
for (const first of ARITHMETIC) {
  ONE_BYTE.fill(MODRM, first, first + 4);
  ONE_BYTE[first + 4] = IMM8;
  ONE_BYTE[first + 5] = IMM_OPERAND;
}

const TWO_BYTE = opcodes(MODRM, {
  "04 0a 0c 24-27 36 39 3b-3f 7a 7b a6 a7": INVALID,
  "05-09 0b 0e 30-35 37 77 a0-a2 a8-aa c8-cf": 0,
  "80-8f": IMM32,
  "0f 70-73 a4 ac ba c2 c4-c6": MODRM | IMM8,
});
const VECTOR = opcodes(MODRM, { "70-73 c2 c4-c6": MODRM | IMM8, "77": 0 });
const WITHOUT_IMMEDIATE = opcodes(MODRM, {});
const WITH_IMMEDIATE = opcodes(MODRM | IMM8, {});

/** The opcode maps that VEX, EVEX and XOP select by number. */
const VECTOR_MAPS: ReadonlyMap<number, Map> = new Map([
  [1, VECTOR],
  [2, WITHOUT_IMMEDIATE],
  [3, WITH_IMMEDIATE],
  [5, WITHOUT_IMMEDIATE],
  [6, WITHOUT_IMMEDIATE],
  [8, WITH_IMMEDIATE],
  [9, WITHOUT_IMMEDIATE],
  [10, opcodes(MODRM | IMM32, {})],
]);

/** Bytes of the vector prefixes behind the first one. XOP shares its first byte with `pop`, whose second one is smaller. */
function vectorPrefix(byte: number, selector: number): { length: number; map: number } | undefined {
  if (byte === 0xc5) return { length: 1, map: 1 };
  if (byte === 0xc4 || (byte === 0x8f && (selector & 0x1f) >= 8)) return { length: 2, map: selector & 0x1f };
  return byte === 0x62 ? { length: 3, map: selector & 7 } : undefined;
}

const LEGACY_PREFIXES: ReadonlySet<number> = new Set([
  ...[0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65],
  ...[0x66, 0x67, 0xf0, 0xf2, 0xf3],
]);

/** Bytes of the instruction at `start`; undefined where there is none that is known, or the code ends within it. */
export function instructionLength(code: Uint8Array, start: number): number | undefined {
  let at = start;
  let short = false;
  let shortAddress = false;
  while (LEGACY_PREFIXES.has(code[at] ?? 0)) {
    short ||= code[at] === 0x66;
    shortAddress ||= code[at] === 0x67;
    at++;
  }
  let byte = code[at++] ?? 0;
  let wide = false;
  if (byte >= 0x40 && byte <= 0x4f) {
    wide = (byte & 8) !== 0;
    byte = code[at++] ?? 0;
  }
  let map: Map | undefined = ONE_BYTE;
  const vector = vectorPrefix(byte, code[at] ?? 0);
  if (byte === 0x0f) {
    byte = code[at++] ?? 0;
    map = byte === 0x38 ? WITHOUT_IMMEDIATE : byte === 0x3a ? WITH_IMMEDIATE : TWO_BYTE;
    if (map !== TWO_BYTE) byte = code[at++] ?? 0;
  } else if (vector) {
    map = VECTOR_MAPS.get(vector.map);
    at += vector.length;
    byte = code[at++] ?? 0;
  }
  const what = map?.[byte] ?? INVALID;
  if (what & INVALID) return undefined;
  const modrm = code[at] ?? 0;
  if (what & MODRM) at += modrmLength(code, at);
  // The immediate of the group of tests is there for two of its eight members.
  if (!(what & TEST) || (modrm & 0x38) <= 8) at += immediateLength(what, { short: short && !wide, shortAddress, wide });
  return at <= code.length ? at - start : undefined;
}

/** The ModRM byte, a SIB byte, a displacement. */
function modrmLength(code: Uint8Array, at: number): number {
  const modrm = code[at] ?? 0;
  const mode = modrm >> 6;
  if (mode === 3) return 1;
  const hasSib = (modrm & 7) === 4;
  const base = hasSib ? (code[at + 1] ?? 0) & 7 : modrm & 7;
  const displacement = mode === 1 ? 1 : mode === 2 || base === 5 ? 4 : 0;
  return 1 + (hasSib ? 1 : 0) + displacement;
}

interface Sizes {
  short: boolean;
  shortAddress: boolean;
  wide: boolean;
}

function immediateLength(what: number, { short, shortAddress, wide }: Sizes): number {
  let length = 0;
  if (what & IMM8) length += 1;
  if (what & IMM16) length += 2;
  if (what & IMM_OPERAND) length += short ? 2 : 4;
  if (what & IMM32) length += 4;
  if (what & IMM_FULL) length += wide ? 8 : short ? 2 : 4;
  if (what & ADDRESS) length += shortAddress ? 4 : 8;
  return length;
}
