/** Aggregations: what a map's value can be made of. They are lowered together with the map that they are assigned to. */
import type { Aggregation } from "../program.ts";
import type { Checker } from "../sema/check.ts";
import { isSigned, type Type, unknown } from "../sema/types.ts";
import type { Call } from "../syntax/ast.ts";
import type { BuiltinFunction, Functions } from "./table.ts";

const MAX_HIST_BITS = 5n;
const MAX_LHIST_BUCKETS = 1000n;
const MAX_INTERVALS = 1_000_000n;
const MAX_INTERVAL_NS = BigInt(Number.MAX_SAFE_INTEGER);

const SERIES_AGGREGATIONS: readonly Aggregation[] = ["avg", "max", "min", "sum"];

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

/** The fourth argument of tseries(); without it the last value of an interval counts. */
function seriesAggregation(c: Checker, call: Call): Aggregation | undefined {
  if (call.args.length < 4) return "last";
  const name = c.literal(call.args[3], "the aggregation");
  const known = SERIES_AGGREGATIONS.find((aggregation) => aggregation === name);
  if (name !== undefined && known === undefined) {
    const all = SERIES_AGGREGATIONS.join(", ");
    c.error("argument-range", call.args[3]!.span, `there is no aggregation \`${name}\``, `the aggregations are ${all}`);
  }
  return known;
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
  tseries: {
    args: [3, 4],
    form: "@x = tseries(n, interval, intervals[, aggregation])",
    check(c, call) {
      const arg = c.expressionArg(call, 0);
      const signed = arg !== undefined && isSigned(c.integer(arg, "the value"));
      const interval = c.constant(call.args[1], "the interval");
      const intervals = c.constant(call.args[2], "the number of intervals");
      const aggregation = seriesAggregation(c, call);
      if (interval === undefined || intervals === undefined || aggregation === undefined) return unknown;
      if (c.settings.config.timeSeries === "error") {
        const message = "tseries() is switched off by the setting `unstable_tseries`";
        return c.error("unstable-feature", call.span, message, "set it to `enable`");
      }
      if (interval < 1n || interval > MAX_INTERVAL_NS) {
        const what = `the interval is from 1 to ${MAX_INTERVAL_NS} nanoseconds long, not ${interval}`;
        return c.error("argument-range", call.args[1]!.span, what, "write a duration, such as `100ms`");
      }
      if (intervals < 1n || intervals > MAX_INTERVALS) {
        const what = `a time series has from 1 to ${MAX_INTERVALS} intervals, not ${intervals}`;
        return c.error("argument-range", call.args[2]!.span, what);
      }
      return { kind: "tseries", signed, intervalNs: Number(interval), intervals: Number(intervals), aggregation };
    },
    lower: { aggregate: true },
  },
};
