/** The symbols of an ELF file, of its full table and of the dynamic one. */
import { bytesOf, ElfError, type ElfFile, textAt, wide } from "./file.ts";

export interface ElfSymbol {
  name: string;
  address: number;
  /** Bytes; 0 where the file does not say. */
  size: number;
  kind: "function" | "object" | "other";
}

const SYMBOL_BYTES = 24;
const SHT_SYMTAB = 2;
const SHT_DYNSYM = 11;
const STT_OBJECT = 1;
const STT_FUNC = 2;
const STT_SECTION = 3;
const STT_FILE = 4;
const STT_TLS = 6;
const STT_GNU_IFUNC = 10;

/** Symbols that have a place in the file's memory, those of one name only if one is given. Throws ElfError. */
export function* elfSymbols(elf: ElfFile, wanted?: string): Generator<ElfSymbol> {
  for (const section of elf.sections) {
    if (section.type !== SHT_SYMTAB && section.type !== SHT_DYNSYM) continue;
    const strings = elf.sections[section.link];
    if (strings === undefined) throw new ElfError("a symbol table has no names");
    const symbols = elf.content(section);
    const names = bytesOf(elf.content(strings));
    yield* tableSymbols(symbols, names, wanted === undefined ? undefined : Buffer.from(`${wanted}\0`, "utf8"));
  }
}

function* tableSymbols(symbols: DataView, names: Buffer, wanted: Buffer | undefined): Generator<ElfSymbol> {
  for (let at = 0; at + SYMBOL_BYTES <= symbols.byteLength; at += SYMBOL_BYTES) {
    const kind = kindOf(symbols.getUint8(at + 4) & 0xf);
    const definedIn = symbols.getUint16(at + 6, true);
    const start = symbols.getUint32(at, true);
    if (kind === undefined || definedIn === 0 || start === 0 || start >= names.length) continue;
    if (wanted && names.compare(wanted, 0, wanted.length, start, Math.min(names.length, start + wanted.length)) !== 0) {
      continue;
    }
    const name = textAt(names, start);
    if (name === undefined || name === "") continue;
    yield { name, address: wide(symbols, at + 8), size: wide(symbols, at + 16), kind };
  }
}

function kindOf(type: number): ElfSymbol["kind"] | undefined {
  switch (type) {
    case STT_FUNC:
    case STT_GNU_IFUNC:
      return "function";
    case STT_OBJECT:
      return "object";
    case STT_SECTION:
    case STT_FILE:
    case STT_TLS:
      return undefined;
    default:
      return "other";
  }
}
