/** Strings and bytes. */
import { operand, value } from "../lower/expressions.ts";
import { place } from "../lower/memory-values.ts";
import { readString, stringLiteral } from "../lower/strings.ts";
import type { Checker } from "../sema/check.ts";
import { sizeOf } from "../sema/layout.ts";
import { addressSpaceOf, type ProbeEvent } from "../sema/providers/provider.ts";
import { integer, isIntegral, knownInteger, pointer, string, type Type, typeName, unknown } from "../sema/types.ts";
import type { Call, Expression } from "../syntax/ast.ts";
import type { Functions } from "./table.ts";

export const stringFunctions: Functions = {
  str: {
    args: [1, 2],
    form: "str(pointer[, length])",
    check(c, call): Type {
      const target = c.expressionArg(call, 0);
      if (!target) return unknown;
      const given = parameterText(c, target);
      if (given !== undefined) {
        const literal = { kind: "string", size: given.length + 1, value: given } as const;
        c.note(target, literal);
        return cut(literal, c.constant(call.args[1], "the length"));
      }
      const type = c.type(target);
      if (type.kind === "unknown") return unknown;
      if (type.kind === "string") {
        const { size, value } = type;
        return value === undefined ? type : cut({ kind: "string", size, value }, knownLength(c, call));
      }
      if (!isIntegral(type) && type.kind !== "pointer" && type.kind !== "array") {
        return c.error("argument-type", target.span, `str() takes a pointer, not a value of type ${typeName(type)}`);
      }
      const length = c.expressionArg(call, 1);
      if (!length) return string(c.settings.maxStrlen);
      const most = c.integer(length, "the length");
      if (most.kind !== "integer" || most.value === undefined) return string(c.settings.maxStrlen);
      if (most.value < 0n) return c.error("argument-range", length.span, "a length cannot be negative");
      return string(Math.min(c.settings.maxStrlen, Number(most.value) + 1));
    },
    lower: {
      into(l, call, to, padded) {
        const [target, length] = call.args as Expression[];
        const own = l.type(target!);
        const type = l.type(call);
        const size = sizeOf(type);
        if (own.kind === "string") {
          if (own.value !== undefined) stringLiteral(l, own.value, to, size, padded);
          else l.copy(place(l, target!), to, size);
          return;
        }
        const address = own.kind === "array" ? l.address(place(l, target!)) : value(l, target!);
        const space = own.kind === "pointer" && own.space === "user" ? "user" : defaultSpace(l.probe.event, own);
        l.b.span = call.span;
        if (!length) {
          readString(l, { address, space, to, size, padded, showCut: true });
          return;
        }
        // The length counts the NUL. min(length, size) is also how the verifier learns the bound.
        const given = operand(l, length);
        const wanted = typeof given === "object" ? given : l.reckoned(given);
        const limit =
          typeof wanted === "object"
            ? { imm: wanted.imm < BigInt(size) ? wanted.imm : BigInt(size) }
            : l.choose(
                "lt",
                wanted,
                { imm: BigInt(size) },
                () => wanted,
                () => l.b.const(size),
              );
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

/** The length, if it is a constant. */
function knownLength(c: Parameters<Functions[string]["check"]>[0], call: Call): bigint | undefined {
  const length = c.expressionArg(call, 1);
  return length && knownInteger(c.integer(length, "the length"));
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

function cut(type: { kind: "string"; size: number; value: string }, length: bigint | undefined): Type {
  if (length === undefined || length >= BigInt(type.value.length)) return type;
  const value = type.value.slice(0, Number(length));
  return { kind: "string", size: value.length + 1, value };
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
