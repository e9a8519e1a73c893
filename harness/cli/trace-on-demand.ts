/**
 * Runs a script's benchmarks or tests, one after the other, between its begin and its end. What they print is of
 * interest only where a test fails.
 */
import { type ByteString, bytesAt } from "../tracing/bytestring.ts";
import type { BenchmarkResult, OutputSink, TestResult } from "../tracing/output/sink.ts";
import { TextOutput } from "../tracing/output/text.ts";
import { ScriptOutput } from "../tracing/script-output.ts";
import type { OnDemandProgram, Session } from "../tracing/session.ts";
import { ExitCode } from "./exit-code.ts";
import { Failure } from "./failure.ts";

/** Answers the exit code: 1 when a test or a benchmark failed. Results go to `sink`, as they come. */
export function runOnDemand(session: Session, kind: "bench" | "test", sink: OutputSink): number {
  const programs = session.onDemand(kind);
  if (programs.length === 0) throw new Failure(`the script has no ${kind} probes`, ExitCode.invalidInput);
  session.begin();
  const passed = kind === "bench" ? runBenchmarks(session, programs, sink) : runTests(session, programs, sink);
  const script = new ScriptOutput(session, sink);
  session.stop(script.visit, "discard");
  sink.end();
  return passed ? ExitCode.ok : ExitCode.regression;
}

function runTests(session: Session, programs: readonly OnDemandProgram[], sink: OutputSink): boolean {
  const names = programs.map(({ name }) => name);
  const results: TestResult[] = [];
  for (const program of programs) {
    const capture = new Capture(session);
    const { retval, durationNs } = program.run(1);
    capture.drain();
    results.push({ durationNs, passed: retval === 0 && !capture.failed, output: capture.output });
    sink.test(names, results);
  }
  return results.every(({ passed }) => passed);
}

function runBenchmarks(session: Session, programs: readonly OnDemandProgram[], sink: OutputSink): boolean {
  let passed = true;
  const measured: { name: string; result: BenchmarkResult }[] = [];
  for (const program of programs) {
    const outcome = measure(session, program);
    if (outcome === "skipped") continue;
    if (outcome === "failed") {
      sink.remark("warning", `benchmark ${program.name} failed`);
      passed = false;
      continue;
    }
    measured.push({ name: program.name, result: outcome });
    const names = [...measured.map(({ name }) => name)];
    sink.benchmark(
      names,
      measured.map(({ result }) => result),
    );
  }
  return passed;
}

/** Long enough that the clock's steps do not matter. */
const ENOUGH_NS = 1e6;

/** Repeats a benchmark more and more often, until it has taken long enough. It is skipped when it returns other than 0. */
function measure(session: Session, program: OnDemandProgram): BenchmarkResult | "skipped" | "failed" {
  for (let iterations = 1; ; ) {
    const capture = new Capture(session);
    const { retval, durationNs } = program.run(iterations);
    capture.drain();
    if (capture.failed) return "failed";
    if (retval !== 0) return "skipped";
    const total = durationNs * iterations;
    if (total >= ENOUGH_NS) return { averageNs: durationNs, iterations };
    iterations *= total < 1e3 ? 1000 : total < 1e4 ? 100 : total < 1e5 ? 10 : 2;
  }
}

/** Takes what a program prints, and notes what makes it a failure: an error of the script's own, or an exit with a code. */
class Capture {
  output: ByteString = "";
  readonly #session: Session;
  readonly #sink: CountingOutput;
  readonly #script: ScriptOutput;

  constructor(session: Session) {
    this.#session = session;
    const take = (bytes: Uint8Array): void => {
      this.output += bytesAt(new DataView(bytes.buffer, bytes.byteOffset), 0, bytes.length);
    };
    this.#sink = new CountingOutput({ out: take, err: take }, { out: false, err: false });
    this.#script = new ScriptOutput(session, this.#sink);
  }

  drain(): void {
    this.#session.drain(this.#script.visit);
  }

  get failed(): boolean {
    return this.#sink.errors > 0 || (this.#script.exitCode ?? 0) !== 0;
  }
}

class CountingOutput extends TextOutput {
  /** What the script printed with errorf(). */
  errors = 0;

  override message(...[severity, ...rest]: Parameters<TextOutput["message"]>): void {
    if (severity === "error") this.errors++;
    super.message(severity, ...rest);
  }
}
