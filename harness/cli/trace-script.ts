/**
 * What a command of `trace` has to do with a script before it does anything else: reads it, and tells the compiler of the machine and
 * of the options.
 */
import { closeSync, openSync, readFileSync, statSync } from "node:fs";
import type { CompileOptions } from "../../compiler/compile.ts";
import type { Diagnostic, Diagnostics } from "../../compiler/diagnostics.ts";
import type { Features, KernelFacts } from "../../compiler/kernel-facts.ts";
import { Source } from "../../compiler/source.ts";
import { type Fd, pidfdOpen } from "../../native/index.ts";
import { hostFacts } from "../tracing/facts/host-facts.ts";
import { hostFiles } from "../tracing/facts/host-files.ts";
import { diagnosticsText } from "../tracing/output/remark.ts";
import { decodeScript } from "../tracing/script-text.ts";
import { reasonOf } from "../tracing/symbols/strerror.ts";
import { ExitCode } from "./exit-code.ts";
import { Failure } from "./failure.ts";
import { paletteFor } from "./palette.ts";
import { type TraceArgs, UsageError } from "./trace-args.ts";
import { writeAll } from "./write-all.ts";

export function readScript({ script }: Pick<TraceArgs, "script">): Source {
  switch (script?.kind) {
    case "text":
      return new Source("stdin", script.text);
    case "stdin":
      return new Source("stdin", readText(0, "cannot read the script from standard input"));
    case "file":
      return new Source(script.path, readText(script.path, `failed to open file '${script.path}'`));
    default:
      throw new UsageError("there is no script");
  }
}

function readText(file: string | 0, complaint: string): string {
  try {
    return decodeScript(readFileSync(file));
  } catch (error) {
    throw new Failure(`${complaint}: ${reasonOf(error)}`, ExitCode.invalidInput);
  }
}

export function scriptErrors(diagnostics: readonly Diagnostic[]): Failure {
  return new Failure("the script has errors", ExitCode.invalidInput, { diagnostics });
}

/** What the options and the environment have to say to the compiler. */
export function compileOptions(args: TraceArgs): CompileOptions {
  return {
    parameters: args.parameters,
    namedParameters: args.namedParameters,
    unsafe: args.unsafe,
    targetPid: args.pid,
    command: args.command?.[0],
    mode: args.purpose,
    tellFailures: args.warnings === 2,
    probeFilter: (name) => args.probeFilter?.test(name) ?? true,
    oneProcess: args.pid !== undefined || args.command !== undefined,
    hasCommand: args.command !== undefined,
    environment: bpftraceEnvironment(process.env),
    files: hostFiles(args.includePaths),
    includes: args.includes,
  };
}

/** What the compiler answered, after its warnings are printed; its errors are thrown, as a Failure. */
export function orErrors<T>(answer: T | undefined, diags: Diagnostics, { warnings }: TraceArgs): T {
  const shown = warnings === 0 ? diags.errors : diags.items;
  if (answer === undefined) throw scriptErrors(shown);
  if (shown.length > 0) writeAll(2, diagnosticsText(shown, paletteFor(2)));
  return answer;
}

/** What the machine says, unless an option or the environment says otherwise. */
export function factsFor({ withoutFeatures, traceableFunctions, debugFolders }: TraceArgs): KernelFacts {
  const typeInformation = process.env.BPFTRACE_BTF;
  if (typeInformation !== undefined) expectReadable("BPFTRACE_BTF", typeInformation);
  if (traceableFunctions !== undefined) expectReadable("--traceable-functions", traceableFunctions);
  const facts = hostFacts({ traceableFunctions, typeInformation, debugFolders });
  const said = new Map<keyof Features, boolean>(withoutFeatures.map((name) => [name, false]));
  // Whoever lists the functions that can be probed knows that there are some.
  if (traceableFunctions !== undefined) for (const name of ["kprobe", "fentry"] as const) said.set(name, true);
  if (said.size === 0) return facts;
  const features = Object.fromEntries([...said].map(([name, value]) => [name, { value }]));
  return Object.create(facts, { features: { value: Object.create(facts.features, features) } });
}

/** The process of -p. */
export function openTarget(pid: number): Fd {
  try {
    return pidfdOpen(pid);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    throw new Failure(`there is no process ${pid}`, ExitCode.invalidInput);
  }
}

/** Processes that run already, whose stacks a script may unwind. */
export function unwoundBy({ pid, unwound }: TraceArgs): number[] {
  return [...new Set(pid === undefined ? unwound : [pid, ...unwound])];
}

/** A script that unwinds stacks must be told whose, and they must be there. The sentence is bpftrace's. */
export function expectUnwindable(args: TraceArgs): void {
  const pids = unwoundBy(args);
  if (pids.length === 0 && args.command === undefined) {
    const message = "dw_ustack requires a target process. Use -p, -c, or --dwarf-pid to specify one.";
    throw new Failure(message, ExitCode.invalidInput);
  }
  for (const pid of pids) openTarget(pid).close();
}

/** What is read only when a script needs it is looked at before. */
function expectReadable(who: string, path: string): void {
  try {
    closeSync(openSync(path, "r"));
    if (!statSync(path).isDirectory()) return;
  } catch (error) {
    throw new Failure(`${who}: cannot read '${path}': ${reasonOf(error)}`, ExitCode.invalidInput);
  }
  throw new Failure(`${who}: '${path}' is a directory`, ExitCode.invalidInput);
}

/** BPFTRACE_MAX_STRLEN=64 becomes max_strlen: "64". */
function bpftraceEnvironment(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const settings: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    if (name.startsWith(PREFIX) && value !== undefined) settings[name.slice(PREFIX.length).toLowerCase()] = value;
  }
  return settings;
}

const PREFIX = "BPFTRACE_";
