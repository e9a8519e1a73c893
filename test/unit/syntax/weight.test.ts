/** How much code a piece of a script becomes is known before it is lowered. */
import { expect, it } from "vitest";
import type { Node, Unroll } from "../../../compiler/syntax/ast.ts";
import { walk } from "../../../compiler/syntax/walk.ts";
import { Weights } from "../../../compiler/syntax/weight.ts";
import { parseClean } from "./support.ts";

function unrolls(text: string): Unroll[] {
  const found: Unroll[] = [];
  walk(parseClean(text), (node: Node) => {
    if (node.kind === "unroll") found.push(node);
  });
  return found;
}

it.each([
  ["rounds that are written out", "BEGIN { unroll (10) { @++; } }", [false]],
  ["more rounds than that", "BEGIN { unroll (1000) { @++; } }", [true]],
  ["rounds within rounds", "BEGIN { unroll (40) { unroll (30) { @++; } } }", [true, false]],
  ["a number of rounds that is not known yet", "BEGIN { unroll ($1) { @++; } }", [false]],
])("%s", (_, text, loops) => {
  const weights = new Weights();
  expect(unrolls(text).map((node) => weights.isLoop(node))).toEqual(loops);
});

it("weighs each of nested loops once", () => {
  const depth = 60;
  const weights = new Weights();
  const all = unrolls(`BEGIN { ${"unroll (100) { ".repeat(depth)} @++; ${"}".repeat(depth)} }`);
  expect(all).toHaveLength(depth);
  expect(all.filter((node) => weights.isLoop(node)).length).toBeGreaterThan(0);
});
