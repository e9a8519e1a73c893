// Makes what the command line runs from: modules that the commands share, and one file with all that `trace` needs, which
// bin/code-cache.js loads and keeps compiled.

import { createHash } from "node:crypto";
import { readdirSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("../..", import.meta.url));
const { TRACE_BUNDLE, writeCache } = createRequire(import.meta.url)("../../bin/code-cache.js");
const CHUNKS = "dist/cli/chunks";

/** @type {import("esbuild").BuildOptions} */
const shared = {
  absWorkingDir: root,
  bundle: true,
  platform: "node",
  target: "node20",
  external: ["node-gyp-build"],
  minifySyntax: true,
  minifyWhitespace: true,
  // Node shows the line of an error that nobody has caught.
  lineLimit: 160,
  legalComments: "linked",
  logLevel: "warning",
};

const { metafile } = await build({
  ...shared,
  entryPoints: ["harness/cli/main.ts"],
  outdir: "dist/cli",
  splitting: true,
  format: "esm",
  chunkNames: "chunks/[name]-[hash]",
  metafile: true,
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
  },
});
/** A CommonJS bundle has a `require` of its own: no need to load the module that makes one. */
const ownRequire = {
  name: "own-require",
  setup(/** @type {import("esbuild").PluginBuild} */ { onResolve, onLoad }) {
    onResolve({ filter: /^node:module$/ }, () => ({ path: "require", namespace: "own" }));
    onLoad({ filter: /.*/, namespace: "own" }, () => ({ contents: "export const createRequire = () => require;" }));
  },
};

// The names of shared modules change with their content; the old ones go.
for (const name of readdirSync(join(root, CHUNKS))) {
  if (!(`${CHUNKS}/${name}` in metafile.outputs)) rmSync(join(root, CHUNKS, name));
}
const { outputFiles } = await build({
  ...shared,
  entryPoints: ["harness/cli/trace-main.ts"],
  outfile: TRACE_BUNDLE,
  write: false,
  format: "cjs",
  define: { "import.meta.dirname": "__dirname", "import.meta.filename": "__filename" },
  plugins: [ownRequire],
  banner: { js: "(function (exports, require, module, __filename, __dirname) {" },
  footer: { js: "})" },
});
for (const { path, text } of outputFiles) {
  writeFileSync(path, path === TRACE_BUNDLE ? `//${createHash("sha256").update(text).digest("hex")}\n${text}` : text);
}
writeCache(TRACE_BUNDLE);
