/**
 * Makes the table by which stacks are followed (compiler/unwind-table.ts) from a file's call frame information. A program may have a million places in which
 * something else holds, but only some thousand different things that do.
 */
import { ROW, RULE, STEP } from "../unwind-table.ts";
import { type FrameSection, framesByAddress } from "./call-frames.ts";
import { Column, FrameRules } from "./frame-rules.ts";
import { NumberList } from "./number-list.ts";
import { DwarfError } from "./reader.ts";
import { type Step, stepsOf } from "./unwind-steps.ts";

export interface UnwindTable {
  /** Rows, and behind them the steps. */
  cells: Uint8Array;
  rows: number;
}

/** What no file comes near to; one that is damaged could ask for any amount of memory. */
const MAX_ROWS = 1 << 24;
const MAX_RULES = 1 << 17;
/** Rules with steps have numbers behind those that have none. */
const WITHOUT_STEPS = RULE.outermost + 1;

/** The table of a file; undefined if nothing is said of any place. Throws DwarfError. */
export function unwindTable(sections: readonly FrameSection[]): UnwindTable | undefined {
  // Of instructions no byte makes more than one row.
  const most = Math.min(
    MAX_ROWS,
    sections.reduce((sum, { bytes }) => sum + bytes.length, 0),
  );
  const addresses = new NumberList(most);
  const rules = new NumberList(most);
  const frames = new FrameRules();
  const known = new KnownRules(frames);
  let previous: number = RULE.unknown;
  const add = (address: number, rule: number): void => {
    if (rule === previous) return;
    if (rules.length === MAX_ROWS) throw new DwarfError(`the call frames have more than ${MAX_ROWS} rows`);
    addresses.push(address);
    rules.push(rule);
    previous = rule;
  };
  const addCurrent = (address: number): void => add(address, known.current());
  let end = 0;
  for (const frame of framesByAddress(sections)) {
    if (frame.start > end) add(end, RULE.unknown);
    frames.run(frame, addCurrent);
    end = frame.end;
  }
  add(end, RULE.unknown);
  return rules.length > 0 ? written(addresses, rules, known.steps) : undefined;
}

function written(addresses: NumberList, rules: NumberList, steps: readonly (readonly Step[])[]): UnwindTable {
  const rows = rules.length;
  const cells = new Uint8Array(rows * ROW.size + steps.reduce((sum, { length }) => sum + length, 0) * STEP.size);
  const view = new DataView(cells.buffer);
  let cell = rows;
  const firstCells = steps.map((rule) => {
    const first = cell;
    for (const step of rule) writeStep(view, cell++ * STEP.size, step);
    return first;
  });
  for (let i = 0; i < rows; i++) {
    const rule = rules.at(i);
    view.setUint32(i * ROW.size + ROW.address, addresses.at(i), true);
    view.setUint32(i * ROW.size + ROW.rule, rule < WITHOUT_STEPS ? rule : firstCells[rule - WITHOUT_STEPS]!, true);
  }
  return { cells, rows };
}

function writeStep(view: DataView, at: number, { target, base, loads, flags, offset }: Step): void {
  view.setUint8(at + STEP.target, target);
  view.setUint8(at + STEP.base, base);
  view.setUint8(at + STEP.loads, loads);
  view.setUint8(at + STEP.flags, flags);
  view.setInt32(at + STEP.offset, offset, true);
}

/** The different rules, found by what the columns say. */
class KnownRules {
  readonly steps: (readonly Step[])[] = [];
  readonly #frames: FrameRules;
  /** All columns that there were, one after the other, and which rule each of them makes. */
  readonly #columns = new NumberList(1 << 12);
  readonly #rules = new NumberList();
  readonly #bySteps = new Map<string, number>();
  /** Where to look for columns: one more than their number, 0 for none. Half of the places are free at least. */
  #places = new Int32Array(1 << 10);

  constructor(frames: FrameRules) {
    this.#frames = frames;
  }

  /** The rule of the place that the instructions have come to: without steps, or from {@link WITHOUT_STEPS} on a number of steps. */
  current(): number {
    const { columns } = this.#frames;
    const mask = this.#places.length - 1;
    for (let place = hash(columns) & mask; ; place = (place + 1) & mask) {
      const found = this.#places[place]! - 1;
      if (found < 0) return this.#add(columns, place);
      if (this.#are(found, columns)) return this.#rules.at(found);
    }
  }

  #are(number: number, columns: Int32Array): boolean {
    const { values } = this.#columns;
    for (let i = 0, at = number * Column.count; i < Column.count; i++, at++) {
      if (values[at] !== columns[i]) return false;
    }
    return true;
  }

  #add(columns: Int32Array, place: number): number {
    if (this.#rules.length === MAX_RULES) throw new DwarfError(`the call frames have more than ${MAX_RULES} rules`);
    const rule = this.#ruleOf(columns);
    this.#columns.pushAll(columns);
    this.#rules.push(rule);
    this.#places[place] = this.#rules.length;
    if (this.#rules.length * 2 > this.#places.length) this.#spread();
    return rule;
  }

  #ruleOf(columns: Int32Array): number {
    const steps = stepsOf(columns, this.#frames.expressions);
    if (typeof steps === "number") return steps;
    const key = steps.map((step) => `${step.target} ${step.base} ${step.loads} ${step.flags} ${step.offset}`).join();
    let rule = this.#bySteps.get(key);
    if (rule === undefined) {
      rule = WITHOUT_STEPS + this.steps.push(steps) - 1;
      this.#bySteps.set(key, rule);
    }
    return rule;
  }

  #spread(): void {
    this.#places = new Int32Array(this.#places.length * 2);
    const mask = this.#places.length - 1;
    for (let number = 0; number < this.#rules.length; number++) {
      const at = number * Column.count;
      let place = hash(this.#columns.values.subarray(at, at + Column.count)) & mask;
      while (this.#places[place] !== 0) place = (place + 1) & mask;
      this.#places[place] = number + 1;
    }
  }
}

function hash(columns: Int32Array): number {
  let mixed = 0;
  for (let i = 0; i < Column.count; i++) mixed = Math.imul(mixed ^ columns[i]!, 0x9e3779b1) ^ (mixed >>> 15);
  return mixed ^ (mixed >>> 16);
}
