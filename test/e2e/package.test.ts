/**
 * The package as its users get it: packed, installed in an empty folder somewhere else, once with a compiler and once
 * with a prebuilt addon and no compiler in reach, and then used in every way that it offers.
 */
import { execFileSync, type SpawnSyncReturns, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import "../support/cli.ts"; // builds dist/
import { itKernel } from "../support/privileges.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const { version, exports } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
  version: string;
  exports: Record<string, string | Record<string, string>>;
};

const work = mkdtempSync(join(tmpdir(), "probewright-package-"));
afterAll(() => rmSync(work, { recursive: true, force: true }));

interface Packed {
  readonly tarball: string;
  readonly files: readonly string[];
  readonly unpackedSize: number;
}

/** Packs the package in a folder, without building it anew: other tests are using what is there. */
function pack(folder: string, name: string): Packed {
  const target = join(work, name);
  mkdirSync(target);
  const out = execFileSync("npm", ["pack", "--ignore-scripts", "--json", "--pack-destination", target], {
    cwd: folder,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
  const [{ filename, files, unpackedSize }] = JSON.parse(out) as [
    { filename: string; files: { path: string }[]; unpackedSize: number },
  ];
  return { tarball: join(target, filename), files: files.map(({ path }) => path), unpackedSize };
}

let plain: Packed;
beforeAll(() => {
  plain = pack(ROOT, "plain");
});

describe("the package", () => {
  it.each([
    "README.md",
    "LICENSE",
    "CHANGELOG.md",
    "bin/probewright.js",
    "bin/code-cache.js",
    "bin/package.json",
    "dist/cli/main.js",
    "dist/cli/trace.cjs",
    "binding.gyp",
    "native/install.mjs",
    "native/src/addon.cc",
    "native/src/addon.h",
    "schema/scenario.schema.json",
    "schema/result.schema.json",
    "scenarios/presets/syscalls.yml",
    "scenarios/programs/echo-server.mjs",
  ])("has %s", (file) => expect(plain.files).toContain(file));

  it("has every file that it exports", () => {
    const targets = Object.values(exports).flatMap((target) =>
      typeof target === "string" ? [target] : Object.values(target),
    );
    const missing = targets
      .map((target) => target.replace(/^\.\//, ""))
      .filter((target) => !target.includes("*") && !plain.files.includes(target));
    expect(missing).toEqual([]);
  });

  it("has nothing that only its developers need", () => {
    const ours =
      /^(test|bench|docs|compiler|harness|build|node_modules)\/|^dist\/bench|(?<!\.d)\.ts$|\.map$|\.cache$|\/\.|^tsconfig|^package-lock/;
    expect(plain.files.filter((file) => ours.test(file))).toEqual([]);
    expect(plain.unpackedSize).toBeLessThan(8 * 1024 * 1024);
  });
});

/** A PATH on which there are only these programs. */
function pathOf(name: string, programs: readonly string[]): string {
  const folder = join(work, name);
  mkdirSync(folder);
  for (const program of programs) {
    const found = (process.env.PATH ?? "").split(delimiter).find((path) => existsSync(join(path, program)));
    if (found === undefined) throw new Error(`there is no ${program}`);
    symlinkSync(join(found, program), join(folder, program));
  }
  return folder;
}

/** An empty project in which a tarball is to be installed. */
class Consumer {
  readonly folder: string;
  readonly #env: NodeJS.ProcessEnv;

  constructor(name: string, path = process.env.PATH) {
    this.folder = join(work, name);
    mkdirSync(this.folder);
    writeFileSync(join(this.folder, "package.json"), '{ "private": true }');
    // What npm has told this test run about our own package is not for theirs.
    const own = Object.entries(process.env).filter(([key]) => !/^(npm_|INIT_CWD|NODE_ENV|VITEST)/i.test(key));
    this.#env = { ...Object.fromEntries(own), PATH: path };
  }

  run(command: string, ...args: string[]): SpawnSyncReturns<string> {
    return spawnSync(command, args, { cwd: this.folder, env: this.#env, encoding: "utf8" });
  }

  /** Runs what must succeed; answers its output. */
  out(command: string, ...args: string[]): string {
    const { status, stdout, stderr } = this.run(command, ...args);
    expect({ status, stderr, stdout: status === 0 ? "" : stdout }).toEqual({ status: 0, stderr, stdout: "" });
    return stdout;
  }

  install(tarball: string): SpawnSyncReturns<string> {
    return this.run("npm", "install", "--prefer-offline", "--no-audit", "--no-fund", tarball);
  }

  script(code: string): string {
    return this.out("node", "--input-type=module", "-e", code);
  }
}

/** What needs no compiler and no other tool of a developer. */
const NO_COMPILER = ["node", "npm", "npx", "sh", "ls"];

/** Packs the package once more, with an addon that was built beforehand. */
function withPrebuild(): Packed {
  const folder = join(work, "prebuild");
  mkdirSync(folder);
  execFileSync("tar", ["-xzf", plain.tarball, "-C", folder]);
  const unpacked = join(folder, "package");
  symlinkSync(join(ROOT, "node_modules"), join(unpacked, "node_modules"));
  const prebuildify = join(ROOT, "node_modules/prebuildify/bin.js");
  execFileSync(process.execPath, [prebuildify, "--napi", "--strip", "--tag-libc"], { cwd: unpacked, stdio: "pipe" });
  rmSync(join(unpacked, "node_modules"));
  return pack(unpacked, "prebuilt");
}

describe.each<[string, boolean]>([
  ["compiled where it is installed", true],
  ["with a prebuilt addon, without a compiler", false],
])("installed: %s", (name, compiles) => {
  let consumer: Consumer;
  beforeAll(() => {
    const { tarball } = compiles ? plain : withPrebuild();
    consumer = new Consumer(name.replace(/\W+/g, "-"), compiles ? undefined : pathOf("no-compiler", NO_COMPILER));
    const { status, stderr } = consumer.install(tarball);
    if (status !== 0) throw new Error(stderr);
  });

  it("compiles the command line for this Node", () => {
    expect(existsSync(join(consumer.folder, "node_modules/probewright/dist/cli/trace.cache"))).toBe(true);
  });

  it("compiles only if it has to", () => {
    expect(existsSync(join(consumer.folder, "node_modules/probewright/build"))).toBe(compiles);
  });

  it("has a command", () => expect(consumer.out("npx", "probewright", "--version")).toBe(`${version}\n`));

  itKernel("traces", () => {
    expect(consumer.out("npx", "probewright", "trace", "-e", 'BEGIN { printf("%d\\n", 6 * 7); exit(); }')).toMatch(
      /^42$/m,
    );
  });

  itKernel("makes and runs a first scenario", () => {
    consumer.out("npx", "probewright", "init");
    expect(consumer.out("npx", "probewright", "run")).toContain("1 passed, 0 failed, 0 invalid");
  });

  itKernel("runs a scenario that it ships", () => {
    const shipped = "node_modules/probewright/scenarios/node-startup.yml";
    expect(consumer.out("npx", "probewright", "run", shipped, "--runs", "1")).toContain("1 passed");
  });

  itKernel("can be imported", () => {
    const code = `import { closeTracer, run, trace } from "probewright";
      import { readFileSync } from "node:fs";
      const { syscalls } = await trace(() => readFileSync("package.json"));
      console.log(typeof run, syscalls.openat);
      await closeTracer();`;
    expect(consumer.script(code)).toBe("function 1\n");
  });

  it("says where its schema is, as scenario files name it", () => {
    const code = `import schema from "probewright/schema/scenario.schema.json" with { type: "json" };
      console.log(schema.$schema, import.meta.resolve("probewright/schema/scenario.schema.json"));`;
    expect(consumer.script(code)).toMatch(/^https:\/\/json-schema.org\S+ file:.*\/node_modules\/probewright\/schema\//);
    expect(existsSync(join(consumer.folder, "node_modules/probewright/schema/scenario.schema.json"))).toBe(true);
  });

  it("has types", () => {
    writeFileSync(
      join(consumer.folder, "use.ts"),
      `import { run, trace } from "probewright";
export const result: Promise<{ exitCode: number }> = run("scenarios");
export const number: Promise<number> = trace(() => 1).then(({ syscalls }) => syscalls.openat ?? 0);
// @ts-expect-error
trace(5);
`,
    );
    const options = [
      "--noEmit",
      "--strict",
      "--module",
      "nodenext",
      "--target",
      "es2022",
      "--lib",
      "es2023,esnext.disposable",
    ];
    const tsc = spawnSync(
      process.execPath,
      [
        join(ROOT, "node_modules/typescript/bin/tsc"),
        ...options,
        "--typeRoots",
        join(ROOT, "node_modules/@types"),
        "--types",
        "node",
        "use.ts",
      ],
      { cwd: consumer.folder, encoding: "utf8" },
    );
    expect(tsc.stdout).toBe("");
    expect(tsc.status).toBe(0);
  });
});

describe("without a prebuilt addon and a compiler", () => {
  it("cannot be installed, and says what is missing", () => {
    const consumer = new Consumer("nothing", pathOf("nothing-at-all", NO_COMPILER));
    const { status, stderr } = consumer.install(plain.tarball);
    expect(status).toBe(1);
    expect(stderr).toMatch(/probewright: there is no prebuilt addon .* g\+\+, make, python3 to compile it are missing/);
    expect(stderr).toContain("help: apt-get install g++ make python3");
  });
});
