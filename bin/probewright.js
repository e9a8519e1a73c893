#!/usr/bin/env node
// The command line's entry. It is CommonJS, as is the bundle of `trace`: what is started by hand and often does not wait for
// the loader of ES modules, nor for the compilation of its own code.
const { existsSync } = require("node:fs");
const { join } = require("node:path");
const { loadBundle, TRACE_BUNDLE } = require("./code-cache.js");

if (process.argv[2] === "trace" && existsSync(TRACE_BUNDLE)) loadBundle(TRACE_BUNDLE).main(process.argv.slice(3));
else if (existsSync(join(__dirname, "../dist/cli/main.js"))) import("../dist/cli/main.js");
else {
  console.error("probewright: dist/ is missing; build it with `npm run build`");
  process.exitCode = 2;
}
