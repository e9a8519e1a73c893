/** From what call frames say of a place to the steps that lead from there to the caller, in an order in which none destroys what another one needs. */
import { MAX_STEPS, RULE, STEP_FLAGS, UNWIND_REGISTERS } from "../unwind-table.ts";
import { Op } from "./constants.ts";
import { type Path, pathOf, read } from "./frame-expressions.ts";
import { CfaFrom, Column, HOW_BITS, How } from "./frame-rules.ts";

export interface Step {
  target: number;
  base: number;
  loads: number;
  flags: number;
  offset: number;
}

/** What stands for steps where there are none. */
export type NoSteps = (typeof RULE)[keyof typeof RULE];

/** Where a register's value comes from, and the steps that bring it. */
interface Move {
  target: number;
  base: number;
  steps: Step[];
}

const { stackPointer, returnAddress, cfa } = UNWIND_REGISTERS;
const CFA: Path = { register: cfa, reads: [], offset: 0 };
const HOW_MASK = (1 << HOW_BITS) - 1;

/**
 * How linkers describe all entries of a procedure linkage table at once, with one number that varies: rsp + 8, and 8 more where the last four
 * bits of the address are no less than the number, since the entry has pushed something by then.
 */
const STUB = [
  ...[Op.breg0 + stackPointer, 8, Op.breg0 + returnAddress, 0, Op.lit0 + 15, Op.and, undefined, Op.ge],
  ...[Op.lit0 + 3, Op.shl, Op.plus],
];
const STUB_NUMBER = STUB.indexOf(undefined);
const STUB_SHIFT = 4;

/** The steps of a place; `columns` and `expressions` are those of FrameRules. Throws DwarfError. */
export function stepsOf(columns: Int32Array, expressions: readonly Uint8Array[]): readonly Step[] | NoSteps {
  const returnHow = columns[returnAddress]! & HOW_MASK;
  if (returnHow === How.nowhere) return RULE.outermost;
  if (returnHow === How.kept) return RULE.unknown;
  const first = stepsToCfa(columns, expressions);
  const others = moves(columns, expressions);
  const inOrder = others && ordered(others);
  if (!first || !inOrder) return RULE.unknown;
  const steps = [...first, ...inOrder.flatMap((move) => move.steps)];
  if (steps.length > MAX_STEPS) return RULE.unknown;
  if (columns[Column.interrupted] !== 0) steps[0]!.flags |= STEP_FLAGS.interrupted;
  steps.at(-1)!.flags |= STEP_FLAGS.last;
  return steps;
}

function stepsToCfa(columns: Int32Array, expressions: readonly Uint8Array[]): Step[] | undefined {
  const register = columns[Column.cfa]!;
  if (register === CfaFrom.nothing) return undefined;
  if (register !== CfaFrom.expression) {
    return stepsAlong({ register, reads: [], offset: columns[Column.cfaOffset]! }, cfa);
  }
  const expression = expressions[columns[Column.cfaExpression]!]!;
  const number = stubNumber(expression);
  if (number !== undefined) {
    return [{ target: cfa, base: stackPointer, loads: 0, flags: number << STUB_SHIFT, offset: 8 }];
  }
  return stepsAlong(pathOf(expression, undefined), cfa);
}

function stubNumber(expression: Uint8Array): number | undefined {
  if (expression.length !== STUB.length) return undefined;
  if (!STUB.every((byte, i) => byte === undefined || byte === expression[i])) return undefined;
  const number = expression[STUB_NUMBER]! - Op.lit0;
  return number > 0 && number < 16 ? number : undefined;
}

/** For all registers, the stack pointer last; undefined if one cannot be followed. */
function moves(columns: Int32Array, expressions: readonly Uint8Array[]): Move[] | undefined {
  const found: Move[] = [];
  for (let target = 0; target <= returnAddress; target++) {
    const column = columns[target]!;
    const how = column & HOW_MASK;
    if (how === How.kept && target !== stackPointer) continue;
    const path = how === How.kept ? CFA : pathTo(how, column >> HOW_BITS, expressions);
    const steps = stepsAlong(path, target);
    if (!path || !steps) return undefined;
    found.push({ target, base: path.register, steps });
  }
  return [
    ...found.filter((move) => move.target !== stackPointer),
    ...found.filter((move) => move.target === stackPointer),
  ];
}

function pathTo(how: number, value: number, expressions: readonly Uint8Array[]): Path | undefined {
  switch (how) {
    case How.isOffset:
      return { ...CFA, offset: value };
    case How.atOffset:
      return read({ ...CFA, offset: value });
    case How.inRegister:
      return value < returnAddress ? { register: value, reads: [], offset: 0 } : undefined;
    case How.isExpression:
      return pathOf(expressions[value]!, CFA);
    case How.atExpression: {
      const place = pathOf(expressions[value]!, CFA);
      return place && read(place);
    }
    default:
      return undefined;
  }
}

/** Undefined if a step would be longer than steps can be. */
function stepsAlong(path: Path | undefined, target: number): Step[] | undefined {
  if (!path) return undefined;
  const steps = path.reads.map(({ offset, loads }) => ({ target, base: target, loads, flags: 0, offset }));
  if (path.offset !== 0 || steps.length === 0)
    steps.push({ target, base: target, loads: 0, flags: 0, offset: path.offset });
  steps[0]!.base = path.register;
  return steps.every(({ offset }) => (offset | 0) === offset) ? steps : undefined;
}

/** In an order in which each register is set when no other one needs it any more; undefined if there is none. */
function ordered(unordered: readonly Move[]): Move[] | undefined {
  const left = [...unordered];
  const order: Move[] = [];
  while (left.length > 0) {
    const free = left.findIndex((move) => left.every((other) => other === move || other.base !== move.target));
    if (free < 0) return undefined;
    order.push(...left.splice(free, 1));
  }
  return order;
}
