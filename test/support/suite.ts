/** Suites on a machine of the test's own: YAML text in, result out. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Fingerprint } from "../../harness/baseline/fingerprint.ts";
import type { MapData } from "../../harness/metrics/run-data.ts";
import { runSuite, type SuiteOptions, type SuiteOutcome } from "../../harness/runner/suite.ts";
import type { FakeWorld } from "./fake-host.ts";
import { temporaryTree } from "./temporary.ts";

export const MACHINE: Fingerprint = {
  arch: "x64",
  cpu: "Test CPU",
  cpuFlags: "abc",
  cores: 4,
  kernel: "6.1",
  mitigations: "none",
  governor: "none",
  libc: "glibc 2.36",
  tool: "1.0.0",
  scope: "cgroup",
};

const NEVER = new AbortController().signal;

/** A project folder with one scenario file, which can be run again and again. */
export class TestProject {
  readonly folder: string;
  readonly file: string;
  machine = MACHINE;

  constructor(yaml: string) {
    this.folder = temporaryTree({ "package.json": "{}", "test.yml": `version: 1\n${yaml}` });
    this.file = join(this.folder, "test.yml");
  }

  get baseline(): string {
    return join(this.folder, ".probewright/baseline.json");
  }

  run(
    world: FakeWorld,
    mode: SuiteOptions["baseline"]["mode"] = "compare",
    options: Partial<SuiteOptions> = {},
    files: Readonly<Record<string, string>> = {},
  ): Promise<SuiteOutcome> {
    return runSuite(
      { files: [this.file], baseline: { mode }, interrupt: NEVER, abandon: NEVER, ...options },
      {
        runner: world,
        config: { readFile: (path) => files[path] ?? readFileSync(path, "utf8"), presets: () => new Map() },
        machine: this.machine,
      },
    );
  }
}

/** A keyed map of counts, as the tracer reads it. */
export function countMap(name: string, counts: Readonly<Record<string, number>>): MapData {
  return {
    name,
    kind: "count",
    keyed: true,
    entries: Object.entries(counts).map(([key, value]) => ({
      key: [key],
      value: { kind: "count", value: BigInt(value) },
    })),
  };
}

/** A histogram without keys; buckets as [low, high, count]. */
export function histMap(name: string, buckets: readonly (readonly [number, number, number])[]): MapData {
  const histogram = {
    buckets: buckets.map(([low, high, count]) => ({ low: BigInt(low), high: BigInt(high), count: BigInt(count) })),
  };
  return { name, kind: "hist", keyed: false, entries: [{ key: [], value: { kind: "hist", histogram } }] };
}
