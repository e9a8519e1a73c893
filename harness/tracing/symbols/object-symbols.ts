/** Symbols of one executable or library by address, read once when the first of its addresses is asked for. */
import { findDebugFile } from "../elf/debug-file.ts";
import { ElfError, ElfFile, type ReadAt, withFile } from "../elf/file.ts";
import { type ElfSymbol, elfSymbols } from "../elf/symbols.ts";

export interface ObjectPlace {
  name: string;
  /** Bytes behind the symbol's start. */
  offset: number;
}

export class ObjectSymbols {
  /** Ascending by address; of several at one address those that are liked less come first. */
  readonly #symbols: readonly ElfSymbol[];
  /** The largest end of a symbol up to each place: how far back one may reach that covers an address. */
  readonly #reach: Float64Array;
  readonly #elf: ElfFile;

  constructor(elf: ElfFile, symbols: Iterable<ElfSymbol>) {
    this.#elf = elf;
    this.#symbols = [...symbols].sort((a, b) => a.address - b.address || liking(a) - liking(b));
    this.#reach = new Float64Array(this.#symbols.length);
    let reach = 0;
    this.#symbols.forEach(({ address, size }, i) => {
      reach = Math.max(reach, address + Math.max(1, size));
      this.#reach[i] = reach;
    });
  }

  /** Reads a file, and its debug file if there is one. Undefined for what is no ELF file, or cannot be read. */
  static open(path: string): ObjectSymbols | undefined {
    try {
      const debug = withFile(path, (read) => findDebugFile(new ElfFile(read), path));
      const more = debug === undefined ? [] : withFile(debug, (read) => [...elfSymbols(new ElfFile(read))]);
      return withFile(path, (read) => ObjectSymbols.read(read, more));
    } catch (error) {
      // The file is gone, or not for us, or damaged: its addresses have no names then.
      if (error instanceof ElfError || (error as NodeJS.ErrnoException).code !== undefined) return undefined;
      throw error;
    }
  }

  /** Throws ElfError. */
  static read(read: ReadAt, more: readonly ElfSymbol[] = []): ObjectSymbols {
    const elf = new ElfFile(read);
    return new ObjectSymbols(elf, [...elfSymbols(elf), ...more]);
  }

  /** The symbol that covers a byte of the file once it is loaded. */
  atFileOffset(fileOffset: number): ObjectPlace | undefined {
    const address = this.#elf.addressAt(fileOffset);
    return address === undefined ? undefined : this.at(address);
  }

  /** The symbol that covers an address, as the file counts. Those without a size cover their own address only. */
  at(address: number): ObjectPlace | undefined {
    const symbols = this.#symbols;
    let low = 0;
    let high = symbols.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (symbols[middle]!.address <= address) low = middle + 1;
      else high = middle;
    }
    for (let i = low - 1; i >= 0 && this.#reach[i]! > address; i--) {
      const { name, address: start, size } = symbols[i]!;
      if (address === start || address < start + size) return { name: unversioned(name), offset: address - start };
    }
    return undefined;
  }
}

/** Functions before data, names that users know before the ones that begin with underscores. */
function liking({ name, kind }: ElfSymbol): number {
  const underscores = /^_*/.exec(name)![0].length;
  return (kind === "function" ? 2 : kind === "object" ? 1 : 0) * 100 - underscores;
}

/** Full symbol tables write the version of a library's function behind its name: `memcpy@@GLIBC_2.14`. */
function unversioned(name: string): string {
  const at = name.indexOf("@");
  return at > 0 ? name.slice(0, at) : name;
}
