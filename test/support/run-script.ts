/** Runs a script's `begin` probes in the kernel and answers what it prints: to standard output, maps at the end included. */
import { TestRunner } from "vitest";
import { type CompileOptions, compile } from "../../compiler/compile.ts";
import { type Diagnostic, Diagnostics, renderDiagnostics } from "../../compiler/diagnostics.ts";
import type { KernelFacts } from "../../compiler/kernel-facts.ts";
import { Source } from "../../compiler/source.ts";
import { hostFacts } from "../../harness/tracing/facts/host-facts.ts";
import { isAtLeast } from "../../harness/tracing/facts/version.ts";
import { TextOutput } from "../../harness/tracing/output/text.ts";
import { ScriptOutput } from "../../harness/tracing/script-output.ts";
import { loadSession } from "../../harness/tracing/session.ts";

const facts = hostFacts();

/** Whether all that is wrong with a script is that this kernel is older than what it asks for. */
function isTooNew(text: string): boolean {
  const diags = new Diagnostics();
  compile(new Source("test.bt", text), facts, diags);
  const isMissing = ({ code, help }: Diagnostic): boolean => {
    const [, major, minor] = /Linux (\d+)\.(\d+)/.exec(help ?? "") ?? [];
    return code === "kernel-feature" && !isAtLeast(facts.version, [Number(major), Number(minor)]);
  };
  return diags.hasErrors && diags.errors.every(isMissing);
}

/** Leaves the running test out where its script asks for more than this kernel has. */
export function leaveOutIfTooNew(text: string): void {
  if (isTooNew(text)) TestRunner.getCurrentTest()?.context.skip("the kernel is too old for the script");
}

export function runScript(text: string, parameters: string[] = [], environment: Record<string, string> = {}): string {
  return runScriptFor(facts, text, { parameters, environment });
}

/** As code for another kernel than this one, which has to run it all the same. */
export function runScriptFor(kernel: KernelFacts, text: string, options: CompileOptions = {}): string {
  const diags = new Diagnostics();
  const program = compile(new Source("test.bt", text), kernel, diags, options);
  if (!program) throw new Error(renderDiagnostics(diags.errors));
  const printed: Uint8Array[] = [];
  const streams = { out: (bytes: Uint8Array) => void printed.push(bytes.slice()), err: () => {} };
  const sink = new TextOutput(streams, { out: false, err: false });
  const session = loadSession(program, {});
  try {
    const output = new ScriptOutput(session, sink);
    session.begin();
    session.drain(output.visit);
    output.printMaps();
    return Buffer.concat(printed).toString();
  } finally {
    session.close();
  }
}
