/** C definitions for tests: read from text, with files that are given as plain data. */
import { type CDefinitions, readDefinitions } from "../../compiler/c/definitions.ts";
import type { Outside } from "../../compiler/c/layout.ts";
import { type Diagnostic, Diagnostics } from "../../compiler/diagnostics.ts";
import type { FileHost } from "../../compiler/file-host.ts";
import { Source, span } from "../../compiler/source.ts";

/** Files by path; a folder is there if a file is in it. */
export function fakeFiles(
  texts: Readonly<Record<string, string>>,
  { includePaths = ["/usr/include"], worldWritable = [] as readonly string[] } = {},
): FileHost {
  return {
    includePaths,
    open(path) {
      const id = path.replace(/\/\.\//g, "/").replace(/^\.\//, "");
      const text = texts[id];
      const isOpen = worldWritable.includes(id);
      if (text !== undefined) return { kind: "file", id, worldWritable: isOpen, read: () => ({ text }) };
      const folder = id === "." ? "" : `${id.replace(/\/$/, "")}/`;
      const inside = Object.keys(texts).filter(
        (name) => name.startsWith(folder) && (folder !== "" || !name.startsWith("/")),
      );
      if (inside.length === 0) return undefined;
      const entries = [...new Set(inside.map((name) => name.slice(folder.length).split("/")[0]!))];
      return { kind: "folder", id, worldWritable: isOpen, entries };
    },
  };
}

const NOTHING_OUTSIDE: Outside = { named: () => undefined, tagged: () => undefined };

export interface ReadOptions {
  arch?: "x64" | "arm64";
  files?: FileHost;
  includes?: readonly string[];
  outside?: Outside;
  hasBtf?: boolean;
}

/** Reads a text of C as if it stood in a script. */
export function readC(
  text: string,
  { arch = "x64", files, includes = [], outside = NOTHING_OUTSIDE, hasBtf = false }: ReadOptions = {},
): { definitions: CDefinitions; diagnostics: Diagnostic[] } {
  const diags = new Diagnostics();
  const source = new Source("test.bt", text);
  const definition = { kind: "c-definition", span: span(source, 0, text.length), form: "other", text } as const;
  const definitions = readDefinitions([definition], { arch, files, includes, outside, hasBtf, diags });
  return { definitions, diagnostics: diags.items };
}
