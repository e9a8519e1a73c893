/**
 * Type information about a program's own functions. The kernel wants it for programs that hand a function to a
 * helper (bpf_loop and the like): it must see that the function is static. Names and parameter counts are all it says.
 */
import type { ProgramBtf } from "../program.ts";

export interface FunctionInfo {
  name: string;
  params: number;
  /** Where the function starts in the code. */
  slot: number;
}

const MAGIC = 0xeb9f;
const HEADER_BYTES = 24;
const FUNC_INFO_BYTES = 8;
const Kind = { INT: 1, FUNC: 12, FUNC_PROTO: 13 } as const;
const Linkage = { STATIC: 0, GLOBAL: 1 } as const;

/** `functions` in the order of the code; the first is the program's entry. */
export function programBtf(functions: readonly FunctionInfo[]): ProgramBtf {
  const strings = new Strings();
  const words: number[] = [];
  const type = (name: string, kind: number, vlen: number, sizeOrType: number): void => {
    words.push(strings.offset(name), (kind << 24) | vlen, sizeOrType);
  };
  // [1] unsigned 64-bit integer: every parameter and result.
  const integer = 1;
  type("u64", Kind.INT, 0, 8);
  words.push(64);
  let id = integer;
  const infos = new Uint8Array(functions.length * FUNC_INFO_BYTES);
  const info = new DataView(infos.buffer);
  functions.forEach(({ name, params, slot }, i) => {
    type("", Kind.FUNC_PROTO, params, integer);
    for (let p = 0; p < params; p++) words.push(strings.offset(`a${p}`), integer);
    const prototype = ++id;
    type(name, Kind.FUNC, i === 0 ? Linkage.GLOBAL : Linkage.STATIC, prototype);
    info.setUint32(i * FUNC_INFO_BYTES, slot, true);
    info.setUint32(i * FUNC_INFO_BYTES + 4, ++id, true);
  });
  return { types: encode(words, strings.bytes()), functions: infos };
}

function encode(words: readonly number[], strings: Uint8Array): Uint8Array {
  const typeBytes = words.length * 4;
  const types = new Uint8Array(HEADER_BYTES + typeBytes + strings.length);
  const view = new DataView(types.buffer);
  view.setUint16(0, MAGIC, true);
  view.setUint8(2, 1);
  [HEADER_BYTES, 0, typeBytes, typeBytes, strings.length].forEach((value, i) => {
    view.setUint32(4 + i * 4, value, true);
  });
  words.forEach((word, i) => {
    view.setUint32(HEADER_BYTES + i * 4, word, true);
  });
  types.set(strings, HEADER_BYTES + typeBytes);
  return types;
}

/** The string section: each name once, each ended by a zero; offset 0 is the empty one. */
class Strings {
  readonly #offsets = new Map<string, number>([["", 0]]);
  #text = "\0";

  offset(name: string): number {
    const known = this.#offsets.get(name);
    if (known !== undefined) return known;
    const offset = this.#text.length;
    this.#offsets.set(name, offset);
    this.#text += `${name}\0`;
    return offset;
  }

  bytes(): Uint8Array {
    return Uint8Array.from(this.#text, (char) => char.charCodeAt(0));
  }
}
