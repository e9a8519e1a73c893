/** The helper table's own rules, which its readers rely on. */
import { describe, expect, it } from "vitest";
import { type HelperName, helperById, helperSpec, helpers } from "../../../compiler/asm/helpers.ts";

const names = Object.keys(helpers) as HelperName[];

describe("the helper table", () => {
  it("numbers every helper once", () => {
    const numbered = names.filter((name) => helperSpec(name).id > 0);
    expect(numbered.map((name) => helperById(helperSpec(name).id))).toEqual(numbered);
    expect(helperById(0)).toBeUndefined();
  });

  it.each(names)("%s: at most five arguments, and every size follows its memory", (name) => {
    const { args } = helperSpec(name);
    expect(args.length).toBeLessThanOrEqual(5);
    args.forEach((arg, i) => {
      const isSize = arg === "size" || arg === "size-or-zero";
      const before = i > 0 ? args[i - 1]! : undefined;
      const isMemory = before === "mem" || before === "mem-or-null" || before === "out" || before === "out-or-null";
      if (isSize || isMemory) expect([isSize, isMemory]).toEqual([true, true]);
    });
  });

  it("keeps keys and values behind the map that says their size", () => {
    for (const name of names) {
      const { args } = helperSpec(name);
      if (args.some((arg) => arg === "key" || arg === "value" || arg === "value-out")) expect(args[0]).toBe("map");
    }
  });
});
