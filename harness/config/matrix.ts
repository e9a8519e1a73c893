/**
 * `matrix:` multiplies a scenario: one for every combination of the listed values, with `${{ matrix.NAME }}` replaced
 * in every value. A value that is nothing but the template takes the type of what it stands for.
 */
import { type Diagnostics, nearest } from "../../compiler/diagnostics.ts";
import { type Span, span } from "../../compiler/source.ts";
import type { Entry, Located, LocatedMap, LocatedScalar } from "./document.ts";
import { replaceAll } from "./mapped-text.ts";

export type MatrixValues = Readonly<Record<string, string | number | boolean>>;

export interface Combination {
  /** The scenario without `matrix:` and without templates. */
  readonly tree: LocatedMap;
  readonly values: MatrixValues;
}

const MAX_COMBINATIONS = 1_000;
const TEMPLATE = /\$\{\{([\s\S]*?)\}\}/g;
const REFERENCE = /^\s*matrix\.([A-Za-z_]\w*)\s*$/;

/** Whether a value still contains a template. */
export function hasTemplate(value: Located): boolean {
  return value.kind === "scalar" && typeof value.value === "string" && isTemplate(value.text.text);
}

export function isTemplate(text: string): boolean {
  return text.includes("${{");
}

/** All combinations, in the order of the file (the last parameter varies fastest); one if there is no matrix. */
export function expandMatrix(tree: LocatedMap, diags: Diagnostics): Combination[] {
  const matrix = tree.entries.get("matrix");
  const parameters = matrix ? parametersOf(matrix.value) : new Map<string, readonly LocatedScalar[]>();
  const size = [...parameters.values()].reduce((product, values) => product * values.length, 1);
  if (size > MAX_COMBINATIONS) {
    diags.error(
      "matrix-too-large",
      matrix!.keySpan,
      `the matrix has ${size} combinations, more than ${MAX_COMBINATIONS}`,
    );
    return [];
  }
  let choices: ReadonlyMap<string, LocatedScalar>[] = [new Map()];
  for (const [name, values] of parameters)
    choices = choices.flatMap((choice) => values.map((value) => new Map([...choice, [name, value]])));

  const rest: LocatedMap = { ...tree, entries: new Map([...tree.entries].filter(([key]) => key !== "matrix")) };
  return choices.map((choice) => {
    const substituted = substitute(rest, choice, diags) as LocatedMap;
    const named = choice.size > 0 ? nameCombination(rest, substituted, choice) : substituted;
    const values = Object.fromEntries([...choice].map(([name, { value }]) => [name, value!]));
    return { tree: named, values };
  });
}

/** The parameters that are lists of scalars; the definition reports the others. */
function parametersOf(matrix: Located): Map<string, readonly LocatedScalar[]> {
  const parameters = new Map<string, readonly LocatedScalar[]>();
  if (matrix.kind !== "map") return parameters;
  for (const [name, { value }] of matrix.entries) {
    const scalars =
      value.kind === "list"
        ? value.items.flatMap((item) => (item.kind === "scalar" && item.value !== null ? [item] : []))
        : [];
    if (scalars.length > 0) parameters.set(name, scalars);
  }
  return parameters;
}

/** A name that does not speak of the matrix gets the values appended, so that names stay unique. */
function nameCombination(
  original: LocatedMap,
  substituted: LocatedMap,
  choice: ReadonlyMap<string, LocatedScalar>,
): LocatedMap {
  const before = original.entries.get("name");
  const after = substituted.entries.get("name");
  if (!before || !after || after.value.kind !== "scalar" || hasTemplate(before.value)) return substituted;
  const values = [...choice].map(([name, { text }]) => `${name}=${text.text}`).join(", ");
  const { text } = after.value.text;
  const end = after.value.text.offsets.at(-1)!;
  const name = `${text} [${values}]`;
  const offsets = [...after.value.text.offsets, ...Array.from({ length: name.length - text.length }, () => end)];
  const value: LocatedScalar = { ...after.value, value: name, text: { text: name, offsets } };
  return { ...substituted, entries: new Map(substituted.entries).set("name", { ...after, value }) };
}

function substitute(value: Located, choice: ReadonlyMap<string, LocatedScalar>, diags: Diagnostics): Located {
  switch (value.kind) {
    case "scalar":
      return hasTemplate(value) ? substituteScalar(value, choice, diags) : value;
    case "list":
      return { ...value, items: value.items.map((item) => substitute(item, choice, diags)) };
    case "map": {
      const entries = new Map<string, Entry>();
      for (const [key, entry] of value.entries) {
        if (isTemplate(key))
          diags.error("template-in-key", entry.keySpan, "a template cannot be part of a key", {
            help: "templates work in values",
          });
        entries.set(key, { ...entry, value: substitute(entry.value, choice, diags) });
      }
      return { ...value, entries };
    }
  }
}

function substituteScalar(
  scalar: LocatedScalar,
  choice: ReadonlyMap<string, LocatedScalar>,
  diags: Diagnostics,
): LocatedScalar {
  let only: LocatedScalar | undefined;
  const text = replaceAll(scalar.text, TEMPLATE, (match, at) => {
    const name = REFERENCE.exec(match[1]!)?.[1];
    const value = name === undefined ? undefined : choice.get(name);
    if (!value) {
      const where = span(scalar.span.source, at.offsets[0]!, at.offsets.at(-1)!);
      reportTemplate(where, name, [...choice.keys()], diags);
      return match[0];
    }
    if (match[0].length === scalar.text.text.length) only = value;
    return value.text.text;
  });
  if (!only) return { ...scalar, text, value: text.text };
  return { ...scalar, text, value: only.value };
}

function reportTemplate(where: Span, name: string | undefined, known: readonly string[], diags: Diagnostics): void {
  if (name === undefined) {
    diags.error("bad-template", where, "only `matrix.NAME` can stand in a template", {
      help: `write \${{ matrix.${known[0] ?? "NAME"} }}`,
    });
    return;
  }
  const near = nearest(name, known);
  const list = known.length > 0 ? `the matrix has ${known.join(", ")}` : `list its values under \`matrix:\``;
  diags.error("unknown-template", where, `the matrix has no \`${name}\``, {
    help: near ? `did you mean \`matrix.${near}\`?` : list,
  });
}
