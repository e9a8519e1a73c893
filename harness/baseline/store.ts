/**
 * Baselines in a file: what each scenario measured when somebody last said that this is how it should be. An entry
 * belongs to a scenario and a machine; what it may be compared with is decided by the hashes in it.
 */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { z } from "zod";
import type { Scenario } from "../config/scenario.ts";
import { writeFileAtomically } from "./atomic-file.ts";
import { type Fingerprint, fingerprintDifferences, fingerprintId } from "./fingerprint.ts";
import { jsonNumber, mapTable } from "./values.ts";

const BASELINE_VERSION = 1;
const BASELINE_FILE = join(".probewright", "baseline.json");

export const fingerprintSchema = z.strictObject({
  arch: z.string(),
  cpu: z.string(),
  cpuFlags: z.string().describe("digest of the feature flags"),
  cores: z.int(),
  kernel: z.string(),
  mitigations: z.string(),
  governor: z.string(),
  libc: z.string(),
  tool: z.string(),
  scope: z.enum(["cgroup", "tree"]),
}) satisfies z.ZodType<Fingerprint>;

const entry = z.strictObject({
  scenario: z.string(),
  /** Relative to the folder that holds `.probewright`. */
  file: z.string(),
  contentHash: z.string(),
  scriptHash: z.string(),
  fingerprint: fingerprintSchema,
  /** ISO 8601. */
  recordedAt: z.string(),
  metrics: z.record(
    z.string(),
    z.strictObject({
      /** What the metric meant; a value of another meaning is no baseline. */
      definition: z.string(),
      /** One for each run; null: no data. */
      values: z.array(jsonNumber.nullable()),
    }),
  ),
  maps: z.array(mapTable),
});
export type BaselineEntry = z.infer<typeof entry>;

const baselineFile = z.strictObject({ version: z.literal(BASELINE_VERSION), entries: z.array(entry) });

/** A baseline file that cannot be used; the message says why and what to do. */
export class BaselineError extends Error {
  override readonly name = "BaselineError";
}

/** The entry for a scenario, and how it may be used. */
export type BaselineMatch =
  | { readonly kind: "none" }
  | { readonly kind: "same"; readonly entry: BaselineEntry }
  /** Measured elsewhere: exact counters may be compared, times not. `differences` says what is other. */
  | { readonly kind: "other-machine"; readonly entry: BaselineEntry; readonly differences: readonly string[] }
  /** What is run, or what is traced, has changed since: nothing is compared. */
  | { readonly kind: "changed"; readonly entry: BaselineEntry; readonly what: "workload" | "probes" };

/** The contents of one baseline file. Immutable: updates make a new one. */
export class Baseline {
  readonly entries: readonly BaselineEntry[];

  constructor(entries: readonly BaselineEntry[]) {
    this.entries = entries;
  }

  /** The most fitting entry: same machine before other machines, newer before older. */
  find({ name, contentHash, scriptHash }: Scenario, machine: Fingerprint): BaselineMatch {
    const id = fingerprintId(machine);
    const newestFirst = this.entries
      .filter((candidate) => candidate.scenario === name)
      .sort((a, b) => (a.recordedAt < b.recordedAt ? 1 : -1));
    const here = newestFirst.filter((candidate) => fingerprintId(candidate.fingerprint) === id);
    const fits = (candidate: BaselineEntry): boolean =>
      candidate.contentHash === contentHash && candidate.scriptHash === scriptHash;
    const same = here.find(fits);
    if (same !== undefined) return { kind: "same", entry: same };
    const elsewhere = newestFirst.find(fits);
    if (elsewhere !== undefined) {
      const differences = fingerprintDifferences(elsewhere.fingerprint, machine);
      return { kind: "other-machine", entry: elsewhere, differences };
    }
    const changed = here[0] ?? newestFirst[0];
    if (changed === undefined) return { kind: "none" };
    return { kind: "changed", entry: changed, what: changed.contentHash === contentHash ? "probes" : "workload" };
  }

  /** Puts an entry in the place of the one for the same scenario on the same machine. */
  with(added: BaselineEntry): Baseline {
    const id = fingerprintId(added.fingerprint);
    const kept = this.entries.filter((old) => old.scenario !== added.scenario || fingerprintId(old.fingerprint) !== id);
    return new Baseline([...kept, added]);
  }
}

/** Reads a baseline file; one that does not exist is empty. Throws BaselineError. */
export function readBaseline(path: string): Baseline {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return new Baseline([]);
    throw new BaselineError(`cannot read the baseline ${path}: ${message}`);
  }
  return parseBaseline(text, path);
}

export function parseBaseline(text: string, path: string): Baseline {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw corrupt(path, error instanceof Error ? error.message : String(error));
  }
  const version = typeof json === "object" && json !== null && "version" in json ? json.version : undefined;
  if (typeof version === "number" && version > BASELINE_VERSION) {
    throw new BaselineError(
      `the baseline ${path} has format ${version}, and this probewright knows formats up to ${BASELINE_VERSION}: ` +
        "it was written by a newer version; update probewright, or record a new baseline elsewhere with --baseline",
    );
  }
  const result = baselineFile.safeParse(json);
  if (!result.success) {
    const [issue] = result.error.issues;
    throw corrupt(path, `${issue!.path.join(".") || "the whole file"}: ${issue!.message}`);
  }
  return new Baseline(result.data.entries);
}

function corrupt(path: string, why: string): BaselineError {
  return new BaselineError(
    `the baseline ${path} is damaged: ${why}; restore it, or delete it and record a new one with \`probewright baseline update\``,
  );
}

/** Throws WriteError; the old file is intact then. */
export function writeBaseline(path: string, { entries }: Baseline): void {
  const sorted = [...entries].sort(
    (a, b) => compareText(a.scenario, b.scenario) || compareText(a.recordedAt, b.recordedAt),
  );
  writeFileAtomically(path, `${JSON.stringify({ version: BASELINE_VERSION, entries: sorted }, undefined, 1)}\n`);
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/**
 * The folder whose `.probewright` holds the baselines of a scenario file: the nearest one above it that has a
 * `.probewright`, a `package.json` or a `.git`; without any, the file's own folder.
 */
export function projectRoot(file: string): string {
  const start = dirname(resolve(file));
  for (let folder = start; ; folder = dirname(folder)) {
    if ([".probewright", "package.json", ".git"].some((name) => existsSync(join(folder, name)))) return folder;
    if (folder === dirname(folder)) return start;
  }
}

/** Where the baseline of a scenario file is kept, and how the file is called in it. */
export function baselineLocation(file: string): { path: string; file: string } {
  const root = projectRoot(file);
  return { path: join(root, BASELINE_FILE), file: relative(root, resolve(file)) };
}
