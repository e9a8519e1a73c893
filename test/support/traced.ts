/**
 * Scripts on a program of the test's own: it is compiled from C where a compiler is there, started as the command of -c is,
 * and what the script prints is the answer.
 */
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type CompileOptions, compile } from "../../compiler/compile.ts";
import { Diagnostics, renderDiagnostics } from "../../compiler/diagnostics.ts";
import { Source } from "../../compiler/source.ts";
import { hostFacts } from "../../harness/tracing/facts/host-facts.ts";
import { JsonOutput } from "../../harness/tracing/output/json.ts";
import { TextOutput } from "../../harness/tracing/output/text.ts";
import { ScriptOutput } from "../../harness/tracing/script-output.ts";
import { type Health, loadSession } from "../../harness/tracing/session.ts";
import { releaseToEntry } from "../../harness/tracing/unwind/run-to-entry.ts";
import { spawnStopped } from "../../native/index.ts";
import { asOf, type Release } from "./kernel-releases.ts";

export const hasCompiler = spawnSync("gcc", ["--version"]).status === 0;

/** Compiles a C program into a folder and answers its path. */
export function compileC(folder: string, name: string, text: string, ...flags: string[]): string {
  const source = join(folder, `${name}.c`);
  const program = join(folder, name);
  writeFileSync(source, text);
  const { status, stderr } = spawnSync("gcc", ["-O0", "-o", program, source, ...flags], { encoding: "utf8" });
  if (status !== 0) throw new Error(stderr);
  return program;
}

export interface Traced {
  /** What the script printed, maps at the end included. */
  output: string;
  health: Health;
  /** How the program ended. */
  code: number | null;
  signal: string | null;
  probes: number;
}

export interface TraceOptions extends CompileOptions {
  json?: boolean;
  /** Events of other processes count too. */
  everywhere?: boolean;
  /** The script is compiled as for that kernel, if it is older. */
  release?: Release;
}

/** Runs a program under a script. Throws when the script has errors. */
export async function trace(
  script: string,
  argv: readonly [string, ...string[]],
  { json = false, everywhere = false, release, ...options }: TraceOptions = {},
): Promise<Traced> {
  const diags = new Diagnostics();
  const source = new Source("test.bt", script);
  const facts = release === undefined ? hostFacts() : asOf(hostFacts(), release);
  const compiled = compile(source, facts, diags, { oneProcess: !everywhere, ...options });
  if (!compiled) throw new Error(renderDiagnostics(diags.items));
  const child = spawnStopped({
    argv: [...argv],
    env: { PATH: process.env.PATH ?? "" },
    stdout: "null",
    stderr: "null",
  });
  let output = "";
  const take = (bytes: Uint8Array): void => {
    output += Buffer.from(bytes).toString("utf8");
  };
  try {
    using session = loadSession(compiled, { workloadPid: child.pid, ...(everywhere ? {} : { pid: child.pid }) });
    const streams = { out: take, err: take };
    const sink = json ? new JsonOutput(streams) : new TextOutput(streams, { out: false, err: false });
    const printer = new ScriptOutput(session, sink);
    session.start();
    if (session.unwinds) await releaseToEntry(child, () => session.unwind(child.pid));
    else child.release();
    const { code, signal } = await child.wait();
    session.stop(printer.visit);
    printer.printMaps();
    const probes = compiled.programs.reduce((sum, program) => sum + program.probes.length, 0);
    return { output, health: session.health(), code, signal, probes };
  } finally {
    child.kill("SIGKILL");
    child.close();
  }
}
