/**
 * Reads the `format` files of tracepoints: which fields a record has and where. The files are written by the kernel's
 * macros from C source, so the declarations in them look as their authors typed them.
 */
import type { TracepointField, TracepointFormat } from "../../../compiler/kernel-facts.ts";

/** Parses the text of events/<category>/<name>/format. Throws Error when it is no such text. */
export function parseFormat(text: string): TracepointFormat {
  const id = /^ID:\s*(\d+)/m.exec(text)?.[1];
  if (id === undefined) throw new Error("a tracepoint's format file has no ID line");
  // Only lines before the print format are fields; inside it, a program's text could look like one.
  const [declarations = ""] = text.split(/^print fmt:/m, 1);
  const fields = [...declarations.matchAll(FIELD_LINE)].map(([line]) => parseField(line));
  return { id: Number(id), fields };
}

const FIELD_LINE = /^\s*field( special)?:.*$/gm;

const FIELD = /field(?: special)?:(.*?);\s*offset:\s*(\d+);\s*size:\s*(\d+);(?:\s*signed:\s*(\d+);)?/;

function parseField(line: string): TracepointField {
  const [, text, offset, bytes, signed] = FIELD.exec(line) ?? [];
  if (text === undefined) throw new Error(`not a field of a tracepoint: ${line.trim()}`);
  const size = Number(bytes);
  return { ...parseDeclaration(text, size), offset: Number(offset), size, signed: signed === "1" };
}

type Declared = Pick<TracepointField, "name" | "type" | "count" | "location">;

/** `size` is that of the whole field, in bytes. */
function parseDeclaration(text: string, size: number): Declared {
  // Compilers annotate pointers: `char __attribute__((btf_type_tag("user"))) *`.
  const declaration = text.replace(/\s*__attribute__\s*\(\((?:[^()]|\([^()]*\))*\)\)/g, "").trim();

  // `__data_loc char[] name`: the brackets stand with the type, the field itself is one word.
  const dynamic = /^__(data|rel)_loc\s+(.*?)\s*\[[^\]]*\]\s*(\w+)$/.exec(declaration);
  if (dynamic) {
    const [, kind, type, name] = dynamic;
    return { name: name!, type: type!, count: undefined, location: kind === "data" ? "data" : "relative" };
  }

  const callback = /^(.*\(\s*\*\s*)(\w+)(\s*\).*)$/.exec(declaration);
  if (callback) {
    const [, before, name, after] = callback;
    return { name: name!, type: `${before!.trimEnd()}${after!.trimStart()}`, count: undefined, location: undefined };
  }

  // The name is the last word, whether or not a space precedes it: `const void* ip`, `char *name`, `u8 id[16]`.
  const [, type = declaration, name = "", bounds = ""] =
    /^(.*?)\b(\w+)\s*((?:\[[^\]]*\]\s*)*)$/.exec(declaration) ?? [];
  const element = type.trim();
  return {
    name,
    type: element,
    count: bounds === "" ? undefined : elements(bounds, element, size),
    location: undefined,
  };
}

/** Elements of `[16]`, `[2][3]`, `[]`; old kernels left macros in the brackets, where the size has to tell. */
function elements(bounds: string, element: string, size: number): number | undefined {
  const counts = [...bounds.matchAll(/\[\s*([^\]]*?)\s*\]/g)].map(([, inside]) => inside!);
  if (counts.every((count) => /^\d+$/.test(count)))
    return counts.reduce((product, count) => product * Number(count), 1);
  const bytes = ELEMENT_BYTES[element.replace(/^const\s+/, "")];
  return bytes === undefined ? undefined : Math.floor(size / bytes);
}

const ELEMENT_BYTES: Readonly<Record<string, number>> = {
  ...Object.fromEntries(["char", "signed char", "unsigned char", "bool"].map((type) => [type, 1])),
  ...Object.fromEntries(["short", "unsigned short"].map((type) => [type, 2])),
  ...Object.fromEntries(["int", "unsigned int", "unsigned"].map((type) => [type, 4])),
  ...Object.fromEntries(["long", "unsigned long", "long long", "unsigned long long"].map((type) => [type, 8])),
  ...Object.fromEntries([8, 16, 32, 64].flatMap((b) => ["u", "s", "__u", "__s"].map((p) => [`${p}${b}`, b / 8]))),
};
