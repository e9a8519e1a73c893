/** The install script: a prebuilt addon is taken if it loads, and what a build would miss is said in one message. */
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const ADDON = join(root, "build", "Release", "probewright.node");

describe("installing", () => {
  let folder: string;
  let tools: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "probewright-install-"));
    tools = join(folder, "tools");
    mkdirSync(tools);
    writeFileSync(join(folder, "package.json"), '{ "name": "probewright" }');
    symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
    cpSync(join(root, "native", "install.mjs"), join(folder, "native", "install.mjs"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  /** A program on the PATH that says its arguments and ends with `status`. */
  const tool = (name: string, status = 0): void =>
    writeFileSync(join(tools, name), `#!/bin/sh\necho "${name} $*"\nexit ${status}\n`, { mode: 0o755 });

  const prebuild = (content: string | Buffer | undefined): void => {
    const target = join(folder, "prebuilds", `linux-${process.arch}`, "probewright.node");
    mkdirSync(dirname(target), { recursive: true });
    if (content === undefined) cpSync(ADDON, target);
    else writeFileSync(target, content);
  };

  const install = (env: Record<string, string> = {}): { status: number | null; output: string; errors: string } => {
    const result = spawnSync(process.execPath, [join(folder, "native", "install.mjs")], {
      cwd: folder,
      env: { PATH: tools, ...env },
    });
    return { status: result.status, output: result.stdout.toString(), errors: result.stderr.toString() };
  };

  it("takes a prebuilt addon that loads", () => {
    prebuild(undefined);
    expect(install()).toEqual({ status: 0, output: "", errors: "" });
  });

  it.each([
    ["all tools", [], "g++, make, python3 to compile it are missing"],
    ["a compiler", ["make", "python3"], "g++ to compile it is missing"],
    ["make and python", ["g++"], "make, python3 to compile it are missing"],
  ])("without %s says so once, with the remedy", (_, present, missing) => {
    for (const name of present) tool(name);
    const { status, errors } = install();
    expect(status).toBe(1);
    expect(errors).toContain(`probewright: there is no prebuilt addon for linux-${process.arch}, and ${missing}`);
    expect(errors).toContain("help: apt-get install g++ make python3");
    expect(errors.trim().split("\n").length).toBe(2);
  });

  it("does not take a prebuilt addon that does not load", () => {
    prebuild("this is no addon");
    expect(install().errors).toContain("are missing");
  });

  it("does not take a prebuilt addon when told to build", () => {
    prebuild(undefined);
    expect(install({ npm_config_build_from_source: "true" }).errors).toContain("are missing");
  });

  it("does not take a prebuilt addon in a checkout", () => {
    prebuild(undefined);
    mkdirSync(join(folder, ".git"));
    expect(install().errors).toContain("are missing");
  });

  it("honours the compiler of the environment", () => {
    for (const name of ["my-compiler", "make", "python3", "node-gyp"]) tool(name);
    expect(install({ CXX: "my-compiler -m64" })).toMatchObject({ status: 0, errors: "" });
  });

  it("builds with node-gyp", () => {
    for (const name of ["g++", "make", "python3", "node-gyp"]) tool(name);
    const { status, output } = install();
    expect(status).toBe(0);
    expect(output).toMatch(/^node-gyp rebuild --jobs=max( --nodedir=\S+)?\n$/);
  });

  it("says where to get node-gyp", () => {
    for (const name of ["g++", "make", "python3"]) tool(name);
    const { status, errors } = install();
    expect(status).toBe(1);
    expect(errors).toMatch(/^probewright: node-gyp was not found\. .*npm install -g node-gyp\n$/);
  });

  it("says so when the build fails", () => {
    for (const name of ["g++", "make", "python3"]) tool(name);
    const script = join(tools, "node-gyp.js");
    writeFileSync(script, "process.exit(1)");
    const { status, errors } = install({ npm_config_node_gyp: script });
    expect(status).toBe(1);
    expect(errors).toContain("probewright: compiling the addon failed");
  });
});
