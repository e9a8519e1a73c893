/** How large a value may be. What is larger fits no map of the kernel's, and would keep the compiler busy for hours. */
import type { Diagnostics } from "../diagnostics.ts";
import type { Span } from "../source.ts";
import { sizeOf } from "./layout.ts";
import type { MapInfo, Unit } from "./typed.ts";
import { isAggregate, type Type } from "./types.ts";

/** The most that `max_strlen` can be. */
export const MOST_STRLEN = 1 << 20;

/** Bytes of a variable, of a map's key or value, and of anything that is kept for a while. */
export const MAX_VALUE_BYTES = 4 << 20;
/** Elements of a tuple, those of the tuples in it included. */
const MAX_PARTS = 10_000;

/** Whether a type has more parts than anybody could want: tuples of tuples grow fast. */
export function hasTooManyParts(type: Type): boolean {
  let parts = 0;
  const count = (part: Type): boolean => {
    if (++parts > MAX_PARTS) return true;
    if (part.kind === "tuple") return part.elements.some(count);
    return part.kind === "record" && part.fields.some((field) => count(field.type));
  };
  return count(type);
}

/** Whether a part of a type was never told. */
export function hasUnknownPart(type: Type): boolean {
  if (type.kind === "tuple") return type.elements.some(hasUnknownPart);
  if (type.kind === "record") return type.fields.some((field) => hasUnknownPart(field.type));
  return type.kind === "unknown";
}

export function reportTooLarge(units: readonly Unit[], maps: Iterable<MapInfo>, diags: Diagnostics): void {
  const look = (name: string, type: Type, span: Span): void => {
    if (isAggregate(type) || sizeOf(type) <= MAX_VALUE_BYTES) return;
    const message = `\`${name}\` would have ${sizeOf(type)} bytes, and the limit is ${MAX_VALUE_BYTES}`;
    diags.error("value-too-large", span, message);
  };
  for (const { name, key, value, span } of maps) for (const type of [key, value]) look(name, type, span);
  for (const { variables } of units) {
    for (const { name, type, declaration } of new Set(variables.values())) look(name, type, declaration.span);
  }
}
