/** Looking into strings: length, comparison, search, joining. They work on copies in the program's own memory. */
import type { Operand, VReg } from "../ir/ir.ts";
import { operand } from "../lower/expressions.ts";
import type { Lowering } from "../lower/lowering.ts";
import { at, type Place } from "../lower/place.ts";
import { bytesIn, compareBytes, findString, stringIn } from "../lower/text.ts";
import type { Checker } from "../sema/check.ts";
import { sizeOf } from "../sema/layout.ts";
import { boolean, int64, isText, string, type Type, textSize, typeName, uint64, unknown } from "../sema/types.ts";
import type { Call, Expression } from "../syntax/ast.ts";
import type { Functions } from "./table.ts";

/** A string, or something that can be read as one. */
function checkText(c: Checker, call: Call, index: number): Type {
  const node = c.expressionArg(call, index);
  if (!node) return unknown;
  const type = c.type(node);
  const element = type.kind === "array" ? type.element : type.kind === "pointer" ? type.to : undefined;
  const characters = element?.kind === "integer" && element.size === 1;
  if (isText(type) || type.kind === "unknown" || characters) return type;
  return c.error(
    "argument-type",
    node.span,
    `${call.callee.text}() takes a string, not a value of type ${typeName(type)}`,
  );
}

/** A string, an array, or a pointer. */
function checkBytes(c: Checker, call: Call, index: number): void {
  const node = c.expressionArg(call, index);
  const type = node && c.type(node);
  if (!type || ["string", "array", "pointer", "unknown"].includes(type.kind)) return;
  const message = `${call.callee.text}() takes a string, an array or a pointer, not a value of type ${typeName(type)}`;
  c.error("argument-type", node.span, message);
}

function literalOf(type: Type): string | undefined {
  return type.kind === "string" ? type.value : undefined;
}

/** Bytes that an argument takes when it is a string in memory. */
function argumentSize(type: Type, maxStrlen: number): number {
  if (isText(type)) return textSize(type);
  return type.kind === "array" ? sizeOf(type) : maxStrlen;
}

function checkSearch(result: Type) {
  return (c: Checker, call: Call): Type => {
    checkText(c, call, 0);
    checkText(c, call, 1);
    if (c.facts.features.loop) return result;
    return c.error(
      "kernel-feature",
      call.span,
      `this kernel cannot run ${call.callee.text}()`,
      "it came with Linux 5.17",
    );
  };
}

function search(l: Lowering, call: Call): VReg {
  const [haystack, needle] = call.args as Expression[];
  return findString(l, stringIn(l, haystack!), stringIn(l, needle!));
}

/** -ENOENT, as the kernel's own functions answer for a string that is not there. */
const NOT_FOUND = -2n;

export const textFunctions: Functions = {
  strlen: {
    args: [1, 1],
    form: "strlen(string)",
    check(c, call) {
      const literal = literalOf(checkText(c, call, 0));
      return literal === undefined ? uint64 : { ...uint64, value: BigInt(literal.length) };
    },
    lower: {
      value(l, call) {
        const { place, size } = stringIn(l, call.args[0] as Expression);
        return lengthOf(l, place, size);
      },
    },
  },
  strncmp: {
    args: [3, 3],
    form: "strncmp(a, b, n)",
    check(c, call) {
      checkText(c, call, 0);
      checkText(c, call, 1);
      const count = c.constant(call.args[2], "the number of characters");
      if (count === undefined || count >= 0n) return int64;
      return c.error("argument-range", call.args[2]!.span, "the number of characters cannot be negative");
    },
    lower: {
      value(l, call) {
        const [a, b, n] = call.args as [Expression, Expression, Expression];
        const difference = compareBytes(l, stringIn(l, a), stringIn(l, b), operand(l, n), true);
        return l.b.compare("ne", difference, { imm: 0n });
      },
    },
  },
  memcmp: {
    args: [3, 3],
    form: "memcmp(a, b, n)",
    check(c, call) {
      checkBytes(c, call, 0);
      checkBytes(c, call, 1);
      const count = c.expressionArg(call, 2);
      const type = count && c.integer(count, "the number of bytes");
      if (type?.kind !== "integer" || type.value === undefined || type.value >= 0n) return int64;
      return c.error("argument-range", call.args[2]!.span, "the number of bytes cannot be negative");
    },
    lower: {
      value(l, call) {
        const [a, b, n] = call.args as [Expression, Expression, Expression];
        const count = operand(l, n);
        return compareBytes(l, bytesIn(l, a, count), bytesIn(l, b, count), count, false);
      },
    },
  },
  strcontains: {
    args: [2, 2],
    form: "strcontains(haystack, needle)",
    check: checkSearch(boolean),
    lower: { value: (l, call) => l.b.compare("sge", search(l, call as Call), { imm: 0n }) },
  },
  strstr: {
    args: [2, 2],
    form: "strstr(haystack, needle)",
    check: checkSearch(int64),
    lower: {
      value(l, call) {
        const found = search(l, call);
        return l.choose(
          "slt",
          found,
          { imm: 0n },
          () => l.b.const(NOT_FOUND),
          () => found,
        );
      },
    },
  },
  str_concat: {
    args: [2, 2],
    form: "str_concat(a, b)",
    check(c, call) {
      const [a, b] = [checkText(c, call, 0), checkText(c, call, 1)];
      if (a.kind === "unknown" || b.kind === "unknown") return unknown;
      const most = c.settings.maxStrlen;
      return string(c.stringsGrow ? most : argumentSize(a, most) + argumentSize(b, most) - 1);
    },
    lower: {
      into(l, call, to, padded) {
        const [a, b] = (call as Call).args as Expression[];
        const first = stringIn(l, a!);
        const second = stringIn(l, b!);
        const whole = first.size + second.size - 1;
        const size = sizeOf(l.type(call));
        if (padded) l.zero(to, size);
        if (whole <= size) {
          concatenate(l, to, first, second);
          return;
        }
        const room = l.memory(whole, "str_concat");
        l.zero(room, size);
        concatenate(l, room, first, second);
        l.copy(room, to, size - 1);
        l.b.store(to.base, to.offset + size - 1, 1, { imm: 0n });
      },
    },
  },
};

// n = read_str(to, size(a), a); read_str(to + n - 1, size(b), b)
function concatenate(
  l: Lowering,
  to: Place,
  first: { place: Place; size: number },
  second: { place: Place; size: number },
): void {
  const { b } = l;
  const read = (target: VReg, size: Operand, from: Place) =>
    b.call("probe_read_kernel_str", [target, size, l.address(from)]);
  b.store(to.base, to.offset, 1, { imm: 0n });
  const length = read(l.address(to), { imm: BigInt(first.size) }, first.place);
  const before = b.alu("sub", length, { imm: 1n });
  l.when("lt", before, { imm: BigInt(first.size) }, () => {
    read(b.alu("add", l.address(to), before), { imm: BigInt(second.size) }, second.place);
  });
}

/** read_str() answers the length with its NUL; a string without one fills its place. */
function lengthOf(l: Lowering, from: Place, size: number): VReg {
  const { b } = l;
  const memory = l.memory(size, "strlen");
  const read = b.call("probe_read_kernel_str", [l.address(memory), { imm: BigInt(size) }, l.address(from)]);
  const last = b.load(from.base, at(from, size - 1).offset, 1);
  const cut = b.compare("ne", last, { imm: 0n });
  return b.alu("add", b.alu("sub", read, { imm: 1n }), cut);
}
