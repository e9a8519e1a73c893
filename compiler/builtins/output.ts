/** What a script says: printing, and ending. All of it goes to the harness as events. */
import { formatParameters, isSupported, parseFormat } from "../format-string.ts";
import { type EventArgument, PLAIN_EVENT_SIZE, sendEvent, sendFilled } from "../lower/events.ts";
import { operand, value } from "../lower/expressions.ts";
import type { Lowering } from "../lower/lowering.ts";
import { at, type Place } from "../lower/place.ts";
import type { EventField } from "../program.ts";
import type { Checker } from "../sema/check.ts";
import { addressSpaceOf } from "../sema/providers/provider.ts";
import {
  int64,
  integer,
  isAggregate,
  isIntegral,
  isNumericAggregate,
  isSigned,
  type Type,
  typeName,
  uint64,
  voidType,
  widen,
} from "../sema/types.ts";
import type { Call, Expression, MapName } from "../syntax/ast.ts";
import type { BuiltinFunction, Functions } from "./table.ts";

/** The type as which a value travels in an event. */
function eventType(type: Type): Type {
  if (isNumericAggregate(type)) return isSigned(type) ? int64 : uint64;
  return widen(type);
}

function argument(l: Lowering, node: Expression): EventArgument {
  return { node, type: eventType(l.type(node)) };
}

/** A value that can be printed at all. */
function checkPrintable(c: Checker, node: Expression): Type {
  const type = c.type(node);
  if (type.kind === "void") return c.error("void-value", node.span, "this gives no value to print");
  if (type.kind === "float") return c.error("floating-point", node.span, "floating-point numbers cannot be printed");
  if (isAggregate(type) && !isNumericAggregate(type)) {
    return c.error(
      "aggregate-value",
      node.span,
      `a single ${typeName(type)} cannot be printed by its key`,
      "print the whole map",
    );
  }
  return type;
}

/** Checks a format and its values; the format, if these go together. */
export function checkFormat(c: Checker, call: Call): string | undefined {
  const format = c.literal(call.args[0], "the format");
  const args = call.args.slice(1);
  const types = args.map((_, i) => {
    const node = c.expressionArg(call, i + 1);
    return node && { node, type: checkPrintable(c, node) };
  });
  if (format === undefined) return undefined;
  const parameters = formatParameters(parseFormat(format));
  if (parameters.length !== args.length) {
    const takes = parameters.length === 1 ? "1 argument" : `${parameters.length} arguments`;
    c.error(
      "format-arguments",
      call.span,
      `the format takes ${takes}, but ${args.length} ${args.length === 1 ? "is" : "are"} given`,
    );
    return undefined;
  }
  let fits = true;
  for (const [i, { role, spec }] of parameters.entries()) {
    const given = types[i];
    if (!given || given.type.kind === "unknown") continue;
    if (!isSupported(spec.conversion)) {
      fits = false;
      c.error("format-conversion", call.args[0]!.span, `the conversion \`${spec.text}\` is not supported`);
    } else if (role !== "value" ? !isIntegral(given.type) : !accepts(spec.conversion, given.type)) {
      fits = false;
      const what = role === "value" ? `\`${spec.text}\`` : `the ${role} of \`${spec.text}\``;
      c.error("format-type", given.node.span, `${what} does not take a value of type ${typeName(given.type)}`);
    }
  }
  return fits ? format : undefined;
}

/** Whether a conversion takes a type. */
function accepts(conversion: string, type: Type): boolean {
  switch (conversion) {
    case "s":
      return true;
    case "r":
    case "rx":
    case "rh":
      return type.kind === "buffer" || type.kind === "string" || type.kind === "array";
    default:
      return isIntegral(type) || type.kind === "pointer" || type.kind === "boolean";
  }
}

function formatted(kind: "printf" | "errorf" | "warnf" | "system" | "cat"): BuiltinFunction {
  return {
    ...(kind === "system" ? { unsafe: true as const } : {}),
    args: [1, 1 + 64],
    form: `${kind}("format", ...)`,
    check(c, call) {
      checkFormat(c, call);
      return voidType;
    },
    lower: {
      effect(l, call) {
        const [format, ...rest] = call.args as Expression[];
        const type = l.type(format!);
        const text = type.kind === "string" ? (type.value ?? "") : "";
        sendEvent(
          l,
          rest.map((node) => argument(l, node)),
          (args, size) => ({ kind, size, format: text, args, span: call.span }),
        );
      },
    },
  };
}

