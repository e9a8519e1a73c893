/** Functions that take a map. */
import { PLAIN_EVENT_SIZE, sendPlain } from "../lower/events.ts";
import { countEntries, deleteKey, deleteScalar, findKey, hasKey } from "../lower/maps.ts";
import { place } from "../lower/memory-values.ts";
import { stackDepth } from "../lower/stacks.ts";
import type { Checker } from "../sema/check.ts";
import type { MapInfo } from "../sema/typed.ts";
import { boolean, int64, type Type, unknown, voidType, widen } from "../sema/types.ts";
import type { Call, Expression, MapAccess, MapName, Variable } from "../syntax/ast.ts";
import type { BuiltinFunction, Functions } from "./table.ts";

/** A function that hands a whole map to the harness. */
function wholeMap(name: "clear" | "zero"): BuiltinFunction {
  return {
    args: [1, 1],
    form: `${name}(@x)`,
    check(c, call) {
      c.mapArg(call);
      return voidType;
    },
    lower: {
      effect(l, call) {
        const map = l.plan.map((call.args[0] as MapName).name);
        sendPlain(l, { kind: `${name}_map`, size: PLAIN_EVENT_SIZE, map: map.index });
      },
    },
  };
}

/** Fails for a time series, which has many values under a key and so no single one to ask for. */
function checkEntries(c: Checker, call: Call, info: MapInfo): boolean {
  if (info.value.kind !== "tseries") return true;
  const { text } = call.callee;
  c.error("map-value", call.args[0]!.span, `${text}() does not go with the time series \`${info.name}\``, SERIES_HELP);
  return false;
}

const SERIES_HELP = "it can be printed, cleared and set to zero as a whole";

/** `f(@x, key)`, the key being several arguments or a tuple. */
function checkKey(c: Checker, call: Call): Type {
  const info = c.mapArg(call);
  const key = c.expressionArg(call, 1);
  if (!info || !key || !checkEntries(c, call, info)) return unknown;
  if (info.keyed === false) return withoutKeys(c, call);
  c.useKey(info, key);
  return boolean;
}

function withoutKeys(c: Checker, call: Call): Type {
  const message = `call to ${call.callee.text}() expects a map with explicit keys (non-scalar map)`;
  return c.error("map-key", call.args[0]!.span, message);
}

function mapOf(call: Call): string {
  const target = call.args[0] as MapName | MapAccess;
  return target.kind === "map" ? target.name : target.map.name;
}

export const mapFunctions: Functions = {
  clear: wholeMap("clear"),
  zero: wholeMap("zero"),
  delete: {
    args: [1, 2],
    form: "delete(@x, key)",
    check(c, call) {
      const target = call.args[0];
      // The old form: delete(@x[key]).
      if (target?.kind === "map-access" && call.args.length === 1) {
        return checkEntries(c, call, c.useMap(target)) ? boolean : unknown;
      }
      if (call.args.length === 2) return checkKey(c, call);
      if (target?.kind !== "map") {
        return c.error(
          "map-expected",
          (target ?? call).span,
          "delete() takes a map and a key",
          "write it as `delete(@x, key)`",
        );
      }
      const info = c.mapArg(call);
      if (info?.keyed) {
        return c.error(
          "map-key",
          target.span,
          `delete() needs the key of \`${info.name}\``,
          `to delete all of them write \`clear(${info.name})\``,
        );
      }
      return info && checkEntries(c, call, info) ? boolean : unknown;
    },
    lower: {
      value(l, call) {
        const target = call.args[0] as MapName | MapAccess;
        const map = l.plan.map(mapOf(call));
        if (target.kind === "map-access") return deleteKey(l, map, target.key);
        if (call.args.length === 2) return deleteKey(l, map, call.args[1] as Expression);
        return deleteScalar(l, map);
      },
    },
  },
  len: {
    args: [1, 1],
    form: "len(@x) or len(stack)",
    check(c, call) {
      const target = call.args[0];
      if (target && target.kind !== "map" && target.kind !== "type-name" && target.kind !== "block") {
        const type = c.type(target);
        if (type.kind === "kstack" || type.kind === "ustack") return int64;
      }
      const info = c.mapArg(call);
      if (info?.keyed === false) return withoutKeys(c, call);
      if (c.facts.features.forEachMapElem) return int64;
      return c.error(
        "kernel-feature",
        call.span,
        "this kernel cannot count the entries of a map",
        "it came with Linux 5.13",
      );
    },
    lower: {
      value(l, call) {
        const target = call.args[0] as Expression;
        return target.kind === "map" ? countEntries(l, l.plan.map(mapOf(call))) : stackDepth(l, place(l, target));
      },
    },
  },
  find: {
    args: [3, 3],
    form: "find(@x, key, $value)",
    check(c, call) {
      const target = call.args[2];
      if (target?.kind !== "variable") {
        return c.error("argument-type", (target ?? call).span, "find() takes a variable for the value");
      }
      const info = c.mapArg(call);
      const key = c.expressionArg(call, 1);
      if (!info || !key || !checkEntries(c, call, info)) return unknown;
      if (info.keyed === false) return withoutKeys(c, call);
      c.useKey(info, key);
      // Where nothing is found it keeps its value, so it has to have one.
      if (!c.lookup(target)) {
        const help = `declare it: \`let ${target.name};\``;
        return c.error("undefined-variable", target.span, `undefined variable \`${target.name}\``, help);
      }
      c.assign(target, widen(info.value), undefined);
      return boolean;
    },
    lower: {
      value(l, call) {
        const [map, key, target] = call.args as [MapName, Expression, Variable];
        return findKey(l, l.plan.map(map.name), key, l.variable(target));
      },
    },
  },
  has_key: {
    args: [2, 2],
    form: "has_key(@x, key)",
    check: checkKey,
    lower: { value: (l, call) => hasKey(l, l.plan.map(mapOf(call)), call.args[1] as Expression) },
  },
};
