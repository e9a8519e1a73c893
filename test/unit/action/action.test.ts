import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { annotationsOf, inWorkspace } from "../../../harness/action/annotations.ts";
import { asRoot, measureArguments, measureEnvironment } from "../../../harness/action/command.ts";
import { type Inputs, readInputs } from "../../../harness/action/inputs.ts";
import { withoutCommands } from "../../../harness/action/log.ts";
import { outcomeOf } from "../../../harness/action/outcome.ts";
import { reportOf } from "../../../harness/report/model.ts";
import type { ScenarioResult, SuiteResult } from "../../../harness/report/result.ts";
import { commandsIn } from "../../support/runner.ts";
import {
  COMPARISON,
  FAILED,
  HOSTILE,
  MISTAKES,
  metric,
  PASSED,
  RUN,
  scenario,
  suite,
  withTexts,
} from "../../support/sample-result.ts";

describe("inputs", () => {
  const given: string[] = [];
  const read = (inputs: Readonly<Record<string, string>>): Inputs => {
    for (const [name, value] of Object.entries(inputs)) {
      given.push(`INPUT_${name.toUpperCase()}`);
      process.env[`INPUT_${name.toUpperCase()}`] = value;
    }
    return readInputs();
  };
  afterEach(() => {
    for (const name of given.splice(0)) delete process.env[name];
  });

  it("have defaults", () => {
    expect(read({})).toEqual({
      mode: "run",
      scenarios: [],
      base: "HEAD^1",
      failOn: ["regression", "invalid", "inconclusive"],
      reporters: [],
      directory: ".",
      baseline: undefined,
      sudo: false,
    });
  });

  it.each([
    [{ scenarios: " a b.yml\n\n- c \n" }, { scenarios: ["a b.yml", "- c"] }],
    [{ "fail-on": "never" }, { failOn: [] }],
    [{ "fail-on": "invalid\nregression" }, { failOn: ["invalid", "regression"] }],
    [{ reporters: "junit,html, junit" }, { reporters: ["junit", "html"] }],
    [
      { mode: "compare", base: "main" },
      { mode: "compare", base: "main" },
    ],
    [
      { sudo: "true", baseline: "b.json" },
      { sudo: true, baseline: "b.json" },
    ],
  ])("%j", (inputs, expected) => {
    expect(read(inputs)).toMatchObject(expected);
  });

  it("tell all mistakes together", () => {
    expect(() => read({ mode: "x", sudo: "1", reporters: "pdf" })).toThrow(
      "input `mode`: expected run or compare, found `x`\n" +
        "input `reporters`: expected html, markdown, junit, found `pdf`\n" +
        "input `sudo`: expected true or false, found `1`",
    );
  });
});

describe("the command", () => {
  const inputs: Inputs = {
    mode: "run",
    scenarios: ["--x", "b.yml"],
    base: "HEAD^1",
    failOn: [],
    reporters: [],
    directory: ".",
    baseline: undefined,
    sudo: false,
  };

  it.each([
    [{}, ["run", "--output", "/r.json", "--", "--x", "b.yml"]],
    [{ baseline: "b.json" }, ["run", "--baseline", "b.json", "--output", "/r.json", "--", "--x", "b.yml"]],
    [{ mode: "compare", base: "main" }, ["compare", "--base", "main", "--output", "/r.json", "--", "--x", "b.yml"]],
  ] as const)("with %j", (more, args) => {
    expect(measureArguments({ ...inputs, ...more }, "/r.json")).toEqual(args);
  });

  it("keeps the PATH through sudo", () => {
    expect(asRoot(["node", "x"], "/a:/b")).toEqual([
      "sudo",
      "--non-interactive",
      "--preserve-env",
      "--",
      "env",
      "PATH=/a:/b",
      "node",
      "x",
    ]);
  });

  it("passes on what is not meant for the action alone", () => {
    expect(
      measureEnvironment({
        PATH: "/bin",
        GITHUB_SHA: "abc",
        GITHUB_WORKSPACE: "/w",
        GITHUB_TOKEN: "s",
        GITHUB_ENV: "f",
        GITHUB_OUTPUT: "f",
        GITHUB_PATH: "f",
        GITHUB_STATE: "f",
        GITHUB_STEP_SUMMARY: "f",
        ACTIONS_RUNTIME_TOKEN: "s",
        ACTIONS_ID_TOKEN_REQUEST_TOKEN: "s",
        INPUT_MODE: "run",
        STATE_process: "1",
        NOTHING: undefined,
      }),
    ).toEqual({ PATH: "/bin", GITHUB_SHA: "abc", GITHUB_WORKSPACE: "/w" });
  });
});

