/**
 * `probewright trace`: bpftrace's command line. This module and what it imports are loaded at every start, so that
 * they are few; what only some commands need is imported when they need it.
 */
import { writeFileSync } from "node:fs";
import { basename } from "node:path";
import { compile, type DumpStage } from "../../compiler/compile.ts";
import { Diagnostics } from "../../compiler/diagnostics.ts";
import type { KernelFacts } from "../../compiler/kernel-facts.ts";
import type { CompiledProgram, Program } from "../../compiler/program.ts";
import { PARAMETER_HELP } from "../../compiler/sema/named-parameters.ts";
import type { Source } from "../../compiler/source.ts";
import { parse } from "../../compiler/syntax/parser.ts";
import { print } from "../../compiler/syntax/printer.ts";
import { unreachable } from "../../compiler/unreachable.ts";
import { type StoppedProcess, spawnStopped } from "../../native/index.ts";
import { kernelProber } from "../tracing/facts/features.ts";
import { hostFacts } from "../tracing/facts/host-facts.ts";
import { kernelPid } from "../tracing/kernel-pid.ts";
import { diagnosticsText, errorText, headline, hint } from "../tracing/output/remark.ts";
import { encodeScript } from "../tracing/script-text.ts";
import { loadSession } from "../tracing/session.ts";
import { summary, TrimmedLogError, VerifierError } from "../tracing/verifier-error.ts";
import { ExitCode } from "./exit-code.ts";
import { Failure, tracingFailure } from "./failure.ts";
import { colourProblem, paletteFor } from "./palette.ts";
import { shortLived } from "./short-lived.ts";
import { parseTraceArgs, type TraceArgs, traceUsage, UsageError } from "./trace-args.ts";
import { followTrace } from "./trace-follow.ts";
import {
  compileOptions,
  expectUnwindable,
  factsFor,
  openTarget,
  orErrors,
  readScript,
  scriptErrors,
  unwoundBy,
} from "./trace-script.ts";
import { writeAll } from "./write-all.ts";

/** Runs the command with the arguments behind `trace` and answers its exit code. */
export async function trace(argv: readonly string[]): Promise<number> {
  try {
    const args = parseTraceArgs(argv);
    switch (args.mode) {
      case "run":
        return await runScript(args);
      case "list": {
        const { listProbes } = await import("./trace-list.ts");
        return listProbes(args);
      }
      case "format":
        return formatScript(readScript(args));
      case "help":
        writeAll(1, traceUsage());
        return ExitCode.ok;
      case "version": {
        const { packageVersion } = await import("../version.ts");
        writeAll(1, `bpftrace v${LANGUAGE} compatible: probewright ${packageVersion()}\n`);
        return ExitCode.ok;
      }
      case "info": {
        const { kernelInfo } = await import("./trace-info.ts");
        writeAll(1, kernelInfo(hostFacts(), kernelProber));
        return ExitCode.ok;
      }
      default:
        return unreachable(args.mode, "mode");
    }
  } catch (error) {
    if (error instanceof ParameterHelp) {
      writeAll(2, hint(error.message));
      return HELP_GIVEN;
    }
    const { message, help, diagnostics, exitCode } =
      error instanceof UsageError ? misuse(error) : tracingFailure(error);
    const palette = paletteFor(2);
    writeAll(2, diagnostics.length > 0 ? diagnosticsText(diagnostics, palette) : errorText(message, help, palette));
    if (error instanceof UsageError && error.showUsage) writeAll(2, `\n${traceUsage()}`);
    return exitCode;
  }
}

/** Somebody asked what parameters the script has: `trace script.bt -- --help`. The message says it. */
class ParameterHelp extends Error {
  override readonly name = "ParameterHelp";
}

/** As with bpftrace: nothing was traced, and nobody shall take it for a trace. */
const HELP_GIVEN = 1;

