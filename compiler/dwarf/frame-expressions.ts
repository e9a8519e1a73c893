/**
 * What expressions of call frames compute. They could be anything; those that are written start at a register, go some bytes on, read an
 * address in memory there, and so on.
 */
import { UNWIND_REGISTERS } from "../unwind-table.ts";
import { Op } from "./constants.ts";
import { DwarfError, Reader } from "./reader.ts";

/** From a register on: first all of `reads`, then so many bytes further. */
export interface Path {
  register: number;
  /** The address `offset` bytes further is that of the next address, `loads` times. */
  reads: readonly Read[];
  offset: number;
}

export interface Read {
  offset: number;
  loads: number;
}

/** A number, or where a path leads. */
type Value = number | Path;

/** More are in no expression that somebody wrote. */
const MAX_VALUES = 16;
const MAX_READS = 8;

/** Operations with an operand that makes a number. */
const CONSTANTS: Readonly<Record<number, (reader: Reader) => number>> = {
  [Op.const1u]: (reader) => reader.u8(),
  [Op.const1s]: (reader) => reader.s8(),
  [Op.const2u]: (reader) => reader.u16(),
  [Op.const2s]: (reader) => (reader.u16() << 16) >> 16,
  [Op.const4u]: (reader) => reader.u32(),
  [Op.const4s]: (reader) => reader.u32() | 0,
  [Op.const8u]: (reader) => reader.wide(),
  [Op.const8s]: (reader) => reader.wideSigned(),
  [Op.constu]: (reader) => reader.uleb(),
  [Op.consts]: (reader) => reader.sleb(),
};

/**
 * Where an expression leads that begins with `first` (the CFA, or nothing); undefined if it does anything else. Throws DwarfError where it ends
 * too early.
 */
export function pathOf(expression: Uint8Array, first: Path | undefined): Path | undefined {
  const reader = new Reader(expression);
  const values: Value[] = first ? [first] : [];
  while (!reader.done) {
    const op = reader.u8();
    if (op === Op.drop) pop(values);
    else {
      const value = computed(op, reader, values);
      if (value === undefined || values.length === MAX_VALUES) return undefined;
      values.push(value);
    }
  }
  const result = values.at(-1);
  return typeof result === "object" ? result : undefined;
}

/** What an operation makes of the values before it; undefined for one that is not followed. */
function computed(op: number, reader: Reader, values: Value[]): Value | undefined {
  if (op >= Op.lit0 && op < Op.reg0) return op - Op.lit0;
  if (op >= Op.breg0 && op < Op.regx) return register(op - Op.breg0, reader.sleb());
  if (op === Op.bregx) return register(reader.uleb(), reader.sleb());
  const constant = CONSTANTS[op];
  if (constant) return constant(reader);
  switch (op) {
    case Op.plus_uconst:
      return sum(pop(values), reader.uleb());
    case Op.plus:
      return sum(pop(values), pop(values));
    case Op.minus: {
      const less = pop(values);
      return typeof less === "number" ? sum(pop(values), -less) : undefined;
    }
    case Op.deref:
      return read(pop(values));
    default:
      return undefined;
  }
}

function pop(values: Value[]): Value {
  const value = values.pop();
  if (value === undefined) throw new DwarfError("an expression of a call frame takes values that it has not");
  return value;
}

function register(number: number, offset: number): Path | undefined {
  return number < UNWIND_REGISTERS.returnAddress ? { register: number, reads: [], offset } : undefined;
}

function sum(a: Value, b: Value): Value | undefined {
  if (typeof a === "number") return typeof b === "number" ? a + b : { ...b, offset: b.offset + a };
  return typeof b === "number" ? { ...a, offset: a.offset + b } : undefined;
}

/** What is in memory there. */
export function read(value: Value): Path | undefined {
  if (typeof value === "number" || value.reads.length === MAX_READS) return undefined;
  const { reads, offset } = value;
  const last = reads.at(-1);
  const again = offset === 0 && last ? [...reads.slice(0, -1), { ...last, loads: last.loads + 1 }] : undefined;
  return { ...value, reads: again ?? [...reads, { offset, loads: 1 }], offset: 0 };
}
