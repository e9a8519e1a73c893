/** toPassScenario: what a scenario file demands, of a trace or of what run() answered. */
import { resolve } from "node:path";
import { plainPalette } from "../../compiler/diagnostics.ts";
import { TraceError } from "../in-process/errors.ts";
import { chosen } from "../in-process/options.ts";
import { Trace } from "../in-process/result.ts";
import { RESULT_SCHEMA, type ScenarioResult, type SuiteResult } from "../report/result.ts";
import { scenarioReport } from "../report/terminal.ts";
import { shortList, subject } from "./received.ts";
import type { MatcherResult } from "./syscalls.ts";

/**
 * A trace passes if all assertions of the scenario hold for it; it has to be made with that scenario's probes. The result of
 * run() passes if all its scenarios do, or those of the given file.
 */
export function toPassScenario(received: unknown, file?: string): MatcherResult {
  if (received instanceof Trace) {
    if (file === undefined) throw new TypeError("toPassScenario() needs the scenario file that the trace shall pass");
    return judgeTrace(received, file);
  }
  if (isSuiteResult(received)) return judgeResult(received, file);
  throw new TypeError("toPassScenario() needs what trace() or run() answers; was an `await` forgotten?");
}

function judgeTrace(trace: Trace, file: string): MatcherResult {
  const scenario = chosen(file);
  if (scenario.assertions.length === 0) throw new TraceError(`${scenario.name} in ${file} has no assertions`);
  const outcomes = trace.judge(scenario);
  const bad = outcomes.filter(({ status }) => status !== "pass");
  const shown = (bad.length > 0 ? bad : outcomes).map(({ message }) => `  ${message}`).join("\n");
  return {
    pass: bad.length === 0,
    message: () =>
      `${subject(trace)} was expected ${bad.length === 0 ? "not " : ""}to pass the scenario ${scenario.name} of ${file}:\n${shown}`,
  };
}

function judgeResult({ scenarios }: SuiteResult, reference: string | undefined): MatcherResult {
  const [, file, name] = /^(.*?)(?:#(.*))?$/s.exec(reference ?? "")!;
  const chosenOnes = scenarios.filter(
    (scenario) =>
      (file === "" || resolve(scenario.file) === resolve(file!)) && (name === undefined || scenario.name === name),
  );
  if (chosenOnes.length === 0)
    throw new TraceError(
      `the result has no scenario of ${reference}\n  help: there are ${shortList(scenarios.map((scenario) => `${scenario.file}#${scenario.name}`))}`,
    );
  const bad = chosenOnes.filter(({ status }) => status !== "passed");
  const names = (list: readonly ScenarioResult[]): string => shortList(list.map((scenario) => scenario.name));
  return {
    pass: bad.length === 0,
    message: () =>
      bad.length === 0
        ? `${names(chosenOnes)} passed, which was not expected`
        : `${names(bad)} did not pass\n\n${bad.map((scenario) => scenarioReport(scenario, STYLE)).join("\n\n")}`,
  };
}

const STYLE = { palette: plainPalette, width: 100, detail: "normal" } as const;

function isSuiteResult(received: unknown): received is SuiteResult {
  return typeof received === "object" && received !== null && "schema" in received && received.schema === RESULT_SCHEMA;
}
