/**
 * What becomes of a value on its way into a place of another type. Integers are cut or read with another sign without
 * asking, which is worth a warning; what a declared variable takes at all is decided here too.
 */
import { commonSign } from "./constants.ts";
import { joinTypes } from "./joins.ts";
import { type EnumType, fits, type IntegerType, int64, isSigned, sameType, type Type, typeName } from "./types.ts";

/** Whether a place keeps every value of the type as it is. Of a known value only that value counts. */
export function keeps(place: Type, given: Type): boolean {
  if (!isNumber(place) || !isNumber(given)) return true;
  if (given.value !== undefined) return fits(given.value, place);
  if (place.signed === given.signed) return place.size >= given.size;
  return place.signed && place.size > given.size;
}

/** Why a variable that was declared with a type cannot take a value; undefined if it can. */
export function refusal(declared: Type, given: Type): string | undefined {
  if (given.kind === "unknown" || declared.kind === "unknown") return undefined;
  if (isNumber(declared) && isNumber(given)) {
    const isLiteral = given.value !== undefined && !(given.kind === "integer" && given.fixed);
    return isLiteral && !keeps(declared, given) ? `which cannot hold ${given.value}` : undefined;
  }
  if (declared.kind === "pointer" && declared.to.kind === "void" && given.kind === "pointer") return undefined;
  const joined = joinTypes(declared, given);
  if (joined && sameType(joined, declared)) return undefined;
  return `and cannot take a value of type ${typeName(given)}`;
}

/** Whether two numbers are compared or divided as signed ones although one may be larger than these. */
export function mixesSigns(left: Type, right: Type): boolean {
  return !keeps(int64, left) || !keeps(int64, right) ? commonSign(left, right, isSigned) : false;
}

function isNumber(type: Type): type is IntegerType | EnumType {
  return type.kind === "integer" || type.kind === "enum";
}
