/** Values that do not fit a register: strings, tuples, records. Each is written to a place that the caller chooses. */
import { knownScalar } from "../sema/constants.ts";
import { placed, sizeOf } from "../sema/layout.ts";
import { isNamed, isScalar, sameType, type Type } from "../sema/types.ts";
import type * as ast from "../syntax/ast.ts";
import { walk } from "../syntax/walk.ts";
import { argumentPlace, argumentValue } from "./args.ts";
import { blockValue, builtinOf, chosenBranch, either, operand, value } from "./expressions.ts";
import type { Lowering } from "./lowering.ts";
import { mapPlace } from "./maps.ts";
import { memberPlace, pointed } from "./members.ts";
import { nameText } from "./names.ts";
import { at, type Place, untyped } from "./place.ts";
import { statements } from "./statements.ts";
import { stringLiteral } from "./strings.ts";

/**
 * Writes the value of any expression to memory, as a value of type `as` (which may be wider than its own). With `padded`
 * every byte of the place is written, as map keys and values need it.
 */
export function into(l: Lowering, node: ast.Expression, to: Place, as: Type, padded: boolean): void {
  const type = l.type(node);
  if (as.kind === "integer" || isScalar(as)) {
    const scalar = operand(l, node);
    l.b.span = node.span;
    l.write(to, as, scalar);
    return;
  }
  if (node.kind === "tuple" && as.kind === "tuple") {
    const { offsets, size } = placed(as.elements);
    if (padded)
      l.zeroPadding(
        to,
        as.elements.map((e, i) => ({ offset: offsets[i]!, size: sizeOf(e) })),
        size,
      );
    for (const [i, element] of node.elements.entries()) {
      const place = at(to, offsets[i]!);
      const isLast = i === offsets.length - 1;
      into(l, element, isLast && to.head ? { ...place, head: to.head } : place, as.elements[i]!, padded);
    }
    return;
  }
  if (node.kind === "record" && as.kind === "record") {
    const { offsets, size } = placed(as.fields.map((f) => f.type));
    if (padded)
      l.zeroPadding(
        to,
        as.fields.map((f, i) => ({ offset: offsets[i]!, size: sizeOf(f.type) })),
        size,
      );
    for (const { name, value: given } of node.fields) {
      const i = as.fields.findIndex((field) => field.name === name.text);
      into(l, given, at(to, offsets[i]!), as.fields[i]!.type, padded);
    }
    return;
  }
  const only = node.kind === "ternary" ? chosenBranch(l, node) : undefined;
  if (only) {
    into(l, only, to, as, padded);
    return;
  }
  if (node.kind === "ternary") {
    const { condition, then, otherwise } = node;
    either(
      l,
      condition,
      () => into(l, then, to, as, padded),
      () => into(l, otherwise, to, as, padded),
    );
    return;
  }
  if (node.kind === "block-expression") {
    statements(l, node.statements);
    into(l, blockValue(node), to, as, padded);
    return;
  }
  if (node.kind === "comptime") {
    into(l, node.operand, to, as, padded);
    return;
  }
  if (node.kind === "typeinfo") {
    constantInto(l, type, to, as, padded);
    return;
  }
  if (node.kind === "cast" && as.kind === "array") {
    castToArray(l, node, to, as, padded);
    return;
  }
  // Of what does not fit a register only the type changes.
  if (node.kind === "cast") {
    into(l, node.operand, to, as, padded);
    return;
  }
  l.b.span = node.span;
  if (as.kind === "string") {
    if (type.kind === "string" && type.value !== undefined) {
      stringLiteral(l, type.value, to, as.size, padded);
      return;
    }
    if (isNamed(type)) {
      nameText(l, type, value(l, node), to, as.size);
      return;
    }
  }
  const builtin = builtinOf(node);
  // A record whose fields are wider there is made here first.
  const fits = as.kind === "record" ? sameType(type, as) : sizeOf(type) <= sizeOf(as);
  if (builtin && "into" in builtin && fits) {
    builtin.into(l, node as ast.Call, to, padded);
    if (padded && sizeOf(type) < sizeOf(as)) l.zero(at(to, sizeOf(type)), sizeOf(as) - sizeOf(type));
    return;
  }
  const from = place(l, node);
  l.b.span = node.span;
  convert(l, from, type, to, as, padded);
}

/** A place with a value that a script knows by name. `isOld` says whether a part of an expression is that value. */
interface Named {
  to: Place;
  as: Type;
  name: string;
  isOld(part: ast.Node): boolean;
}

/** Puts a new value, all of it, in the place of an old one. It is built elsewhere if it is made of the old one. */
export function overwrite(l: Lowering, node: ast.Expression, { to, as, name, isOld }: Named): void {
  let old = false;
  walk(node, (part) => {
    old ||= isOld(part);
  });
  const fresh = old ? l.memory(sizeOf(as), `new ${name}`) : to;
  into(l, node, fresh, as, true);
  if (old) l.copy(fresh, to, sizeOf(as));
}

