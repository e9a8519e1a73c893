/**
 * Runs the instructions of call frames: from address to address, how the caller's registers are found. There are millions of such places in
 * large programs, so what holds for one is an array of numbers that changes from one to the next.
 */
import { UNWIND_REGISTERS } from "../unwind-table.ts";
import type { CommonFrame, Frame, FrameSection } from "./call-frames.ts";
import { Cfa } from "./constants.ts";
import { readPointer } from "./pointers.ts";
import { DwarfError, Reader } from "./reader.ts";

/**
 * The numbers that hold for a place. The first ones are those of registers, x86-64's 16 and the return address: in their lower bits how the
 * caller's value is found ({@link How}), above with which number.
 */
export const Column = {
  /** The register that the CFA is counted from, or one of {@link CfaFrom}. */
  cfa: UNWIND_REGISTERS.returnAddress + 1,
  /** How far it is from the register, or was from the last one. */
  cfaOffset: UNWIND_REGISTERS.returnAddress + 2,
  /** The number of the expression that computes it. */
  cfaExpression: UNWIND_REGISTERS.returnAddress + 3,
  /** Not zero if the function was not called, but a signal came in between. */
  interrupted: UNWIND_REGISTERS.returnAddress + 4,
  count: UNWIND_REGISTERS.returnAddress + 5,
} as const;

/** Where it is counted from no register. */
export const CfaFrom = { expression: 16, nothing: 17 } as const;

export const How = {
  /** The function was called with the same value, or has no more use for it. */
  kept: 0,
  /** It is gone. */
  nowhere: 1,
  /** In memory, so far from the CFA. */
  atOffset: 2,
  /** So far from the CFA itself. */
  isOffset: 3,
  inRegister: 4,
  /** In memory, where the expression of this number leads. */
  atExpression: 5,
  isExpression: 6,
  /** In a place that tables cannot name. */
  elsewhere: 7,
} as const;

export const HOW_BITS = 3;

const SHORT_OPERAND = 0x3f;
/** Compilers remember one at a time. */
const MAX_REMEMBERED = 64;
/** Longer ones are not looked at. */
const MAX_EXPRESSION = 64;
const NO_COLUMN = -1;

/** Told an address from which on hold what the columns say at this moment. */
type Row = (address: number) => void;

export class FrameRules {
  readonly columns = new Int32Array(Column.count);
  /** The expressions that were met, by their numbers. */
  readonly expressions: Uint8Array[] = [];
  readonly #numbers = new Map<string, number>();
  readonly #initials = new Map<CommonFrame, Int32Array>();
  readonly #remembered = new Int32Array(MAX_REMEMBERED * Column.count);
  #depth = 0;
  /** What is being gone through, what held before it, and how far it has come. */
  #common!: CommonFrame;
  #section!: FrameSection;
  #initial!: Int32Array;
  #address = 0;
  #row!: Row;

  /** Goes through a function. Throws DwarfError. */
  run({ common, section, start, end, instructions }: Frame, row: Row): void {
    this.#common = common;
    this.#section = section;
    let initial = this.#initials.get(common);
    if (!initial) {
      initial = this.#initialOf(common);
      this.#initials.set(common, initial);
    }
    this.#execute(instructions, initial, start, end, row);
    if (this.#address < end) row(this.#address);
  }

  #initialOf(common: CommonFrame): Int32Array {
    const blank = new Int32Array(Column.count);
    blank[Column.cfa] = CfaFrom.nothing;
    blank[Column.interrupted] = common.interrupted ? 1 : 0;
    // They are for no address yet.
    this.#execute(new Reader(common.instructions), blank, 0, Number.POSITIVE_INFINITY, () => {});
    return this.columns.slice();
  }

