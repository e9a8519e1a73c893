/** What `__attribute__((...))` and its relatives say about layouts; all else in them is passed over. */
import type { TokenList } from "./token-list.ts";
import type { CType } from "./types.ts";

export interface Attributes {
  packed: boolean;
  /** Bytes; 1 without the attribute. */
  align: number;
  /** Bytes of the integer, or of the vector, that the type is made into. */
  mode: 1 | 2 | 4 | 8 | 16 | undefined;
  vector: number | undefined;
}

export function noAttributes(): Attributes {
  return { packed: false, align: 1, mode: undefined, vector: undefined };
}

/** Of `aligned` without a number: what suits every type. */
const LARGEST_ALIGNMENT = 16;

const MODES: Readonly<Record<string, 1 | 2 | 4 | 8 | 16>> = {
  QI: 1,
  byte: 1,
  HI: 2,
  SI: 4,
  DI: 8,
  word: 8,
  pointer: 8,
  TI: 16,
};

/** Words that are followed by something in parentheses and have no effect on a type. */
const PASSED_OVER: ReadonlySet<string> = new Set(["__asm__", "asm", "__asm", "_Pragma", "__declspec"]);

/** Reads all attributes that come next into `into`. */
export function readAttributes(
  list: TokenList,
  into: Attributes,
  evaluate: (list: TokenList) => bigint | undefined,
): void {
  for (;;) {
    const { text, kind } = list.peek();
    if (kind !== "word") return;
    if (text === "__attribute__" || text === "__attribute") {
      list.next();
      const from = list.position;
      list.skipBrackets();
      const end = list.position;
      list.position = from;
      readList(list, end, into, evaluate);
      list.position = end;
    } else if (text === "_Alignas") {
      list.next();
      list.accept("(");
      const align = evaluate(list);
      if (align) into.align = Math.max(into.align, Number(align));
      list.accept(")");
    } else if (PASSED_OVER.has(text)) {
      list.next();
      while (list.accept("volatile") || list.accept("__volatile__") || list.accept("goto"));
      list.skipBrackets();
    } else return;
  }
}

function readList(
  list: TokenList,
  end: number,
  into: Attributes,
  evaluate: (list: TokenList) => bigint | undefined,
): void {
  while (list.position < end) {
    const name = list.next().text.replace(/^__|__$/g, "");
    const hasOperand = list.at("(");
    switch (name) {
      case "packed":
        into.packed = true;
        break;
      case "aligned":
        into.align = Math.max(into.align, hasOperand ? operand(list, evaluate) : LARGEST_ALIGNMENT);
        break;
      case "vector_size":
        into.vector = hasOperand ? operand(list, evaluate) : undefined;
        break;
      case "mode": {
        const mode = list.peek(1).text.replace(/^__|__$/g, "");
        into.mode = Object.hasOwn(MODES, mode) ? MODES[mode] : undefined;
        list.skipBrackets();
        break;
      }
      case "(":
      case ")":
      case ",":
        break;
      default:
        if (hasOperand) list.skipBrackets();
    }
  }
}

function operand(list: TokenList, evaluate: (list: TokenList) => bigint | undefined): number {
  const open = list.position;
  list.next();
  const value = evaluate(list);
  list.position = open;
  list.skipBrackets();
  return value !== undefined && value > 0n && value <= 1n << 28n ? Number(value) : 1;
}

/** A type with the attributes of its declaration; alignments of members and records are no part of it. */
export function withMode(type: CType, { mode, vector }: Attributes): CType {
  if (vector !== undefined) {
    const count = Math.max(1, Math.floor(vector / (type.kind === "integer" || type.kind === "float" ? type.size : 8)));
    return { kind: "aligned", type: { kind: "array", element: type, count }, align: vector };
  }
  if (mode === undefined || (type.kind !== "integer" && type.kind !== "enum")) return type;
  return { kind: "integer", size: mode, signed: type.signed };
}
