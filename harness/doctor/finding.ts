/** What `probewright doctor` finds: plain data, printed as a table or as JSON. */

/**
 * "missing": tracing as such cannot work. "warning": something that scenarios may want does not. "info": nothing is
 * wrong, but measurements depend on it.
 */
export type Status = "ok" | "info" | "warning" | "missing";

export const GROUPS = ["privileges", "kernel", "tracing", "bpf", "measuring"] as const;
export type Group = (typeof GROUPS)[number];

export interface Finding {
  /** Stable kebab-case name, unique among the findings. */
  id: string;
  group: Group;
  /** What was looked at: `tracefs`, `CAP_BPF`. */
  subject: string;
  status: Status;
  /** What was found. */
  value: string;
  /** What does not work, or works worse, because of it. */
  consequence?: string;
  /** What to do about it: a command wherever one can be given. */
  remedy?: string;
  /** The parts of a finding about many things, by name. */
  details?: Readonly<Record<string, "yes" | "no" | "denied">>;
}

/** Whether scenarios can run here. */
export function canTrace(findings: readonly Finding[]): boolean {
  return findings.every((finding) => finding.status !== "missing");
}
