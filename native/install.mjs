// Runs when the package is installed: finds a prebuilt addon for this machine or compiles one. What is missing is said in
// one message with its remedy. It uses nothing but Node and node-gyp-build, since nothing else is built at this time. In a
// package that is built already, the command line is compiled for this Node as well.

import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));

function fail(message) {
  console.error(`probewright: ${message}`);
  process.exit(1);
}

/** Whether the package carries an addon that loads here; judged in another process, because a bad one may crash. */
function prebuildLoads() {
  const test = "require('node-gyp-build')(process.argv[1])";
  const env = { ...process.env, PREBUILDS_ONLY: "1" };
  return spawnSync(process.execPath, ["-e", test, root], { cwd: root, env, stdio: "ignore" }).status === 0;
}

function runs(command, argument = "--version") {
  return spawnSync(command, [argument], { stdio: "ignore" }).status === 0;
}

/** The Debian packages of whatever a build would miss. */
function missingTools() {
  const compiler = (process.env.CXX ?? "g++").trim().split(/\s+/)[0];
  const python = [process.env.npm_config_python, process.env.PYTHON, "python3", "python"];
  return [
    runs(compiler) ? [] : ["g++"],
    runs("make") ? [] : ["make"],
    python.some((name) => name && runs(name)) ? [] : ["python3"],
  ].flat();
}

/** The folder whose include/node belongs to the running Node, so that no headers need to be downloaded. */
function localHeaders() {
  const prefix = dirname(dirname(process.execPath));
  const file = join(prefix, "include", "node", "node_version.h");
  if (!existsSync(file)) return undefined;
  const text = readFileSync(file, "utf8");
  const version = ["MAJOR", "MINOR", "PATCH"].map((part) => text.match(`NODE_${part}_VERSION (\\d+)`)?.[1]).join(".");
  return version === process.versions.node ? prefix : undefined;
}

function nodeGyp() {
  const script = process.env.npm_config_node_gyp;
  if (script !== undefined && existsSync(script)) return [process.execPath, script];
  if (runs("node-gyp")) return ["node-gyp"];
  return fail("node-gyp was not found. Install with npm, which brings it along, or run: npm install -g node-gyp");
}

function build() {
  const missing = missingTools();
  if (missing.length > 0) {
    const names = missing.join(", ");
    fail(
      `there is no prebuilt addon for ${process.platform}-${process.arch}, and ${names} to compile it ` +
        `${missing.length > 1 ? "are" : "is"} missing.\n  help: apt-get install g++ make python3   (or your system's equal), then install again`,
    );
  }
  const headers = localHeaders();
  const [command, ...args] = [
    ...nodeGyp(),
    "rebuild",
    "--jobs=max",
    ...(headers === undefined ? [] : [`--nodedir=${headers}`]),
  ];
  try {
    execFileSync(command, args, { cwd: root, stdio: "inherit" });
  } catch {
    fail(
      "compiling the addon failed; the compiler's own messages are above.\n" +
        "  help: it needs g++ 8 or newer with the C library's and the kernel's headers (apt-get install g++ make python3)",
    );
  }
}

if (process.platform !== "linux") fail(`it measures through the Linux kernel and cannot run on ${process.platform}`);
// In a checkout the sources are what counts, not a prebuild that was once made from them.
const checkout = existsSync(join(root, ".git"));
const fromSource = checkout || process.env.npm_config_build_from_source === "true";
if (fromSource || !prebuildLoads()) build();

// Only saves time, so nothing of it is worth an error.
if (existsSync(join(root, "dist/cli/trace.cjs"))) {
  spawnSync(process.execPath, [join(root, "bin/code-cache.js")], { stdio: "ignore" });
}
