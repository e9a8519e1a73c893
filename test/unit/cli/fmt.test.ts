import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import { afterEach, describe, expect, it } from "vitest";
import { Failure } from "../../../harness/cli/failure.ts";
import { register } from "../../../harness/cli/fmt.ts";
import { temporaryTree } from "../../support/temporary.ts";

const UGLY = "begin{  @x=1;print( @x ) }\n";
const PRETTY = "begin {\n  @x = 1;\n  print(@x);\n}\n";

afterEach(() => {
  process.exitCode = undefined;
});

/** Runs the command and answers its exit code. */
async function fmt(...args: string[]): Promise<unknown> {
  const program = new Command().exitOverride();
  register(program);
  await program.parseAsync(["fmt", ...args], { from: "user" });
  return process.exitCode;
}

describe("fmt", () => {
  it("formats files in place, and leaves formatted ones alone", async () => {
    const root = temporaryTree({ "a.bt": UGLY, "b.bt": PRETTY });
    expect(await fmt(join(root, "a.bt"), join(root, "b.bt"))).toBe(0);
    expect(["a.bt", "b.bt"].map((name) => readFileSync(join(root, name), "utf8"))).toEqual([PRETTY, PRETTY]);
  });

  it("only looks with --check", async () => {
    const root = temporaryTree({ "a.bt": UGLY, "b.bt": PRETTY });
    expect(await fmt("--check", join(root, "b.bt"))).toBe(0);
    expect(await fmt("--check", join(root, "a.bt"), join(root, "b.bt"))).toBe(1);
    expect(readFileSync(join(root, "a.bt"), "utf8")).toBe(UGLY);
  });

  it("keeps comments, imports and C definitions", async () => {
    const text = '// one\n#define N 5\n\nimport "x.bt";\n\n// two\nbegin {\n  print(N); // three\n}\n';
    const root = temporaryTree({ "a.bt": text });
    expect(await fmt(join(root, "a.bt"))).toBe(0);
    expect(readFileSync(join(root, "a.bt"), "utf8")).toBe(text);
  });

  it("loses no byte of what is not UTF-8", async () => {
    const text = '// f\xfcr\nbegin{ print("\xff\xc3\xa4") /*\xe4*/ }';
    const root = temporaryTree({ "a.bt": Buffer.from(text, "latin1") });
    expect(await fmt(join(root, "a.bt"))).toBe(0);
    const formatted = '// f\xfcr\nbegin {\n  print("\xff\xc3\xa4");\n  /*\xe4*/\n}\n';
    expect(readFileSync(join(root, "a.bt"), "latin1")).toBe(formatted);
    expect(await fmt("--check", join(root, "a.bt"))).toBe(0);
  });

  it("touches no file as long as one has errors", async () => {
    const root = temporaryTree({ "a.bt": UGLY, "broken.bt": "begin { print(1" });
    await expect(fmt(join(root, "a.bt"), join(root, "broken.bt"))).rejects.toThrow(Failure);
    expect(readFileSync(join(root, "a.bt"), "utf8")).toBe(UGLY);
  });

  it("says which file cannot be read", async () => {
    await expect(fmt("/nowhere/x.bt")).rejects.toThrow("cannot read /nowhere/x.bt: No such file or directory");
    await expect(fmt("/")).rejects.toThrow("cannot read /: Is a directory");
  });
});
