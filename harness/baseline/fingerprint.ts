/**
 * What makes numbers of two machines incomparable. Times measured under another fingerprint are no baseline; exact
 * counters may be, with a warning that says what differs.
 */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { arch, release, version } from "node:os";
import { join } from "node:path";
import type { ScopeKind } from "../runner/scope.ts";

/** All values are for people to read; equality is equality of all. */
export interface Fingerprint {
  readonly arch: string;
  /** Model name. */
  readonly cpu: string;
  /** Digest of the feature flags. */
  readonly cpuFlags: string;
  /** CPUs that are online. */
  readonly cores: number;
  readonly kernel: string;
  /** What the kernel does about each hardware vulnerability. */
  readonly mitigations: string;
  /** Frequency governor of the first CPU; "none" where the machine has no such choice. */
  readonly governor: string;
  readonly libc: string;
  /** Version of probewright. */
  readonly tool: string;
  /** How a workload's processes are told from others: it decides what is accounted to them. */
  readonly scope: ScopeKind;
}

/** Reads the fingerprint of this machine; `root` is where /proc and /sys are found (tests bring their own). */
export function hostFingerprint(tool: string, scope: ScopeKind, root = "/"): Fingerprint {
  const cpuinfo = read(join(root, "proc/cpuinfo"));
  return {
    arch: arch(),
    cpu: cpuModel(cpuinfo),
    cpuFlags: flagsDigest(cpuinfo),
    cores: [...cpuinfo.matchAll(/^processor\s*:/gm)].length,
    // Distributions keep the release and change the version when they repair a kernel.
    kernel: `${release()} ${version()}`,
    mitigations: mitigations(join(root, "sys/devices/system/cpu/vulnerabilities")),
    governor: read(join(root, "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")).trim() || "none",
    libc: libc(),
    tool,
    scope,
  };
}

/** A short name for a fingerprint; equal exactly for equal ones. */
export function fingerprintId(fingerprint: Fingerprint): string {
  const text = JSON.stringify(Object.entries(fingerprint).sort());
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}

const LABELS: Readonly<Record<keyof Fingerprint, string>> = {
  arch: "architecture",
  cpu: "CPU",
  cpuFlags: "CPU features",
  cores: "CPUs",
  kernel: "kernel",
  mitigations: "mitigations",
  governor: "frequency governor",
  libc: "libc",
  tool: "probewright",
  scope: "scope",
};

/** What differs, for people: `kernel 6.1.0 -> 6.18.2`. Empty for equal fingerprints. */
export function fingerprintDifferences(before: Fingerprint, now: Fingerprint): string[] {
  return (Object.keys(LABELS) as (keyof Fingerprint)[])
    .filter((key) => before[key] !== now[key])
    .map((key) => (key === "mitigations" ? LABELS[key] : `${LABELS[key]} ${before[key]} -> ${now[key]}`));
}

/** x86 gives a model name; arm64 gives numbers only. */
function cpuModel(cpuinfo: string): string {
  const field = (name: string): string | undefined => new RegExp(`^${name}\\s*:\\s*(.*)$`, "m").exec(cpuinfo)?.[1];
  const name = field("model name");
  if (name !== undefined) {
    const numbers = [field("cpu family"), field("model"), field("stepping")];
    return numbers.every((number) => number !== undefined) ? `${name} (${numbers.join("/")})` : name;
  }
  const ids = ["CPU implementer", "CPU architecture", "CPU variant", "CPU part", "CPU revision"].map(field);
  return ids.some((id) => id !== undefined) ? ids.map((id) => id ?? "?").join("/") : "unknown";
}

function flagsDigest(cpuinfo: string): string {
  const flags = /^(?:flags|Features)\s*:\s*(.*)$/m.exec(cpuinfo)?.[1] ?? "";
  const sorted = flags.split(/\s+/).filter(Boolean).sort().join(" ");
  return createHash("sha256").update(sorted).digest("hex").slice(0, 12);
}

function mitigations(directory: string): string {
  let names: string[];
  try {
    names = readdirSync(directory).sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "unknown";
    throw error;
  }
  return names.map((name) => `${name}: ${read(join(directory, name)).trim()}`).join("; ");
}

interface ReportHeader {
  readonly glibcVersionRuntime?: string;
}

function libc(): string {
  const report = process.report as NodeJS.ProcessReport & { excludeNetwork?: boolean };
  // Naming the machine's network interfaces would make name servers part of the fingerprint's cost.
  const before = report.excludeNetwork;
  report.excludeNetwork = true;
  const { header } = report.getReport() as unknown as { header: ReportHeader };
  report.excludeNetwork = before;
  return header.glibcVersionRuntime === undefined ? "not glibc" : `glibc ${header.glibcVersionRuntime}`;
}

/** "" for what this machine does not have. */
function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "")) return "";
    throw error;
  }
}
