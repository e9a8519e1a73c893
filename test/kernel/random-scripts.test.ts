/**
 * Random scripts, of which each block is a program: the kernel accepts all of them, and they do in the kernel and in the
 * interpreter what the tree says.
 */
import fc from "fast-check";
import { expect, it } from "vitest";
import { type CompileOptions, compile } from "../../compiler/compile.ts";
import { Diagnostics, renderDiagnostics } from "../../compiler/diagnostics.ts";
import type { CompiledProgram } from "../../compiler/program.ts";
import { Source } from "../../compiler/source.ts";
import { hostFacts } from "../../harness/tracing/facts/host-facts.ts";
import { loadSession } from "../../harness/tracing/session.ts";
import { type EvalResult, evaluate } from "../support/ast-eval.ts";
import { checkScript, errorsOf } from "../support/check.ts";
import { describeKernel } from "../support/privileges.ts";
import { randomScript } from "../support/random-script.ts";
import { resultOf } from "../support/script-results.ts";
import { runInVm } from "../support/script-vm.ts";
import { cases, soaking } from "../support/soak.ts";

const facts = hostFacts();

function compiled(text: string, options: CompileOptions = {}): CompiledProgram {
  const diags = new Diagnostics();
  const program = compile(new Source("test.bt", text), facts, diags, options);
  if (!program) throw new Error(renderDiagnostics(diags.errors));
  return program;
}

function inKernel(program: CompiledProgram): EvalResult {
  const session = loadSession(program, {});
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

/** What the others need to know of us: the program runs in this very thread. */
function ourselves(): { pid: bigint; tid: bigint; uid: bigint; comm: string } {
  const { maps } = inKernel(compiled("begin { @pid = pid; @tid = tid; @uid = uid; @comm = comm }"));
  const value = (name: string) => maps[name]![""] as bigint;
  return { pid: value("@pid"), tid: value("@tid"), uid: value("@uid"), comm: String(maps["@comm"]![""]) };
}

describeKernel("random scripts in the kernel", () => {
  it("are accepted by the verifier and do what the tree says", { timeout: TIME_LIMIT_MS + 60_000 }, () => {
    const { pid, tid, uid, comm } = ourselves();
    const host = { pid, tid, uid, comm, gid: 0n, cpu: 0n, bootToReal: 0n, nsecs: () => 0n };
    const world = { pid: Number(pid), tid: Number(tid), uid: Number(uid), gid: 0, comm, cpu: 0 };
    let programs = 0;
    const property = fc.property(randomScript, (text) => {
      fc.pre(!errorsOf(text).some((error) => error.startsWith("constant-overflow")));
      // The CPU may change from one run to the next; the words of the definitions are ours.
      const script = text.replace(/\bcpu\b/g, "uid");
      const { typed } = checkScript(script, [], facts);
      const { maps, events } = evaluate(typed!, host);
      const expected = {
        maps: Object.fromEntries(Object.entries(maps).filter(([, e]) => Object.keys(e).length > 0)),
        events,
      };
      // Some are divided into many parts, as only large scripts are otherwise.
      const program = compiled(script, script.length % 8 === 0 ? { partSize: 100 } : {});
      const interpreted = runInVm(program, facts.possibleCpus, world);
      expect({ maps: interpreted.maps, events: interpreted.events }).toEqual(expected);
      expect(inKernel(program)).toEqual(expected);
      programs += program.programs.length;
    });
    fc.assert(property, { interruptAfterTimeLimit: TIME_LIMIT_MS, ...cases(SCRIPTS) });
    if (!soaking) expect(programs).toBeGreaterThanOrEqual(2000);
  });
});

/** Some three and a half programs each. */
const SCRIPTS = 650;
/** A search that is cut short reports what it has found. */
const TIME_LIMIT_MS = soaking ? 36_000_000 : 540_000;
