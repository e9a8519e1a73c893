/**
 * From what a caller asks for to a scenario: probes and metrics are written down as a scenario file would have them, so
 * that both ways know the same presets, parameters and units, and make the same complaints.
 */
import { resolve } from "node:path";
import { stringify } from "yaml";
import { Diagnostics, renderDiagnostics } from "../../compiler/diagnostics.ts";
import { fileHost } from "../config/host.ts";
import { loadScenarios } from "../config/load.ts";
import type { Scenario } from "../config/scenario.ts";
import { TraceError } from "./errors.ts";

type Scalar = string | number | boolean;

/** One entry of `probes:` in a scenario file; a text is a bpftrace script. */
export type Probe =
  | string
  | {
      /** A bpftrace script. */
      bpftrace: string;
      params?: readonly Scalar[] | Readonly<Record<string, Scalar>>;
      scope?: "workload" | "system";
    }
  | {
      /** A file with a bpftrace script, relative to the working directory. */
      file: string;
      params?: readonly Scalar[] | Readonly<Record<string, Scalar>>;
      scope?: "workload" | "system";
    }
  | {
      /** A preset that ships with the package. */
      use: string;
      params?: Readonly<Record<string, Scalar>>;
      scope?: "workload" | "system";
    };

export interface TraceOptions {
  /** Scripts to trace with, beside what is always counted. */
  probes?: Probe | readonly Probe[];
  /** Named numbers, computed from the maps of the probes: expressions as under `metrics:` in a scenario file. */
  metrics?: Readonly<Record<string, string | { value: string; unit?: string; description?: string }>>;
  /**
   * A scenario file whose probes and metrics are used; its workload is not run. Where the file holds several scenarios,
   * `file.yml#name` says which.
   */
  scenario?: string;
  /** Fail where the machine does not permit tracing, whatever the test runner would do otherwise. */
  required?: boolean;
}

export interface CommandOptions extends TraceOptions {
  /** Default: the working directory of this process. */
  cwd?: string;
  /** Added to the environment of this process. */
  env?: Readonly<Record<string, string>>;
  /** A file for standard input. Default: nothing. */
  stdin?: string;
  /** After this time all its processes are killed, and the trace fails: `30s`. Default: 60s. */
  timeout?: string;
  /** Default: the user who called sudo, else that of this process. */
  user?: string | number;
}

/** What makes two requests the same, as far as what is compiled goes. */
export function probeKey({ probes, metrics, scenario }: TraceOptions): string {
  return JSON.stringify([probes, metrics, scenario, process.cwd()]);
}

/** The scenario for a function. Throws TraceError with everything that is wrong. */
export function scenarioOf(options: TraceOptions): Scenario {
  return build(options, { command: ["true"] });
}

/** The scenario for a command. */
export function scenarioOfCommand(argv: readonly [string, ...string[]], options: CommandOptions): Scenario {
  const { cwd, env, stdin, timeout, user } = options;
  return build(options, { command: argv, cwd, env, stdin, timeout, user });
}

/** How the options are called in messages, as if they were a file in the working directory. */
const OPTIONS_FILE = "options of trace()";

function build(options: TraceOptions, workload: Readonly<Record<string, unknown>>): Scenario {
  const { probes, metrics, scenario } = options;
  if (scenario !== undefined && (probes !== undefined || metrics !== undefined))
    throw new TraceError("a scenario brings its own probes and metrics: give either those or `scenario`");
  const list = probes === undefined ? [] : ([probes].flat() as Probe[]);
  const entries = list.map((probe) => (typeof probe === "string" ? { bpftrace: probe } : probe));
  const text = stringify({ version: 1, name: "trace", workload, probes: entries, metrics });
  const own = load(OPTIONS_FILE, text);
  const [built] = own;
  if (scenario === undefined) return built!;
  const { probes: scripts, metrics: numbers, assertions } = chosen(scenario);
  return { ...built!, probes: scripts, metrics: numbers, assertions };
}

/** The scenario that `file.yml` or `file.yml#name` means. Throws TraceError. */
export function chosen(reference: string): Scenario {
  const [, file, name] = /^(.*?)(?:#(.*))?$/s.exec(reference)!;
  const scenarios = load(file!);
  const found = name === undefined ? scenarios : scenarios.filter((scenario) => scenario.name === name);
  if (found.length === 1) return found[0]!;
  const names = scenarios.map((scenario) => `${file}#${scenario.name}`).join(", ");
  throw new TraceError(
    name === undefined
      ? `${file} holds ${scenarios.length} scenarios\n  help: say which: ${names}`
      : `there is no scenario \`${name}\` in ${file}\n  help: there are ${names}`,
  );
}

/** The scenarios of a file, or of a text that stands in for it. */
function load(file: string, text?: string): readonly Scenario[] {
  const diags = new Diagnostics();
  const path = resolve(file);
  const host =
    text === undefined
      ? fileHost
      : { ...fileHost, readFile: (wanted: string) => (wanted === path ? text : fileHost.readFile(wanted)) };
  const scenarios = loadScenarios(file, host, diags);
  if (diags.hasErrors) throw new TraceError(renderDiagnostics(diags.errors));
  return scenarios;
}
