/** Runs a script's `begin` probes in the kernel and answers what it prints: to standard output, maps at the end included. */
import { compile } from "../../compiler/compile.ts";
import { Diagnostics, renderDiagnostics } from "../../compiler/diagnostics.ts";
import { Source } from "../../compiler/source.ts";
import { hostFacts } from "../../harness/tracing/facts/host-facts.ts";
import { TextOutput } from "../../harness/tracing/output/text.ts";
import { ScriptOutput } from "../../harness/tracing/script-output.ts";
import { loadSession } from "../../harness/tracing/session.ts";

const facts = hostFacts();

export function runScript(text: string, parameters: string[] = [], environment: Record<string, string> = {}): string {
  const diags = new Diagnostics();
  const program = compile(new Source("test.bt", text), facts, diags, { parameters, environment });
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