/** Writes a value that the checker knows, which no expression of the script stands for. */
export function constantInto(l: Lowering, type: Type, to: Place, as: Type, padded: boolean): void {
  if (type.kind === "record" && as.kind === "record") {
    const { offsets, size } = placed(as.fields.map((field) => field.type));
    const spans = as.fields.map((field, i) => ({ offset: offsets[i]!, size: sizeOf(field.type) }));
    if (padded) l.zeroPadding(to, spans, size);
    for (const [i, { name, type: target }] of as.fields.entries()) {
      const known = type.fields.find((field) => field.name === name)!.type;
      constantInto(l, known, at(to, offsets[i]!), target, padded);
    }
    return;
  }
  if (type.kind === "string") stringLiteral(l, type.value ?? "", to, sizeOf(as), padded);
  else l.write(to, as, { imm: BigInt.asIntN(64, knownScalar(type) ?? 0n) });
}

/** The record of all arguments of a probe, from wherever each of them is. */
export function argumentsInto(l: Lowering, node: ast.Expression, to: Place, padded: boolean): void {
  const type = l.type(node);
  if (type.kind !== "record") throw new Error("args is a record");
  const { offsets, size } = placed(type.fields.map((field) => field.type));
  const spans = type.fields.map((field, i) => ({ offset: offsets[i]!, size: sizeOf(field.type) }));
  if (padded) l.zeroPadding(to, spans, size);
  for (const [i, { name, type: own }] of type.fields.entries()) {
    const target = at(to, offsets[i]!);
    const from = isScalar(own) ? undefined : argumentPlace(l, name);
    if (from) convert(l, from, own, target, own, padded);
    else l.write(target, own, argumentValue(l, name));
  }
}

/** An array of the bytes that a value has in memory. */
function castToArray(l: Lowering, node: ast.Cast, to: Place, as: Type, padded: boolean): void {
  const from = l.type(node.operand);
  const size = sizeOf(as);
  if (!isScalar(from)) {
    into(l, node.operand, to, from, padded);
    return;
  }
  if (size === 1 || size === 2 || size === 4 || size === 8) {
    l.b.store(to.base, to.offset, size, operand(l, node.operand));
    return;
  }
  const memory = l.slot(8, "bytes");
  l.b.store(memory.base, 0, 8, operand(l, node.operand));
  l.copy(memory, to, size);
}

/** Copies a value from one place to another as a value of a type that may be wider. */
export function convert(l: Lowering, from: Place, type: Type, to: Place, as: Type, padded: boolean): void {
  if (sameType(type, as)) {
    l.copy(from, to, sizeOf(as));
    return;
  }
  if (type.kind === "tuple" && as.kind === "tuple") {
    const source = placed(type.elements);
    const target = placed(as.elements);
    if (padded) {
      l.zeroPadding(
        to,
        as.elements.map((e, i) => ({ offset: target.offsets[i]!, size: sizeOf(e) })),
        target.size,
      );
    }
    for (const [i, element] of type.elements.entries()) {
      convert(l, at(from, source.offsets[i]!), element, at(to, target.offsets[i]!), as.elements[i]!, padded);
    }
    return;
  }
  if (type.kind === "record" && as.kind === "record") {
    const source = placed(type.fields.map((f) => f.type));
    const target = placed(as.fields.map((f) => f.type));
    if (padded) {
      l.zeroPadding(
        to,
        as.fields.map((f, i) => ({ offset: target.offsets[i]!, size: sizeOf(f.type) })),
        target.size,
      );
    }
    for (const [i, field] of as.fields.entries()) {
      const index = type.fields.findIndex((f) => f.name === field.name);
      convert(
        l,
        at(from, source.offsets[index]!),
        type.fields[index]!.type,
        at(to, target.offsets[i]!),
        field.type,
        padded,
      );
    }
    return;
  }
  if (isScalar(type) && isScalar(as)) {
    l.write(to, as, l.read(from, type));
    return;
  }
  if (isNamed(type) && as.kind === "string") {
    nameText(l, type, l.read(from, type), to, as.size);
    return;
  }
  const size = Math.min(sizeOf(type), sizeOf(as));
  l.copy(from, to, size);
  if (padded && size < sizeOf(as)) l.zero(at(to, size), sizeOf(as) - size);
}

/** Where the value of an expression that does not fit a register lies; computed to a place of its own if need be. */
export function place(l: Lowering, node: ast.Expression): Place {
  l.b.span = node.span;
  const type = l.type(node);
  switch (node.kind) {
    case "variable":
      return l.variablePlace(l.variable(node));
    case "map":
    case "map-access":
      return mapPlace(l, node);
    case "field":
    case "index":
    case "tuple-access": {
      const found = memberPlace(l, node);
      if (found) return untyped(found.place);
      break;
    }
    case "unary":
      if (node.operator === "*") return untyped(pointed(l, node.operand));
      break;
    default:
      break;
  }
  const memory = l.memory(sizeOf(type), node.kind);
  into(l, node, memory, type, true);
  return memory;
}
