/**
 * What the documentation shows is what happens. Blocks marked `run` (```sh run, ```js run) are run in an empty project, one after
 * the other as they stand in their document; bpftrace blocks must compile; the README's failed check is made to fail
 * again. YAML blocks are looked at by test/unit/config/documentation.test.ts.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { compile } from "../../compiler/compile.ts";
import { Diagnostics, renderDiagnostics } from "../../compiler/diagnostics.ts";
import { Source } from "../../compiler/source.ts";
import { hostFacts } from "../../harness/tracing/facts/host-facts.ts";
import { hostFiles } from "../../harness/tracing/facts/host-files.ts";
import { runCli } from "../support/cli.ts";
import { type Block, blocksOf } from "../support/markdown.ts";
import { describeKernel } from "../support/privileges.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const DOCUMENTS = ["README.md", "CONTRIBUTING.md", ...readdirSync(join(ROOT, "docs")).map((file) => `docs/${file}`)];

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** A project of a user who has installed the package, and for whom sudo asks nothing. */
class Project {
  readonly folder = mkdtempSync(join(tmpdir(), "probewright-docs-"));
  readonly #tools = join(this.folder, "node_modules", ".tools");

  constructor(files: Readonly<Record<string, string>> = {}) {
    folders.push(this.folder);
    const bin = join(this.folder, "node_modules", ".bin");
    for (const path of [bin, this.#tools]) mkdirSync(path, { recursive: true });
    symlinkSync(ROOT, join(this.folder, "node_modules", "probewright"));
    symlinkSync("../probewright/bin/probewright.js", join(bin, "probewright"));
    writeFileSync(join(this.#tools, "sudo"), '#!/bin/sh\nexec "$@"\n', { mode: 0o755 });
    for (const [path, content] of Object.entries({ "package.json": '{ "private": true }', ...files })) {
      mkdirSync(join(this.folder, path, ".."), { recursive: true });
      writeFileSync(join(this.folder, path), content);
    }
  }

  run(command: string, ...args: string[]): void {
    const env = { ...process.env, PATH: `${this.#tools}:${process.env.PATH}` };
    const { status, stdout, stderr } = spawnSync(command, args, { cwd: this.folder, env, encoding: "utf8" });
    expect({ status, output: status === 0 ? "" : stdout + stderr }).toEqual({ status: 0, output: "" });
  }
}

const documents = DOCUMENTS.map((name) => ({ name, blocks: blocksOf(readFileSync(join(ROOT, name), "utf8")) }));
const named = (select: (block: Block) => boolean): [string, Block[]][] =>
  documents.flatMap(({ name, blocks }): [string, Block[]][] => {
    const chosen = blocks.filter(select);
    return chosen.length === 0 ? [] : [[name, chosen]];
  });

describeKernel("what can be run", () => {
  describe.each(named(({ mark }) => mark === "run"))("in %s", (_, blocks) => {
    const project = new Project();

    it.each(blocks.map((block): [string, Block] => [`line ${block.line}`, block]))(
      "%s runs",
      (_, { language, text }) => {
        if (language === "js") project.run("node", "--input-type=module", "-e", text);
        else project.run("sh", "-eu", "-c", text);
      },
    );
  });
});

describeKernel("bpftrace", () => {
  const facts = hostFacts();

  it.each(
    named(({ language }) => language === "bpftrace").flatMap(([name, blocks]) =>
      blocks.map(({ line, text }): [string, number, string] => [name, line, text]),
    ),
  )("in %s, line %d, compiles", (name, _, text) => {
    const diags = new Diagnostics();
    compile(new Source(name, text), facts, diags, { unsafe: true, files: hostFiles() });
    expect(renderDiagnostics(diags.errors)).toBe("");
  });
});

describeKernel("the failed check in README.md", () => {
  /** Numbers differ from machine to machine, and with them the widths of columns. */
  const comparable = (report: string): string[] =>
    report
      .replace(/^.*duration .*$|±\S+/gm, "")
      .replace(/[+-]?\d[\d,.]*( (ns|us|ms|s)\b)?%?/g, "N")
      .split("\n")
      .map((line) => line.trim().replace(/ +/g, " "))
      .filter((line) => line !== "" && !/^probes:|^without probes:/.test(line));

  it("is what that check prints", async () => {
    const { blocks } = documents[0]!;
    const yaml = blocks.find(({ language, text }) => language === "yaml" && text.includes("name: load-config"))!;
    const shown = blocks.find(({ text }) => text.startsWith("✗ FAILED load-config"))!;
    const plugins = ["a", "b", "c"];
    const { folder } = new Project({
      "load-config.yml": yaml.text,
      "config.json": JSON.stringify({ plugins }),
      ...Object.fromEntries(plugins.map((plugin) => [`plugins/${plugin}.json`, "{}"])),
      "load-config.mjs": `import { readFileSync } from "node:fs";
const config = JSON.parse(readFileSync("config.json", "utf8"));
for (const plugin of config.plugins) readFileSync(\`plugins/\${plugin}.json\`, "utf8");
`,
    });
    const cwd = { cwd: folder };
    expect(await runCli(["run", "load-config.yml", "--update-baseline"], "", cwd)).toMatchObject({ status: 0 });
    writeFileSync(
      join(folder, "load-config.mjs"),
      `import { readFileSync } from "node:fs";
const config = () => JSON.parse(readFileSync("config.json", "utf8"));
for (const plugin of config().plugins) {
  for (const path of [\`plugins/\${plugin}.yml\`, \`plugins/\${plugin}.json\`]) {
    try { readFileSync(path); } catch {}
  }
  config();
}
`,
    );
    const { status, out } = await runCli(["run", "load-config.yml"], "", cwd);
    expect(status).toBe(1);
    expect(comparable(out)).toEqual(comparable(shown.text));
  });
});