describe("the log", () => {
  const logged = async (chunks: readonly (string | Uint8Array)[], fails = false): Promise<string> => {
    let log = "";
    const body = withoutCommands(
      async (write) => {
        for (const chunk of chunks) write(chunk);
        if (fails) throw new Error("body");
      },
      (bytes) => {
        log += typeof bytes === "string" ? bytes : Buffer.from(bytes).toString();
      },
      "word",
    );
    await (fails ? expect(body).rejects.toThrow("body") : body);
    return log;
  };

  it.each([
    [["a\n"], "::stop-commands::word\na\n::word::\n"],
    [["a"], "::stop-commands::word\na\n::word::\n"],
    [[Buffer.from("a\nb"), ""], "::stop-commands::word\na\nb\n::word::\n"],
    [[], "::stop-commands::word\n::word::\n"],
  ])("%j", async (chunks, expected) => {
    expect(await logged(chunks)).toBe(expected);
  });

  it("is resumed after a failure too", async () => {
    expect(await logged(["half"], true)).toBe("::stop-commands::word\nhalf\n::word::\n");
  });

  it("uses another word each time", async () => {
    const words = new Set<string>();
    for (let i = 0; i < 10; i++) {
      let log = "";
      await withoutCommands(
        async () => undefined,
        (bytes) => {
          log += bytes;
        },
      );
      words.add(/stop-commands::(.{20,})\n/.exec(log)![1]!);
    }
    expect(words.size).toBe(10);
  });

  it("holds no command that anything in it asks for", async () => {
    const piece = fc.constantFrom(
      "::",
      "##[",
      "error",
      "set-output name=verdict",
      "stop-commands",
      "]",
      "x",
      "\n",
      " ",
      "::error::y",
      "##[error]z",
    );
    await fc.assert(
      fc.asyncProperty(fc.array(piece), async (pieces) => {
        const log = `${await logged(pieces)}::notice::after\n`;
        expect(commandsIn(log).map(({ name }) => name)).toEqual(["notice"]);
      }),
    );
  });

  it("would hold some without it", () => {
    expect(
      commandsIn("  ::error file=a%2Cb,line=3::x%0Ay%25\nq ##[warning]old\n::nothing::\n").map(({ name, data }) => [
        name,
        data,
      ]),
    ).toEqual([
      ["error", "x\ny%"],
      ["warning", "old"],
    ]);
  });
});

