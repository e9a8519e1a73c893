import { expect, it } from "vitest";
import type { Node } from "../../../compiler/syntax/ast.ts";
import { children, walk } from "../../../compiler/syntax/walk.ts";
import { SCRIPTS } from "./scripts.ts";
import { parseClean } from "./support.ts";

/** All objects below one that have a kind and a span, found without knowing the tree. */
function everyNode(value: unknown, found: Set<unknown>): void {
  if (typeof value !== "object" || value === null) return;
  if ("kind" in value && "span" in value) found.add(value);
  for (const [key, inner] of Object.entries(value)) if (key !== "span") everyNode(inner, found);
}

it.each(SCRIPTS.map((text, i) => [i, text] as const))("script %i: every node is visited once", (_, text) => {
  const script = parseClean(text);
  const expected = new Set<unknown>();
  everyNode(script, expected);
  // The value of a setting is no node of the tree.
  for (const entry of script.config?.entries ?? []) expected.delete(entry.value);
  const visited: Node[] = [];
  walk(script, (node) => visited.push(node));
  expect(new Set(visited)).toEqual(expected);
  expect(visited).toHaveLength(expected.size);
});

it("goes in the order of the source, and leaves behind what it entered", () => {
  const script = parseClean('import "a"; let @x = hash(1); BEGIN { f(1 + 2, $y); } // c');
  const steps: string[] = [];
  walk(
    script,
    (n) => void steps.push(n.kind),
    (n) => void steps.push(`/${n.kind}`),
  );
  expect(steps.join(" ")).toBe(
    "script import string /string /import map-declaration map /map integer /integer /map-declaration " +
      "probe attach-point /attach-point block expression-statement call binary integer /integer integer /integer /binary " +
      "variable /variable /call /expression-statement /block /probe comment /comment /script",
  );
});

it("leaves out what is below a node when told so", () => {
  const kinds: string[] = [];
  walk(parseClean("BEGIN { f(1); } END { }"), (node) => {
    kinds.push(node.kind);
    return node.kind !== "block";
  });
  expect(kinds).toEqual(["script", "probe", "attach-point", "block", "probe", "attach-point", "block"]);
});

it("visits the condition of a short ternary once", () => {
  const script = parseClean("BEGIN { _ = $x ?: 1; }");
  const ternaries: Node[][] = [];
  walk(script, (node) => {
    if (node.kind === "ternary") ternaries.push(children(node));
  });
  expect(ternaries.map((t) => t.map((n) => n.kind))).toEqual([["variable", "integer"]]);
});
