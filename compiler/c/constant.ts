/**
 * Constant expressions of C: lengths of arrays, widths of bit-fields, values of enumerators, conditions of `#if`. What names
 * and types mean is asked of whoever evaluates.
 */
import { type CNumber, int, number, operate, readInteger } from "./numbers.ts";
import type { TokenList } from "./token-list.ts";
import { unquoted } from "./tokens.ts";

export interface ConstantContext {
  /** The value of a name; undefined where it has none. */
  name(name: string): CNumber | undefined;
  /**
   * Before an operand: reads `sizeof`, `_Alignof`, `offsetof` and casts, whose operand it gets by `operand`. "no" leaves
   * the tokens alone, undefined stands for an error.
   */
  typed?(list: TokenList, operand: () => CNumber | undefined): CNumber | "no" | undefined;
}

const PRECEDENCE: Readonly<Record<string, number>> = {
  "||": 1,
  "&&": 2,
  "|": 3,
  "^": 4,
  "&": 5,
  "==": 6,
  "!=": 6,
  "<": 7,
  ">": 7,
  "<=": 7,
  ">=": 7,
  "<<": 8,
  ">>": 8,
  "+": 9,
  "-": 9,
  "*": 10,
  "/": 10,
  "%": 10,
};

/** How deep parentheses and operators may be nested. */
const MAX_DEPTH = 200;

/** The value of the expression that comes next; undefined if it is no constant. */
export function constant(list: TokenList, context: ConstantContext): CNumber | undefined {
  return new Evaluator(list, context).conditional();
}

class Evaluator {
  readonly #list: TokenList;
  readonly #context: ConstantContext;
  #depth = 0;

  constructor(list: TokenList, context: ConstantContext) {
    this.#list = list;
    this.#context = context;
  }

  conditional(): CNumber | undefined {
    const condition = this.#binary(1);
    if (!this.#list.accept("?")) return condition;
    const short = this.#list.at(":");
    const then = short ? condition : this.conditional();
    if (!this.#list.accept(":")) return undefined;
    const otherwise = this.conditional();
    if (!condition) return undefined;
    return condition.value !== 0n ? then : otherwise;
  }

  #binary(lowest: number): CNumber | undefined {
    let left = this.#unary();
    for (;;) {
      const { kind, text } = this.#list.peek();
      const precedence = kind === "punctuator" ? PRECEDENCE[text] : undefined;
      if (precedence === undefined || precedence < lowest) return left;
      this.#list.next();
      const right = this.#binary(precedence + 1);
      left = combined(text, left, right);
    }
  }

  #unary(): CNumber | undefined {
    if (++this.#depth > MAX_DEPTH) return undefined;
    const result = this.#operand();
    this.#depth--;
    return result;
  }

  #operand(): CNumber | undefined {
    const list = this.#list;
    const typed = this.#context.typed ? this.#context.typed(list, () => this.#unary()) : "no";
    if (typed !== "no") return typed;
    const token = list.next();
    switch (token.kind) {
      case "number":
        return readInteger(token.text);
      case "character": {
        const text = unquoted(token);
        return text === "" ? undefined : int(BigInt.asIntN(8, BigInt(text.charCodeAt(text.length - 1))));
      }
      case "word":
        return this.#context.name(token.text);
      case "punctuator":
        return this.#prefixed(token.text);
      default:
        return undefined;
    }
  }

  #prefixed(operator: string): CNumber | undefined {
    if (operator === "(") {
      const inner = this.conditional();
      return this.#list.accept(")") ? inner : undefined;
    }
    if (!["+", "-", "~", "!"].includes(operator)) return undefined;
    const operand = this.#unary();
    if (!operand) return undefined;
    const { value, bits, unsigned } = operand;
    if (operator === "!") return int(value === 0n);
    return number(operator === "-" ? -value : operator === "~" ? ~value : value, bits, unsigned);
  }
}

/** `0 && x` has a value even if `x` has none. */
function combined(operator: string, left: CNumber | undefined, right: CNumber | undefined): CNumber | undefined {
  if (operator === "&&" || operator === "||") {
    if (!left) return undefined;
    const decided = (left.value !== 0n) === (operator === "||");
    if (decided) return int(operator === "||");
    return right && int(right.value !== 0n);
  }
  return left && right && operate(operator, left, right);
}
