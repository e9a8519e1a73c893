/** How the addon is found, what its raw functions do with arguments of the wrong type, and what is said when it is missing. */
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { transformWithOxc } from "vite";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { binding } from "../../native/addon.ts";

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

describe("the raw functions", () => {
  const raw = binding() as unknown as Record<string, (...args: unknown[]) => unknown>;

  it.each([
    ["close", ["x"], "a number"],
    ["mapCreate", [5], "an object"],
    ["mapCreate", [{}], "a number"],
    ["mapLookup", [1, "key", new Uint8Array(1), 0n], "a typed array"],
    ["mapUpdate", [1, new Uint8Array(1), new Uint8Array(1), 0], "a bigint"],
    ["mapBatch", [24, 1, null, null, null, null, new Uint8Array(2)], "a buffer with room for the result"],
    ["progLoad", [{ insns: null }], "a typed array"],
    ["progTestRun", [1, null, null, 0, 0, 0, new Uint32Array(1)], "a buffer with room for the result"],
    ["rawTracepointOpen", [5, 1, 0n], "a string"],
    ["rawTracepointOpen", ["a\0b", 1, 0n], "a string without NUL"],
    ["linkCreateKprobeMulti", [1, 42, 0, "symbol", null, null], "an array"],
    ["bpf", [0, new Uint8Array(8), [{ offset: 4, bytes: new Uint8Array(1) }]], "room for the pointer"],
    ["btfInfo", [1, new Uint8Array(12)], "a buffer with room for the result"],
    ["perfEventOpen", [{}], "a number"],
    ["perfRead", [1, new BigUint64Array(2)], "a buffer with room for the result"],
    ["pollerOpen", [0, null], "a function"],
    ["spawn", [{}, new Int32Array(6)], "an array"],
    ["spawn", [{}, new Int32Array(5)], "a buffer with room for the result"],
    ["setChildSubreaper", [1], "a boolean"],
    ["ptrace", [7, 1, 0, 0n, null], "a bigint"],
    ["ptrace", [1, 1, 0n, 0n, new Uint8Array(4)], "a buffer with room for the result"],
    ["peekWait", [1, new Int32Array(1)], "a buffer with room for the result"],
    ["demangle", ["_Z\0"], "a string without NUL"],
    ["statfs", ["/", new Uint8Array(4)], "a buffer with room for the result"],
  ] as [string, unknown[], string][])("%s throws a TypeError for wrong arguments (%#)", (name, args, expected) => {
    expect(() => raw[name]!(...args)).toThrow(new TypeError(`the addon expected ${expected}`));
  });

  it.each(["ringbufOpen", "mapMemory", "pollerOpen"])("%s of no descriptor is -EBADF", (name) => {
    expect(raw[name]!(-1, name === "pollerOpen" ? () => {} : 4096, false)).toBe(-9);
  });

  it.each([0, 100, 5000])("a ring buffer of %i bytes is -EINVAL", (size) => {
    expect(binding().ringbufOpen(0, size)).toBe(-22);
  });

  it("a regular file cannot be watched", () => {
    const open = spawnSync(process.execPath, [
      "-e",
      `const addon = require("node-gyp-build")(${JSON.stringify(root)});
       console.log(addon.pollerOpen(require("fs").openSync("/etc/passwd"), () => {}));`,
    ]);
    expect(open.stdout.toString()).toBe("-1\n");
  });
});

describe("the package", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "probewright-package-"));
    writeFileSync(join(folder, "package.json"), '{ "name": "probewright", "type": "module" }');
    symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  /** Puts the compiled native/addon.js into dist/native of the package and asks it for the addon. */
  async function load(): Promise<string> {
    const { readFileSync } = await import("node:fs");
    const source = readFileSync(join(root, "native", "addon.ts"), "utf8");
    const { code } = await transformWithOxc(source, "addon.ts");
    mkdirSync(join(folder, "dist", "native"), { recursive: true });
    writeFileSync(join(folder, "dist", "native", "addon.js"), code);
    const script = `import { binding } from ${JSON.stringify(pathToFileURL(join(folder, "dist/native/addon.js")).href)};
      try { console.log(binding().gettid() === process.pid); } catch (error) { console.log(error.name, error.message); }`;
    return spawnSync(process.execPath, ["--input-type=module", "-e", script]).stdout.toString();
  }

  it("is found from dist/", async () => {
    cpSync(join(root, "build", "Release", "probewright.node"), join(folder, "build", "Release", "probewright.node"));
    expect(await load()).toBe("true\n");
  });

  it("without an addon says what, where and how to get it", async () => {
    const said = await load();
    expect(said).toContain(`AddonError the native addon for linux-${process.arch} could not be loaded from ${folder}`);
    expect(said).toContain("No native build was found");
    expect(said).toContain("help: build it with `npm rebuild probewright`");
    expect(said).toContain("it needs g++, make and python3");
  });

  it("with an addon that is broken says so too", async () => {
    mkdirSync(join(folder, "build", "Release"), { recursive: true });
    writeFileSync(join(folder, "build", "Release", "probewright.node"), "this is no addon");
    expect(await load()).toMatch(/AddonError .*could not be loaded.*invalid ELF header|file too short/);
  });

  it("that was not built says so in one line", () => {
    cpSync(join(root, "bin"), join(folder, "bin"), { recursive: true });
    const result = spawnSync(process.execPath, [join(folder, "bin", "probewright.js")]);
    expect(result.stderr.toString()).toBe("probewright: dist/ is missing; build it with `npm run build`\n");
    expect(result.status).toBe(2);
  });
});
