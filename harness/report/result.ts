/**
 * The result of a suite or of a comparison, `probewright.result/v1`: the one form in which results leave the runner. In
 * a comparison the head is what was measured and the base is the baseline. The terminal report is made from it, files are written from it, and its JSON Schema is published, so that other tools can rely on it.
 */
import { z } from "zod";
import { fingerprintSchema } from "../baseline/store.ts";
import { jsonNumber, mapTable } from "../baseline/values.ts";

export const RESULT_SCHEMA = "probewright.result/v1";

const unit = z
  .enum(["ns", "B", "count", "%", "B/ns", "1/ns"])
  .describe("what values are held in; % is a fraction, 0.05 for 5%");
const nanoseconds = jsonNumber.describe("nanoseconds");
const line = z.int().min(1).describe("1-based");

const machine = fingerprintSchema
  .extend({ id: z.string().describe("equal exactly for equal machines") })
  .describe("what decides whether times are comparable");

const diagnostic = z.strictObject({
  severity: z.enum(["error", "warning", "note"]),
  code: z.string(),
  message: z.string(),
  file: z.string(),
  line,
  column: z.int().min(1).describe("1-based, in UTF-16 code units"),
  help: z.string().optional(),
});

const stream = z.strictObject({
  head: z.string().describe("the beginning, or everything if nothing was cut"),
  tail: z.string(),
  cut: z.int().nonnegative().describe("bytes left out between head and tail"),
});
const output = z.strictObject({ stdout: stream, stderr: stream });

const problem = z.strictObject({
  kind: z.enum([
    "cannot-start",
    "missing-program",
    "exit-status",
    "timeout",
    "not-ready",
    "ended-early",
    "hook-failed",
    "driver-failed",
    "escaped",
    "stuck",
    "lost-events",
    "endless-loop",
    "map-full",
    "lost-updates",
    "missed",
    "not-attached",
    "script-exit",
    "verifier",
    "capability",
  ]),
  message: z.string(),
  help: z.string().optional(),
  output: output.optional().describe("what the process at fault printed"),
});

const summary = z.strictObject({ min: jsonNumber, median: jsonNumber, max: jsonNumber });

const verdict = z.enum(["pass", "improvement", "regression", "inconclusive", "invalid", "new"]);

const keyChange = z.strictObject({
  map: z.string(),
  key: mapTable.shape.keys.element.shape.key,
  kind: z.enum(["new", "gone", "grew", "shrank"]),
  before: z.number().describe("median over the runs; for histograms and averages the number of events"),
  now: z.number(),
  unit: unit.describe("of before and now"),
});

const cause = z.strictObject({
  map: z.string(),
  label: z.string().describe("the key, or what the keys of the group share; of paths their common folder"),
  folder: z.boolean().describe("the label ends in a folder that holds the paths of several keys"),
  keys: z.int().min(1).describe("how many keys changed in this group"),
  kind: keyChange.shape.kind,
  before: z.number().describe("sum over the keys of their medians over the runs"),
  now: z.number(),
  unit: unit.describe("of before and now"),
  share: z.number().describe("of the map's whole change; negative for what went the other way"),
});

const pairedTest = z.strictObject({
  scale: z.enum(["ratio", "difference"]).describe("ratio: head over base; difference: head minus base, in the unit"),
  pairs: z.int().min(1).describe("pairs of runs with data on both sides"),
  estimate: z.number().describe("Hodges-Lehmann estimate of the change"),
  low: z.number().optional().describe("lower bound; left out when there are too few pairs for one"),
  high: z.number().optional().describe("upper bound"),
  confidence: z.number().describe("of each bound by itself"),
  p: z.number().describe("of the sign-flip test, in the direction of the estimate"),
  adjusted: z.number().optional().describe("p adjusted for all metrics of the suite and for repeated looks"),
});

const paired = z.strictObject({
  base: z
    .array(jsonNumber.nullable())
    .describe("the base's values; `values` has the head's, and the same place is the same pair"),
  test: pairedTest.optional().describe("left out where values repeat exactly and are compared exactly"),
});

const metric = z.strictObject({
  name: z.string(),
  description: z.string(),
  unit,
  better: z.enum(["lower", "higher"]),
  free: z.boolean().describe("measured for every scenario, not defined by this one"),
  definition: z.string().describe("equal for metrics with the same meaning"),
  values: z.array(jsonNumber.nullable()).describe("one for each measured run; null is no data"),
  bounds: z
    .array(z.tuple([jsonNumber, jsonNumber]).nullable())
    .optional()
    .describe("where the values may really lie (histogram buckets); left out where all are exact"),
  noData: z.string().optional().describe("why some runs have no value"),
  summary: summary.optional(),
  verdict: verdict.describe("`new` when there is nothing to compare with"),
  reason: z.string().describe("why this verdict, or why there was no comparison"),
  class: z.enum(["exact", "bounded", "noisy"]).optional().describe("how the values behave when repeated"),
  baseline: summary.optional(),
  delta: jsonNumber.optional().describe("median now minus median of the baseline"),
  ratio: z.number().optional().describe("median now over median of the baseline; left out from zero to something"),
  changes: z.array(keyChange).optional().describe("for a regression: keys of its maps that changed, largest first"),
  moreChanges: z.int().min(1).optional().describe("how many more keys changed than `changes` lists"),
  causes: z.array(cause).optional().describe("the same by groups of keys, the largest share first"),
  cause: z.string().optional().describe("the largest of them in words: +412 openat, 398 of them under node_modules"),
  paired: paired.optional().describe("the runs of the base, in a comparison"),
});

