// Makes the GitHub Action: a folder that needs nothing beside it, laid out like the package, with the two scripts that the
// runner starts. To be run after `npm run bundle`, which makes the command line. Written into the folder that is named,
// else into dist-action, which a release carries and main does not.

import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("../..", import.meta.url));
const folder = resolve(process.argv[2] ?? join(root, "dist-action"));
const description = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));

rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });

// What the command line needs at run time, where it looks for it.
const PARTS = [
  "bin",
  "dist/cli",
  "dist/report-client",
  "scenarios/presets",
  "node_modules/node-gyp-build/index.js",
  "node_modules/node-gyp-build/node-gyp-build.js",
  "node_modules/node-gyp-build/package.json",
  "LICENSE",
];
// Compiled code is for the Node that it was made with.
const filter = (/** @type {string} */ file) => !file.endsWith(".cache");
for (const part of PARTS) cpSync(join(root, part), join(folder, part), { recursive: true, filter });
const { name, version, type, license } = description;
writeFileSync(join(folder, "package.json"), `${JSON.stringify({ name, version, type, license }, undefined, 2)}\n`);

// The addon: prebuilt for all machines as in a release, else the one that was built here for this machine.
const prebuilds = join(root, "prebuilds");
const built = join(root, "build/Release/probewright.node");
const ours = join(folder, "prebuilds", `linux-${process.arch}`, "probewright.node");
if (existsSync(prebuilds)) cpSync(prebuilds, join(folder, "prebuilds"), { recursive: true });
else if (existsSync(built)) cpSync(built, ours, { recursive: true });
else throw new Error("there is no addon: run `npm run install` or `npm run prebuilds` first");

/** @type {import("esbuild").BuildOptions} */
const shared = {
  absWorkingDir: root,
  bundle: true,
  platform: "node",
  format: "esm",
  metafile: true,
  logLevel: "warning",
  external: ["node-gyp-build"],
};

/** The runner starts a file; the sources export functions, which tests can call. */
const entry = (/** @type {string} */ file) => ({
  stdin: {
    contents: `import { run } from "./${file}"; await run();`,
    resolveDir: root,
    loader: /** @type {const} */ ("js"),
  },
});
const require =
  "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);";
const results = [];
for (const [output, file] of [
  ["main.js", "harness/action.ts"],
  ["post.js", "harness/action/post.ts"],
]) {
  results.push(
    await build({
      ...shared,
      ...entry(file),
      target: "node20",
      outfile: join(folder, output),
      minifySyntax: true,
      minifyWhitespace: true,
      banner: { js: require },
    }),
  );
}
// Only to learn what is in it; its files have been copied.
results.push(
  await build({
    ...shared,
    entryPoints: ["harness/cli/main.ts"],
    outdir: join(folder, "unused"),
    splitting: true,
    write: false,
  }),
);

// Licences want to travel with every copy of what they are about.
const packages = new Set(["node_modules/uplot", "node_modules/node-gyp-build"]);
for (const { metafile } of results) {
  for (const input of Object.keys(metafile.inputs)) {
    const inside = /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(dirname(input))?.[0];
    if (inside !== undefined) packages.add(inside);
  }
}
const licences = [...packages].sort().map((path) => {
  const { name, version, license } = JSON.parse(readFileSync(join(root, path, "package.json"), "utf8"));
  const file = ["LICENSE", "LICENSE.md", "LICENSE.txt", "LICENCE", "license"].find((file) =>
    existsSync(join(root, path, file)),
  );
  const text = file === undefined ? `Licensed under ${license}.` : readFileSync(join(root, path, file), "utf8").trim();
  return `${name} ${version}\n\n${text}\n`;
});
writeFileSync(join(folder, "THIRD-PARTY-LICENSES.txt"), licences.join(`\n${"-".repeat(80)}\n\n`));
