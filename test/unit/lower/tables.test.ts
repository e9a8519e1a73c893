/** Which maps have a table in front of their hash, as far as the number of the places that name them decides it. */
import { expect, it } from "vitest";
import { compile } from "../../../compiler/compile.ts";
import { Diagnostics } from "../../../compiler/diagnostics.ts";
import { Source } from "../../../compiler/source.ts";
import { fakeFacts } from "../../support/fake-facts.ts";

function hasTable(text: string): boolean {
  const program = compile(new Source("test.bt", text), fakeFacts(), new Diagnostics());
  const { storage } = program!.scriptMaps[0]!;
  return storage.kind === "hash" && storage.table !== undefined;
}

it.each<[string, number, boolean]>([
  ["set", 1, true],
  ["set", 64, true],
  ["set", 65, false],
  ["set and read", 32, true],
  ["set and read", 33, false],
])("a map that is %s in %i places", (use, times, expected) => {
  const line = use === "set" ? (i: number) => `@[${i}] = 1;` : (i: number) => `@[${i}] = @[${i + 1}];`;
  expect(hasTable(`begin { ${Array.from({ length: times }, (_, i) => line(i)).join(" ")} }`)).toBe(expected);
});
