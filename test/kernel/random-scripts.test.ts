import fc from "fast-check";
import { expect, it } from "vitest";
import { compile } from "../../compiler/compile.ts";
import { Diagnostics, renderDiagnostics } from "../../compiler/diagnostics.ts";
import type { CompiledProgram } from "../../compiler/program.ts";
import { Source } from "../../compiler/source.ts";
import { hostFacts } from "../../harness/tracing/facts/host-facts.ts";
import { loadSession, type Session } from "../../harness/tracing/session.ts";
import { VerifierError } from "../../harness/tracing/verifier-error.ts";
import { type EvalResult, evaluate } from "../support/ast-eval.ts";
import { checkScript, errorsOf } from "../support/check.ts";
import { describeKernel } from "../support/privileges.ts";
import { randomScript } from "../support/random-script.ts";
import { resultOf } from "../support/script-results.ts";
import { cases } from "../support/soak.ts";

const facts = hostFacts();

function inKernel(text: string): EvalResult {
  const diags = new Diagnostics();
  const program = compile(new Source("test.bt", text), facts, diags);
  if (!program) throw new Error(renderDiagnostics(diags.errors));
  const session = load(program);
  try {
    session.begin();
    const records: Uint8Array[] = [];
    session.drain((view, offset, length) => {
      records.push(new Uint8Array(view.buffer, view.byteOffset + offset, length).slice());
    });
    return resultOf(program, session.readMaps(), records);
  } finally {
    session.close();
  }
}

/** Some scripts have more paths than the verifier has patience for, which says nothing about us: those do not count. */
function load(program: CompiledProgram): Session {
  try {
    return loadSession(program, {});
  } catch (error) {
    if (error instanceof VerifierError) fc.pre(!/^BPF program is too large/.test(error.lastWords));
    throw error;
  }
}

/** What the oracle needs to know of us: the program runs in this very thread. */
function ourselves(): { pid: bigint; tid: bigint; uid: bigint; comm: string } {
  const { maps } = inKernel("begin { @pid = pid; @tid = tid; @uid = uid; @comm = comm }");
  const value = (name: string) => maps[name]![""] as bigint;
  return { pid: value("@pid"), tid: value("@tid"), uid: value("@uid"), comm: String(maps["@comm"]![""]) };
}

describeKernel("random scripts in the kernel", () => {
  it("are accepted by the verifier and do what the tree says", () => {
    const self = ourselves();
    const property = fc.property(randomScript, (text) => {
      fc.pre(!errorsOf(text).some((error) => error.startsWith("constant-overflow")));
      // The CPU may change from one run to the next; the words of the prelude are ours.
      const script = text.replaceAll("cpu", "uid");
      const { typed } = checkScript(script, [], facts);
      const { maps, events } = evaluate(typed!, { ...self, gid: 0n, cpu: 0n, nsecs: () => 0n, bootToReal: 0n });
      const expected = Object.fromEntries(Object.entries(maps).filter(([, e]) => Object.keys(e).length > 0));
      expect(inKernel(script)).toEqual({ maps: expected, events });
    });
    fc.assert(property, cases(200));
  });
});
