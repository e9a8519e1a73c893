/**
 * Imports: a script together with all files that it brings in becomes one script. What is imported stands before what
 * imports it, so that its `begin` probes run first and its C definitions can be built upon.
 */
import { type Diagnostics, didYouMean } from "../diagnostics.ts";
import { type FileHost, folderOf, type HostFile, type HostFolder, pathFrom } from "../file-host.ts";
import { outermost, Source, type Span } from "../source.ts";
import type { CDefinition, Import, Script } from "../syntax/ast.ts";
import { parse } from "../syntax/parser.ts";

/** The script with everything that it imports, and without imports. */
export function resolveImports(script: Script, files: FileHost | undefined, diags: Diagnostics): Script {
  if (script.imports.length === 0) return script;
  return new Importer(files, diags).root(script);
}

const NO_FILES: FileHost = { open: () => undefined, includePaths: [] };

/** What an imported file may be; all other names are passed over in a folder. */
function formOf(path: string): "script" | "header" | "bpf" | undefined {
  if (path.endsWith(".bt")) return "script";
  if (path.endsWith(".h")) return "header";
  if (path.endsWith(".bpf.c") || path.endsWith(".bpf.o")) return "bpf";
  return undefined;
}

class Importer {
  readonly #files: FileHost;
  readonly #diags: Diagnostics;
  readonly #seen = new Set<string>();
  /** Everything, in the order in which it takes effect. */
  readonly #parts: Pick<Script, "definitions" | "mapDeclarations" | "macros" | "functions" | "probes">[] = [];
  #rootFolder = ".";

  constructor(files: FileHost | undefined, diags: Diagnostics) {
    this.#files = files ?? NO_FILES;
    this.#diags = diags;
  }

  root(script: Script): Script {
    const { name } = outermost(script.span).source;
    this.#rootFolder = folderOf(name);
    const self = this.#files.open(name);
    if (self) this.#seen.add(self.id);
    this.#script(script, this.#rootFolder);
    return {
      ...script,
      imports: [],
      definitions: this.#parts.flatMap((part) => part.definitions),
      mapDeclarations: this.#parts.flatMap((part) => part.mapDeclarations),
      macros: this.#parts.flatMap((part) => part.macros),
      functions: this.#parts.flatMap((part) => part.functions),
      probes: this.#parts.flatMap((part) => part.probes),
    };
  }

  #script(script: Script, folder: string): void {
    for (const node of script.imports) this.#import(node, folder);
    this.#parts.push(script);
  }

  #import({ path: { value, span } }: Import, folder: string): void {
    const written = textOf(value);
    // A script of a library may count on the folder of the script that is run.
    const candidates = [...new Set([pathFrom(folder, written), pathFrom(this.#rootFolder, written)])];
    for (const path of candidates) {
      const found = this.#files.open(path);
      if (!found) continue;
      this.#open(found, path, span, false);
      return;
    }
    if (written === "stdlib") return;
    this.#diags.error("import-not-found", span, `there is no file or folder \`${written}\` to import`, {
      help: written.startsWith("stdlib/")
        ? "the standard library is there without an import"
        : (this.#similar(candidates[0]!) ?? `looked for ${candidates.join(" and ")}`),
    });
  }

  #similar(path: string): string | undefined {
    const folder = this.#files.open(folderOf(path));
    if (folder?.kind !== "folder") return undefined;
    return didYouMean(
      path.slice(path.lastIndexOf("/") + 1),
      folder.entries.filter((entry) => formOf(entry) !== undefined),
    );
  }

  #open(found: HostFile | HostFolder, path: string, span: Span, inFolder: boolean): void {
    if (this.#seen.has(found.id)) return;
    this.#seen.add(found.id);
    if (found.worldWritable) {
      this.#diags.error("world-writable", span, `\`${path}\` can be written by everybody, and so is not imported`, {
        help: "take the right to write from others, for the file and for its folder: chmod o-w",
      });
    } else if (found.kind === "file") this.#file(found, path, span);
    else if (!inFolder) this.#folder(found, path, span);
  }

  #folder({ entries }: HostFolder, path: string, span: Span): void {
    for (const name of [...entries].sort()) {
      if (formOf(name) === undefined) continue;
      const inner = pathFrom(path, name);
      const found = this.#files.open(inner);
      if (found) this.#open(found, inner, span, true);
    }
  }

  #file(file: HostFile, path: string, span: Span): void {
    const form = formOf(path);
    if (form === undefined) {
      this.#diags.error("import-kind", span, `\`${path}\` is neither a script (.bt) nor a header (.h)`);
      return;
    }
    if (form === "bpf") {
      this.#diags.error(
        "unsupported",
        span,
        `\`${path}\` is C that would have to be compiled, which is not supported`,
        {
          help: "write a macro, or import the types from a header (.h)",
        },
      );
      return;
    }
    const content = file.read();
    if ("problem" in content) {
      this.#diags.error("import-unreadable", span, `cannot read \`${path}\`: ${content.problem}`);
      return;
    }
    const source = new Source(path, content.text, undefined, span);
    if (form === "header") this.#parts.push({ ...NOTHING, definitions: [wholeHeader(source)] });
    else this.#imported(parse(source, this.#diags), folderOf(path));
  }

  #imported(script: Script, folder: string): void {
    if (script.config) {
      this.#diags.error("config-in-import", script.config.span, "an imported script cannot have a `config` block", {
        help: "put the settings into the script that is run",
      });
    }
    this.#script(script, folder);
  }
}

const NOTHING = { definitions: [], mapDeclarations: [], macros: [], functions: [], probes: [] };

function wholeHeader(source: Source): CDefinition {
  const { text } = source;
  return { kind: "c-definition", span: { source, start: 0, end: text.length }, form: "other", text };
}

/** A string literal holds one character a byte. */
function textOf(value: string): string {
  return new TextDecoder().decode(Uint8Array.from(value, (c) => c.charCodeAt(0)));
}
