/** Aggregations: what a map's value can be made of. They are lowered together with the map that they are assigned to. */
import { isSigned, type Type, unknown } from "../sema/types.ts";
import type { BuiltinFunction, Functions } from "./table.ts";

const MAX_HIST_BITS = 5n;
const MAX_LHIST_BUCKETS = 1000n;

function ofNumber(kind: "sum" | "min" | "max" | "avg" | "stats"): BuiltinFunction {
  return {
    args: [1, 1],
    form: `@x = ${kind}(n)`,
    check(c, call): Type {
      const arg = c.expressionArg(call, 0);
      if (!arg) return unknown;
      return { kind, signed: isSigned(c.integer(arg, "the value")) };
    },
    lower: { aggregate: true },
  };
}

export const aggregations: Functions = {
  count: { args: [0, 0], form: "@x = count()", check: () => ({ kind: "count" }), lower: { aggregate: true } },
  sum: ofNumber("sum"),
  min: ofNumber("min"),
  max: ofNumber("max"),
  avg: ofNumber("avg"),
  stats: ofNumber("stats"),
  hist: {
    args: [1, 2],
    form: "@x = hist(n[, bits])",
    check(c, call) {
      const arg = c.expressionArg(call, 0);
      if (arg) c.integer(arg, "the value");
      const bits = call.args.length > 1 ? c.constant(call.args[1], "the resolution") : 0n;
      if (bits === undefined) return unknown;
      if (bits < 0n || bits > MAX_HIST_BITS) {
        return c.error("argument-range", call.args[1]!.span, `the resolution is a number from 0 to ${MAX_HIST_BITS}`);
      }
      return { kind: "hist", bits: Number(bits) };
    },
    lower: { aggregate: true },
  },
  lhist: {
    args: [4, 4],
    form: "@x = lhist(n, min, max, step)",
    check(c, call) {
      const arg = c.expressionArg(call, 0);
      if (arg) c.integer(arg, "the value");
      const [min, max, step] = [1, 2, 3].map((i) => c.constant(call.args[i], ["", "min", "max", "step"][i]!));
      if (min === undefined || max === undefined || step === undefined) return unknown;
      const { span } = call;
      if (step <= 0n) return c.error("argument-range", call.args[3]!.span, "the step must be positive");
      if (min < 0n) return c.error("argument-range", call.args[1]!.span, "min must not be negative");
      if (max <= min) return c.error("argument-range", span, `max (${max}) must be larger than min (${min})`);
      if (step > max - min)
        return c.error("argument-range", span, `the step (${step}) is larger than the range (${max - min})`);
      const buckets = (max - min + step - 1n) / step;
      if (buckets > MAX_LHIST_BUCKETS) {
        return c.error(
          "argument-range",
          span,
          `${buckets} buckets are too many (at most ${MAX_LHIST_BUCKETS})`,
          "choose a larger step",
        );
      }
      return { kind: "lhist", min: Number(min), max: Number(max), step: Number(step) };
    },
    lower: { aggregate: true },
  },
};
