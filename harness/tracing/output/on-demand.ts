/** Benchmarks and tests of a script as text, one by one as they are run. */
import { type ByteString, fromText } from "../bytestring.ts";
import type { BenchmarkResult, TestResult } from "./sink.ts";

const NAME_WIDTH = 41;
const TIME_WIDTH = 15;
const ITERATIONS = "Iterations";

/** The newest result; the first one comes below a heading. */
export function benchmarkText(names: readonly string[], results: readonly BenchmarkResult[]): ByteString {
  const width = Math.max(NAME_WIDTH, ...names.map((name) => fromText(name).length + 1));
  const row = (name: string, time: string, iterations: string): ByteString =>
    `${fromText(name).padEnd(width)}${time.padEnd(TIME_WIDTH)}${iterations}\n`;
  const heading =
    results.length > 1
      ? ""
      : `${row("Benchmark", "Time(ns)", ITERATIONS)}${"-".repeat(width + TIME_WIDTH + ITERATIONS.length)}\n`;
  const { averageNs, iterations } = results.at(-1)!;
  return heading + row(names[results.length - 1]!, String(averageNs), String(iterations));
}

const green = (text: string): string => `\x1b[32m${text}\x1b[0m`;
const red = (text: string): string => `\x1b[31m${text}\x1b[0m`;
const LINE = green("[==========]");
const PASSED = green("[  PASSED  ]");
const FAILED = red("[  FAILED  ]");

/** The newest result, the first one below a heading, and behind the last one the summary. */
export function testText(names: readonly string[], results: readonly TestResult[]): ByteString {
  const index = results.length - 1;
  const name = fromText(names[index]!);
  const { durationNs, passed, output } = results[index]!;
  const lines = [`${green("[ RUN      ]")} ${name}`];
  if (index === 0) lines.unshift(`${LINE} Running ${names.length} tests.`);
  if (!passed) lines.push(...output.split("\n").filter((line) => line !== ""));
  lines.push(`${passed ? green("[       OK ]") : FAILED} ${name} (${duration(durationNs)})`);
  if (results.length === names.length) lines.push(...summary(names, results));
  return lines.map((line) => `${line}\n`).join("");
}

function summary(names: readonly string[], results: readonly TestResult[]): ByteString[] {
  const failed = names.filter((_, i) => !results[i]!.passed).map(fromText);
  const lines = [`${LINE} ${tests(names.length)} ran.`, `${PASSED} ${tests(names.length - failed.length)}.`];
  if (failed.length === 0) return lines;
  return [...lines, `${FAILED} ${tests(failed.length)}, listed below:`, ...failed.map((name) => `${FAILED} ${name}`)];
}

function tests(count: number): string {
  return `${count} ${count === 1 ? "test" : "tests"}`;
}

/** A whole number of the largest unit that leaves one. */
function duration(ns: number): ByteString {
  if (ns < 1000) return `${ns} ns`;
  if (ns < 1_000_000) return fromText(`${Math.floor(ns / 1000)} μs`);
  return ns < 1_000_000_000 ? `${Math.floor(ns / 1_000_000)} ms` : `${Math.floor(ns / 1_000_000_000)} s`;
}
