/** Presets: named files of probes and metrics that a scenario takes in with `use:`. */
import { type Diagnostics, didYouMean } from "../../compiler/diagnostics.ts";
import { Source, type Span } from "../../compiler/source.ts";
import { type PresetInput, presetFile } from "./definition.ts";
import { type LocatedMap, parseDocument } from "./document.ts";
import type { ConfigHost } from "./host.ts";
import { type Folder, folderOf } from "./paths.ts";
import { validate } from "./validate.ts";

export interface Preset {
  readonly name: string;
  readonly folder: Folder;
  readonly source: Source;
  readonly tree: LocatedMap;
  readonly input: PresetInput;
  readonly params: readonly PresetParameter[];
}

export interface PresetParameter {
  readonly name: string;
  /** As written; undefined: the scenario must give it. */
  readonly default: string | undefined;
}

/** Finds and checks presets, each file once. */
export class PresetLibrary {
  readonly #host: ConfigHost;
  readonly #diags: Diagnostics;
  readonly #loaded = new Map<string, Preset | undefined>();

  constructor(host: ConfigHost, diags: Diagnostics) {
    this.#host = host;
    this.#diags = diags;
  }

  /** The preset of that name; undefined after adding diagnostics. `use` is where the scenario names it. */
  find(name: string, use: Span): Preset | undefined {
    if (!this.#loaded.has(name)) this.#loaded.set(name, this.#load(name, use));
    return this.#loaded.get(name);
  }

  #load(name: string, use: Span): Preset | undefined {
    const paths = this.#host.presets();
    const path = paths.get(name);
    if (path === undefined) {
      const help = didYouMean(name, paths.keys()) ?? `presets are ${[...paths.keys()].join(", ")}`;
      this.#diags.error("unknown-preset", use, `there is no preset \`${name}\``, { help });
      return undefined;
    }
    const text = readText(this.#host, path, use, this.#diags);
    if (text === undefined) return undefined;
    const source = new Source(path, text);
    const tree = parseDocument(source, this.#diags);
    const input = tree && validate(presetFile, tree, this.#diags);
    if (tree?.kind !== "map" || !input) return undefined;
    return { name, folder: folderOf(path), source, tree, input, params: parametersOf(tree) };
  }
}

function parametersOf(tree: LocatedMap): PresetParameter[] {
  const params = tree.entries.get("params")?.value;
  if (params?.kind !== "map") return [];
  return [...params.entries].map(([name, { value }]) => {
    const text = value.kind === "map" ? value.entries.get("default")?.value : value;
    return { name, default: text?.kind === "scalar" ? text.text.text : undefined };
  });
}

/** The text of a file that something at `use` names; undefined after adding a diagnostic. */
export function readText(host: ConfigHost, path: string, use: Span, diags: Diagnostics): string | undefined {
  try {
    return host.readFile(path);
  } catch (error) {
    // Node repeats the path at the end of its messages: "ENOENT: no such file or directory, open '/x'".
    const reason = (error instanceof Error ? error.message : String(error)).replace(/, \w+( '.*')?$/, "");
    diags.error("unreadable-file", use, `cannot read ${path}: ${reason}`);
    return undefined;
  }
}