/** The version of bpftrace whose language and output these are. Scripts ask for it to know what they may use. */
const LANGUAGE = "0.27";

function misuse({ message, help }: UsageError): Failure {
  return new Failure(message, ExitCode.invalidInput, { help: help ?? "`probewright trace --help` shows all options" });
}

/**
 * Scripts know their tracer by its `comm`, and leave it out: `/comm != "bpftrace"/`. So that is ours, unless we were started
 * under a name of our own. The command line, which ps shows, stays as it is.
 */
function takeName(): void {
  const started = basename(process.argv0);
  writeFileSync("/proc/self/comm", started === "node" ? "bpftrace" : started);
}

async function runScript(args: TraceArgs): Promise<number> {
  takeName();
  const problem = colourProblem(process.env);
  if (problem !== undefined && args.warnings > 0) writeAll(2, headline("warning", problem));
  const source = readScript(args);
  const open: { close(): void }[] = [];
  try {
    const target = args.pid === undefined ? undefined : openTarget(args.pid);
    if (target !== undefined) open.push(target);
    const child = args.command === undefined ? undefined : await startChild(args.command);
    if (child !== undefined) open.push(child);
    const facts = factsFor(args);
    const compiled = shortLived(source.text.length, (settle) => compileScript(source, args, facts, settle));
    if (args.emit.length > 0) return ExitCode.ok;
    if (compiled.unwind) expectUnwindable(args);
    const pid = child?.pid ?? args.pid;
    const session = loadSession(compiled, {
      workloadPid: child?.pid,
      targetPid: args.pid,
      pid,
      onVerified: args.verbose ? printVerdict : undefined,
      unwound: unwoundBy(args),
      kernelPid: (process) => kernelPid(process, facts),
      onWarning: args.warnings > 0 ? (message) => writeAll(2, headline("warning", message)) : undefined,
    });
    open.push(session);
    return args.dryRun ? ExitCode.ok : await followTrace({ session, args, child, target });
  } catch (error) {
    if (args.verbose && error instanceof VerifierError) writeAll(2, `${error.log}\n`);
    if (error instanceof TrimmedLogError) warnOfTrimmedLog(error);
    throw error;
  } finally {
    for (const resource of open.reverse()) resource.close();
  }
}

function printVerdict({ name, probes }: Program, log: string): void {
  writeAll(2, `${name} (${summary(probes)}): ${log.split("\n").join("; ")}\n`);
}

function warnOfTrimmedLog({ logSize }: TrimmedLogError): void {
  const remedy = "set BPFTRACE_LOG_SIZE, or write `config = { log_size = N }`";
  writeAll(2, headline("warning", `Kernel log seems to be trimmed: ${logSize} bytes are too few for it; ${remedy}`));
}

function formatScript(source: Source): number {
  const diags = new Diagnostics();
  const script = parse(source, diags);
  if (diags.hasErrors) throw scriptErrors(diags.errors);
  writeAll(1, encodeScript(print(script)));
  return ExitCode.ok;
}

/** Compiles; prints warnings and the stages that were asked for, and tells when the script is parsed. Throws Failure. */
function compileScript(source: Source, args: TraceArgs, facts: KernelFacts, parsed: () => void): CompiledProgram {
  const diags = new Diagnostics();
  const compiled = compile(source, facts, diags, {
    ...compileOptions(args),
    dump: (stage, text) => {
      if (stage === "ast") parsed();
      printStage(stage, text, args);
    },
  });
  const [error, ...more] = diags.errors;
  if (error?.code === PARAMETER_HELP && more.length === 0) throw new ParameterHelp(error.help);
  return orErrors(compiled, diags, args);
}

function printStage(stage: DumpStage, text: () => string, { emit }: TraceArgs): void {
  if (!emit.includes(stage)) return;
  const title = emit.length > 1 ? `// ${stage}\n` : "";
  writeAll(1, `${title}${text().trimEnd()}\n`);
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
