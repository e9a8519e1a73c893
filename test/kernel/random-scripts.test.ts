/**
 * Random scripts, of which each block is a program: the kernel accepts all of them, and they do in the kernel and in the
 * interpreter what the tree says.
 */
import fc from "fast-check";
import { expect, it } from "vitest";
import { type CompileOptions, compile } from "../../compiler/compile.ts";
import { Diagnostics, renderDiagnostics } from "../../compiler/diagnostics.ts";
import type { KernelFacts } from "../../compiler/kernel-facts.ts";
import type { CompiledProgram } from "../../compiler/program.ts";
import { Source } from "../../compiler/source.ts";
import { once } from "../../harness/tracing/facts/features.ts";
import { hostFacts } from "../../harness/tracing/facts/host-facts.ts";
import { loadSession } from "../../harness/tracing/session.ts";
import { type EvalResult, evaluate } from "../support/ast-eval.ts";
import { checkScript, errorsOf } from "../support/check.ts";
import { asOf, OLD_RELEASES } from "../support/kernel-releases.ts";
import { patient } from "../support/patience.ts";
import { describeKernel } from "../support/privileges.ts";
import { randomScript, withoutCallbacks } from "../support/random-script.ts";
import { resultOf } from "../support/script-results.ts";
import { runInVm } from "../support/script-vm.ts";
import { cases, soaking } from "../support/soak.ts";

const facts = hostFacts();

function compiled(text: string, kernel: KernelFacts = facts, options: CompileOptions = {}): CompiledProgram {
  const diags = new Diagnostics();
  const program = compile(new Source("test.bt", text), kernel, diags, options);
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
const ourselves = once(() => {
  const { maps } = inKernel(compiled("begin { @pid = pid; @tid = tid; @uid = uid; @comm = comm }"));
  const value = (name: string) => maps[name]![""] as bigint;
  return { pid: value("@pid"), tid: value("@tid"), uid: value("@uid"), comm: String(maps["@comm"]![""]) };
});

/** Holds a script against its tree, as code for `kernel`; answers how many programs it has. */
function expectAgreement(text: string, kernel: KernelFacts): number {
  fc.pre(!errorsOf(text).some((error) => /^(constant-overflow|division-by-zero)/.test(error)));
  // The CPU may change from one run to the next; the words of the definitions are ours.
  const words = kernel.features.loop ? text : withoutCallbacks(text);
  const script = words.replace(/\bcpu\b/g, "uid");
  const { pid, tid, uid, comm } = ourselves();
  const host = { pid, tid, uid, comm, gid: 0n, cpu: 0n, bootToReal: 0n, nsecs: () => 0n };
  const world = { pid: Number(pid), tid: Number(tid), uid: Number(uid), gid: 0, comm, cpu: 0 };
  const { typed } = checkScript(script, [], facts);
  const { maps, events } = evaluate(typed!, host);
  const expected = {
    maps: Object.fromEntries(Object.entries(maps).filter(([, e]) => Object.keys(e).length > 0)),
    events,
  };
  // Some are divided into many parts, as only large scripts are otherwise.
  const program = compiled(script, kernel, script.length % 8 === 0 ? { partSize: 100 } : {});
  const interpreted = runInVm(program, facts.possibleCpus, world);
  expect({ maps: interpreted.maps, events: interpreted.events }).toEqual(expected);
  expect(inKernel(program)).toEqual(expected);
  return program.programs.length;
}

describeKernel("random scripts in the kernel", () => {
  it("are accepted by the verifier and do what the tree says", { timeout: patient(TIME_LIMIT_MS + 60_000) }, () => {
    let programs = 0;
    const property = fc.property(randomScript, (text) => {
      programs += expectAgreement(text, facts);
    });
    fc.assert(property, { interruptAfterTimeLimit: TIME_LIMIT_MS, ...cases(SCRIPTS) });
    if (!soaking) expect(programs).toBeGreaterThanOrEqual(2000);
  });

  it.each(OLD_RELEASES)("do so as code for Linux %i.%i", { timeout: patient(TIME_LIMIT_MS + 60_000) }, (...release) => {
    const kernel = asOf(facts, release);
    const property = fc.property(randomScript, (text) => void expectAgreement(text, kernel));
    fc.assert(property, { interruptAfterTimeLimit: TIME_LIMIT_MS, ...cases(SCRIPTS_OF_OLD) });
  });
});

/** Some three and a half programs each. */
const SCRIPTS = 650;
const SCRIPTS_OF_OLD = 40;
/** A search that is cut short reports what it has found. */
const TIME_LIMIT_MS = soaking ? 36_000_000 : 540_000;
