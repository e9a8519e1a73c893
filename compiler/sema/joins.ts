/** The type of a place that takes values of several types: of a variable, a map, both sides of a choice. */
import {
  boolean,
  fits,
  type IntegerType,
  integer,
  isNamed,
  NAME_SIZE,
  type PointerType,
  type Size,
  sameIntervals,
  sameType,
  string,
  type Type,
  widen,
} from "./types.ts";

/** The value of a literal that is as good as unsigned: its type goes with that of the other side. */
function adaptable(type: IntegerType): bigint | undefined {
  return type.fixed || type.value === undefined || type.value < 0n ? undefined : type.value;
}

/** Whether the type goes with that of the other side, as that of a literal does which is not negative. */
export function adapts(type: Type): boolean {
  return type.kind === "integer" && adaptable(type) !== undefined;
}

/** The smallest type that holds all values of both; int64 where there is none. */
function joinIntegers(a: IntegerType, b: IntegerType): IntegerType {
  // Of two literals the larger one stands for both: a place that takes only literals is still free to become unsigned.
  const [left, right] = [adaptable(a), adaptable(b)];
  if (left !== undefined && right !== undefined) return left > right ? a : b;
  if (a.signed === b.signed) return integer(largerSize(a.size, b.size), a.signed);
  for (const [literal, { size: before, signed }] of [
    [a, b],
    [b, a],
  ] as const) {
    const value = adaptable(literal);
    if (value !== undefined && literal.signed && !signed) {
      let size = before;
      while (size < 8 && !fits(value, { size, signed: false })) size = (size * 2) as Size;
      return integer(size, false);
    }
  }
  const [signed, unsigned] = a.signed ? [a, b] : [b, a];
  const wide = unsigned.size < 8 ? ((unsigned.size * 2) as Size) : 8;
  return integer(largerSize(signed.size, wide), true);
}

function largerSize(a: Size, b: Size): Size {
  return a >= b ? a : b;
}

/**
 * The type of a place that takes values of both types, undefined if there is none. Strings take the longer size, tuples
 * and records join element by element.
 */
export function joinTypes(a: Type, b: Type): Type | undefined {
  if (a.kind === "unknown") return b;
  if (b.kind === "unknown") return a;
  if (a.kind === "integer" && b.kind === "integer") return joinIntegers(a, b);
  if (a.kind === "enum" && b.kind === "enum") {
    const isSame = a.name === b.name && (a.name !== "" || a.values === b.values);
    return isSame
      ? widen(a.size >= b.size ? a : b)
      : joinIntegers(integer(a.size, a.signed), integer(b.size, b.signed));
  }
  if (a.kind === "enum" && b.kind === "integer") return joinIntegers(integer(a.size, a.signed), b);
  if (a.kind === "integer" && b.kind === "enum") return joinIntegers(a, integer(b.size, b.signed));
  if (a.kind !== b.kind) return joinKinds(a, b);
  switch (a.kind) {
    case "string":
      return widen(a.size >= (b as typeof a).size ? a : b);
    case "buffer":
      return { kind: "buffer", size: Math.max(a.size, (b as typeof a).size) };
    case "pointer": {
      const other = b as PointerType;
      if (sameType(a.to, other.to)) return a.space === "none" ? other : a;
      if (a.to.kind === "void" || a.to.kind === "unknown") return other;
      if (other.to.kind === "void" || other.to.kind === "unknown") return a;
      return undefined;
    }
    case "tuple": {
      const other = b as typeof a;
      if (a.elements.length !== other.elements.length) return undefined;
      const elements: Type[] = [];
      for (const [i, element] of a.elements.entries()) {
        const joined = joinTypes(element, other.elements[i]!);
        if (!joined) return undefined;
        elements.push(joined);
      }
      return { kind: "tuple", elements };
    }
    case "record": {
      const other = b as typeof a;
      if (a.fields.length !== other.fields.length) return undefined;
      const fields: { name: string; type: Type }[] = [];
      for (const field of a.fields) {
        const match = other.fields.find((f) => f.name === field.name);
        const joined = match && joinTypes(field.type, match.type);
        if (!joined) return undefined;
        fields.push({ name: field.name, type: joined });
      }
      return { kind: "record", fields };
    }
    case "sum":
    case "min":
    case "max":
    case "avg":
    case "stats":
      return { kind: a.kind, signed: a.signed || (b as typeof a).signed };
    case "tseries": {
      const other = b as typeof a;
      return sameIntervals(a, other) ? { ...a, signed: a.signed || other.signed } : undefined;
    }
    case "boolean":
      return boolean;
    default:
      return sameType(a, b) ? a : undefined;
  }
}

function joinKinds(a: Type, b: Type): Type | undefined {
  if (isNamed(a) && isNamed(b)) return string(NAME_SIZE);
  if (isNamed(a) && b.kind === "string") return string(Math.max(b.size, NAME_SIZE));
  if (a.kind === "string" && isNamed(b)) return joinKinds(b, a);
  return undefined;
}
