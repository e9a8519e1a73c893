/** Strings and bytes. */
import type { Operand } from "../ir/ir.ts";
import { operand, value } from "../lower/expressions.ts";
import type { Lowering } from "../lower/lowering.ts";
import { place } from "../lower/memory-values.ts";
import { at } from "../lower/place.ts";
import { local, readString, stringLiteral } from "../lower/strings.ts";
import type { Checker } from "../sema/check.ts";
import { sizeOf } from "../sema/layout.ts";
import { MOST_STRLEN } from "../sema/limits.ts";
import { addressSpaceOf, type ProbeEvent } from "../sema/providers/provider.ts";
import {
  integer,
  isIntegral,
  isText,
  knownInteger,
  type Named,
  pointer,
  string,
  type Type,
  textSize,
  typeName,
  unknown,
} from "../sema/types.ts";
import type { Expression } from "../syntax/ast.ts";
import type { Functions } from "./table.ts";

export const stringFunctions: Functions = {
  str: {
    args: [1, 2],
    form: "str(pointer[, length])",
    check(c, call): Type {
      const target = c.expressionArg(call, 0);
      if (!target) return unknown;
      const given = parameterText(c, target);
      const literal = given !== undefined && ({ kind: "string", size: given.length + 1, value: given } as const);
      const type = literal ? c.note(target, literal) : c.type(target);
      if (type.kind === "unknown") return unknown;
      const length = c.expressionArg(call, 1);
      const most = length && c.integer(length, "the length");
      const known = most && knownInteger(most);
      if (length && known !== undefined && known < 0n) {
        return c.error("argument-range", length.span, "a length cannot be negative");
      }
      if (isText(type)) {
        if (most?.kind === "unknown") return unknown;
        if (type.kind === "string" && type.value !== undefined && !length) return type;
        return shortened(type, known, c.settings.maxStrlen);
      }
      if (!isIntegral(type) && type.kind !== "pointer" && type.kind !== "array") {
        return c.error("argument-type", target.span, `str() takes a pointer, not a value of type ${typeName(type)}`);
      }
      const { maxStrlen } = c.settings;
      if (length && known !== undefined) warnIfCut(c, length, known);
      return string(known === undefined ? maxStrlen : Math.min(maxStrlen, Number(known) + 1));
    },
    lower: {
      into(l, call, to, padded) {
        const [target, length] = call.args as Expression[];
        const own = l.type(target!);
        const type = l.type(call);
        const size = sizeOf(type);
        if (type.kind === "string" && type.value !== undefined) {
          stringLiteral(l, type.value, to, size, padded);
          return;
        }
        const known = length && knownInteger(l.type(length));
        if (isText(own)) {
          const from = local(l, target!, own);
          if (length && known === undefined) {
            const limit = limited(l, length, size);
            readString(l, { address: l.address(from), space: "kernel", to, size, padded, limit, showCut: false });
            return;
          }
          const kept = known === undefined || known > size ? size : Math.max(Number(known) - 1, 0);
          l.copy(from, to, kept);
          if (kept < size) l.zero(at(to, kept), size - kept);
          return;
        }
        const address = own.kind === "array" ? l.address(place(l, target!)) : value(l, target!);
        const space = own.kind === "pointer" && own.space === "user" ? "user" : defaultSpace(l.probe.event, own);
        l.b.span = call.span;
        if (!length || (known !== undefined && known > size)) {
          readString(l, { address, space, to, size, padded, showCut: true });
          return;
        }
        const limit = limited(l, length, size);
        readString(l, { address, space, to, size, padded, limit, showCut: false });
      },
    },
  },
  kptr: {
    args: [1, 1],
    form: "kptr(pointer)",
    check: (c, call) => inSpace(c.expressionArg(call, 0), c, "kernel"),
    lower: { value: (l, call) => value(l, call.args[0] as Expression) },
  },
  uptr: {
    args: [1, 1],
    form: "uptr(pointer)",
    check: (c, call) => inSpace(c.expressionArg(call, 0), c, "user"),
    lower: { value: (l, call) => value(l, call.args[0] as Expression) },
  },
};

/** No more is read than `max_strlen`, whatever length was asked for. */
export function warnIfCut(c: Checker, length: Expression, known: bigint): void {
  const { maxStrlen } = c.settings;
  if (known <= maxStrlen) return;
  const enough = known < MOST_STRLEN ? known : MOST_STRLEN;
  const help = `set more: \`config = { max_strlen = ${enough} }\``;
  c.warn("length-cut", length.span, `only ${maxStrlen} bytes are kept, as max_strlen says`, help);
}

/** The length counts the NUL. min(length, size) is also how the verifier learns the bound. */
function limited(l: Lowering, length: Expression, size: number): Operand {
  const given = operand(l, length);
  const wanted = typeof given === "object" ? given : l.reckoned(given);
  const most = { imm: BigInt(size) };
  if (typeof wanted === "object") return wanted.imm < most.imm ? wanted : most;
  return l.choose(
    "lt",
    wanted,
    most,
    () => wanted,
    () => l.b.const(size),
  );
}

/**
 * A positional parameter is the text that was given, even if that is a number, and stands for its address: `$1 + 2` is
 * the text from its third byte on. Undefined for everything else.
 */
function parameterText(c: Checker, node: Expression): string | undefined {
  if (node.kind === "positional") {
    const { parameters } = c.settings;
    const text = node.index === 0 ? String(parameters.length) : (parameters[node.index - 1] ?? "");
    return String.fromCharCode(...new TextEncoder().encode(text));
  }
  if (node.kind !== "binary" || node.operator !== "+") return undefined;
  const [text, skipped] = [parameterText(c, node.left), node.right];
  if (text === undefined) return undefined;
  const count = c.constant(skipped, "what is added to a parameter");
  if (count === undefined) return text;
  if (count < 0n) {
    c.error("argument-range", skipped.span, "a text begins with its first byte");
    return text;
  }
  // Behind the end nothing is left. Scripts test themselves for parameters that were not given, and print how they are used.
  return text.slice(Number(count));
}

/** Of a literal as many bytes as were asked for; of others one less, as from memory, since the NUL counts. */
function shortened(type: Type & ({ kind: "string" } | Named), length: bigint | undefined, most: number): Type {
  if (type.kind === "string" && type.value !== undefined && length !== undefined) {
    const value = type.value.slice(0, Number(length));
    return { kind: "string", size: value.length + 1, value };
  }
  const size = Math.min(textSize(type), most);
  return string(length === undefined ? size : Math.min(size, Number(length) + 1));
}

/** Integers carry no address space: they go by the probe. */
function defaultSpace(event: ProbeEvent, type: Type): "user" | "kernel" {
  if (type.kind === "pointer" && type.space !== "none") return "kernel";
  return addressSpaceOf(event);
}

function inSpace(
  node: Expression | undefined,
  c: Parameters<Functions[string]["check"]>[0],
  space: "kernel" | "user",
): Type {
  if (!node) return unknown;
  const type = c.type(node);
  if (type.kind === "pointer") return pointer(type.to, space);
  if (isIntegral(type)) return pointer(integer(1, true), space);
  return c.error("argument-type", node.span, `this takes a pointer, not a value of type ${typeName(type)}`);
}
