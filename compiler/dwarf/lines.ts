/**
 * Which instruction belongs to which line of which source file: the table of a unit, which is written as a program that has to be
 * run to see its rows.
 */
import { At, Form } from "./constants.ts";
import { skipForm } from "./forms.ts";
import { DwarfError, Reader } from "./reader.ts";
import type { Unit } from "./unit.ts";

export interface LineTable {
  /** By the number that rows have. */
  files: ReadonlyMap<number, SourceFile>;
  rows(): Generator<LineRow>;
}

export interface SourceFile {
  folder: string;
  /** Or a path, from that folder on. */
  name: string;
}

export interface LineRow {
  address: number;
  file: number;
  line: number;
  /** 0 where it is not known. */
  column: number;
  /** A good place to stop at. */
  isStatement: boolean;
}

interface Header {
  version: number;
  addressSize: number;
  minimumLength: number;
  isStatement: boolean;
  lineBase: number;
  lineRange: number;
  opcodeBase: number;
  /** Operands of the standard opcodes. */
  operands: readonly number[];
}

/** The table of a unit; undefined when it has none. Throws DwarfError. */
export function readLines(unit: Unit): LineTable | undefined {
  // The table of a unit that was split off is in the program's file.
  const { linked } = unit;
  const offset = linked.root.number(At.stmt_list);
  if (offset === undefined) return undefined;
  const section = linked.sections.get(".debug_line");
  const whole = new Reader(section, offset);
  const { length, offsetSize } = whole.initialLength();
  const reader = whole.part(length);
  const version = reader.u16();
  if (version < 2 || version > 5) throw new DwarfError(`a table of lines has version ${version}`);
  let { addressSize } = linked.header;
  if (version >= 5) {
    addressSize = reader.u8();
    if (reader.u8() !== 0) throw new DwarfError("a table of lines is divided into segments");
  }
  const programAt = reader.unsigned(offsetSize) + reader.at;
  const minimumLength = reader.u8();
  if (version >= 4) reader.skip(1);
  const isStatement = reader.u8() !== 0;
  const lineBase = reader.s8();
  const lineRange = reader.u8();
  const opcodeBase = reader.u8();
  if (lineRange === 0) throw new DwarfError("a table of lines has a range of no lines");
  const operands = Array.from({ length: Math.max(0, opcodeBase - 1) }, () => reader.u8());
  const folder = linked.root.text(At.comp_dir) ?? "";
  const files = version >= 5 ? newFiles(linked, reader, version, folder) : oldFiles(reader, folder);
  const header = { version, addressSize, minimumLength, isStatement, lineBase, lineRange, opcodeBase, operands };
  return { files, rows: () => run(new Reader(section, programAt, reader.end), header) };
}

function oldFiles(reader: Reader, folder: string): Map<number, SourceFile> {
  const folders = [folder];
  for (;;) {
    const name = reader.text();
    if (name === "") break;
    folders.push(joined(folder, name));
  }
  const files = new Map<number, SourceFile>();
  for (let number = 1; ; number++) {
    const name = reader.text();
    if (name === "") return files;
    const place = reader.uleb();
    reader.skipLeb();
    reader.skipLeb();
    files.set(number, { folder: folders[place] ?? folder, name });
  }
}

const CONTENT_PATH = 1;
const CONTENT_FOLDER = 2;

/** Since version 5 the table says how its own rows are written. */
function newFiles(unit: Unit, reader: Reader, version: number, folder: string): Map<number, SourceFile> {
  const folders = entries(unit, reader, version).map(({ path }) => joined(folder, path));
  const files = entries(unit, reader, version).map(({ path, place }): SourceFile => {
    return { folder: folders[place] ?? folder, name: path };
  });
  return new Map(files.entries());
}

function entries(unit: Unit, reader: Reader, version: number): { path: string; place: number }[] {
  const formats = Array.from({ length: reader.u8() }, () => ({ content: reader.uleb(), form: reader.uleb() }));
  const count = reader.uleb();
  if (formats.length === 0 && count > 0) throw new DwarfError("a table of lines has files of which nothing is known");
  const found: { path: string; place: number }[] = [];
  for (let i = 0; i < count; i++) {
    let path = "";
    let place = 0;
    for (const { content, form } of formats) {
      if (content === CONTENT_PATH) path = textOf(unit, reader, form);
      else if (content === CONTENT_FOLDER) place = numberOf(reader, form);
      else skipForm(reader, form, { ...unit.header, version });
    }
    found.push({ path, place });
  }
  return found;
}

