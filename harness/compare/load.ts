/**
 * The scenarios of both sides. What is run is what the head says, on either side: files of the head are loaded as if
 * they lay in the base's checkout, so that their paths lead into it. The base's own files are read only to know which of
 * them are new, gone or changed.
 */
import { existsSync } from "node:fs";
import { join, relative } from "node:path";
import { Diagnostics } from "../../compiler/diagnostics.ts";
import { ExitCode } from "../cli/exit-code.ts";
import type { ConfigHost } from "../config/host.ts";
import { loadSuite } from "../config/load.ts";
import { CONFIG_FILE, findProjectFile, loadProject, type Project } from "../config/project.ts";
import type { Scenario, Step } from "../config/scenario.ts";
import { DiscoverError, discover } from "../runner/discover.ts";
import type { Host } from "../runner/host.ts";
import { type PreparedScenario, prepare } from "../runner/prepare.ts";
import type { Problem } from "../runner/problems.ts";
import { EmptySuiteError } from "../runner/suite.ts";
import type { SideName } from "./checkouts.ts";
import { CompareError } from "./error.ts";
import type { Contestant } from "./measure.ts";
import { inFolder, type Side } from "./side.ts";

type Sides = Readonly<Record<SideName, Side>>;

export interface Candidates {
  readonly scenarios: readonly CandidateScenario[];
  /** Scenarios of the base that the head does not have. */
  readonly removed: readonly Scenario[];
  readonly build: Readonly<Record<SideName, readonly Step[]>>;
  /** What the user should know about the whole. */
  readonly notes: readonly string[];
}

/** The same scenario, once with paths into the one checkout, once into the other. */
export interface CandidateScenario {
  readonly head: Scenario;
  /** Undefined: it is new. */
  readonly base: Scenario | undefined;
  /** What the user should know about it. */
  readonly notes: readonly string[];
}

export interface LoadOptions {
  /** Relative to the sides' folders. */
  readonly paths: readonly string[];
  readonly filter?: string;
  readonly config: ConfigHost;
  /** The root of the user's repository, which is neither of the checkouts. */
  readonly repositoryRoot: string;
}

/** Undefined after adding errors to `diags`. Throws CompareError and EmptySuiteError. */
export async function loadSides(
  { base, head }: Sides,
  { paths, filter, config, repositoryRoot }: LoadOptions,
  diags: Diagnostics,
): Promise<Candidates | undefined> {
  const own = new Diagnostics();
  const projects = { head: project(head, config, diags), base: project(base, config, own) };
  if (diags.hasErrors) return undefined;
  const wanted = paths.length > 0 ? paths : defaultPaths(head, projects.head);
  const outside = wanted.find((path) => relative(head.root, join(head.folder, path)).startsWith(".."));
  if (outside !== undefined)
    throw new CompareError(`${outside} is not in the repository`, ExitCode.invalidInput, {
      help: "scenarios that are compared belong to the commits",
    });
  const files = await inFolder(head.folder, () => scenarioFiles(wanted));
  const { scenarios: all } = await inFolder(head.folder, () => loadSuite(files, config, diags));
  if (diags.hasErrors) return undefined;
  const chosen = all.filter(({ name }) => filter === undefined || name.includes(filter));
  if (chosen.length === 0)
    throw new EmptySuiteError(
      `no scenario's name contains \`${filter}\`; there are: ${all.map(({ name }) => name).join(", ")}`,
    );
  const ofHead = redirected(config, base.root, head.root);
  const { scenarios: intoBase } = await inFolder(base.folder, () => loadSuite(files, ofHead, new Diagnostics()));
  const moved = new Map(intoBase.map((scenario) => [scenario.name, scenario]));
  const old = await inFolder(base.folder, () => ownScenarios(wanted, config));
  const scenarios = chosen.map((scenario): CandidateScenario => {
    const before = old?.find(({ name }) => name === scenario.name);
    const isNew = old !== undefined && before === undefined;
    return {
      head: scenario,
      base: isNew ? undefined : moved.get(scenario.name)!,
      notes: [...notesOn(scenario, before, old === undefined), ...notesOnPaths(scenario, repositoryRoot)],
    };
  });
  const ownBuild = projects.base?.build;
  // A base without a configuration of its own is built as the head is.
  const borrowedBuild = (projects.head?.build ?? []).map((step) => {
    return { ...step, cwd: join(base.root, relative(head.root, step.cwd)) };
  });
  return {
    scenarios,
    notes: own.hasErrors ? [`the ${CONFIG_FILE} of the base has mistakes: it is built as the head is`] : [],
    removed: (old ?? []).filter(
      ({ name }) => (filter === undefined || name.includes(filter)) && !all.some((scenario) => scenario.name === name),
    ),
    build: { head: projects.head?.build ?? [], base: ownBuild ?? borrowedBuild },
  };
}

