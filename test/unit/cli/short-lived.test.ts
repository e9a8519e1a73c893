/** Work for which V8 is told not to prepare for more of it answers and fails as any other. */
import { expect, it } from "vitest";
import { shortLived } from "../../../harness/cli/short-lived.ts";

it.each([0, 100_000])("a script of %d characters", (length) => {
  expect(shortLived(length, () => "compiled")).toBe("compiled");
  expect(shortLived(length, (settle) => settle())).toBeUndefined();
  const fail = (): never => {
    throw new Error("does not compile");
  };
  expect(() => shortLived(length, fail)).toThrow("does not compile");
});