  #execute(reader: Reader, initial: Int32Array, start: number, end: number, row: Row): void {
    this.columns.set(initial);
    this.#initial = initial;
    this.#depth = 0;
    this.#address = start;
    this.#row = row;
    while (!reader.done && this.#address < end) {
      const byte = reader.u8();
      const operand = byte & SHORT_OPERAND;
      switch (byte - operand) {
        case Cfa.advance_loc:
          this.#advance(operand * this.#common.codeAlignment);
          break;
        case Cfa.offset:
          this.#set(operand, How.atOffset, this.#factored(reader.uleb()));
          break;
        case Cfa.restore:
          this.#restore(operand);
          break;
        default: {
          const instruction = FrameRules.#LONG[byte];
          if (!instruction)
            throw new DwarfError(`a call frame has the instruction 0x${byte.toString(16)}, which is not known`);
          instruction(this, reader);
        }
      }
    }
  }

  static readonly #LONG: Readonly<Record<number, (rules: FrameRules, reader: Reader) => void>> = {
    [Cfa.nop]: () => {},
    [Cfa.set_loc]: (rules, reader) => rules.#setAddress(reader),
    [Cfa.advance_loc1]: (rules, reader) => rules.#advance(reader.u8() * rules.#common.codeAlignment),
    [Cfa.advance_loc2]: (rules, reader) => rules.#advance(reader.u16() * rules.#common.codeAlignment),
    [Cfa.advance_loc4]: (rules, reader) => rules.#advance(reader.u32() * rules.#common.codeAlignment),
    [Cfa.MIPS_advance_loc8]: (rules, reader) => rules.#advance(reader.wide() * rules.#common.codeAlignment),
    [Cfa.offset_extended]: (rules, reader) => rules.#set(reader.uleb(), How.atOffset, rules.#factored(reader.uleb())),
    [Cfa.offset_extended_sf]: (rules, reader) =>
      rules.#set(reader.uleb(), How.atOffset, rules.#factored(reader.sleb())),
    [Cfa.GNU_negative_offset_extended]: (rules, reader) =>
      rules.#set(reader.uleb(), How.atOffset, -rules.#factored(reader.uleb())),
    [Cfa.val_offset]: (rules, reader) => rules.#set(reader.uleb(), How.isOffset, rules.#factored(reader.uleb())),
    [Cfa.val_offset_sf]: (rules, reader) => rules.#set(reader.uleb(), How.isOffset, rules.#factored(reader.sleb())),
    [Cfa.restore_extended]: (rules, reader) => rules.#restore(reader.uleb()),
    [Cfa.undefined]: (rules, reader) => rules.#lose(reader.uleb()),
    [Cfa.same_value]: (rules, reader) => rules.#set(reader.uleb(), How.kept, 0),
    [Cfa.register]: (rules, reader) => rules.#set(reader.uleb(), How.inRegister, reader.uleb()),
    [Cfa.expression]: (rules, reader) => rules.#set(reader.uleb(), How.atExpression, rules.#expression(reader)),
    [Cfa.val_expression]: (rules, reader) => rules.#set(reader.uleb(), How.isExpression, rules.#expression(reader)),
    [Cfa.remember_state]: (rules) => rules.#remember(),
    [Cfa.restore_state]: (rules) => rules.#goBack(),
    [Cfa.def_cfa]: (rules, reader) => rules.#setCfa(reader.uleb(), reader.uleb()),
    [Cfa.def_cfa_sf]: (rules, reader) => rules.#setCfa(reader.uleb(), rules.#factored(reader.sleb())),
    [Cfa.def_cfa_register]: (rules, reader) => rules.#setCfa(reader.uleb(), rules.columns[Column.cfaOffset]!),
    [Cfa.def_cfa_offset]: (rules, reader) => rules.#moveCfa(reader.uleb()),
    [Cfa.def_cfa_offset_sf]: (rules, reader) => rules.#moveCfa(rules.#factored(reader.sleb())),
    [Cfa.def_cfa_expression]: (rules, reader) => rules.#computeCfa(rules.#expression(reader)),
    [Cfa.GNU_args_size]: (_, reader) => reader.skipLeb(),
  };

  #advance(distance: number): void {
    if (!(distance >= 0)) throw new DwarfError(`a call frame goes ${-distance} bytes back`);
    if (distance === 0) return;
    this.#row(this.#address);
    this.#address += distance;
  }

  #setAddress(reader: Reader): void {
    this.#advance(readPointer(reader, this.#common.pointers, this.#section.address) - this.#address);
  }

  #factored(offset: number): number {
    return offset * this.#common.dataAlignment;
  }

  #columnOf(register: number): number {
    if (register === this.#common.returnAddress) return UNWIND_REGISTERS.returnAddress;
    return register < UNWIND_REGISTERS.returnAddress ? register : NO_COLUMN;
  }

  #set(register: number, how: number, value: number): void {
    const column = this.#columnOf(register);
    if (column === NO_COLUMN) return;
    const fits = (value << HOW_BITS) >> HOW_BITS === value;
    this.columns[column] = fits ? (value << HOW_BITS) | how : How.elsewhere;
  }

  #restore(register: number): void {
    const column = this.#columnOf(register);
    if (column !== NO_COLUMN) this.columns[column] = this.#initial[column]!;
  }
  /** Only what has no return address differs from others by it: a register that is lost is not asked for. */
  #lose(register: number): void {
    this.#set(register, this.#columnOf(register) === UNWIND_REGISTERS.returnAddress ? How.nowhere : How.kept, 0);
  }

  #setCfa(register: number, offset: number): void {
    this.columns[Column.cfa] = register < UNWIND_REGISTERS.returnAddress ? register : CfaFrom.nothing;
    this.#moveCfa(offset);
  }

  /** While the CFA is computed this has no effect, until it is counted from a register again. */
  #moveCfa(offset: number): void {
    if ((offset | 0) === offset) this.columns[Column.cfaOffset] = offset;
    else this.columns[Column.cfa] = CfaFrom.nothing;
  }

  #computeCfa(expression: number): void {
    const known = !Number.isNaN(expression);
    this.columns[Column.cfa] = known ? CfaFrom.expression : CfaFrom.nothing;
    this.columns[Column.cfaExpression] = known ? expression : 0;
  }

  /** Its number; NaN for one that is too long. */
  #expression(reader: Reader): number {
    const bytes = reader.block(reader.uleb());
    if (bytes.length > MAX_EXPRESSION) return Number.NaN;
    const key = bytes.join();
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    this.#numbers.set(key, this.expressions.length);
    return this.expressions.push(bytes) - 1;
  }

  #remember(): void {
    if (this.#depth === MAX_REMEMBERED) throw new DwarfError("a call frame remembers more than it can go back to");
    this.#remembered.set(this.columns, this.#depth++ * Column.count);
  }

  #goBack(): void {
    if (this.#depth === 0) throw new DwarfError("a call frame goes back to what it has not remembered");
    const at = --this.#depth * Column.count;
    this.columns.set(this.#remembered.subarray(at, at + Column.count));
  }
}
