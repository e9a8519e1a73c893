/**
 * The definition of the scenario format and of the project's configuration, from which both the loader's checks and the
 * published JSON Schemas come.
 *
 * Conventions that validate.ts relies on: an object's error text lists its keys; the error text of a union, or of a
 * wrong type, says what was expected; every other error text is a whole message. A line break separates a message from its help.
 */
import { z } from "zod";
import type { Num } from "../metrics/ast.ts";
import { nearestUnit, parseDecimal, parseDuration, parsePercent, UNITS } from "../metrics/units.ts";

const FORMAT_VERSION = 1;
const MAX_RUNS = 10_000;
/** The longest time that a JavaScript timer can wait. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** A mapping with these keys and no others. */
function object<Shape extends z.ZodRawShape>(shape: Shape) {
  return z.strictObject(shape, {
    error: (issue) => (issue.code === "unrecognized_keys" ? Object.keys(shape).join(" ") : undefined),
  });
}

/** A template may stand for any value; the loader checks what it becomes. */
export const TEMPLATE_SCHEMA = { type: "string", pattern: "\\$\\{\\{.*\\}\\}" };

/**
 * A value with a meaning that JSON Schema cannot express in full: `parse` gives it, or a message (and help).
 * `forms` is what JSON Schema can say.
 */
function meaning<T>(
  parse: (input: unknown) => { value: T } | { problem: string },
  { forms, ...annotations }: { forms: readonly object[]; id: string; examples?: readonly unknown[] },
) {
  return z
    .unknown()
    .transform((input, context): T => {
      const result = parse(input);
      if ("value" in result) return result.value;
      context.issues.push({ code: "custom", input, message: result.problem });
      return z.NEVER;
    })
    .meta({ ...annotations, anyOf: [...forms, TEMPLATE_SCHEMA] });
}

/** Of these keys at most one (in a fragment), or exactly one (in a whole scenario) is given. */
function choice<T extends z.ZodType>(schema: T, keys: readonly string[], required: boolean): T {
  const list = keys.map((key) => `\`${key}\``).join(" or ");
  const given = (value: unknown): string[] =>
    typeof value === "object" && value !== null ? keys.filter((key) => Object.hasOwn(value, key)) : [keys[0]!];
  const pairs = keys.flatMap((a, i) => keys.slice(i + 1).map((b) => ({ not: { required: [a, b] } })));
  return schema
    .refine((value) => given(value).length <= 1, {
      error: ({ input }) =>
        `${given(input)
          .map((key) => `\`${key}\``)
          .join(" and ")} are both given\nkeep one of them`,
      params: { keys },
      when: () => true,
    })
    .refine((value) => !required || given(value).length > 0, { error: `one of ${list} is needed`, when: () => true })
    .meta(required ? { oneOf: keys.map((key) => ({ required: [key] })) } : { allOf: pairs });
}

/** A single word of a command line or environment; numbers and the like are taken as they are written. */
const word = z.union([z.string(), z.number(), z.boolean(), z.null()], { error: "a word" }).meta({ id: "word" });
const scalar = z
  .union([z.string(), z.number(), z.boolean()], { error: "a text, a number or true/false" })
  .meta({ id: "scalar" });
const text = z.string().min(1);
const argv = z
  .array(word, { error: "a list of words\nwrite `[program, argument]`, or use `shell:`" })
  .min(1)
  .meta({ id: "argv" });

const duration = meaning(
  (input) => {
    const ms = typeof input === "string" ? parseDuration(input) : undefined;
    if (ms !== undefined && ms > 0 && ms <= MAX_TIMER_MS) return { value: ms };
    if (ms !== undefined) return { problem: `the duration \`${input}\` is ${ms > 0 ? "too long" : "not positive"}` };
    if (typeof input === "number")
      return { problem: `the duration \`${input}\` has no unit\nwrite for example \`${input}s\`` };
    const [, number, unit] = /^\s*([\d.]+)\s*(\S+)\s*$/.exec(String(input)) ?? [];
    const near = unit && nearestUnit(unit);
    const suggestion = near && parseDuration(number + near) !== undefined ? number + near : "30s";
    return {
      problem: `malformed duration ${quote(input)}\nwrite for example \`${suggestion}\`; units are ms, s, m, h`,
    };
  },
  {
    id: "duration",
    forms: [{ type: "string", pattern: "^\\d[\\d_]*(\\.\\d+)?(ns|us|ms|s|m|h)$" }],
    examples: ["30s", "500ms"],
  },
);