function project(side: Side, config: ConfigHost, diags: Diagnostics): Project | undefined {
  const file = findProjectFile(side.folder, existsSync, side.root);
  if (file === undefined) return undefined;
  return loadProject(file, relative(side.folder, file), config, diags);
}

function defaultPaths({ folder }: Side, project: Project | undefined): readonly string[] {
  return project?.scenarios?.map((path) => relative(folder, path) || ".") ?? ["scenarios"];
}

function scenarioFiles(paths: readonly string[]): string[] {
  try {
    return discover(paths);
  } catch (error) {
    if (!(error instanceof DiscoverError)) throw error;
    throw new CompareError(`${error.message} in the head`, ExitCode.invalidInput, {
      help: `name scenario files or folders, or list them under \`scenarios:\` in ${CONFIG_FILE}`,
    });
  }
}

/** What the base itself has at these paths; undefined when that cannot be told, as its files have mistakes. */
function ownScenarios(paths: readonly string[], config: ConfigHost): Scenario[] | undefined {
  const files = paths.filter((path) => existsSync(path)).flatMap(discoverAny);
  const diags = new Diagnostics();
  const { scenarios } = loadSuite([...new Set(files)], config, diags);
  return diags.hasErrors ? undefined : scenarios;
}

/** A folder may be there and hold no scenarios. */
function discoverAny(path: string): string[] {
  try {
    return discover([path]);
  } catch (error) {
    if (error instanceof DiscoverError) return [];
    throw error;
  }
}

/** Files below `from` are read below `to`. */
function redirected(host: ConfigHost, from: string, to: string): ConfigHost {
  return {
    ...host,
    readFile: (path) => host.readFile(path.startsWith(`${from}/`) ? to + path.slice(from.length) : path),
  };
}

function notesOn(scenario: Scenario, before: Scenario | undefined, unknown: boolean): string[] {
  if (unknown) return ["the scenario files of the base have mistakes, so it is not known whether it had this one"];
  if (before === undefined) return [];
  const changed = [
    ...(before.contentHash === scenario.contentHash ? [] : ["workload"]),
    ...(before.scriptHash === scenario.scriptHash ? [] : ["probes"]),
  ];
  if (changed.length === 0) return [];
  const are = changed.length === 1 ? "is" : "are";
  return [`its ${changed.join(" and ")} ${are} not the same in both commits; both sides ran what the head says`];
}

/** An absolute path into the repository leads to what the user is editing, on either side. */
function notesOnPaths({ workload }: Scenario, root: string): string[] {
  const steps: readonly Step[] = [workload, ...(workload.driver ? [workload.driver] : [])];
  const words = steps.flatMap(({ command }) =>
    command.kind === "argv" ? command.argv : command.script.split(/[\s'"=:;|&()]+/),
  );
  const found = words.find((word) => word === root || word.startsWith(`${root}/`));
  return found === undefined ? [] : [`${found} is in neither of the two sides: both use the same`];
}

/** Compiles the scripts for both sides. Undefined after adding errors to `diags`. */
export async function prepareSides(
  { base, head }: Sides,
  scenarios: readonly CandidateScenario[],
  hosts: Readonly<Record<SideName, Host>>,
  diags: Diagnostics,
): Promise<Contestant[][] | undefined> {
  const prepared = await inFolder(head.folder, () =>
    prepare(
      scenarios.map((scenario) => scenario.head),
      hosts.head,
      diags,
    ),
  );
  if (prepared === undefined) return undefined;
  const contests: Contestant[][] = [];
  for (const [i, scenario] of scenarios.entries()) {
    const contestants: Contestant[] = [{ side: head, host: hosts.head, prepared: prepared[i]! }];
    const old = scenario.base;
    if (old !== undefined)
      contestants.unshift({
        side: base,
        host: hosts.base,
        prepared: await inFolder(base.folder, () => prepareBase(old, hosts.base)),
      });
    contests.push(contestants);
  }
  return contests;
}

/** A script that does not fit the base (it may name a function that the base does not have) concerns one scenario only. */
function prepareBase(scenario: Scenario, host: Host): PreparedScenario {
  const diags = new Diagnostics();
  const [prepared] = prepare([scenario], host, diags) ?? [];
  if (prepared !== undefined) return prepared;
  const unsupported: Problem = {
    kind: "not-attached",
    message: diags.errors.map(({ message }) => message).join("; "),
    help: "the scripts of the head do not fit the base",
  };
  return { scenario, user: undefined, scripts: [], missing: [], unsupported };
}
