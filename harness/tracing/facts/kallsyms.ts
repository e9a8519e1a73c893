/**
 * Kernel symbols. The list has some 200,000 lines that the kernel writes anew at each reading, so one name is found by
 * reading until it appears, and the sorted table that turns addresses into names is only made when asked for.
 */
import { closeSync, openSync, readFileSync, readSync } from "node:fs";
import { CapabilityError, errnoOf } from "./capability-error.ts";

const CHUNK_BYTES = 1 << 20;
const HIDDEN = "run as root; if kernel.kptr_restrict is 2: sysctl kernel.kptr_restrict=1";

/** The address of the first symbol of that name. Throws CapabilityError when the kernel hides its addresses. */
export function findSymbol(path: string, name: string): bigint | undefined {
  if (!/^[\w.$]+$/.test(name)) return undefined;
  for (const lines of readLines(path)) {
    // "ffffffff81000000 T name" or, in a module, "ffffffffc0000000 t name\t[module]"
    const at = findWord(lines, name);
    if (at < 0) continue;
    const line = lines.toString("latin1", lines.lastIndexOf(NEWLINE, at) + 1, at);
    return visible(line);
  }
  return undefined;
}

function visible(line: string): bigint {
  const address = BigInt(`0x${line.slice(0, line.indexOf(" "))}`);
  // Absolute symbols, those of per-CPU data, may really be at 0.
  if (address === 0n && !/ a $/i.test(line)) throw hidden();
  return address;
}

function hidden(): CapabilityError {
  return new CapabilityError("the kernel hides the addresses of its symbols", HIDDEN);
}

const NEWLINE = 0x0a;
const TAB = 0x09;
const SPACE = 0x20;
const LETTER_T = 0x74;
const LETTER_W = 0x77;

/** Where `name` stands as a whole word that ends its line or is followed by a module; -1 when it does not. */
function findWord(lines: Buffer, name: string): number {
  for (let at = lines.indexOf(name); at >= 0; at = lines.indexOf(name, at + 1)) {
    const after = lines[at + name.length];
    if (lines[at - 1] === SPACE && (after === NEWLINE || after === TAB || after === undefined)) return at;
  }
  return -1;
}

/** The file's content in pieces that end where lines end. */
function* readLines(path: string): Generator<Buffer> {
  let fd: number;
  try {
    fd = openSync(path, "r");
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return;
    throw new CapabilityError("kernel symbols may not be read", HIDDEN, error);
  }
  try {
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
    let kept = 0;
    for (;;) {
      const length = kept + readSync(fd, chunk, kept, CHUNK_BYTES - kept, null);
      if (length === kept) {
        if (kept > 0) yield chunk.subarray(0, kept);
        return;
      }
      const end = chunk.subarray(0, length).lastIndexOf(NEWLINE) + 1;
      // A line as long as the chunk is none of kallsyms.
      if (end === 0 && length === CHUNK_BYTES) return;
      yield chunk.subarray(0, end);
      chunk.copyWithin(0, end, length);
      kept = length - end;
    }
  } finally {
    closeSync(fd);
  }
}

export interface Symbolised {
  name: string;
  /** Bytes from the symbol's start. */
  offset: number;
  /** Undefined for symbols of the kernel proper. */
  module: string | undefined;
}

/** Addresses are kept as numbers, which hold 52 bits, less the ones that all addresses of kernels share. */
const KERNEL_BASE = 0xfff0_0000_0000_0000n;
/** Further from a symbol than the longest function is nowhere. */
const MAX_OFFSET = 16 * 1024 * 1024;

/** All symbols by address. */
export class SymbolTable {
  readonly #text: Buffer;
  /** Ascending, relative to {@link KERNEL_BASE}. */
  readonly #addresses: Float64Array;
  /** For each address where in the text its name begins. */
  readonly #names: Uint32Array;

  private constructor(text: Buffer, addresses: Float64Array, names: Uint32Array) {
    this.#text = text;
    this.#addresses = addresses;
    this.#names = names;
  }

  /** Reads the whole list. Throws CapabilityError when the kernel hides its addresses. */
  static read(path: string): SymbolTable {
    let text: Buffer;
    try {
      text = readFileSync(path);
    } catch (error) {
      throw new CapabilityError("kernel symbols may not be read", HIDDEN, error);
    }
    const table = SymbolTable.parse(text);
    if (table.size === 0 && text.length > 0) throw hidden();
    return table;
  }

  /** `text` is that of /proc/kallsyms; it stays in use. Symbols outside the kernel's half of memory are left out. */
  static parse(text: Buffer): SymbolTable {
    const addresses: number[] = [];
    const names: number[] = [];
    let sorted = true;
    for (let line = 0; line < text.length; ) {
      const newline = text.indexOf(NEWLINE, line);
      const end = newline < 0 ? text.length : newline;
      const space = text.indexOf(SPACE, line);
      if (space > line && space + 3 < end) {
        const address = addressAt(text, line, space);
        if (address !== undefined) {
          sorted &&= addresses.length === 0 || address >= addresses.at(-1)!;
          addresses.push(address);
          names.push(space + 3);
        }
      }
      line = end + 1;
    }
    const order = Uint32Array.from(addresses.keys());
    // Modules and BPF programs come last and lie in between. Of several names of an address the first one counts.
    if (!sorted) order.sort((a, b) => addresses[a]! - addresses[b]! || a - b);
    return new SymbolTable(
      text,
      Float64Array.from(order, (i) => addresses[i]!),
      Uint32Array.from(order, (i) => names[i]!),
    );
  }

  get size(): number {
    return this.#addresses.length;
  }

  /** The symbol that an address lies in: the nearest one below. */
  resolve(address: bigint): Symbolised | undefined {
    const wanted = Number(address - KERNEL_BASE);
    let low = 0;
    let high = this.#addresses.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#addresses[middle]! <= wanted) low = middle + 1;
      else high = middle;
    }
    let found = low - 1;
    if (found < 0) return undefined;
    const start = this.#addresses[found]!;
    if (wanted - start > MAX_OFFSET) return undefined;
    while (found > 0 && this.#addresses[found - 1] === start) found--;
    return { ...this.#nameAt(this.#names[found]!), offset: wanted - start };
  }

  /** Functions (symbols of code), ascending by address. */
  *functions(): Generator<{ name: string; module: string }> {
    for (const at of this.#names) {
      const type = this.#text[at - 2]! | 0x20;
      if (type !== LETTER_T && type !== LETTER_W) continue;
      const { name, module = "vmlinux" } = this.#nameAt(at);
      yield { name, module };
    }
  }

  #nameAt(at: number): Pick<Symbolised, "name" | "module"> {
    const newline = this.#text.indexOf(NEWLINE, at);
    const line = this.#text.toString("latin1", at, newline < 0 ? this.#text.length : newline);
    const [name = "", module] = line.split("\t");
    return { name, module: module?.replace(/^\[|\]$/g, "") };
  }
}

/** The address in hexadecimal between two places, relative to {@link KERNEL_BASE}; undefined below it. */
function addressAt(text: Buffer, start: number, end: number): number | undefined {
  // All kernel addresses have 16 digits and begin with fff.
  if (end - start !== 16 || hexDigit(text[start]!) !== 15 || hexDigit(text[start + 1]!) !== 15) return undefined;
  if (hexDigit(text[start + 2]!) !== 15) return undefined;
  let value = 0;
  for (let i = start + 3; i < end; i++) value = value * 16 + hexDigit(text[i]!);
  return value;
}

function hexDigit(code: number): number {
  return code <= 0x39 ? code - 0x30 : (code | 0x20) - 0x57;
}
