/** A format with its arguments where all of them are known when the script is compiled. */
import { parseFormat } from "../format-string.ts";
import type { Type } from "./types.ts";

export function formatConstants(format: string, types: readonly Type[]): string {
  let next = 0;
  return parseFormat(format)
    .map((piece) => (typeof piece === "string" ? piece : shown(types[next++], piece.conversion)))
    .join("");
}

function shown(type: Type | undefined, conversion: string): string {
  if (!type || !("value" in type) || type.value === undefined) return "";
  if (type.kind === "enum" && conversion === "s") {
    return type.values.find(({ value }) => value === type.value)?.name ?? String(type.value);
  }
  if (conversion === "x" || conversion === "X") {
    const digits = BigInt.asUintN(64, BigInt(type.value)).toString(16);
    return conversion === "x" ? digits : digits.toUpperCase();
  }
  return String(type.value);
}
