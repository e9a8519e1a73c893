/** Real scripts, damaged: those that compile all the same are programs that the kernel's verifier accepts. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { compile } from "../../compiler/compile.ts";
import { Diagnostics } from "../../compiler/diagnostics.ts";
import { Source } from "../../compiler/source.ts";
import { hostFacts } from "../../harness/tracing/facts/host-facts.ts";
import { loadSession } from "../../harness/tracing/session.ts";
import { VerifierError } from "../../harness/tracing/verifier-error.ts";
import { SysError } from "../../native/index.ts";
import { mutated, realScripts } from "../support/mutations.ts";
import { patient } from "../support/patience.ts";
import { describeKernel } from "../support/privileges.ts";
import { cases, soaking } from "../support/soak.ts";

const facts = hostFacts();

/** Whether the script became a program. What the system refuses for other reasons, such as maps without bounds, is its business. */
function loads(text: string): boolean {
  const program = compile(new Source("test.bt", text), facts, new Diagnostics());
  if (!program) return false;
  try {
    loadSession(program).close();
  } catch (error) {
    if (error instanceof VerifierError && error.lastWords !== "") throw error;
    if (!(error instanceof SysError)) throw error;
  }
  return true;
}

describeKernel("damaged scripts", () => {
  it("that compile are accepted by the verifier", { timeout: soaking ? 36_000_000 : patient(60_000) }, () => {
    let programs = 0;
    const property = fc.property(mutated(realScripts()), (text) => {
      if (loads(text)) programs++;
    });
    fc.assert(property, cases(300));
    expect(programs).toBeGreaterThan(0);
  });
});
