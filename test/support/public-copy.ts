/**
 * The built package where everybody may read it. Tests as an ordinary user need that: checkouts, and Node itself, often
 * lie in folders that only their owner may enter.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll } from "vitest";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
/** All that the command loads, but not its sources and tests. */
const PARTS = ["package.json", "bin", "dist/cli", "build/Release", "scenarios/presets", "node_modules/node-gyp-build"];

/** A user who may do nothing out of the ordinary. */
export const NOBODY = { uid: 65534, gid: 65534 };

export interface PublicCopy {
  readonly folder: string;
  /** A Node that NOBODY may execute. */
  readonly node: string;
  /** The command, for that Node. */
  readonly bin: string;
}

let copy: PublicCopy | undefined;

/** The copy of this test file, made when first asked for; gone after the file's last test. */
export function publicCopy(): PublicCopy {
  copy ??= make();
  return copy;
}

function make(): PublicCopy {
  const folder = mkdtempSync(join(tmpdir(), "probewright-public-"));
  for (const part of PARTS) {
    const target = join(folder, part);
    mkdirSync(dirname(target), { recursive: true });
    cpSync(join(ROOT, part), target, { recursive: true });
  }
  let node = process.execPath;
  if (spawnSync(node, ["--version"], { ...NOBODY, cwd: "/" }).status !== 0) {
    node = join(folder, "node");
    cpSync(process.execPath, node, { dereference: true });
  }
  execFileSync("chmod", ["-R", "a+rX", folder]);
  return { folder, node, bin: join(folder, "bin/probewright.js") };
}

afterAll(() => {
  if (copy !== undefined) rmSync(copy.folder, { recursive: true, force: true });
});