const percent = meaning(
  (input) => {
    const fraction = typeof input === "string" ? parsePercent(input) : input === 0 ? 0 : undefined;
    if (fraction !== undefined) return { value: fraction };
    const suggestion = typeof input === "number" ? `${input}%` : "5%";
    return { problem: `malformed percentage ${quote(input)}\nwrite for example \`${suggestion}\`` };
  },
  { id: "percentage", forms: [{ type: "string", pattern: "^\\d+(\\.\\d+)?%$" }, { const: 0 }], examples: ["5%"] },
);

const confidence = meaning(
  (input) => {
    const fraction = typeof input === "string" ? parsePercent(input) : undefined;
    if (fraction !== undefined && fraction >= 0.5 && fraction < 1) return { value: fraction };
    return {
      problem: `malformed confidence ${quote(input)}\nit is a percentage from 50% to below 100%, such as \`99%\``,
    };
  },
  { id: "confidence", forms: [{ type: "string", pattern: "^\\d+(\\.\\d+)?%$" }], examples: ["99%"] },
);

export interface Quantity {
  /** In the base unit of `unit`. */
  readonly value: Num;
  /** As written; undefined for a plain number. */
  readonly unit: string | undefined;
}

const quantity = meaning<Quantity>(
  (input) => {
    const [, number, unit] = /^([\d._]+)\s*([A-Za-z%]*)$/.exec(String(input).trim()) ?? [];
    if (number === undefined || (typeof input !== "string" && typeof input !== "number"))
      return { problem: `malformed quantity ${quote(input)}\nwrite for example \`5us\`, \`4KiB\` or \`10\`` };
    if (unit && !Object.hasOwn(UNITS, unit)) {
      const near = nearestUnit(unit);
      return { problem: `unknown unit \`${unit}\`\n${near ? `did you mean \`${number}${near}\`?` : UNIT_LIST}` };
    }
    const value = parseDecimal(number, unit ? UNITS[unit] : undefined);
    return value === undefined
      ? { problem: `malformed number \`${number}\`` }
      : { value: { value, unit: unit || undefined } };
  },
  {
    id: "quantity",
    forms: [
      { type: "number", minimum: 0 },
      { type: "string", pattern: "^[\\d._]+\\s*[A-Za-z%]*$" },
    ],
    examples: [0, "5us", "4KiB"],
  },
);

const UNIT_LIST = `units are ${Object.keys(UNITS).join(", ")}`;

export interface TcpAddress {
  readonly host: string;
  readonly port: number;
}

const tcp = meaning<TcpAddress>(
  (input) => {
    const [, host = "127.0.0.1", digits] = /^(?:(.+):)?(\d{1,5})$/.exec(String(input)) ?? [];
    const port = Number(digits);
    if (port >= 1 && port <= 65_535) return { value: { host: host.replace(/^\[(.*)\]$/, "$1"), port } };
    return { problem: `malformed TCP address ${quote(input)}\nwrite a port such as \`8080\`, or \`"127.0.0.1:8080"\`` };
  },
  {
    id: "tcp",
    forms: [
      { type: "integer", minimum: 1, maximum: 65_535 },
      { type: "string", pattern: "^(.+:)?\\d{1,5}$" },
    ],
  },
);

const userName = z.union([text, z.int().min(0)], { error: "a user name or a user id" });
const exitStatus = z.int().min(0).max(255);
const environment = z
  .record(
    z.string().regex(/^[^=]+$/, { error: "a variable's name is not empty and has no `=`" }),
    z.union([z.string(), z.number(), z.boolean()], { error: 'a text\nwrite `""` for an empty one' }),
  )
  .meta({ id: "environment" });
const scope = z.enum(["workload", "system"]).meta({ id: "scope" });
const NAME_PATTERN = /^[A-Za-z_][A-Za-z0-9_]*$/;
const identifier = z
  .string()
  .regex(NAME_PATTERN, { error: "a name has letters, digits and underscores, and begins with no digit" });
const title = z
  .string()
  .min(1)
  .max(200)
  .regex(/^[^\p{Cc}]*$/u, { error: "a name is one line without control characters" });