describe("annotations", () => {
  it("stand at the lines of files as the repository has them", () => {
    expect(
      annotationsOf(reportOf(RUN), "/w/packages/a", "/w", 10).map(
        ({ level, title, file, line }) => `${level} ${file}:${line} ${title}`,
      ),
    ).toEqual([
      "error packages/a/scenarios/all.yml:3 probewright: config-loader: opens",
      "error packages/a/scenarios/all.yml:18 probewright: config-loader: opens < 100",
      "error packages/a/scenarios/all.yml:20 probewright: config-loader: p99(@x) < 1",
      "error packages/a/scenarios/all.yml:40 probewright: broken",
      "warning packages/a/scenarios/all.yml:60 probewright: noisy: wait",
      "warning packages/a/scenarios/all.yml:50 probewright: needs-sqlite",
      "warning packages/a/scenarios/all.yml:9 probewright",
    ]);
  });

  it("say how much it was and is", () => {
    const [first, , shift] = annotationsOf(reportOf(COMPARISON), "/w", "/w", 10);
    expect(first!.message).toBe(
      "regression: 412 more in every run; +412 openat, 398 of them under node_modules (base 40, head 452, +412)",
    );
    expect(shift!.message).toBe("regression: the distribution moved up: +8.1% to +17%");
    expect(annotationsOf(reportOf(MISTAKES), "/w", "/w", 10)).toEqual([
      {
        level: "error",
        title: "probewright",
        message: "error: unknown builtin `pids` (did you mean `pid`?)",
        file: "scenarios/io.yml",
        line: 14,
      },
    ]);
  });

  it("are as many as there is room for, the worst ones", () => {
    const worse = (ratio: number): ScenarioResult =>
      scenario({
        name: `s${ratio}`,
        status: "failed",
        metrics: [
          metric({
            name: "m",
            verdict: "regression",
            baseline: { min: 1, median: 1, max: 1 },
            delta: ratio - 1,
            ratio,
          }),
        ],
      });
    const many = suite(Array.from({ length: 30 }, (_, i) => worse(i + 2)));
    const shown = annotationsOf(reportOf(many), "/w", "/w", 10);
    expect(shown.map(({ title }) => title)).toEqual(Array.from({ length: 10 }, (_, i) => `probewright: s${31 - i}: m`));
  });

  it("are short and on one line, whatever is in them", () => {
    for (const { title, message } of annotationsOf(reportOf(withTexts(RUN, HOSTILE.repeat(20))), "/w", "/w", 10)) {
      expect([...title].length).toBeLessThanOrEqual(120);
      expect([...message].length).toBeLessThanOrEqual(1000);
      expect(title + message).not.toMatch(/[\x00-\x1f\x7f-\x9f]|##\[/);
    }
  });

  it.each([
    ["/w/a.yml", "a.yml"],
    ["/w/a/b.yml", "a/b.yml"],
    ["/w/..a/b.yml", "..a/b.yml"],
    ["/other/a.yml", undefined],
    ["/a.yml", undefined],
  ])("%s lies in the workspace as %s", (path, inside) => {
    expect(inWorkspace(path, "/w")).toBe(inside);
  });
});

describe("the outcome", () => {
  const all = ["regression", "invalid", "inconclusive"] as const;
  const statuses = (...names: ScenarioResult["status"][]): SuiteResult =>
    suite(names.map((status, i) => scenario({ name: `s${i}`, status })));

  it.each([
    [suite([PASSED]), 0, all, "pass", 0, undefined],
    [suite([FAILED]), 1, all, "regression", 3, "the scenario failed (3 regressions and failed assertions)"],
    [suite([FAILED]), 1, [], "regression", 3, undefined],
    [suite([FAILED]), 1, ["invalid"], "regression", 3, undefined],
    [COMPARISON, 1, all, "regression", 3, "1 of 2 scenarios failed (3 regressions and failed assertions)"],
    [statuses("failed", "invalid"), 1, ["invalid"], "regression", 0, "1 of 2 scenarios failed"],
    [statuses("failed", "invalid"), 1, ["inconclusive"], "regression", 0, undefined],
    [statuses("invalid"), 4, all, "invalid", 0, "the scenario could not be measured"],
    [statuses("invalid"), 4, ["regression"], "invalid", 0, undefined],
    [statuses("inconclusive"), 4, ["inconclusive"], "inconclusive", 0, "the scenario is inconclusive"],
    [statuses("inconclusive"), 4, ["regression", "invalid"], "inconclusive", 0, undefined],
    [MISTAKES, 2, [], "invalid-input", 0, "1 error in scenario files"],
    [suite([], { exitCode: 3 }), 3, [], "missing-capability", 0, "this machine lacks something that tracing needs"],
    [suite([], { exitCode: 130 }), 130, [], "interrupted", 0, "interrupted before the end"],
  ] as const)("of a result %#", (result, exitCode, failOn, verdict, regressions, failure) => {
    expect(outcomeOf(exitCode, reportOf(result), failOn)).toEqual({ verdict, regressions, failure });
  });

  it.each([
    [0, "invalid", "there is no result (exit code 0)"],
    [1, "invalid", "there is no result (exit code 1)"],
    [2, "invalid-input", expect.stringContaining("makes no sense")],
    [3, "missing-capability", expect.stringContaining("lacks something")],
    [130, "interrupted", "interrupted before the end"],
    [139, "invalid", "there is no result (exit code 139)"],
  ])("of exit code %i without a result", (exitCode, verdict, failure) => {
    expect(outcomeOf(exitCode, undefined, [])).toEqual({ verdict, regressions: 0, failure });
  });
});
