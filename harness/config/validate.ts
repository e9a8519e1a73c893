/**
 * Checks a located tree against a zod definition and says what is wrong in the file's own terms: at the key or value
 * that the user wrote, with what was found there and what to write instead.
 */
import { z } from "zod";
import { type Diagnostics, nearest } from "../../compiler/diagnostics.ts";
import { type Span, span } from "../../compiler/source.ts";
import { HOMES } from "./definition.ts";
import type { Located, LocatedMap } from "./document.ts";
import { hasTemplate, isTemplate } from "./matrix.ts";

type Issue = z.core.$ZodIssue;
type Path = readonly PropertyKey[];

/** The checked value, or undefined after adding diagnostics. Values with templates in them are not judged yet. */
export function validate<T extends z.ZodType>(schema: T, tree: Located, diags: Diagnostics): z.output<T> | undefined {
  const result = schema.safeParse(toPlain(tree));
  if (result.success) return result.data;
  for (const issue of result.error.issues) report(issue, [], tree, diags);
  return undefined;
}

/** Those entries of a mapping that meet their part of the definition; nothing is reported. */
export function soundEntries<Shape extends z.ZodRawShape>(
  schema: z.ZodObject<Shape, z.core.$strict>,
  tree: LocatedMap,
): Partial<z.output<z.ZodObject<Shape, z.core.$strict>>> {
  const sound = Object.entries(schema.shape).flatMap(([key, part]) => {
    const entry = tree.entries.get(key);
    const result = entry && z.safeParse(part, toPlain(entry.value));
    return result?.success ? [[key, result.data]] : [];
  });
  return Object.fromEntries(sound);
}

/** The located value as plain data. */
function toPlain(tree: Located): unknown {
  switch (tree.kind) {
    case "scalar":
      return tree.value;
    case "list":
      return tree.items.map(toPlain);
    case "map":
      return Object.fromEntries([...tree.entries].map(([key, { value }]) => [key, toPlain(value)]));
  }
}

/** The value at a path; undefined if there is none. */
export function valueAt(tree: Located, path: Path): Located | undefined {
  let value: Located | undefined = tree;
  for (const step of path) {
    if (value?.kind === "map") value = value.entries.get(String(step))?.value;
    else if (value?.kind === "list") value = value.items[Number(step)];
    else return undefined;
  }
  return value;
}

/** The key at the end of a path, or the value where that is an item of a list. */
export function keySpanAt(tree: Located, path: Path): Span {
  const parent = valueAt(tree, path.slice(0, -1));
  const key = path.length > 0 && parent?.kind === "map" ? parent.entries.get(String(path.at(-1))) : undefined;
  return key?.keySpan ?? firstLine((valueAt(tree, path) ?? parent ?? tree).span);
}

/** A mapping or list is shown by its first line, which is easier on the eyes than all of it. */
function firstLine({ source, start, end }: Span): Span {
  const lineEnd = source.text.slice(start, end).search(/\s*(\n|$)/);
  return span(source, start, start + lineEnd);
}

/** A problem in words: the message and, after a line break, the help. */
interface Finding {
  readonly code: string;
  readonly text: string;
  readonly span: Span;
}

function report(issue: Issue, base: Path, tree: Located, diags: Diagnostics): void {
  for (const { code, text, span } of explain(issue, [...base, ...issue.path], tree)) {
    const [message, help] = text.split("\n");
    diags.error(code, span, message!, { help });
  }
}