const commandKeys = {
  command: argv.optional().describe("The program and its arguments."),
  shell: text.optional().describe("A line for /bin/sh -c."),
  cwd: text.optional().describe("Working directory, relative to this file. Default: this file's folder."),
  env: environment.optional().describe("Environment variables to add."),
  timeout: duration.optional().describe("After this time all its processes are killed. Default: 60s."),
};

const step = choice(object(commandKeys), ["command", "shell"], true).meta({ id: "step" });
const steps = z
  .union(
    [argv, step, z.array(z.union([argv, step], { error: "a list of words, or a mapping with `command` or `shell`" }))],
    {
      error:
        "a list of words, a mapping with `command` or `shell`, or a list of these\nfor a line of shell write `{ shell: ... }`",
    },
  )
  .meta({ id: "steps" });

const programName = z.string().regex(/^[^/\s]+$/, {
  error: "a program is required by its name, without folder or arguments\nit is looked up in PATH",
});
const requires = z
  .array(programName, { error: "a list of programs\nwrite for example `[sqlite3]`" })
  .meta({ id: "requires" });

const parameterName = z.string().regex(/^(?!\d+$).+/, { error: "positional parameters are written as a list" });
const probe = choice(
  object({
    use: text.optional().describe("A preset that ships with the package."),
    file: text.optional().describe("A bpftrace script, relative to this file."),
    bpftrace: text.optional().describe("A bpftrace script."),
    params: z
      .union([z.array(scalar), z.record(parameterName, scalar)], {
        error: "a mapping (named parameters) or a list (positional ones)",
      })
      .optional()
      .describe("Parameters of the script: a list for $1 $2 ..., a mapping for getopt()."),
    scope: scope.optional().describe("What this script sees. Default: the scenario's scope."),
  }),
  ["use", "file", "bpftrace"],
  true,
).meta({ id: "probe" });

const expression = z.union([text, z.number()], { error: "an expression" });
const unit = z.enum(Object.keys(UNITS));
const metric = z.union(
  [
    expression,
    object({
      value: expression.describe("The expression."),
      unit: unit.optional().describe("The unit of the expression's value."),
      better: z.enum(["lower", "higher"]).optional().describe("Which direction is welcome. Default: lower."),
      description: z.string().optional(),
    }),
  ],
  { error: "an expression, or a mapping with `value`" },
);
const metrics = z.record(identifier, metric).meta({ id: "metrics" });

const limits = object({
  "max-increase": percent.optional().describe("Allowed worsening relative to the baseline. Default: 5%."),
  "min-delta": quantity.optional().describe("Changes up to this size never count. Default: 0."),
  confidence: confidence.optional().describe("For the statistical tests. Default: 99%."),
});
const policy = z
  .union([z.literal("exact"), limits], {
    error: "`exact`, or a mapping with `max-increase`, `min-delta` and `confidence`",
  })
  .meta({ id: "policy" });

const matrix = z
  .record(identifier, z.array(scalar, { error: "a list of values" }).min(1).max(100))
  .meta({ id: "matrix" });

