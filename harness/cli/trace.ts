/**
 * `probewright trace`: bpftrace's command line. This module and what it imports are loaded at every start, so that
 * they are few; what only some commands need is imported when they need it.
 */
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { compile, type DumpStage } from "../../compiler/compile.ts";
import { Diagnostics, renderDiagnostics } from "../../compiler/diagnostics.ts";
import type { CompiledProgram } from "../../compiler/program.ts";
import { Source } from "../../compiler/source.ts";
import { unreachable } from "../../compiler/unreachable.ts";
import { type Fd, pidfdOpen, type StoppedProcess, spawnStopped } from "../../native/index.ts";
import { hostFacts } from "../tracing/facts/host-facts.ts";
import { hostFiles } from "../tracing/facts/host-files.ts";
import { loadSession } from "../tracing/session.ts";
import { VerifierError } from "../tracing/verifier-error.ts";
import { ExitCode } from "./exit-code.ts";
import { Failure, renderFailure, tracingFailure } from "./failure.ts";
import { paletteFor } from "./palette.ts";
import { parseTraceArgs, type TraceArgs, traceUsage, UsageError } from "./trace-args.ts";
import { followTrace } from "./trace-follow.ts";
import { writeAll } from "./write-all.ts";

/** Runs the command with the arguments behind `trace` and answers its exit code. */
export async function trace(argv: readonly string[]): Promise<number> {
  // What `comm` is in a begin or end probe, and what ps shows: our name, or the one under which we were started.
  const started = basename(process.argv0);
  process.title = started === "node" ? "probewright" : started;
  try {
    const args = parseTraceArgs(argv);
    switch (args.mode) {
      case "run":
        return await runScript(args);
      case "help":
        writeAll(1, traceUsage());
        return ExitCode.ok;
      case "version": {
        const { packageVersion } = await import("../version.ts");
        writeAll(1, `probewright ${packageVersion()}\n`);
        return ExitCode.ok;
      }
      case "info": {
        const { kernelInfo } = await import("./trace-info.ts");
        writeAll(1, kernelInfo(hostFacts()));
        return ExitCode.ok;
      }
      default:
        return unreachable(args.mode, "mode");
    }
  } catch (error) {
    const failure = error instanceof UsageError ? usageFailure(error) : tracingFailure(error);
    writeAll(2, renderFailure(failure, paletteFor(2)));
    return failure.exitCode;
  }
}

function usageFailure({ message }: UsageError): Failure {
  return new Failure(message, ExitCode.invalidInput, { help: "`probewright trace --help` shows all options" });
}

async function runScript(args: TraceArgs): Promise<number> {
  const source = readScript(args);
  const open: { close(): void }[] = [];
  try {
    const target = args.pid === undefined ? undefined : openTarget(args.pid);
    if (target !== undefined) open.push(target);
    const child = args.command === undefined ? undefined : await startChild(args.command);
    if (child !== undefined) open.push(child);
    const compiled = compileScript(source, args);
    if (args.emit.length > 0) return ExitCode.ok;
    const pid = child?.pid ?? args.pid;
    const session = loadSession(compiled, { workloadPid: child?.pid, targetPid: args.pid, pid });
    open.push(session);
    return args.dryRun ? ExitCode.ok : await followTrace({ session, args, child, target });
  } catch (error) {
    if (args.verbose && error instanceof VerifierError) writeAll(2, `${error.log}\n`);
    throw error;
  } finally {
    for (const resource of open.reverse()) resource.close();
  }
}

function readScript({ script }: TraceArgs): Source {
  switch (script?.kind) {
    case "text":
      return new Source("stdin", script.text);
    case "stdin":
      return new Source("stdin", readFileSync(0, "utf8"));
    case "file":
      try {
        return new Source(script.path, readFileSync(script.path, "utf8"));
      } catch (error) {
        throw new Failure(`cannot read the script: ${(error as Error).message}`, ExitCode.invalidInput);
      }
    default:
      throw new UsageError("there is no script");
  }
}

/** Compiles; prints warnings and the stages that were asked for. Throws Failure. */
function compileScript(source: Source, args: TraceArgs): CompiledProgram {
  const diags = new Diagnostics();
  const compiled = compile(source, hostFacts(), diags, {
    parameters: args.parameters,
    namedParameters: args.namedParameters,
    unsafe: args.unsafe,
    targetPid: args.pid,
    mode: args.purpose,
    oneProcess: args.pid !== undefined || args.command !== undefined,
    environment: bpftraceEnvironment(process.env),
    files: hostFiles(args.includePaths),
    includes: args.includes,
    dump: (stage, text) => printStage(stage, text, args),
  });
  const shown = args.warnings === 0 ? diags.errors : diags.items;
  if (compiled === undefined) throw new Failure("the script has errors", ExitCode.invalidInput, { diagnostics: shown });
  if (shown.length > 0) writeAll(2, `${renderDiagnostics(shown, paletteFor(2))}\n`);
  return compiled;
}

function printStage(stage: DumpStage, text: () => string, { emit }: TraceArgs): void {
  if (!emit.includes(stage)) return;
  const title = emit.length > 1 ? `// ${stage}\n` : "";
  writeAll(1, `${title}${text().trimEnd()}\n`);
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

function openTarget(pid: number): Fd {
  try {
    return pidfdOpen(pid);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    throw new Failure(`there is no process ${pid}`, ExitCode.invalidInput);
  }
}

/**
 * Starts the command of -c, stopped before its exec, on our own terminal: as the user who called sudo, if somebody did,
 * and never to outlive us.
 */
async function startChild(argv: [string, ...string[]]): Promise<StoppedProcess> {
  const streams = { stdin: "inherit", stdout: "inherit", stderr: "inherit", isolation: "none" } as const;
  const common = { argv, ...streams, killOnParentDeath: true };
  if (process.getuid?.() !== 0 || process.env.SUDO_UID === undefined) {
    return spawnStopped({ ...common, env: definedOnly(process.env) });
  }
  const [{ hostUsers, resolveUser }, { childEnvironment }] = await Promise.all([
    import("../runner/users.ts"),
    import("../runner/environment.ts"),
  ]);
  const user = resolveUser(undefined, hostUsers());
  return spawnStopped({
    ...common,
    env: childEnvironment(process.env, user, {}, "trace"),
    ...(user && { uid: user.uid, gid: user.gid, groups: user.groups }),
  });
}

function definedOnly(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined));
}
