/** Where events come from, and how a workload's own are told from all others. */
import { PerfSoftware, PerfType, ProgType } from "../../native/index.ts";
import { findHierarchy } from "../runner/cgroups.ts";
import { CapabilityError } from "../tracing/facts/capability-error.ts";
import type { Finding } from "./finding.ts";
import type { DoctorHost } from "./host.ts";
import { testFunction, tracepointType } from "./type-information.ts";

const group = "tracing";

/** What can be seen in files. */
export function checkTracing(host: DoctorHost): Finding[] {
  return [tracepoints(host), cgroups(host)];
}

/** What has to be tried, with programs that are allowed to be loaded. */
export function checkAttaching(host: DoctorHost): Finding[] {
  return [rawTracepointsWithTypes(host), ...dynamicProbes(host), fentry(host), ...multiLinks(host)];
}

function tracepoints({ facts }: DoctorHost): Finding {
  const base = { id: "tracefs", group, subject: "tracepoints (tracefs)" } as const;
  try {
    return { ...base, status: "ok", value: `${facts.tracepoints().length} at ${facts.tracefs()}` };
  } catch (error) {
    if (!(error instanceof CapabilityError)) throw error;
    const consequence = "no tracepoint: probe can be attached";
    return { ...base, status: "missing", value: error.message, consequence, remedy: error.help };
  }
}

function cgroups(host: DoctorHost): Finding {
  const base = { id: "cgroup2", group, subject: "cgroup v2" } as const;
  const consequence = "a workload is told from others by its process tree, which costs more in every event";
  const hierarchy = findHierarchy(host.read("/proc/self/mountinfo") ?? "");
  if (hierarchy === undefined) {
    const where = host.read("/proc/mounts")?.includes(" /sys/fs/cgroup ") ? "/sys/fs/cgroup/unified" : "/sys/fs/cgroup";
    const remedy = `run as root: mkdir -p ${where} && mount -t cgroup2 none ${where}`;
    return { ...base, status: "warning", value: "not mounted", consequence, remedy };
  }
  const parent = host.cgroupParent(hierarchy);
  if (parent === undefined) {
    const remedy =
      "run as root, or have systemd delegate a cgroup: systemd-run --user --scope -p Delegate=yes <command>";
    return { ...base, status: "warning", value: `${hierarchy.mount}, not writable`, consequence, remedy };
  }
  const controllers = host.read(`${parent}/cgroup.controllers`)?.split(/\s+/).filter(Boolean) ?? [];
  const having = controllers.length > 0 ? `, controllers ${controllers.join(" ")}` : "";
  return { ...base, status: "ok", value: `scopes below ${parent}${having}` };
}

/** Opening a perf event, which is another system call with other rules. */
export function checkPerfEvents({ perfEvent }: DoctorHost): Finding {
  const base = { id: "perf-events", group, subject: "perf events" } as const;
  const answer = perfEvent(PerfType.SOFTWARE, PerfSoftware.CPU_CLOCK);
  if (answer === "yes") return { ...base, status: "ok", value: "yes" };
  const denied = answer === "EPERM" || answer === "EACCES";
  return {
    ...base,
    status: "warning",
    value: answer,
    consequence: "no interval:, profile:, software: and perf-based tracepoint: probes",
    remedy: denied
      ? "run with sudo; in a container allow perf_event_open"
      : "use a kernel built with CONFIG_PERF_EVENTS=y",
  };
}

function rawTracepointsWithTypes(host: DoctorHost): Finding {
  const base = { id: "tp-btf", group, subject: "typed raw tracepoints" } as const;
  const type = tracepointType(host);
  if (type !== undefined && host.prober.program(ProgType.TRACING, type) === "yes")
    return { ...base, status: "ok", value: "yes" };
  const consequence = "system calls are counted by untyped raw tracepoints, which cost a little more";
  return {
    ...base,
    status: "warning",
    value: "no",
    consequence,
    remedy: "use kernel 5.5 or later with type information",
  };
}

/** Kinds of probes that have a PMU of their own. */
const DYNAMIC = [
  { kind: "kprobe", probes: "kprobe: and kretprobe:", config: "CONFIG_KPROBES=y and CONFIG_KPROBE_EVENTS=y" },
  { kind: "uprobe", probes: "uprobe:, uretprobe: and usdt:", config: "CONFIG_UPROBES=y and CONFIG_UPROBE_EVENTS=y" },
] as const;

function dynamicProbes({ read, prober }: DoctorHost): Finding[] {
  return DYNAMIC.map(({ kind, probes, config }): Finding => {
    const base = { id: `${kind}s`, group, subject: `${kind}s` } as const;
    const type = read(`/sys/bus/event_source/devices/${kind}/type`);
    if (type !== undefined && prober.program(ProgType.KPROBE) === "yes") return { ...base, status: "ok", value: "yes" };
    return {
      ...base,
      status: "warning",
      value: "no",
      consequence: `no ${probes} probes`,
      remedy: `use a kernel built with ${config}`,
    };
  });
}

function fentry(host: DoctorHost): Finding {
  const base = { id: "fentry", group, subject: "function entry and exit" } as const;
  const target = testFunction(host);
  if (target !== undefined && host.prober.fentry(target) === "yes") return { ...base, status: "ok", value: "yes" };
  return {
    ...base,
    status: "warning",
    value: "no",
    consequence: "no fentry: and fexit: probes",
    remedy: "use a kernel built with CONFIG_DEBUG_INFO_BTF=y and CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS=y",
  };
}

function multiLinks({ prober }: DoctorHost): Finding[] {
  return (["kprobe", "uprobe"] as const).map((kind): Finding => {
    const base = { id: `${kind}-multi`, group, subject: `${kind}s by the hundred` } as const;
    if (prober.multiLink(kind) === "yes") return { ...base, status: "ok", value: "yes" };
    const consequence = `wildcards over many functions are attached one by one, which takes long`;
    const remedy = kind === "kprobe" ? "use kernel 5.18 or later with CONFIG_FPROBE=y" : "use kernel 6.6 or later";
    return { ...base, status: "info", value: "no", consequence, remedy };
  });
}
