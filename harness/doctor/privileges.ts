/** What this process may do. */
import { isAtLeast } from "../tracing/facts/version.ts";
import type { Finding } from "./finding.ts";
import type { DoctorHost } from "./host.ts";
import { type CapabilityName, type ProcessStatus, processStatus } from "./process-status.ts";

export function checkPrivileges(host: DoctorHost): Finding[] {
  const status = processStatus(host);
  return [user(status), ...confinement(status), ...CAPABILITIES.map((row) => capability(row, status, host))];
}

function user({ euid, inUserNamespace }: ProcessStatus): Finding {
  const base = { id: "user", group: "privileges", subject: "user" } as const;
  const value = Number.isNaN(euid) ? "unknown" : euid === 0 ? "root" : `uid ${euid}`;
  if (!inUserNamespace) return { ...base, status: "info", value };
  return {
    ...base,
    status: "warning",
    value: `${value}, in a user namespace`,
    consequence: "capabilities in a user namespace do not extend to tracing the kernel",
    remedy: "start from outside, as the machine's root",
  };
}

function confinement({ container, filtered }: ProcessStatus): Finding[] {
  if (container === undefined && !filtered) return [];
  const where = container ?? "a sandbox";
  const finding: Finding = {
    id: "container",
    group: "privileges",
    subject: "container",
    status: "info",
    value: filtered ? `${where}, with a seccomp filter` : where,
  };
  if (filtered) {
    finding.consequence = "the filter may refuse bpf and perf_event_open with EPERM whatever the capabilities";
    finding.remedy = CONTAINER_OPTIONS;
  }
  return [finding];
}

interface Row {
  name: CapabilityName;
  serves: string;
  /** Tracing as such needs it. */
  needed?: true;
  /** CAP_SYS_ADMIN includes it, and is it before this kernel release. */
  splitFromAdmin?: readonly [number, number];
  /** Kernels from this release on do without. */
  until?: readonly [number, number];
}

const CAPABILITIES: readonly Row[] = [
  { name: "BPF", serves: "loading programs and creating maps", needed: true, splitFromAdmin: [5, 8] },
  { name: "PERFMON", serves: "attaching programs and reading kernel memory", needed: true, splitFromAdmin: [5, 8] },
  { name: "SYS_ADMIN", serves: "what the probes cost (BPF statistics), cgroups, type information of modules" },
  { name: "SYS_RESOURCE", serves: "locking memory beyond the limit, which maps need", until: [5, 11] },
  { name: "SYSLOG", serves: "addresses of kernel symbols: ksym, kaddr, kernel stacks" },
  { name: "SYS_PTRACE", serves: "symbols and stacks of other users' processes" },
  { name: "SETUID", serves: "running a workload as another user" },
  { name: "SETGID", serves: "running a workload as another user" },
  { name: "KILL", serves: "ending a workload that runs as another user" },
];

function capability(row: Row, status: ProcessStatus, host: DoctorHost): Finding {
  const base = {
    id: `cap-${row.name.toLowerCase().replaceAll("_", "-")}`,
    group: "privileges",
    subject: `CAP_${row.name}`,
  } as const;
  const since = (release: readonly [number, number]): boolean => isAtLeast(host.facts.version, release);
  if (row.splitFromAdmin && status.has("SYS_ADMIN"))
    return { ...base, status: "ok", value: status.has(row.name) ? "yes" : "by CAP_SYS_ADMIN" };
  if (row.until && since(row.until))
    return { ...base, status: "ok", value: `${status.has(row.name) ? "yes" : "no"}, not needed by this kernel` };
  if (status.has(row.name) && (!row.splitFromAdmin || since(row.splitFromAdmin)))
    return { ...base, status: "ok", value: "yes" };
  const wanted = row.splitFromAdmin && !since(row.splitFromAdmin) ? "SYS_ADMIN" : row.name;
  return {
    ...base,
    status: row.needed ? "missing" : "warning",
    value: "no",
    consequence: `needed for ${row.serves}`,
    remedy: howToGet(wanted, status),
  };
}

const CONTAINER_OPTIONS =
  "start the container with --privileged, or with --cap-add BPF --cap-add PERFMON --cap-add SYS_ADMIN " +
  "--security-opt seccomp=unconfined -v /sys/kernel/tracing:/sys/kernel/tracing";

function howToGet(name: CapabilityName, { container, euid }: ProcessStatus): string {
  if (euid !== 0) return "run with sudo";
  return container === undefined
    ? `give the service or shell CAP_${name}: it was taken away from root`
    : CONTAINER_OPTIONS;
}
