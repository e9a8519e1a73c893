/**
 * The GitHub Action: measures by the command line of this package, in a child process, and tells the result in the
 * runner's ways: outputs, a summary, annotations, and whether the step fails.
 */
import { mkdtempSync, realpathSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { endGroup, error, info, setFailed, setOutput, startGroup, summary, warning } from "@actions/core";
import { type Annotation, annotationsOf, inWorkspace, MOST_ANNOTATIONS } from "./action/annotations.ts";
import { runChild, StartError, signalAsRoot } from "./action/child.ts";
import { asRoot, measureArguments, measureEnvironment, ownCommand } from "./action/command.ts";
import { InputError, type Inputs, readInputs } from "./action/inputs.ts";
import { withoutCommands } from "./action/log.ts";
import { lacksCapability, outcomeOf } from "./action/outcome.ts";
import { saveMeasuring } from "./action/state.ts";
import { writeFileAtomically } from "./baseline/atomic-file.ts";
import { type ReportFormat, renderReport, reportFileName } from "./cli/report-formats.ts";
import { markdownReport, SUMMARY_LIMIT } from "./report/markdown.ts";
import type { Report } from "./report/model.ts";
import { ResultFileError, readReport } from "./report/read.ts";

/** The action from its inputs to its outputs. A step that fails is no error here. */
export async function run(): Promise<void> {
  try {
    await measure(readInputs());
  } catch (problem) {
    if (!(problem instanceof InputError || problem instanceof StartError)) throw problem;
    setOutput("verdict", problem instanceof InputError ? "invalid-input" : "missing-capability");
    setOutput("regressions", 0);
    setOutput("result-file", "");
    setOutput("report-file", "");
    setFailed(problem.message);
  }
}

async function measure(inputs: Inputs): Promise<void> {
  const workspace = realpathSync(process.env.GITHUB_WORKSPACE ?? process.cwd());
  const directory = resolve(workspace, inputs.directory);
  if (!statSync(directory, { throwIfNoEntry: false })?.isDirectory())
    throw new InputError(`input \`working-directory\`: there is no folder \`${inputs.directory}\` in the workspace`);
  // The runner empties its own temporary folder when the job is over.
  const folder = mkdtempSync(join(process.env.RUNNER_TEMP ?? tmpdir(), "probewright-"));
  const resultFile = join(folder, "result.json");

  const exitCode = await command(measureArguments(inputs, resultFile), inputs, directory);
  if (lacksCapability(exitCode)) await consultDoctor(inputs, directory);

  const report = readIfThere(resultFile);
  const files = report === undefined ? [] : await writeReports(report, inputs.reporters, folder);
  const { verdict, regressions, failure } = outcomeOf(exitCode, report, inputs.failOn);
  setOutput("verdict", verdict);
  setOutput("regressions", regressions);
  setOutput("result-file", report === undefined ? "" : resultFile);
  setOutput("report-file", files[0] ?? "");
  if (report !== undefined) {
    await writeSummary(report, directory, workspace);
    // The failure itself is shown as an annotation too.
    const limit = failure === undefined ? MOST_ANNOTATIONS : MOST_ANNOTATIONS - 1;
    for (const annotation of annotationsOf(report, directory, workspace, limit)) annotate(annotation);
  }
  if (failure !== undefined) setFailed(`probewright: ${failure}`);
}

/** Runs a command of this package, its output in the log, and answers with its exit code. Throws StartError. */
function command(args: readonly string[], { sudo }: Inputs, directory: string): Promise<number> {
  const own = ownCommand(args);
  return withoutCommands((write) =>
    runChild(sudo ? asRoot(own, process.env.PATH) : own, {
      cwd: directory,
      env: measureEnvironment(process.env),
      write,
      signal: sudo ? signalAsRoot : undefined,
      onStart: (pid) => saveMeasuring(pid, sudo, directory),
    }),
  );
}

async function consultDoctor(inputs: Inputs, directory: string): Promise<void> {
  startGroup("What this machine lacks (probewright doctor)");
  try {
    await command(["doctor"], inputs, directory);
  } finally {
    endGroup();
  }
}

function readIfThere(file: string): Report | undefined {
  if (statSync(file, { throwIfNoEntry: false }) === undefined) return undefined;
  try {
    return readReport(file);
  } catch (problem) {
    if (!(problem instanceof ResultFileError)) throw problem;
    warning(problem.message);
    return undefined;
  }
}

async function writeReports(report: Report, formats: readonly ReportFormat[], folder: string): Promise<string[]> {
  const files: string[] = [];
  for (const format of formats) {
    const file = join(folder, reportFileName(format));
    writeFileAtomically(file, await renderReport(report, format));
    files.push(file);
    info(`wrote ${file}`);
  }
  return files;
}

async function writeSummary(report: Report, directory: string, workspace: string): Promise<void> {
  // Outside of a runner there is none.
  if (process.env.GITHUB_STEP_SUMMARY === undefined) return;
  const text = markdownReport(report, {
    limit: SUMMARY_LIMIT,
    link: (file, line) => linkTo(inWorkspace(resolve(directory, file), workspace), line),
  });
  await summary.addRaw(text).write();
}

/** Where GitHub shows a line of the commit that is tested. */
function linkTo(file: string | undefined, line: number): string | undefined {
  const { GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: repository, GITHUB_SHA: sha } = process.env;
  if (file === undefined || !server || !repository || !sha) return undefined;
  return `${server}/${repository}/blob/${sha}/${file}#L${line}`;
}

function annotate({ level, title, message, file, line }: Annotation): void {
  const place = file === undefined ? {} : { file, startLine: line };
  (level === "error" ? error : warning)(message, { title, ...place });
}