function textOf(unit: Unit, reader: Reader, form: number): string {
  if (form === Form.string) return reader.text();
  const offset = reader.unsigned(unit.header.offsetSize);
  if (form === Form.line_strp) return new Reader(unit.sections.get(".debug_line_str"), offset).text();
  if (form === Form.strp) return new Reader(unit.sections.get(".debug_str"), offset).text();
  throw new DwarfError(`the name of a file is written in the form 0x${form.toString(16)}`);
}

function numberOf(reader: Reader, form: number): number {
  if (form === Form.udata) return reader.uleb();
  if (form === Form.data1) return reader.u8();
  if (form === Form.data2) return reader.u16();
  throw new DwarfError(`the folder of a file is written in the form 0x${form.toString(16)}`);
}

const Standard = {
  copy: 1,
  advance_pc: 2,
  advance_line: 3,
  set_file: 4,
  set_column: 5,
  negate_stmt: 6,
  set_basic_block: 7,
  const_add_pc: 8,
  fixed_advance_pc: 9,
} as const;

const Extended = { end_sequence: 1, set_address: 2 } as const;

/** Code that was left out of the program when it was linked is said to be at addresses where none can be. */
function isDead(address: number): boolean {
  return address === 0 || address > Number.MAX_SAFE_INTEGER;
}

function* run(reader: Reader, header: Header): Generator<LineRow> {
  const { lineBase, lineRange, opcodeBase, minimumLength, operands } = header;
  const initial = { address: 0, file: 1, line: 1, column: 0, isStatement: header.isStatement };
  let state = { ...initial };
  let dead = true;
  while (!reader.done) {
    const opcode = reader.u8();
    if (opcode >= opcodeBase) {
      const adjusted = opcode - opcodeBase;
      state.address += Math.floor(adjusted / lineRange) * minimumLength;
      state.line += lineBase + (adjusted % lineRange);
      if (!dead) yield { ...state };
      continue;
    }
    switch (opcode) {
      case 0: {
        const part = reader.part(reader.uleb());
        if (part.done) break;
        const kind = part.u8();
        if (kind === Extended.end_sequence) {
          state = { ...initial };
          dead = true;
        } else if (kind === Extended.set_address) {
          state.address = part.unsigned(part.end - part.at);
          dead = isDead(state.address);
        }
        break;
      }
      case Standard.copy:
        if (!dead) yield { ...state };
        break;
      case Standard.advance_pc:
        state.address += reader.uleb() * minimumLength;
        break;
      case Standard.advance_line:
        state.line += reader.sleb();
        break;
      case Standard.set_file:
        state.file = reader.uleb();
        break;
      case Standard.set_column:
        state.column = reader.uleb();
        break;
      case Standard.negate_stmt:
        state.isStatement = !state.isStatement;
        break;
      case Standard.set_basic_block:
        break;
      case Standard.const_add_pc:
        state.address += Math.floor((255 - opcodeBase) / lineRange) * minimumLength;
        break;
      case Standard.fixed_advance_pc:
        state.address += reader.u16();
        break;
      default:
        for (let i = 0; i < (operands[opcode - 1] ?? 0); i++) reader.skipLeb();
    }
  }
}

function joined(folder: string, path: string): string {
  return path.startsWith("/") || folder === "" ? path : `${folder}/${path}`;
}

export function pathOf({ folder, name }: SourceFile): string {
  return normalised(joined(folder, name));
}

/** Without `.` and `..`. */
export function normalised(path: string): string {
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "..") {
      const last = parts.at(-1);
      if (last !== undefined && last !== "" && last !== "..") parts.pop();
      else parts.push(part);
    } else if (part !== "." && (part !== "" || parts.length === 0)) parts.push(part);
  }
  return parts.join("/");
}
