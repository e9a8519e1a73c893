/**
 * `probewright/vitest` as its users have it: the packed package installed in a project of its own beside vitest, in both of
 * vitest's pools, with and without the privileges that tracing needs.
 */
import { execFileSync, type SpawnSyncReturns, spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import "../support/cli.ts"; // builds dist/
import { blocksOf } from "../support/markdown.ts";
import { describeKernel, kernelObstacle } from "../support/privileges.ts";
import { NOBODY } from "../support/public-copy.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const work = mkdtempSync(join(tmpdir(), "probewright-vitest-"));
const project = join(work, "project");
afterAll(() => rmSync(work, { recursive: true, force: true }));

/** Installs the packed package with the addon of this checkout: that it compiles is another test's business. */
beforeAll(() => {
  const out = execFileSync("npm", ["pack", "--ignore-scripts", "--json", "--pack-destination", work], {
    cwd: ROOT,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
  const [{ filename }] = JSON.parse(out) as [{ filename: string }];
  cpSync(join(ROOT, "test/fixtures/vitest-example"), project, { recursive: true });
  const install = ["install", "--ignore-scripts", "--prefer-offline", "--no-audit", "--no-fund", join(work, filename)];
  execFileSync("npm", install, { cwd: project, env: environment(), stdio: ["ignore", "pipe", "pipe"] });
  const built = "build/Release/probewright.node";
  mkdirSync(join(project, "node_modules/probewright/build/Release"), { recursive: true });
  copyFileSync(join(ROOT, built), join(project, "node_modules/probewright", built));
  // for the tests that run as somebody else
  chmodSync(work, 0o755);
}, 300_000);

/** Without what npm and vitest have told this test run, and as on a developer's machine: with CI, vitest writes no snapshots. */
function environment(more: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(
    ([key]) => !/^(npm_|INIT_CWD|NODE_ENV|NODE_OPTIONS|VITEST|TEST$|CI$|GITHUB_)/i.test(key),
  );
  return { ...Object.fromEntries(own), NO_COLOR: "1", HOME: work, ...more };
}

function vitest(
  args: readonly string[],
  more: { env?: Record<string, string>; user?: typeof NOBODY } = {},
): SpawnSyncReturns<string> {
  const { env, user } = more;
  return spawnSync(process.execPath, ["node_modules/vitest/vitest.mjs", "run", ...args], {
    cwd: project,
    env: environment(env),
    encoding: "utf8",
    ...user,
  });
}

/** The numbers of a run by state, from vitest's JSON report. */
function counts(output: string): { passed: number; failed: number; skipped: number } {
  const { numPassedTests, numFailedTests, numPendingTests } = JSON.parse(output.slice(output.indexOf("{"))) as Record<
    string,
    number
  >;
  return { passed: numPassedTests!, failed: numFailedTests!, skipped: numPendingTests! };
}

const POOLS = ["forks", "threads"] as const;
const TESTS = 12;

describeKernel("an example project", () => {
  describe.each(POOLS)("in the pool %s", (pool) => {
    it.each([[[]], [["--no-isolate"]]])("passes with %j", (options) => {
      const { status, stdout, stderr } = vitest([`--pool=${pool}`, "--reporter=default", ...options]);
      expect({ status, stderr, failures: /FAIL.*/.exec(stdout)?.[0] }).toEqual({
        status: 0,
        stderr: "",
        failures: undefined,
      });
      expect(stdout).toMatch(new RegExp(`Tests\\s+${TESTS} passed`));
      const refused = [...stdout.matchAll(/refused: (\d+) of (\d+)/g)].map(([text]) => text);
      expect(refused).toHaveLength(2);
      console.info(
        `${pool}: of traces of work in the shared pool, while neighbours keep it busy: ${refused.join(", ")}`,
      );
      if (pool === "forks") expect(new Set(refused)).toEqual(new Set(["refused: 0 of 60"]));
    });

    it("fails where the program does more than it may, and says how much", () => {
      const source = join(project, "src/config.ts");
      const good = readFileSync(source, "utf8");
      try {
        writeFileSync(source, good.replace("loaded ??=", "loaded ="));
        const { status, stdout, stderr } = vitest([`--pool=${pool}`, "config"]);
        expect(status).toBe(1);
        const output = stdout + stderr;
        expect(output).toContain("the function was expected to make 1 openat, but it made 100 (99 too many)");
        expect(output).toContain("files: config.json (100 times)");
        expect(output).toMatch(/^-\s+"openat": 1,$/m);
        expect(output).toMatch(/^\+\s+"openat": 100,$/m);
      } finally {
        writeFileSync(source, good);
      }
    });

    it("keeps counts in snapshots, and updates them when asked", () => {
      const source = join(project, "src/config.ts");
      const snapshot = join(project, "test/__snapshots__/config.test.ts.snap");
      const good = readFileSync(source, "utf8");
      const args = [`--pool=${pool}`, "config", "-t", "as before"];
      const kept = (): string => readFileSync(snapshot, "utf8").replaceAll("\\", "");
      try {
        rmSync(join(project, "test/__snapshots__"), { recursive: true, force: true });
        expect(vitest(args).status).toBe(0);
        expect(kept()).toContain('"openat": 1,');
        writeFileSync(source, good.replace("loaded ??=", 'readFileSync("config.json");\n  loaded ??='));
        const { status, stdout, stderr } = vitest(args);
        expect(status).toBe(1);
        expect(stdout + stderr).toMatch(/^-\s+"openat": 1,$/m);
        expect(stdout + stderr).toMatch(/^\+\s+"openat": 2,$/m);
        expect(kept()).toContain('"openat": 1,');
        expect(vitest([...args, "-u"]).status).toBe(0);
        expect(kept()).toContain('"openat": 2,');
        expect(vitest(args).status).toBe(0);
      } finally {
        writeFileSync(source, good);
        rmSync(join(project, "test/__snapshots__"), { recursive: true, force: true });
      }
    });
  });
});

describeKernel("the examples of the documentation", () => {
  const examples = (file: string, mark: string): [string, string][] =>
    blocksOf(readFileSync(join(ROOT, file), "utf8"))
      .filter((block) => block.mark === mark)
      .map(({ line, text }) => [`${file}, line ${line}`, text]);

  it.each(POOLS)("of vitest.md and README.md pass in the pool %s", (pool) => {
    const tests = [...examples("docs/vitest.md", "vitest"), ...examples("README.md", "vitest")];
    expect(tests.length).toBeGreaterThan(3);
    tests.forEach(([, text], i) => {
      writeFileSync(join(project, `test/example-${i}.test.ts`), text);
    });
    try {
      const { status, stdout, stderr } = vitest([`--pool=${pool}`, "test/example-"]);
      expect({ status, output: status === 0 ? "" : stdout + stderr }).toEqual({ status: 0, output: "" });
    } finally {
      tests.forEach((_, i) => {
        rmSync(join(project, `test/example-${i}.test.ts`));
      });
    }
  });

  it.each(examples("docs/tinybench.md", "tinybench"))("%s runs", (_, text) => {
    const args = ["--input-type=module", "-e", text];
    const { status, stdout, stderr } = spawnSync(process.execPath, args, {
      cwd: project,
      env: environment({ PROBEWRIGHT_REQUIRED: "1" }),
      encoding: "utf8",
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    if (text.includes("console.table")) expect(stdout).toMatch(/Syscalls.*\n3\n21\n$/s);
  });
});

describe("types", () => {
  it.each([
    ["as a module of Node", []],
    ["for a bundler", ["--module", "esnext", "--moduleResolution", "bundler"]],
    ["with the declarations of all libraries checked", ["--skipLibCheck", "false", "--types", "node"]],
  ])("are complete %s", (_, options) => {
    const tsc = join(ROOT, "node_modules/typescript/bin/tsc");
    const { stdout, status } = spawnSync(process.execPath, [tsc, "-p", ".", ...options], {
      cwd: project,
      encoding: "utf8",
    });
    expect(
      stdout.split("\n").filter((line) => !line.startsWith("node_modules/") || line.includes("probewright")),
    ).toEqual([""]);
    if (!options.includes("--skipLibCheck")) expect(status).toBe(0);
  });
});

describe.runIf(process.getuid!() === 0)("without privileges", () => {
  // vite writes below the project
  beforeAll(() => void execFileSync("chown", ["-R", `${NOBODY.uid}:${NOBODY.gid}`, project]));

  it.each(POOLS)("tests are skipped in the pool %s, and that is said loudly", (pool) => {
    const { status, stdout, stderr } = vitest([`--pool=${pool}`, "--reporter=json"], { user: NOBODY });
    expect(counts(stdout)).toEqual({ passed: 0, failed: 0, skipped: TESTS });
    expect(status).toBe(0);
    expect(stderr).toMatch(/\*\*\* probewright: tests are SKIPPED, since nothing can be traced here: .*\n\s+help: /);
  });

  it.each(POOLS)("tests fail in the pool %s where tracing is required", (pool) => {
    const { status, stdout } = vitest([`--pool=${pool}`, "--reporter=json"], {
      user: NOBODY,
      env: { PROBEWRIGHT_REQUIRED: "1" },
    });
    expect(counts(stdout)).toEqual({ passed: 0, failed: TESTS, skipped: 0 });
    expect(status).toBe(1);
    expect(stdout).toContain("TraceUnavailableError");
  });
});

it("is tested where it matters", () => {
  if (process.env.REQUIRE_KERNEL === "1") expect(kernelObstacle).toBe(null);
});
