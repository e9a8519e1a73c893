/** Buffers, byte order, network addresses: bytes that are printed in forms of their own. */
import { operand, value } from "../lower/expressions.ts";
import type { Lowering } from "../lower/lowering.ts";
import { place } from "../lower/memory-values.ts";
import { at, type Place } from "../lower/place.ts";
import { parseAddress } from "../network-address.ts";
import type { Checker } from "../sema/check.ts";
import { sizeOf } from "../sema/layout.ts";
import { addressSpaceOf } from "../sema/probes.ts";
import { integer, isIntegral, type Size, type Type, typeName, unknown } from "../sema/types.ts";
import type { Call, Expression } from "../syntax/ast.ts";
import { warnIfCut } from "./strings.ts";
import type { Functions } from "./table.ts";

const AF_INET = 2;
const AF_INET6 = 10;

/** Bytes that lie behind a value: of an array or string itself, or where a pointer leads. */
function bytesOf(l: Lowering, node: Expression): Place {
  const type = l.type(node);
  if (inMemory(type)) return place(l, node);
  const space = type.kind === "pointer" && type.space !== "none" ? type.space : addressSpaceOf(l.probe.event);
  return { base: value(l, node), offset: 0, space };
}

function inMemory(type: Type): boolean {
  return type.kind === "array" || type.kind === "string";
}

function isBytes(type: Type): boolean {
  return inMemory(type) || type.kind === "pointer" || isIntegral(type);
}

function bufferSize(c: Checker, call: Call): Type {
  const data = c.expressionArg(call, 0);
  if (!data) return unknown;
  const type = c.type(data);
  if (!isBytes(type)) {
    return c.error(
      "argument-type",
      data.span,
      `buf() takes a pointer or an array, not a value of type ${typeName(type)}`,
    );
  }
  const length = c.expressionArg(call, 1);
  if (!length) {
    if (inMemory(type)) return { kind: "buffer", size: sizeOf(type) };
    return c.error("argument-count", call.span, `buf() expects a length argument for type ${typeName(type)}`);
  }
  const given = c.integer(length, "the length");
  // What lies behind an array or a text is none of its bytes.
  const most = Math.min(c.settings.maxStrlen, inMemory(type) ? sizeOf(type) : Number.POSITIVE_INFINITY);
  if (given.kind !== "integer" || given.value === undefined) return { kind: "buffer", size: most };
  if (given.value < 0n) return c.error("argument-range", length.span, "a length cannot be negative");
  if (!inMemory(type)) warnIfCut(c, length, given.value);
  return { kind: "buffer", size: Math.max(1, Math.min(most, Number(given.value))) };
}

export const byteFunctions: Functions = {
  buf: {
    args: [1, 2],
    form: "buf(data[, length])",
    check: bufferSize,
    lower: {
      into(l, call, to, padded) {
        const [data, length] = call.args as Expression[];
        const type = l.type(call);
        const size = type.kind === "buffer" ? type.size : 0;
        const from = bytesOf(l, data!);
        const given = length && l.type(length);
        if (!length || (given?.kind === "integer" && given.value !== undefined)) {
          const wanted = given?.kind === "integer" ? Number(given.value) : size;
          l.b.store(to.base, to.offset, 4, { imm: BigInt(Math.min(wanted, size)) });
          l.copy(from, at(to, 4), size);
          return;
        }
        const wanted = l.reckoned(value(l, length));
        const count = l.choose(
          "lt",
          wanted,
          { imm: BigInt(size) },
          () => wanted,
          () => l.b.const(size),
        );
        if (padded) l.zero(to, size + 4);
        l.b.store(to.base, to.offset, 4, count);
        const helper = from.space === "user" ? "probe_read_user" : "probe_read_kernel";
        l.b.call(helper, [l.address(at(to, 4)), count, l.address(from)]);
      },
    },
  },
  bswap: {
    args: [1, 1],
    form: "bswap(n)",
    check(c, call) {
      const arg = c.expressionArg(call, 0);
      const type = arg && c.integer(arg, "the value");
      const size: Size = type?.kind === "integer" ? type.size : 8;
      return integer(size, false);
    },
    lower: {
      value(l, call) {
        const [arg] = call.args as Expression[];
        const given = value(l, arg!);
        const size = sizeOf(l.type(call)) as Size;
        if (size === 1) return l.b.extend(given, 1, false);
        return l.b.define((dst) => ({ op: "bswap", dst, src: given, size }));
      },
    },
  },
  macaddr: {
    args: [1, 1],
    form: "macaddr(bytes)",
    check(c, call) {
      const arg = c.expressionArg(call, 0);
      if (!arg) return unknown;
      const type = c.type(arg);
      const fits =
        type.kind === "pointer" ||
        type.kind === "integer" ||
        ((type.kind === "array" || type.kind === "string") && sizeOf(type) >= 6);
      if (fits || type.kind === "unknown") return { kind: "mac" };
      return c.error("argument-type", arg.span, `macaddr() takes six bytes, not a value of type ${typeName(type)}`);
    },
    lower: { into: (l, call, to) => l.copy(bytesOf(l, call.args[0] as Expression), to, 6) },
  },
  ntop: {
    args: [1, 2],
    form: "ntop([family, ]address)",
    check(c, call) {
      if (call.args.length === 2) {
        const family = c.expressionArg(call, 0);
        if (family) c.integer(family, "the address family");
      }
      const address = c.expressionArg(call, call.args.length - 1);
      if (!address) return unknown;
      const type = c.type(address);
      const size = type.kind === "array" || type.kind === "string" ? sizeOf(type) : 0;
      if (isIntegral(type) || type.kind === "pointer" || size === 4 || size === 16) return { kind: "inet" };
      return c.error(
        "argument-type",
        address.span,
        `ntop() takes an integer or 4 or 16 bytes, not a value of type ${typeName(type)}`,
      );
    },
    lower: {
      into(l, call, to) {
        const args = call.args as Expression[];
        const address = args.at(-1)!;
        const type = l.type(address);
        const size = type.kind === "array" || type.kind === "string" ? sizeOf(type) : 4;
        const family = args.length === 2 ? operand(l, args[0]!) : { imm: BigInt(size === 16 ? AF_INET6 : AF_INET) };
        l.zero(to, 24);
        l.b.store(to.base, to.offset, 8, family);
        if (isIntegral(type)) l.b.store(to.base, to.offset + 8, 4, operand(l, address));
        else l.copy(bytesOf(l, address), at(to, 8), size);
      },
    },
  },
  pton: {
    args: [1, 1],
    form: 'pton("127.0.0.1")',
    check(c, call) {
      const text = c.literal(call.args[0], "the address");
      if (text === undefined) return unknown;
      const bytes = parseAddress(text);
      if (!bytes) return c.error("argument-range", call.args[0]!.span, `\`${text}\` is no IPv4 or IPv6 address`);
      return { kind: "array", element: integer(1, false), count: bytes.length };
    },
    lower: {
      into(l, call, to) {
        const type = l.type(call.args[0] as Expression);
        const bytes = parseAddress(type.kind === "string" ? (type.value ?? "") : "") ?? [];
        for (const [i, byte] of bytes.entries()) l.b.store(to.base, to.offset + i, 1, { imm: BigInt(byte) });
      },
    },
  },
};