const assertion = z.strictObject({
  text: z.string(),
  line,
  status: z.enum(["pass", "fail", "no-data"]),
  message: z.string(),
});

const probe = z.strictObject({
  probes: z.array(z.string()).describe("the script's probes that one kernel program serves"),
  hits: jsonNumber.describe("median over the runs"),
  ns: nanoseconds.describe("time in the program, all hits together; median over the runs"),
});

const baseline = z.strictObject({
  recordedAt: z.string(),
  use: z
    .enum(["same", "other-machine", "changed"])
    .describe("other-machine: exact counters only were compared; changed: nothing was, what is run is not what was"),
  differences: z.array(z.string()).describe("what is other about the machine"),
  histograms: z.array(mapTable).describe("its maps that hold histograms"),
});

const histogramShift = z.strictObject({
  map: z.string(),
  script: z.string(),
  metric: z.string().optional().describe("the metric by which the shift is judged; left out if it is not judged"),
  verdict: verdict.optional(),
  reason: z.string(),
  test: pairedTest.optional().describe("of the signed distance of the distributions, as a ratio: 2 for doubled values"),
  quantiles: z.array(
    z.strictObject({
      q: z.number(),
      base: z.number().describe("median over the runs"),
      head: z.number(),
      test: pairedTest.optional(),
    }),
  ),
});

const scenario = z.strictObject({
  name: z.string(),
  description: z.string(),
  file: z.string(),
  line,
  matrix: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
  contentHash: z.string(),
  scriptHash: z.string(),
  status: z.enum(["passed", "failed", "invalid", "inconclusive", "interrupted", "skipped"]),
  problems: z.array(problem).describe("why it is invalid, or was skipped"),
  warnings: z.array(z.string()),
  durationNs: nanoseconds,
  runs: z.int().nonnegative().describe("measured runs"),
  warmup: z.int().nonnegative(),
  metrics: z.array(metric),
  assertions: z.array(assertion),
  maps: z.array(mapTable),
  baseline: baseline.optional(),
  sides: z
    .enum(["both", "head", "base"])
    .optional()
    .describe("in a comparison: which sides have the scenario; `head` is a new one, `base` one that was removed"),
  shifts: z.array(histogramShift).optional().describe("in a comparison: how histograms moved as a whole"),
  printed: z.array(z.string()).describe("what the probe scripts printed, one text for each measured run"),
  output: output.optional().describe("what the workload printed in the last measured run"),
  probes: z.array(probe),
  control: z.array(z.record(z.string(), jsonNumber)).describe("the free metrics of the runs without probes"),
  enlarged: z
    .array(z.strictObject({ map: z.string(), from: z.int(), to: z.int() }))
    .describe("maps that had to be made larger, in entries"),
});

const side = z.strictObject({
  name: z.string().describe("as it was asked for"),
  commit: z.string().describe("its full hash; of a working tree the commit that it is based on"),
  subject: z.string().describe("the first line of the commit's message"),
  changes: z.int().nonnegative().describe("files that differ from the commit; 0 unless it is a working tree"),
});

const comparison = z.strictObject({
  base: side,
  head: side,
  seed: z.int().nonnegative().describe("gives the same order of runs again"),
  pairs: z.int().min(1).describe("pairs at first; where it is unclear there are more"),
  notes: z.array(z.string()).describe("what else one should know about the two sides"),
});

export const resultSchema = z
  .strictObject({
    schema: z.literal(RESULT_SCHEMA),
    kind: z.enum(["run", "compare"]).optional().describe("which command made it; `run` when left out"),
    comparison: comparison.optional().describe("what was compared, for `compare`"),
    tool: z.strictObject({ name: z.literal("probewright"), version: z.string() }),
    startedAt: z.string().describe("ISO 8601, UTC"),
    durationNs: nanoseconds,
    exitCode: z.int().nonnegative(),
    summary: z.strictObject({
      passed: z.int().nonnegative(),
      failed: z.int().nonnegative(),
      invalid: z.int().nonnegative(),
      inconclusive: z.int().nonnegative(),
      interrupted: z.int().nonnegative(),
      skipped: z.int().nonnegative(),
    }),
    machine,
    diagnostics: z.array(diagnostic).describe("errors and warnings in scenario files and scripts"),
    scenarios: z.array(scenario),
  })
  .meta({ title: RESULT_SCHEMA, description: "the result of `probewright run` or `probewright compare`" });

export type SuiteResult = z.infer<typeof resultSchema>;
export type ScenarioResult = z.infer<typeof scenario>;
export type MetricResult = z.infer<typeof metric>;
export type AssertionResult = z.infer<typeof assertion>;
export type ProblemResult = z.infer<typeof problem>;
export type DiagnosticResult = z.infer<typeof diagnostic>;
export type CauseResult = z.infer<typeof cause>;
export type PairedTestResult = z.infer<typeof pairedTest>;
export type HistogramShiftResult = z.infer<typeof histogramShift>;
export type ComparisonResult = z.infer<typeof comparison>;
export type SideResult = z.infer<typeof side>;
export type KeyChange = z.infer<typeof keyChange>;
export type ProbeResult = z.infer<typeof probe>;
export type OutputResult = z.infer<typeof output>;

/** The JSON Schema (2020-12) of a result. */
export function resultJsonSchema(): Record<string, unknown> {
  return z.toJSONSchema(resultSchema, { target: "draft-2020-12", io: "output" }) as Record<string, unknown>;
}

/** The schema as the text of the file that ships with the package. */
export function resultSchemaText(): string {
  return `${JSON.stringify(resultJsonSchema(), undefined, 2)}\n`;
}
