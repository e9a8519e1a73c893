/** The workflows of this repository and those that its documentation shows call the action as action.yml declares it. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { VERDICTS } from "../../../harness/report/verdict.ts";
import { blocksOf } from "../../support/markdown.ts";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const read = (path: string): string => readFileSync(join(ROOT, path), "utf8");

interface Declared {
  readonly inputs: Readonly<Record<string, { description: string; default: string }>>;
  readonly outputs: Readonly<Record<string, { description: string }>>;
  readonly runs: Readonly<Record<string, string>>;
}
interface Step {
  readonly id?: string;
  readonly uses?: string;
  readonly run?: string;
  readonly with?: Readonly<Record<string, unknown>>;
}
interface Workflow {
  readonly name: string;
  readonly on: Readonly<Record<string, { workflows?: string[] } | null>>;
  readonly permissions: Readonly<Record<string, string>>;
  readonly jobs: Readonly<Record<string, { steps: Step[] }>>;
}

const action = parse(read("action.yml")) as Declared;
const workflows = readdirSync(join(ROOT, ".github/workflows")).map((file) => `.github/workflows/${file}`);
const examples = readdirSync(join(ROOT, ".github/examples")).map((file) => `.github/examples/${file}`);
const files = [...workflows, ...examples];
/** Tables are padded; that is of no interest here. */
const guide = read("docs/github-action.md").replace(/(?<=\S) {2,}/g, " ");
const shown = blocksOf(`${guide}\n${read("README.md")}`).flatMap(({ mark, text }) =>
  mark === "workflow" ? [parse(text) as Workflow] : [],
);

const all = [...shown, ...files.map((file) => parse(read(file)) as Workflow)];
const steps = all.flatMap(({ jobs }) => Object.values(jobs).flatMap((job) => job.steps));
const calls = steps.filter(({ uses }) => uses?.includes("/probewright@"));

describe("calls of the action", () => {
  it("are in the guide and the example", () => {
    expect(calls.length).toBeGreaterThanOrEqual(5);
  });

  it.each(calls.map((call): [string, Step] => [JSON.stringify(call.with), call]))("%s", (_, call) => {
    for (const name of Object.keys(call.with ?? {})) expect(Object.keys(action.inputs)).toContain(name);
  });

  it.each([...files, "docs/github-action.md"])("%s reads outputs that there are", (file) => {
    for (const [, name] of read(file).matchAll(/steps\.probewright\.outputs\.([\w-]+)/g))
      expect(Object.keys(action.outputs)).toContain(name);
  });
});

describe("workflows", () => {
  const comment = ".github/examples/performance-comment.yml";

  it.each(files.filter((file) => file !== comment))(
    "%s gives no more rights than it needs, and runs no fork's code with them",
    (file) => {
      const workflow = parse(read(file)) as Workflow;
      expect(workflow.permissions).toEqual({ contents: file.endsWith("release.yml") ? "write" : "read" });
      expect(JSON.stringify(workflow.on)).not.toMatch(/pull_request_target|workflow_run/);
    },
  );

  it("the one that comments has the right to, and runs nothing of the pull request", () => {
    const workflow = parse(read(comment)) as Workflow;
    expect(workflow.permissions).toEqual({ actions: "read", "pull-requests": "write" });
    const [{ steps }] = Object.values(workflow.jobs) as [{ steps: Step[] }];
    expect(steps.flatMap(({ uses = [] }) => uses)).toEqual(["actions/download-artifact@v4"]);
    expect(steps[0]?.with?.path).toBe("untrusted");
    for (const step of steps) expect(step).not.toHaveProperty("working-directory");
    // Names of branches are the fork's to choose: they are handed over as variables, and never stand in a script.
    for (const { run = "" } of steps) expect(run).not.toContain("${{");
  });

  it("the one that comments follows the one that measures, and finds its artifact", () => {
    const first = parse(read(".github/examples/performance-fork.yml")) as Workflow;
    const second = parse(read(comment)) as Workflow;
    expect(second.on.workflow_run?.workflows).toEqual([first.name]);
    const artifact = ({ jobs }: Workflow, action: string): unknown =>
      Object.values(jobs)
        .flatMap(({ steps }) => steps)
        .find(({ uses }) => uses?.startsWith(action))?.with?.name;
    expect(artifact(second, "actions/download-artifact@")).toBe(artifact(first, "actions/upload-artifact@"));
  });
});

describe("action.yml", () => {
  it("is described in the guide, each input with its default and each output", () => {
    for (const [name, { default: value }] of Object.entries(action.inputs)) {
      expect(guide).toContain(`| \`${name}\` |`);
      if (value !== "") expect(guide).toContain(`| \`${name}\` | \`${value}\` |`);
    }
    for (const name of Object.keys(action.outputs)) expect(guide).toContain(`| \`${name}\` |`);
    for (const verdict of VERDICTS) {
      expect(guide).toContain(`\`${verdict}\``);
      expect(action.outputs.verdict!.description).toContain(verdict);
    }
  });

  it("starts what the build makes", () => {
    expect(action.runs).toEqual({
      using: "node24",
      main: "dist-action/main.js",
      post: "dist-action/post.js",
      "post-if": "always()",
    });
    const bundler = read("harness/action/bundle.mjs");
    for (const script of ["main.js", "post.js"]) expect(bundler).toContain(`["${script}", `);
  });
});
