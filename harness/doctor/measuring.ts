/** What makes measurements on this machine more or less exact. Nothing here keeps a scenario from running. */
import { PerfHardware, PerfType } from "../../native/index.ts";
import type { Finding } from "./finding.ts";
import type { DoctorHost } from "./host.ts";

const group = "measuring";
const CPUS = "/sys/devices/system/cpu";

/** What can be seen in files. */
export function checkMeasuring(host: DoctorHost): Finding[] {
  return [processors(host), clockSource(host), ...governor(host), ...turbo(host), ...mitigations(host)];
}

/** Counters of the processor: cycles, instructions and the like. */
export function checkHardwareCounters({ perfEvent }: DoctorHost): Finding {
  const base = { id: "hardware-counters", group, subject: "hardware counters" } as const;
  const answer = perfEvent(PerfType.HARDWARE, PerfHardware.CPU_CYCLES);
  if (answer === "yes") return { ...base, status: "ok", value: "yes" };
  const denied = answer === "EPERM" || answer === "EACCES";
  return {
    ...base,
    status: "info",
    value: `none (${answer})`,
    consequence: "no hardware: probes",
    remedy: denied ? "run with sudo" : "in a virtual machine: give it a PMU (QEMU: -cpu host,pmu=on)",
  };
}

function processors({ facts, read }: DoctorHost): Finding {
  const online = read(`${CPUS}/online`);
  const threads = read(`${CPUS}/smt/active`) === "1" ? ", two or more threads a core" : "";
  return {
    id: "processors",
    group,
    subject: "processors",
    status: "info",
    value: `${online === undefined ? "unknown" : online} online, ${facts.possibleCpus} possible${threads}`,
  };
}

/** Clocks that are read without leaving the processor. */
const FAST_CLOCKS: ReadonlySet<string> = new Set([
  "tsc",
  "kvm-clock",
  "hyperv_clocksource_tsc_page",
  "arch_sys_counter",
  "xen",
]);

function clockSource({ read }: DoctorHost): Finding {
  const base = { id: "clock-source", group, subject: "clock source" } as const;
  const value = read("/sys/devices/system/clocksource/clocksource0/current_clocksource");
  if (value === undefined) return { ...base, status: "info", value: "unknown" };
  if (FAST_CLOCKS.has(value)) return { ...base, status: "ok", value };
  return {
    ...base,
    status: "warning",
    value,
    consequence: "reading the time takes about a microsecond, in every probe that uses nsecs",
    remedy: "if the processor's counter is reliable, boot with clocksource=tsc tsc=reliable",
  };
}

function governor({ read }: DoctorHost): Finding[] {
  const value = read(`${CPUS}/cpu0/cpufreq/scaling_governor`);
  // Virtual machines have none.
  if (value === undefined) return [];
  const base = { id: "governor", group, subject: "frequency governor", value } as const;
  if (value === "performance") return [{ ...base, status: "ok" }];
  const consequence = "times depend on how busy the machine was before";
  return [{ ...base, status: "info", consequence, remedy: "run as root: cpupower frequency-set -g performance" }];
}

/** Files that switch it: what they say when it is on, and how to switch it off. */
const TURBO_SWITCHES = [
  { file: `${CPUS}/intel_pstate/no_turbo`, on: "0", off: "1" },
  { file: `${CPUS}/cpufreq/boost`, on: "1", off: "0" },
] as const;

function turbo({ read }: DoctorHost): Finding[] {
  for (const { file, on, off } of TURBO_SWITCHES) {
    const value = read(file);
    if (value === undefined) continue;
    const base = { id: "turbo", group, subject: "turbo frequencies" } as const;
    if (value !== on) return [{ ...base, status: "ok", value: "off" }];
    const consequence = "times depend on temperature and on what other cores do";
    return [{ ...base, status: "info", value: "on", consequence, remedy: `run as root: echo ${off} > ${file}` }];
  }
  return [];
}

function mitigations({ read, list }: DoctorHost): Finding[] {
  const directory = `${CPUS}/vulnerabilities`;
  const states = list(directory).map((name) => ({ name, state: read(`${directory}/${name}`) ?? "" }));
  if (states.length === 0) return [];
  const named = (prefix: string): string[] => states.filter((s) => s.state.startsWith(prefix)).map((s) => s.name);
  const active = named("Mitigation");
  const open = named("Vulnerable");
  const parts = [
    active.length > 0 ? `mitigations for ${active.join(", ")}` : "no mitigations",
    ...(open.length > 0 ? [`vulnerable to ${open.join(", ")}`] : []),
  ];
  return [{ id: "mitigations", group, subject: "processor flaws", status: "info", value: parts.join("; ") }];
}
