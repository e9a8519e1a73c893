/**
 * What debug information says of where a parameter is when its function begins. Optimised code has lists of places that tell it;
 * other code says only where the function puts it next, of which nothing follows for the first instruction.
 */
import { readList } from "./addresses.ts";
import { At, Op } from "./constants.ts";
import type { Die } from "./die.ts";
import { Reader } from "./reader.ts";

export type EntryLocation =
  /** In registers, by DWARF's numbers, one behind the other. */
  | { at: "registers"; pieces: readonly Piece[] }
  /** In memory, from where a register points to. */
  | { at: "memory"; register: number; offset: number }
  /** In memory, from where the caller's stack ends. */
  | { at: "stack"; offset: number }
  /** Put into the function's own memory later; it came as a pointer to the value if `byReference`. */
  | { at: "frame"; byReference: boolean }
  /** Nowhere at all, as far as is known. */
  | { at: "nowhere" }
  /** To be computed, or a constant. */
  | { at: "elsewhere" };

export interface Piece {
  register: number;
  /** Undefined for the whole value. */
  size: number | undefined;
}

/** What the offsets of a function's own variables count from. */
type FrameBase = "caller" | number | undefined;

const NOWHERE: EntryLocation = { at: "nowhere" };
const ELSEWHERE: EntryLocation = { at: "elsewhere" };

/** Registers that calls pass arguments in, by DWARF's numbers. */
export interface EntryRegisters {
  arguments: ReadonlySet<number>;
  stack: number;
  /** How far below the end of the caller's stack the stack is when the function begins. */
  stackBelowCaller: number;
}

/** Where a parameter is when the function at `entry`, the entry `fn`, begins. */
export function locationAtEntry(fn: Die, parameter: Die, entry: number, registers: EntryRegisters): EntryLocation {
  const frame = frameBaseOf(fn);
  const always = parameter.bytes(At.location);
  if (always) {
    // Where the stack ends is only known of the first instruction, and this was said of all.
    const found = read(always, frame === "caller" ? frame : undefined, { ...registers, stack: -1 });
    // A place that is right everywhere in the function is right at its beginning only where callers can put something.
    if (found.at === "registers") {
      const isPassed = found.pieces.every(({ register }) => registers.arguments.has(register) || register > 31);
      return isPassed ? found : { at: "frame", byReference: false };
    }
    if (found.at === "stack") return found.offset >= 0 ? found : { at: "frame", byReference: false };
    return found.at === "memory" ? { at: "frame", byReference: false } : found;
  }
  if (!parameter.has(At.location)) return NOWHERE;
  for (const { start, end, expression } of readList(parameter, At.location, "locations")) {
    if (expression && entry >= start && entry < end) return read(expression, frame, registers);
  }
  return NOWHERE;
}

function frameBaseOf(fn: Die): FrameBase {
  const expression = fn.bytes(At.frame_base);
  if (!expression || expression.length === 0) return undefined;
  const reader = new Reader(expression);
  const op = reader.u8();
  if (op === Op.call_frame_cfa && reader.done) return "caller";
  return op >= Op.reg0 && op < Op.breg0 && reader.done ? op - Op.reg0 : undefined;
}

const ENTRY_VALUE = 0xa3;
const GNU_ENTRY_VALUE = 0xf3;

function read(expression: Uint8Array, frame: FrameBase, registers: EntryRegisters): EntryLocation {
  const reader = new Reader(expression);
  if (reader.done) return NOWHERE;
  const pieces: Piece[] = [];
  while (!reader.done) {
    const op = reader.u8();
    if (op >= Op.reg0 && op < Op.breg0) pieces.push({ register: op - Op.reg0, size: undefined });
    else if (op === Op.regx) pieces.push({ register: reader.uleb(), size: undefined });
    else if (op === ENTRY_VALUE || op === GNU_ENTRY_VALUE) {
      const inner = read(reader.block(reader.uleb()), frame, registers);
      if (inner.at !== "registers" || reader.done || reader.u8() !== Op.stack_value) return ELSEWHERE;
      pieces.push(...inner.pieces);
    } else if (pieces.length > 0) return ELSEWHERE;
    else return memory(op, reader, frame, registers);
    if (reader.done) break;
    if (reader.u8() !== Op.piece) return ELSEWHERE;
    pieces[pieces.length - 1] = { ...pieces.at(-1)!, size: reader.uleb() };
  }
  if (pieces.length > 1 && pieces.some(({ size }) => size === undefined)) return ELSEWHERE;
  return { at: "registers", pieces };
}

function memory(op: number, reader: Reader, frame: FrameBase, registers: EntryRegisters): EntryLocation {
  if (op === Op.fbreg) {
    const offset = reader.sleb();
    const byReference = !reader.done && reader.u8() === Op.deref && reader.done;
    if (!byReference && !reader.done) return ELSEWHERE;
    if (byReference) return { at: "frame", byReference: true };
    if (frame === "caller") return { at: "stack", offset };
    if (frame === registers.stack) return { at: "stack", offset: offset - registers.stackBelowCaller };
    return { at: "frame", byReference: false };
  }
  const isShort = op >= Op.breg0 && op < Op.regx;
  if (!isShort && op !== Op.bregx) return ELSEWHERE;
  const register = isShort ? op - Op.breg0 : reader.uleb();
  const offset = reader.sleb();
  if (!reader.done) return ELSEWHERE;
  if (register === registers.stack) return { at: "stack", offset: offset - registers.stackBelowCaller };
  return { at: "memory", register, offset };
}