function explain(issue: Issue, path: Path, tree: Located): Finding[] {
  const found = valueAt(tree, path);
  if (found && hasTemplate(found)) return [];
  if (!found && issue.code !== "invalid_key" && path.length > 0) return [missing(path, tree)];
  const place = found?.kind === "scalar" ? found.span : keySpanAt(tree, path);
  const bad = (text: string, span = place): Finding[] => [{ code: "bad-value", text, span }];
  const expected = (what: string): Finding[] => {
    const [wanted, help] = what.split("\n");
    return [
      {
        code: "wrong-type",
        text: `expected ${wanted}, found ${describe(found)}${help ? `\n${help}` : ""}`,
        span: place,
      },
    ];
  };

  switch (issue.code) {
    case "unrecognized_keys":
      return issue.keys.map((key) => unknownKey(key, issue.message.split(" "), found, place));
    case "invalid_type":
      // The library's own messages begin like this; others are the definition's.
      return expected(
        issue.message.startsWith("Invalid input") ? (TYPE_NAMES[issue.expected] ?? issue.expected) : issue.message,
      );
    case "invalid_value":
      return expected(describeValues(issue.values.map(String), path, found));
    case "invalid_union": {
      const branch = meantBranch(issue.errors);
      return branch?.flatMap((inner) => explain(inner, [...path, ...inner.path], tree)) ?? expected(issue.message);
    }
    case "invalid_key": {
      if (isTemplate(String(path.at(-1)))) return [];
      const reason = issue.issues[0]?.message ?? "";
      const text = `the key \`${String(path.at(-1))}\` is not allowed here\n${reason}`;
      return [{ code: "bad-key", text, span: keySpanAt(tree, path) }];
    }
    case "too_small":
      if (issue.origin === "array") return bad("the list is empty");
      return bad(
        issue.origin === "string" ? "the text is empty" : `must be at least ${issue.minimum}, found ${describe(found)}`,
      );
    case "too_big":
      if (issue.origin === "array") return bad(`the list has more than ${issue.maximum} items`);
      return bad(
        issue.origin === "string"
          ? `the text has more than ${issue.maximum} characters`
          : `must be at most ${issue.maximum}, found ${describe(found)}`,
      );
    case "custom": {
      const keys: unknown = issue.params?.keys;
      return bad(issue.message, found?.kind === "map" && Array.isArray(keys) ? lastOf(found, keys) : undefined);
    }
    case "invalid_format":
    case "invalid_element":
    case "not_multiple_of":
      return bad(issue.message);
  }
}

function missing(path: Path, tree: Located): Finding {
  const key = String(path.at(-1));
  const help = key === "version" ? "\nbegin the file with `version: 1`" : "";
  return {
    code: "missing-key",
    text: `the key \`${key}\` is missing${help}`,
    span: keySpanAt(tree, path.slice(0, -1)),
  };
}

/** The key of that of the given ones that stands last in the file. */
function lastOf(map: LocatedMap, keys: readonly unknown[]): Span | undefined {
  return [...map.entries].findLast(([key]) => keys.includes(key))?.[1].keySpan;
}

function unknownKey(key: string, allowed: readonly string[], found: Located | undefined, place: Span): Finding {
  const span = (found?.kind === "map" && found.entries.get(key)?.keySpan) || place;
  // `maxIncrease` and `max_increase` are meant to be `max-increase`, though their edit distance is that of any word.
  const squeezed = key.replaceAll(/[-_]/g, "").toLowerCase();
  const near = nearest(key, allowed) ?? allowed.find((name) => name.replaceAll("-", "") === squeezed);
  const home = Object.keys(HOMES).find((parent) => allowed.includes(parent) && HOMES[parent]!.includes(key));
  const elsewhere = home ? `it belongs under \`${home}:\`` : `keys here are ${allowed.join(", ")}`;
  return {
    code: "unknown-key",
    text: `unknown key \`${key.replaceAll("\n", "\\n")}\`\n${near ? `did you mean \`${near}\`?` : elsewhere}`,
    span,
  };
}

function describeValues(values: readonly string[], path: Path, found: Located | undefined): string {
  if (path.length === 1 && path[0] === "version")
    return `version ${values[0]} of the format\na newer file needs a newer probewright`;
  const near = found?.kind === "scalar" ? nearest(found.text.text, values) : undefined;
  return `${values.length === 1 ? `\`${values[0]}\`` : `one of ${values.join(", ")}`}${near ? `\ndid you mean \`${near}\`?` : ""}`;
}

/** The alternative that the value was meant to be: its type fits, and the fewest things in it are wrong. */
function meantBranch(branches: readonly (readonly Issue[])[]): readonly Issue[] | undefined {
  const misfits: ReadonlySet<Issue["code"]> = new Set(["invalid_type", "invalid_value", "invalid_union"]);
  const fitting = branches.filter((issues) => !issues.some(({ path, code }) => path.length === 0 && misfits.has(code)));
  return fitting.toSorted((a, b) => a.length - b.length)[0];
}

const TYPE_NAMES: Readonly<Record<string, string>> = {
  string: "a text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "a mapping",
  record: "a mapping",
};

function describe(found: Located | undefined): string {
  if (!found) return "nothing";
  switch (found.kind) {
    case "list":
      return "a list";
    case "map":
      return "a mapping";
    case "scalar": {
      if (found.value === null) return found.text.text === "" ? "nothing" : `\`${found.text.text}\``;
      const { text } = found.text;
      const short = text.length > 40 ? `${text.slice(0, 40)}...` : text;
      return typeof found.value === "string" ? `the text ${JSON.stringify(short)}` : `\`${short}\``;
    }
  }
}
