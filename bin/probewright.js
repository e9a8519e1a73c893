#!/usr/bin/env node
import { existsSync } from "node:fs";

const main = new URL("../dist/cli/main.js", import.meta.url);
if (existsSync(main)) await import(main.href);
else {
  console.error("probewright: dist/ is missing; build it with `npm run build`");
  process.exitCode = 2;
}
