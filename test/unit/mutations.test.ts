/** Real scripts, damaged: whatever it is, it becomes a program or is refused with reasons, and in time. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { compile } from "../../compiler/compile.ts";
import { Diagnostics, renderDiagnostics } from "../../compiler/diagnostics.ts";
import type { CompiledProgram } from "../../compiler/program.ts";
import { Source } from "../../compiler/source.ts";
import { fakeFiles } from "../support/c-definitions.ts";
import { cpuMs } from "../support/cpu-time.ts";
import { fakeFacts } from "../support/fake-facts.ts";
import { mutated, realScripts } from "../support/mutations.ts";
import { cases } from "../support/soak.ts";

const facts = fakeFacts();
const files = fakeFiles({
  "common.bt": "macro shared(x) { x + 1 }",
  "/usr/include/linux/fs.h": "struct inode { unsigned long i_ino; };\n#define SEEK_END 2\n",
  "/usr/include/errno.h": "#define EPERM 1\n",
});

/** Far more than any of them takes. */
const LIMIT_MS = 20_000;

function survives(text: string): void {
  const diags = new Diagnostics();
  let program: CompiledProgram | undefined;
  const taken = cpuMs(() => {
    program = compile(new Source("test.bt", text), facts, diags, { files, unsafe: true });
  });
  expect(taken).toBeLessThan(LIMIT_MS);
  expect(program === undefined).toBe(diags.hasErrors);
  for (const { span, labels = [] } of diags.items) {
    for (const place of [span, ...labels.map((label) => label.span)]) {
      expect(place.start).toBeGreaterThanOrEqual(0);
      expect(place.end).toBeGreaterThanOrEqual(place.start);
      expect(place.end).toBeLessThanOrEqual(place.source.text.length);
    }
  }
  renderDiagnostics(diags.items);
}

it("damaged scripts are compiled or refused", () => {
  fc.assert(fc.property(mutated(realScripts()), survives), cases(1500));
});
