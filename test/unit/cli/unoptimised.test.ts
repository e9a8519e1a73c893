/** Work that V8 is asked not to optimise answers and fails as any other. */
import { expect, it } from "vitest";
import { unoptimised } from "../../../harness/cli/unoptimised.ts";

it.each([0, 100_000])("a script of %d characters", (length) => {
  expect(unoptimised(length, () => "compiled")).toBe("compiled");
  const fail = (): never => {
    throw new Error("does not compile");
  };
  expect(() => unoptimised(length, fail)).toThrow("does not compile");
});
