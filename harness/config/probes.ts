/** Builds the probe scripts of a scenario: inline, from files and from presets, with parameters and scopes. */
import { type Diagnostics, didYouMean } from "../../compiler/diagnostics.ts";
import { Source, type Span } from "../../compiler/source.ts";
import type { JudgedInput } from "./definition.ts";
import type { Located, LocatedMap } from "./document.ts";
import type { ConfigHost } from "./host.ts";
import { embed } from "./mapped-text.ts";
import { absolute, type Folder, shown } from "./paths.ts";
import { type Preset, type PresetLibrary, readText } from "./presets.ts";
import type { ProbeScript, Scope, ScriptParams } from "./scenario.ts";
import { keySpanAt, valueAt } from "./validate.ts";

export interface ProbesContext {
  readonly source: Source;
  readonly folder: Folder;
  readonly host: ConfigHost;
  readonly library: PresetLibrary;
  readonly diags: Diagnostics;
}

export interface BuiltProbes {
  readonly scripts: readonly ProbeScript[];
  /** The presets in use, with the place of their `use:`. */
  readonly presets: readonly { readonly preset: Preset; readonly use: Span }[];
}

export function buildProbes(tree: LocatedMap, input: JudgedInput, context: ProbesContext): BuiltProbes {
  const scripts: ProbeScript[] = [];
  const presets: { preset: Preset; use: Span }[] = [];
  const defaultScope = input.scope ?? "workload";
  (input.probes ?? []).forEach((entry, i) => {
    const located = valueAt(tree, ["probes", i]) as LocatedMap;
    const span = keySpanAt(tree, ["probes", i]);
    const params = located.entries.get("params");
    if (entry.use === undefined) {
      const script = buildScript(located, context);
      const scope = entry.scope ?? defaultScope;
      if (script) scripts.push({ ...script, params: plainParams(params?.value), scope, span });
      return;
    }
    const use = valueAt(located, ["use"])!.span;
    const preset = context.library.find(entry.use, use);
    if (!preset) return;
    presets.push({ preset, use });
    const values = presetParams(preset, params?.value, use, context.diags);
    scripts.push(...presetScripts(preset, values, entry.scope, defaultScope, span, context));
  });
  return { scripts, presets };
}

type Script = Pick<ProbeScript, "origin" | "label" | "source">;

/** The script of an entry with `bpftrace` or `file`; undefined if the file cannot be read. */
function buildScript(entry: LocatedMap, { source, folder, host, diags }: ProbesContext): Script | undefined {
  const inline = entry.entries.get("bpftrace")?.value;
  if (inline?.kind === "scalar") {
    const { line } = source.position(inline.span.start);
    const embedded = embed(inline.text, `${source.name}:${line}`, source);
    return { origin: { kind: "inline" }, label: `script at line ${line}`, source: embedded };
  }
  const file = entry.entries.get("file")!.value;
  const name = file.kind === "scalar" ? file.text.text : "";
  const path = absolute(folder, name);
  const text = readText(host, path, file.span, diags);
  if (text === undefined) return undefined;
  return { origin: { kind: "file", path }, label: name, source: new Source(shown(folder, name), text) };
}

/** The scope that is named nearest to the use wins: the entry's, the preset's own, the scenario's. */
function presetScripts(
  preset: Preset,
  params: ScriptParams,
  scope: Scope | undefined,
  defaultScope: Scope,
  span: Span,
  context: ProbesContext,
): ProbeScript[] {
  return preset.input.probes.flatMap((probe, i) => {
    const located = valueAt(preset.tree, ["probes", i]) as LocatedMap;
    const script = buildScript(located, { ...context, source: preset.source, folder: preset.folder });
    if (!script) return [];
    const origin = { kind: "preset", preset: preset.name } as const;
    return [
      { ...script, origin, label: `preset ${preset.name}`, params, scope: scope ?? probe.scope ?? defaultScope, span },
    ];
  });
}

/** A list is positional, a mapping is named. */
function plainParams(params: Located | undefined): ScriptParams {
  if (params?.kind === "list") return { positional: params.items.map(scalarText), named: {} };
  if (params?.kind === "map") return { positional: [], named: namedTexts(params) };
  return { positional: [], named: {} };
}

/**
 * The parameters of a preset: the given values over the defaults. Its scripts get them under their names, and as
 * $1 $2 ... in the order in which the preset declares them.
 */
function presetParams(preset: Preset, given: Located | undefined, use: Span, diags: Diagnostics): ScriptParams {
  const declared = preset.params.map(({ name }) => name);
  if (given?.kind === "list")
    diags.error("bad-parameters", given.span, `the parameters of preset \`${preset.name}\` have names`, {
      help: declared.length > 0 ? `write \`{ ${declared[0]}: ... }\`` : "it has none",
    });
  const values = given?.kind === "map" ? namedTexts(given) : {};
  if (given?.kind === "map")
    for (const [name, { keySpan }] of given.entries) {
      if (declared.includes(name)) continue;
      const list = declared.length > 0 ? `its parameters are ${declared.join(", ")}` : "it has none";
      diags.error("unknown-parameter", keySpan, `preset \`${preset.name}\` has no parameter \`${name}\``, {
        help: didYouMean(name, declared) ?? list,
      });
    }
  const named: [name: string, value: string][] = [];
  for (const parameter of preset.params) {
    const value = Object.hasOwn(values, parameter.name) ? values[parameter.name] : parameter.default;
    if (value !== undefined) named.push([parameter.name, value]);
    else
      diags.error("missing-parameter", use, `preset \`${preset.name}\` needs the parameter \`${parameter.name}\``, {
        help: `add \`params: { ${parameter.name}: ... }\``,
      });
  }
  return { positional: named.map(([, value]) => value), named: Object.fromEntries(named) };
}

function namedTexts(map: LocatedMap): Record<string, string> {
  return Object.fromEntries([...map.entries].map(([name, { value }]) => [name, scalarText(value)]));
}

function scalarText(value: Located): string {
  return value.kind === "scalar" ? value.text.text : "";
}