/** print(@x), print(@x, top), print(@x, top, div), print(value) */
const print: BuiltinFunction = {
  args: [1, 3],
  form: "print(value) or print(@x[, top[, div]])",
  check(c, call) {
    const target = c.expressionArg(call, 0);
    if (!target) return voidType;
    if (target.kind === "map") {
      const info = c.map(target);
      for (const [i, what] of [
        [1, "the number of entries"],
        [2, "the divisor"],
      ] as const) {
        const node = c.expressionArg(call, i);
        if (node) c.integer(node, what);
      }
      if (call.args.length > 1 && info.value.kind === "stats") {
        const message = "print()'s top and div arguments are ignored when used on stats() maps.";
        c.warn("ignored-argument", call.span, message);
      }
      return voidType;
    }
    if (call.args.length > 1) {
      c.error("argument-count", call.span, "only a whole map can be printed with a limit and a divisor");
    }
    checkPrintable(c, target);
    return voidType;
  },
  lower: {
    effect(l, call) {
      const [target, ...limits] = call.args as Expression[];
      if (target!.kind === "map") {
        const map = l.plan.map((target as MapName).name);
        const args = limits.map((node): EventArgument => ({ node, type: integer(8, true) }));
        sendEvent(l, args, ([top, div]: EventField[], size) => ({ kind: "print_map", size, map: map.index, top, div }));
        return;
      }
      sendEvent(l, [argument(l, target!)], ([field], size) => ({
        kind: "print",
        size,
        value: field!,
        span: call.span,
      }));
    },
  },
};

const exit: BuiltinFunction = {
  args: [0, 1],
  form: "exit([code])",
  check(c, call) {
    const code = c.expressionArg(call, 0);
    if (code) c.integer(code, "the exit code");
    return voidType;
  },
  lower: {
    effect(l, call) {
      const [node] = call.args as Expression[];
      const given = node && operand(l, node);
      const code: EventField | undefined = node && { offset: PLAIN_EVENT_SIZE, layout: l.plan.layout(int64) };
      sendFilled(l, { kind: "exit", size: PLAIN_EVENT_SIZE + (code ? 8 : 0), code }, (record) => {
        if (given !== undefined) l.write(at(record, PLAIN_EVENT_SIZE), int64, given);
        // Only with a record on its way: without one, nobody would know that it is over.
        const { map, offset } = l.plan.ended;
        l.b.store(l.mapValue(map, offset), 0, 8, { imm: 1n });
      });
      // Nothing of the block runs behind it.
      l.b.jump(l.end);
    },
  },
};

/** As many words as a line is made of, and as many bytes of each. */
const JOIN_WORDS = 16;
const JOIN_WORD_BYTES = 1024;

/** join(argv): the texts that an array of pointers leads to, up to the null pointer that ends it. */
const join: BuiltinFunction = {
  args: [1, 2],
  form: 'join(array[, " "])',
  check(c, call) {
    const array = c.expressionArg(call, 0);
    const type = array && c.type(array);
    if (type && type.kind !== "pointer" && !isIntegral(type)) {
      c.error("argument-type", array.span, `join() takes an array of pointers, not a value of type ${typeName(type)}`);
    }
    if (call.args.length > 1) c.literal(call.args[1], "the separator");
    return voidType;
  },
  lower: {
    effect(l, call) {
      const [array, separator] = call.args as [Expression, Expression | undefined];
      const type = l.type(array);
      const own = type.kind === "pointer" && (type.space === "user" || type.space === "kernel");
      const space = own ? (type.space as "user" | "kernel") : addressSpaceOf(l.probe.event);
      const between = separator && l.type(separator);
      const words = Array.from({ length: JOIN_WORDS }, (_, i): EventField => {
        return { offset: PLAIN_EVENT_SIZE + i * JOIN_WORD_BYTES, layout: { kind: "string", size: JOIN_WORD_BYTES } };
      });
      const size = PLAIN_EVENT_SIZE + JOIN_WORDS * JOIN_WORD_BYTES;
      const base = value(l, array);
      const layout = { kind: "join", size, args: words } as const;
      const text = between?.kind === "string" ? (between.value ?? " ") : " ";
      sendFilled(l, { ...layout, separator: text }, (record) =>
        readWords(l, { base, offset: 0, space }, words, record),
      );
    },
  },
};

// for each word: record.word[0] = 0; then for each: p = array[i]; if (!p) break; read_str(&record.word, p)
function readWords(l: Lowering, array: Place, words: readonly EventField[], record: Place): void {
  const { b } = l;
  const helper = array.space === "user" ? "probe_read_user_str" : "probe_read_kernel_str";
  for (const { offset } of words) b.store(record.base, offset, 1, { imm: 0n });
  const done = b.newBlock();
  for (const [i, { offset, layout }] of words.entries()) {
    const next = b.newBlock();
    const word = l.read(at(array, 8 * i), uint64);
    b.branch("eq", word, { imm: 0n }, done, next);
    b.enterSealed(next);
    b.call(helper, [l.address(at(record, offset)), { imm: BigInt(layout.size) }, word]);
  }
  b.jump(done);
  b.enterSealed(done);
}

export const outputFunctions: Functions = {
  print,
  printf: formatted("printf"),
  errorf: formatted("errorf"),
  warnf: formatted("warnf"),
  system: formatted("system"),
  cat: formatted("cat"),
  join,
  exit,
};
