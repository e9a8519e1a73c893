/** Writes small ELF files: one segment that is loaded, a symbol table, its names, and sections by name. */

export interface ElfSpec {
  /** Of the loaded segment. */
  address?: number;
  offset?: number;
  size?: number;
  symbols?: ElfSymbolSpec[];
  /** Symbols of a second table, the dynamic one. */
  dynamic?: ElfSymbolSpec[];
  sections?: ElfSectionSpec[];
}

export interface ElfSectionSpec {
  name: string;
  address?: number;
  content: Uint8Array;
}

export interface ElfSymbolSpec {
  name: string;
  address: number;
  size?: number;
  /** STT_*: 2, a function, by default. */
  type?: number;
  /** 0 for symbols that are defined elsewhere. */
  section?: number;
}

const HEADER = 64;
const PROGRAM_HEADER = 56;
const SECTION_HEADER = 64;
const SYMBOL = 24;

export function buildElf(spec: ElfSpec = {}): Uint8Array {
  const { address = 0x401000, offset = 0x1000, size = 0x1000, symbols = [], dynamic = [], sections: named = [] } = spec;
  const tables = [
    { type: 2, ...symbolTable(symbols) },
    { type: 11, ...symbolTable(dynamic) },
  ].filter((table) => table.count > 0);

  const names = new TextEncoder().encode(["", ...named.map(({ name }) => name), ""].join("\0"));
  const sections = 2 + tables.length * 2 + named.length;
  const sectionHeaders = HEADER + PROGRAM_HEADER;
  let end = sectionHeaders + sections * SECTION_HEADER;
  const contents = [...tables.flatMap((t) => [t.entries, t.names]), ...named.map(({ content }) => content), names];
  const bytes = new Uint8Array(end + contents.reduce((sum, { length }) => sum + length, 0));
  const view = new DataView(bytes.buffer);

  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  view.setBigUint64(32, BigInt(HEADER), true);
  view.setBigUint64(40, BigInt(sectionHeaders), true);
  view.setUint16(54, PROGRAM_HEADER, true);
  view.setUint16(56, 1, true);
  view.setUint16(58, SECTION_HEADER, true);
  view.setUint16(60, sections, true);
  view.setUint16(62, sections - 1, true);

  view.setUint32(HEADER, 1, true);
  view.setBigUint64(HEADER + 8, BigInt(offset), true);
  view.setBigUint64(HEADER + 16, BigInt(address), true);
  view.setBigUint64(HEADER + 32, BigInt(size), true);

  const section = (index: number, type: number, content: Uint8Array, link: number): void => {
    const at = sectionHeaders + index * SECTION_HEADER;
    view.setUint32(at + 4, type, true);
    view.setBigUint64(at + 24, BigInt(end), true);
    view.setBigUint64(at + 32, BigInt(content.length), true);
    view.setUint32(at + 40, link, true);
    bytes.set(content, end);
    end += content.length;
  };
  tables.forEach((table, i) => {
    section(1 + i * 2, table.type, table.entries, 2 + i * 2);
    section(2 + i * 2, 3, table.names, 0);
  });
  let nameOffset = 1;
  named.forEach(({ name, address: place = 0, content }, i) => {
    const index = 1 + tables.length * 2 + i;
    const at = sectionHeaders + index * SECTION_HEADER;
    view.setUint32(at, nameOffset, true);
    view.setBigUint64(at + 16, BigInt(place), true);
    section(index, 1, content, 0);
    nameOffset += name.length + 1;
  });
  section(sections - 1, 3, names, 0);
  return bytes;
}

function symbolTable(symbols: readonly ElfSymbolSpec[]): { entries: Uint8Array; names: Uint8Array; count: number } {
  const entries = new Uint8Array(symbols.length * SYMBOL);
  const view = new DataView(entries.buffer);
  const names = [0];
  symbols.forEach(({ name, address, size = 16, type = 2, section = 1 }, i) => {
    const at = i * SYMBOL;
    view.setUint32(at, name === "" ? 0 : names.length, true);
    view.setUint8(at + 4, 0x10 | type);
    view.setUint16(at + 6, section, true);
    view.setBigUint64(at + 8, BigInt(address), true);
    view.setBigUint64(at + 16, BigInt(size), true);
    names.push(...new TextEncoder().encode(name), 0);
  });
  return { entries, names: Uint8Array.from(names), count: symbols.length };
}
