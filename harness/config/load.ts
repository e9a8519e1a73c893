/**
 * The way of a scenario file: YAML text -> located tree -> defaults merged -> matrix expanded -> checked against the
 * definition -> Scenario. Every problem becomes a diagnostic; the loader goes on as far as that makes sense, so that
 * all of them are reported together.
 */
import { resolve } from "node:path";
import { type Diagnostic, Diagnostics } from "../../compiler/diagnostics.ts";
import { outermost, Source, type Span, span } from "../../compiler/source.ts";
import { judgedParts, listFile, type ScenarioInput, singleFile, wholeScenario } from "./definition.ts";
import { type Located, type LocatedMap, parseDocument } from "./document.ts";
import { hashContent, hashScripts } from "./hash.ts";
import type { ConfigHost } from "./host.ts";
import { buildJudgement } from "./judgement.ts";
import { type Combination, expandMatrix } from "./matrix.ts";
import { mergeDefaults } from "./merge.ts";
import { folderOf } from "./paths.ts";
import { PresetLibrary, readText } from "./presets.ts";
import { buildProbes, type ProbesContext } from "./probes.ts";
import type { ProbeScript, RunPlan, Scenario } from "./scenario.ts";
import { soundEntries, validate, valueAt } from "./validate.ts";
import { buildWorkload } from "./workload.ts";

/**
 * Loads one file: its scenarios in order, those of a matrix one after the other. None at all if anything in the file
 * is wrong. Never throws on what a file contains.
 */
export function loadScenarios(path: string, host: ConfigHost, diags: Diagnostics): Scenario[] {
  return loadSuite([path], host, diags).scenarios;
}

export interface LoadedSuite {
  /** None at all if anything is wrong. */
  readonly scenarios: Scenario[];
  /** Every script that could be read, those of scenarios with mistakes elsewhere too: they may have their own. */
  readonly scripts: readonly ProbeScript[];
}

/** Loads several files, in which scenario names are unique. */
export function loadSuite(paths: readonly string[], host: ConfigHost, diags: Diagnostics): LoadedSuite {
  const found = new Diagnostics();
  const library = new PresetLibrary(host, found);
  const scripts: ProbeScript[] = [];
  const scenarios = paths.flatMap((path) => loadFile(path, host, library, scripts, found));
  const first = new Map<string, Span>();
  for (const { name, span: where } of scenarios) {
    const earlier = first.get(name);
    if (!earlier) first.set(name, where);
    else
      found.error("duplicate-scenario", where, `there are two scenarios named \`${name}\``, {
        labels: [{ span: earlier, message: "first here" }],
      });
  }
  for (const diagnostic of inFileOrder(found.items)) diags.add(diagnostic);
  return { scenarios: found.hasErrors ? [] : scenarios, scripts };
}

/** By place in each file; files stay in the order in which they were first mentioned. */
function inFileOrder(items: readonly Diagnostic[]): Diagnostic[] {
  const places = items.map((item) => ({ item, place: outermost(item.span) }));
  const files = [...new Set(places.map(({ place }) => place.source.name))];
  const rank = ({ source }: Span): number => files.indexOf(source.name);
  places.sort((a, b) => rank(a.place) - rank(b.place) || a.place.start - b.place.start);
  return places.map(({ item }) => item);
}

function loadFile(
  path: string,
  host: ConfigHost,
  library: PresetLibrary,
  scripts: ProbeScript[],
  diags: Diagnostics,
): Scenario[] {
  const text = readText(host, resolve(path), span(new Source(path, ""), 0, 0), diags);
  if (text === undefined) return [];
  const source = new Source(path, text);
  const tree = parseDocument(source, diags);
  if (!tree) return [];
  const context: ProbesContext = { source, folder: folderOf(path), host, library, diags };
  return scenarioTrees(tree, diags).flatMap((scenario) =>
    expandMatrix(scenario, diags).flatMap((combination) => buildScenario(combination, context, scripts) ?? []),
  );
}

/** The scenarios of a file with its defaults merged in. Unknown keys and wrong types anywhere are reported. */
function scenarioTrees(tree: Located, diags: Diagnostics): LocatedMap[] {
  if (tree.kind !== "map" || !tree.entries.has("scenarios")) {
    validate(singleFile, tree, diags);
    return tree.kind === "map" ? [without(tree, "version")] : [];
  }
  validate(listFile, tree, diags);
  const list = valueAt(tree, ["scenarios"]);
  const defaults = valueAt(tree, ["defaults"]);
  const items = list?.kind === "list" ? list.items.filter((item) => item.kind === "map") : [];
  return defaults?.kind === "map" ? items.map((item) => mergeDefaults(defaults, item)) : items;
}

function buildScenario(
  { tree, values }: Combination,
  context: ProbesContext,
  scripts: ProbeScript[],
): Scenario | undefined {
  const { source, folder, diags } = context;
  const input = validate(wholeScenario, tree, diags);
  if (!input) {
    scripts.push(...judgeWhatIsSound(tree, context));
    return undefined;
  }
  const workload = buildWorkload(tree, input.workload, folder);
  const runs = buildRuns(tree, input.runs ?? {}, diags);
  const probes = buildProbes(tree, input, context);
  scripts.push(...probes.scripts);
  return {
    name: input.name,
    description: input.description ?? "",
    file: source.name,
    span: valueAt(tree, ["name"])!.span,
    matrix: values,
    requires: input.requires ?? [],
    workload,
    runs,
    probes: probes.scripts,
    ...buildJudgement(tree, input, source, probes.presets, diags),
    contentHash: hashContent(workload, runs, folder),
    scriptHash: hashScripts(probes.scripts),
  };
}

/**
 * A mistake in one part should not hide those in the metrics, assertions and scripts. What is looked at here has its form;
 * where the probes have not, presets may be missing, so unknown names prove nothing. Answers with the scripts.
 */
function judgeWhatIsSound(tree: LocatedMap, context: ProbesContext): readonly ProbeScript[] {
  const sound = soundEntries(judgedParts, tree);
  const { presets, scripts } = buildProbes(tree, sound, context);
  const findings = new Diagnostics();
  buildJudgement(tree, sound, context.source, presets, findings);
  const probesSound = sound.probes !== undefined || !tree.entries.has("probes");
  for (const finding of findings.items)
    if (probesSound || finding.code !== "unknown-metric") context.diags.add(finding);
  return scripts;
}

const DEFAULT_RUNS = { warmup: 1, count: 5, control: 1 };
/** How many times `count` there may be runs at most, where the file does not say. */
const DEFAULT_MAX_FACTOR = 4;

function buildRuns(tree: LocatedMap, input: NonNullable<ScenarioInput["runs"]>, diags: Diagnostics): RunPlan {
  const { warmup, count, control } = { ...DEFAULT_RUNS, ...input };
  const max = input.max ?? count * DEFAULT_MAX_FACTOR;
  if (max < count)
    diags.error(
      "bad-value",
      valueAt(tree, ["runs", "max"])!.span,
      `\`max\` is ${max}, less than \`count\`, which is ${count}`,
    );
  return { warmup, count, max, control };
}

function without(tree: LocatedMap, key: string): LocatedMap {
  return { ...tree, entries: new Map([...tree.entries].filter(([name]) => name !== key)) };
}