/** `whole`: after defaults were merged; otherwise a fragment, in which anything may still be missing. */
function scenarioKeys(whole: boolean) {
  const driver = object({ ...commandKeys, "expect-exit": exitStatus.optional().describe("Default: 0.") });
  const ready = object({
    tcp: tcp.optional().describe("A port on which the workload listens."),
    log: text.optional().describe("A text in the workload's output."),
    file: text.optional().describe("A file that exists then, relative to this file."),
    timeout: duration.optional().describe("Default: 10s."),
  });
  const workload = object({
    ...commandKeys,
    stdin: text.optional().describe("A file for standard input, relative to this file. Default: nothing."),
    user: userName.optional().describe("Default: the user who called sudo."),
    setup: steps.optional().describe("Once, before the first run."),
    before: steps.optional().describe("Before every run, not traced."),
    after: steps.optional().describe("After every run, not traced."),
    teardown: steps.optional().describe("Once, after the last run."),
    "expect-exit": exitStatus.optional().describe("The exit status of a good run. Default: 0."),
    ready: choice(ready, ["tcp", "log", "file"], whole).optional().describe("How to see that a server accepts work."),
    driver: choice(driver, ["command", "shell"], whole)
      .optional()
      .describe("Puts load on the workload, is not traced, and ends the run."),
  });
  const wholeWorkload = choice(workload, ["command", "shell"], whole).describe("What to run.");
  const runs = object({
    warmup: z.int().min(0).max(MAX_RUNS).optional().describe("Runs that are thrown away. Default: 1."),
    count: z.int().min(1).max(MAX_RUNS).optional().describe("Measured runs. Default: 5."),
    max: z
      .int()
      .min(1)
      .max(MAX_RUNS)
      .optional()
      .describe("Measured runs at most, if more are needed. Default: four times count."),
    control: z.int().min(0).max(MAX_RUNS).optional().describe("Runs without probes, to price the probes. Default: 1."),
  });
  return {
    name: title,
    description: z.string().optional().describe("What the scenario guards."),
    requires: requires
      .optional()
      .describe("Programs, looked up in PATH, without which the scenario is skipped. Default: none."),
    workload: wholeWorkload,
    runs: runs.optional().describe("How often to run the workload."),
    scope: scope
      .optional()
      .describe("What the probes see: the workload's processes, or the whole system. Default: workload."),
    probes: z.array(probe).optional().describe("The scripts to attach."),
    metrics: metrics.optional().describe("Numbers, computed from the maps of the scripts."),
    assert: z
      .array(text, { error: "a list of conditions\nwrite each on a line of its own, as in `- opens <= 40`" })
      .optional()
      .describe("Conditions that must hold in every run."),
    compare: z.record(identifier, policy).optional().describe("How metrics may differ from the baseline."),
    matrix: matrix.optional().describe("Runs the scenario once for every combination of these values."),
  };
}

const version = z.literal(FORMAT_VERSION).describe("The version of this format.");
const { name: _name, workload: partialWorkload, ...partialKeys } = scenarioKeys(false);
const partial = { ...partialKeys, workload: partialWorkload.optional() };

/** A scenario with everything in its place. */
export const wholeScenario = object(scenarioKeys(true));
/** The part of it that says what is measured and judged. */
export const judgedParts = wholeScenario.pick({
  scope: true,
  probes: true,
  metrics: true,
  assert: true,
  compare: true,
});

/** What several scenarios share. */
const defaultsFragment = object(partial);
/** A scenario in a list, before the defaults are merged in. */
const scenarioFragment = object({ name: title, ...partial });

export const singleFile = object({ version, ...wholeScenario.shape });
export const listFile = object({
  version,
  defaults: defaultsFragment.optional().describe("Merged into every scenario of this file."),
  scenarios: z.array(scenarioFragment).min(1),
});

const presetParameter = z.union([scalar, object({ default: scalar.optional(), description: z.string().optional() })], {
  error: "a default value, or a mapping with `default` and `description`",
});

export const presetFile = object({
  version,
  description: text,
  params: z.record(identifier, presetParameter).optional(),
  probes: z
    .array(
      choice(
        object({ bpftrace: text.optional(), file: text.optional(), scope: scope.optional() }),
        ["bpftrace", "file"],
        true,
      ),
    )
    .min(1),
  metrics: metrics.optional(),
});

/** The configuration of a project. */
export const projectFile = object({
  version,
  scenarios: z
    .union([text, z.array(text, { error: "a path" }).min(1)], { error: "a path, or a list of paths" })
    .optional()
    .describe("Scenario files and folders that are meant where a command names none. Default: scenarios."),
  build: steps.optional().describe("Prepares a checkout before its scenarios are run, for comparisons."),
}).meta({ title: "probewright configuration" });

export type ScenarioInput = z.output<typeof wholeScenario>;
export type JudgedInput = z.output<typeof judgedParts>;
export type PresetInput = z.output<typeof presetFile>;

/** Where a key belongs that stands in the wrong mapping, for suggestions. */
export const HOMES: Readonly<Record<string, readonly string[]>> = {
  workload: [
    "command",
    "shell",
    "cwd",
    "env",
    "stdin",
    "user",
    "setup",
    "before",
    "after",
    "teardown",
    "timeout",
    "expect-exit",
    "ready",
    "driver",
  ],
  runs: ["warmup", "count", "max", "control"],
  probes: ["use", "file", "bpftrace"],
  defaults: Object.keys(wholeScenario.shape),
};

function quote(input: unknown): string {
  if (input === null || typeof input === "object") return "here";
  // A line break would end the message (see above).
  return `\`${String(input).replaceAll("\n", "\\n")}\``;
}
