/**
 * Tests that show our output to real programs: the browser and GitHub's Markdown. Without the program they are skipped,
 * and say so; where REQUIRE_BROWSER=1 they fail instead.
 */
import { existsSync } from "node:fs";
import { describe, it } from "vitest";

/** `describe` for tests that need a program of Debian's; the body gets its path. */
export function describeWithTool(program: string, body: (path: string) => void): void {
  const path = `/usr/bin/${program}`;
  if (existsSync(path)) {
    describe(program, () => body(path));
    return;
  }
  const required = process.env.REQUIRE_BROWSER === "1";
  const consequence = required ? "fail because REQUIRE_BROWSER=1" : "are SKIPPED";
  console.warn(`\n*** tests with ${program} ${consequence}: there is no ${path} (apt-get install ${program}). ***\n`);
  if (!required) describe.skip(program, () => body(path));
  else {
    describe(program, () => {
      it("is installed", () => {
        throw new Error(`there is no ${path}`);
      });
    });
  }
}
