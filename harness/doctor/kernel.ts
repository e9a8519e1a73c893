/** The kernel and its settings. */
import { CapabilityError } from "../tracing/facts/capability-error.ts";
import { isAtLeast } from "../tracing/facts/version.ts";
import type { Finding } from "./finding.ts";
import type { DoctorHost } from "./host.ts";
import { processStatus } from "./process-status.ts";
import { lookAtBtf } from "./type-information.ts";

export function checkKernel(host: DoctorHost): Finding[] {
  return [
    version(host),
    typeInformation(host),
    lockdown(host),
    jit(host),
    ...setting(host, "perf-event-paranoid", "kernel.perf_event_paranoid", (value) => value > 1),
    ...setting(host, "unprivileged-bpf-disabled", "kernel.unprivileged_bpf_disabled", (value) => value > 0),
    ...hiddenAddresses(host),
    memlock(host),
  ];
}

const group = "kernel";

function version({ facts }: DoctorHost): Finding {
  const base = {
    id: "kernel-version",
    group,
    subject: "version",
    value: `${facts.version.join(".")} ${facts.arch}`,
  } as const;
  if (isAtLeast(facts.version, [5, 8])) return { ...base, status: "ok" };
  return {
    ...base,
    status: "warning",
    consequence: "kernels before 5.8 lack the ring buffer unless the distribution added it",
    remedy: "install a newer kernel; 6.6 or later serves best",
  };
}

function typeInformation(host: DoctorHost): Finding {
  const base = { id: "btf", group, subject: "type information (BTF)" } as const;
  const btf = lookAtBtf(host);
  if (btf instanceof Error) {
    const remedy = btf instanceof CapabilityError ? btf.help : "report this, with the kernel's version";
    return { ...base, status: "warning", value: btf.message, consequence: WITHOUT_BTF, remedy };
  }
  if (btf !== undefined) return { ...base, status: "ok", value: `${btf.typeCount} types` };
  return {
    ...base,
    status: "warning",
    value: "none",
    consequence: WITHOUT_BTF,
    remedy: "use a kernel built with CONFIG_DEBUG_INFO_BTF=y, as all large distributions do",
  };
}

const WITHOUT_BTF = "scripts that read kernel structures (curtask, rawtracepoint arguments) do not compile";

function lockdown({ read, list }: DoctorHost): Finding {
  const base = { id: "lockdown", group, subject: "lockdown" } as const;
  // "none [integrity] confidentiality", where the brackets mark the mode
  const mode = /\[(\w+)\]/.exec(read("/sys/kernel/security/lockdown") ?? "")?.[1];
  if (mode === "confidentiality") {
    return {
      ...base,
      status: "missing",
      value: mode,
      consequence: "the kernel gives nobody its memory or tracepoints",
      remedy: "boot with lockdown=integrity, or switch Secure Boot off",
    };
  }
  if (mode !== undefined) return { ...base, status: "ok", value: mode };
  if (list("/sys/kernel/security").length > 0) return { ...base, status: "ok", value: "not in this kernel" };
  const remedy = "to see it: mount -t securityfs none /sys/kernel/security";
  return { ...base, status: "info", value: "unknown, securityfs is not mounted", remedy };
}

function jit({ read }: DoctorHost): Finding {
  const base = { id: "jit", group, subject: "BPF compiler (JIT)" } as const;
  const enabled = read("/proc/sys/net/core/bpf_jit_enable");
  if (enabled === "0") {
    return {
      ...base,
      status: "warning",
      value: "off",
      consequence: "programs are interpreted and cost several times as much",
      remedy: "sysctl net.core.bpf_jit_enable=1",
    };
  }
  if (read("/proc/sys/net/core/bpf_jit_harden") === "2") {
    return {
      ...base,
      status: "warning",
      value: "on, hardened for everyone",
      consequence: "constants are blinded, which makes programs longer and slower",
      remedy: "sysctl net.core.bpf_jit_harden=1",
    };
  }
  // An ordinary user may not read the setting.
  return { ...base, status: "ok", value: enabled === undefined ? "unknown" : "on" };
}

/** Settings that restrict those without capabilities; to others they are worth knowing only. */
function setting(host: DoctorHost, id: string, name: string, restricts: (value: number) => boolean): Finding[] {
  const value = host.read(`/proc/sys/${name.replaceAll(".", "/")}`);
  if (value === undefined) return [];
  const status = processStatus(host);
  const exempt = status.has("SYS_ADMIN") || (status.has("PERFMON") && status.has("BPF"));
  const base = { id, group, subject: name } as const;
  if (!restricts(Number(value))) return [{ ...base, status: "ok", value }];
  if (exempt) return [{ ...base, status: "ok", value: `${value}, does not restrict this user` }];
  return [
    {
      ...base,
      status: "info",
      value,
      consequence: "only users with CAP_BPF and CAP_PERFMON can trace",
      remedy: "run with sudo",
    },
  ];
}

function hiddenAddresses(host: DoctorHost): Finding[] {
  const value = host.read("/proc/sys/kernel/kptr_restrict");
  if (value === undefined) return [];
  const base = { id: "kptr-restrict", group, subject: "kernel.kptr_restrict" } as const;
  const hidden = value === "2" || (value === "1" && !processStatus(host).has("SYSLOG"));
  if (!hidden) return [{ ...base, status: "ok", value }];
  const consequence = "kernel addresses are hidden: ksym, kaddr and kernel stacks have no names";
  return [{ ...base, status: "warning", value, consequence, remedy: "run as root: sysctl kernel.kptr_restrict=1" }];
}

/** What maps were charged to before kernels counted their memory by cgroup. */
const ENOUGH_LOCKABLE = 64 * 1024 * 1024;

function memlock(host: DoctorHost): Finding {
  const base = { id: "memlock", group, subject: "lockable memory" } as const;
  const { memlock: limit, has } = processStatus(host);
  const text = limit === Number.POSITIVE_INFINITY ? "unlimited" : `${Math.round(limit / 1024)} KiB`;
  if (isAtLeast(host.facts.version, [5, 11]))
    return { ...base, status: "ok", value: `${text}, not charged for maps by this kernel` };
  if (limit >= ENOUGH_LOCKABLE) return { ...base, status: "ok", value: text };
  if (has("SYS_RESOURCE")) return { ...base, status: "ok", value: `${text}, lifted for maps` };
  return {
    ...base,
    status: "warning",
    value: text,
    consequence: "maps of this kernel count as locked memory, and larger ones will not fit",
    remedy: "ulimit -l unlimited, or LimitMEMLOCK=infinity in the service",
  };
}
