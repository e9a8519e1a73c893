// Makes the script and the style of the HTML report: harness/report/client and the plotting library in two files, which
// every report carries whole. Written into the folder that is named, else where the package expects them.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("../../..", import.meta.url));

const folder = process.argv[2] ?? join(root, "dist/report-client");
// The library's licence wants to travel with every copy of it.
const licence = readFileSync(join(root, "node_modules/uplot/LICENSE"), "utf8").trim();
const banner = `/*! Contains uPlot, https://github.com/leeoniya/uPlot\n\n${licence}\n*/`;

await build({
  absWorkingDir: root,
  entryPoints: ["harness/report/client/main.ts"],
  outdir: folder,
  bundle: true,
  minify: true,
  format: "iife",
  target: "es2022",
  legalComments: "inline",
  banner: { js: banner, css: banner },
  logLevel: "warning",
});
