/** The compiled code of `trace`: made with the build, and without it, or with one that does not fit, all is the same. */
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import "../support/cli.ts"; // builds dist/
import { publicCopy } from "../support/public-copy.ts";

const cacheFile = (): string => join(publicCopy().folder, "dist/cli/trace.cache");

/** `trace` with no need of privileges. */
function run(...args: string[]) {
  const { node, bin } = publicCopy();
  const { status, stdout, stderr } = spawnSync(node, [bin, "trace", ...args], { encoding: "utf8" });
  return { status, stdout, stderr };
}

function makeCache(): number | null {
  const { node, folder } = publicCopy();
  return spawnSync(node, [join(folder, "bin/code-cache.js")]).status;
}

describe("the compiled code of trace", () => {
  let data: Buffer;
  beforeEach(() => {
    expect(makeCache()).toBe(0);
    data = readFileSync(cacheFile());
  });

  it("begins with the name of the bundle", () => {
    const bundle = readFileSync(join(publicCopy().folder, "dist/cli/trace.cjs"), "latin1");
    expect(/^\/\/([0-9a-f]{64})\n/.exec(bundle)?.[1]).toBe(data.toString("latin1", 0, 64));
    expect(data.length).toBeGreaterThan(100_000);
  });

  it("leaves nothing else behind", () => {
    const names = readdirSync(join(publicCopy().folder, "dist/cli"));
    expect(names.filter((name) => name.startsWith("trace.")).sort()).toEqual(["trace.cache", "trace.cjs"]);
  });

  it.each<[string, () => void]>([
    ["is missing", () => rmSync(cacheFile())],
    ["is empty", () => writeFileSync(cacheFile(), "")],
    [
      "is of another bundle",
      () => writeFileSync(cacheFile(), Buffer.concat([Buffer.alloc(64, "0"), data.subarray(64)])),
    ],
    ["is cut", () => writeFileSync(cacheFile(), data.subarray(0, 1000))],
    ["is of another version of V8", () => writeFileSync(cacheFile(), withByte(data, 64 + 4))],
  ])("is left aside when it %s", (_, spoil) => {
    const usual = run("--version");
    expect(usual.status).toBe(0);
    spoil();
    expect(run("--version")).toEqual(usual);
    expect(run("--help").stdout).toContain("probewright trace");
  });

  it("is refused for other flags of V8, without a word", () => {
    const { node, bin } = publicCopy();
    const flagged = spawnSync(node, ["--no-opt", bin, "trace", "--version"], { encoding: "utf8" });
    expect([flagged.status, flagged.stderr]).toEqual([0, ""]);
  });
});

/** The same data with one byte changed. */
function withByte(data: Buffer, at: number): Buffer {
  const changed = Buffer.from(data);
  changed[at]! ^= 0xff;
  return changed;
}
