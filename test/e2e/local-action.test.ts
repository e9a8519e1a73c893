/**
 * The action's sources under GitHub's own local-action, which puts its stand-ins in place of @actions/core. It is
 * installed by itself (npm ci --prefix test/local-action); without it the test is skipped, and says so, or fails with
 * REQUIRE_LOCAL_ACTION=1.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
// The action calls the command line, which has to be built.
import "../support/cli.ts";
import { describeKernel } from "../support/privileges.ts";
import { temporaryTree } from "../support/temporary.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const MODULES = join(ROOT, "test/local-action/node_modules");
const installed = existsSync(join(MODULES, "@github/local-action"));
const required = process.env.REQUIRE_LOCAL_ACTION === "1";

const PASSING = `version: 1
name: opens
workload: { command: [cat, /etc/hostname] }
probes: [{ bpftrace: 'tracepoint:syscalls:sys_enter_openat { @opens = count(); }' }]
metrics: { opens: '@opens' }
assert: [opens > 0]
`;

interface Ran {
  readonly log: string;
  readonly summary: string;
}

function runAction(suite: string, inputs: Readonly<Record<string, string>> = {}): Ran {
  const workspace = temporaryTree({ "package.json": "{}", "scenarios/suite.yml": suite, "summary.md": "" });
  const environment = {
    GITHUB_WORKSPACE: workspace,
    GITHUB_STEP_SUMMARY: join(workspace, "summary.md"),
    RUNNER_TEMP: workspace,
    ...Object.fromEntries(Object.entries(inputs).map(([name, value]) => [`INPUT_${name.toUpperCase()}`, value])),
  };
  const file = join(workspace, ".env");
  writeFileSync(
    file,
    Object.entries(environment)
      .map(([name, value]) => `${name}=${value}\n`)
      .join(""),
  );
  const { stdout, stderr } = spawnSync(
    process.execPath,
    [
      join(MODULES, "tsx/dist/cli.mjs"),
      join(MODULES, "@github/local-action/src/index.ts"),
      ...["run", ROOT, "harness/action.ts", file, "--post", "harness/action/post.ts"],
    ],
    {
      cwd: ROOT,
      encoding: "utf8",
      env: { ...process.env, TARGET_ACTION_PATH: ROOT, NODE_PACKAGE_MANAGER: "npm", NODE_NO_WARNINGS: "1" },
    },
  );
  return { log: stdout + stderr, summary: readFileSync(join(workspace, "summary.md"), "utf8") };
}

if (installed) {
  describeKernel("the action's sources under local-action", () => {
    it("pass", () => {
      const { log, summary } = runAction(PASSING);
      expect(log).toContain("::set-output name=verdict::pass");
      expect(log).toContain("::set-output name=regressions::0");
      expect(log).toContain("Running Post Step");
      expect(log).toContain("nothing was left behind");
      expect(log).not.toContain("::error");
      expect(summary).toContain("## ✅ probewright: the scenario passed");
    });

    it("fail at the line of the assertion", () => {
      const { log, summary } = runAction(PASSING.replace("opens > 0", "opens < 0"));
      expect(log).toContain("::set-output name=verdict::regression");
      expect(log).toMatch(
        /::error title=probewright: opens: opens < 0,file=scenarios\/suite\.yml,line=6,endLine=6::failed: \d+/,
      );
      expect(log).toContain("::error::probewright: the scenario failed");
      expect(summary).toContain("## ❌ probewright: the scenario failed");
    });

    it("fail when nothing can be measured", () => {
      const { log } = runAction(PASSING.replace("cat, /etc/hostname", "sh, -c, exit 3"));
      expect(log).toContain("::set-output name=verdict::invalid");
      expect(log).toContain("ended with status 3");
    });

    it("read the inputs that action.yml names, and no others", () => {
      const { log } = runAction(PASSING, { mode: "both" });
      expect(log).toContain("input `mode`: expected run or compare, found `both`");
      for (const name of ["scenarios", "mode", "base", "fail-on", "reporters", "working-directory", "baseline", "sudo"])
        expect(log).toContain(`'${name}'`);
      const read = execFileSync(
        "grep",
        ["-rhoE", 'getInput\\("[a-z-]+"\\)|(oneOf|listOf)\\("[a-z-]+"', "harness/action"],
        { cwd: ROOT, encoding: "utf8" },
      );
      expect(new Set([...read.matchAll(/"([a-z-]+)"/g)].map(([, name]) => name))).toEqual(
        new Set(["scenarios", "mode", "base", "fail-on", "reporters", "working-directory", "baseline", "sudo"]),
      );
    });
  });
} else if (required) {
  describe("local-action", () => {
    it("is installed", () => {
      throw new Error("run npm ci --prefix test/local-action");
    });
  });
} else {
  console.warn(
    "\n*** tests with local-action are SKIPPED: run npm ci --ignore-scripts --prefix test/local-action. ***\n",
  );
  describe.skip("the action's sources under local-action", () => {});
}
