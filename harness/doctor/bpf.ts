/** What programs can be loaded and what they may do, each found by trying it. */
import { type HelperName, helperSpec, helpers } from "../../compiler/asm/helpers.ts";
import { MapType, ProgType } from "../../native/index.ts";
import type { Answer, Prober } from "../tracing/facts/features.ts";
import type { Finding, Status } from "./finding.ts";
import type { DoctorHost } from "./host.ts";
import { processStatus } from "./process-status.ts";
import { tracepointType } from "./type-information.ts";

const group = "bpf";

/** Whether the kernel lets us load anything; if not, there is no use in trying more. */
export function checkAccess(host: DoctorHost): Finding {
  const base = { id: "bpf", group, subject: "bpf system call" } as const;
  const answer = host.prober.program(ProgType.RAW_TRACEPOINT);
  if (answer === "yes") return { ...base, status: "ok", value: "yes" };
  const consequence = "nothing can be loaded, and what else the kernel could do was not tried";
  if (answer === "denied")
    return { ...base, status: "missing", value: "denied (EPERM)", consequence, remedy: privilegeRemedy(host) };
  const remedy = "use a kernel built with CONFIG_BPF_SYSCALL=y and CONFIG_BPF_EVENTS=y, 4.17 or later";
  return { ...base, status: "missing", value: "no raw tracepoint programs", consequence, remedy };
}

/** What can be found out with access. */
export function checkBpf(host: DoctorHost): Finding[] {
  return [programTypes(host), mapTypes(host), helperFunctions(host), instructions(host), statistics(host)];
}

const PROGRAM_TYPES: Readonly<Record<string, { type: number; needed: boolean }>> = {
  raw_tracepoint: { type: ProgType.RAW_TRACEPOINT, needed: true },
  tracepoint: { type: ProgType.TRACEPOINT, needed: true },
  perf_event: { type: ProgType.PERF_EVENT, needed: false },
  kprobe: { type: ProgType.KPROBE, needed: false },
};

function programTypes({ prober }: DoctorHost): Finding {
  return summary({
    id: "program-types",
    subject: "program types",
    details: mapValues(PROGRAM_TYPES, ({ type }) => prober.program(type)),
    isNeeded: (name) => PROGRAM_TYPES[name]!.needed,
    serves: (name) => `${name}: probes`,
    remedy: "use a kernel built with CONFIG_BPF_SYSCALL=y and CONFIG_BPF_EVENTS=y",
  });
}

const MAP_TYPES: Readonly<Record<string, { type: number; needed?: true; serves: string }>> = {
  hash: { type: MapType.HASH, needed: true, serves: "maps with keys" },
  array: { type: MapType.ARRAY, needed: true, serves: "maps without keys" },
  percpu_hash: { type: MapType.PERCPU_HASH, needed: true, serves: "count(), sum() and others with keys" },
  ringbuf: { type: MapType.RINGBUF, needed: true, serves: "printf() and other output" },
  lru_hash: { type: MapType.LRU_HASH, serves: "let @a = lruhash()" },
  lru_percpu_hash: { type: MapType.LRU_PERCPU_HASH, serves: "let @a = percpulruhash()" },
  prog_array: { type: MapType.PROG_ARRAY, serves: "programs in several parts" },
};

function mapTypes({ prober }: DoctorHost): Finding {
  return summary({
    id: "map-types",
    subject: "map types",
    details: mapValues(MAP_TYPES, ({ type }) => prober.map(type)),
    isNeeded: (name) => MAP_TYPES[name]!.needed === true,
    serves: (name) => MAP_TYPES[name]!.serves,
    remedy: "use kernel 5.8 or later for ring buffers; all other needed types are in every kernel with BPF",
  });
}

/** Without these no useful script compiles. */
const NEEDED_HELPERS: ReadonlySet<string> = new Set<HelperName>([
  "map_lookup_elem",
  "map_update_elem",
  "map_delete_elem",
  "ktime_get_ns",
  "get_current_pid_tgid",
  "get_current_uid_gid",
  "get_current_comm",
  "get_smp_processor_id",
  "probe_read_kernel",
  "probe_read_user",
  "probe_read_user_str",
  "ringbuf_reserve",
  "ringbuf_submit",
]);

/** What scripts lose without a helper. Helpers not listed are noted, but nothing depends on them, or not on every kernel. */
const HELPERS_SERVE: Partial<Readonly<Record<HelperName, string>>> = {
  probe_read_kernel_str: "kstr()",
  ktime_get_boot_ns: "nsecs that goes on while the machine sleeps",
  ktime_get_tai_ns: "nsecs(tai)",
  get_current_cgroup_id: "cgroup, and scopes by cgroup",
  get_current_ancestor_cgroup_id: "scopes by cgroup that have children",
  get_ns_current_pid_tgid: "pid and tid inside containers",
  get_current_task: "curtask",
  get_current_task_btf: "curtask with its type",
  get_prandom_u32: "rand",
  get_stack: "kstack and ustack",
  get_numa_node_id: "numaid",
  jiffies64: "jiffies",
  loop: "long loops",
  for_each_map_elem: "for ($kv : @map)",
  send_signal: "signal()",
  override_return: "override()",
  get_func_ip: "func in kprobes",
  get_attach_cookie: "many probes in one program",
  d_path: "path()",
};

/** A helper is there if one of these may call it. */
const HELPER_PROGRAMS = [ProgType.RAW_TRACEPOINT, ProgType.KPROBE, ProgType.PERF_EVENT] as const;
const NOT_TRIED: ReadonlySet<string> = new Set<HelperName>([
  // For functions' entries and exits, which cannot be tried without attaching; or for other than tracing.
  "get_func_arg",
  "get_func_ret",
  "get_func_arg_cnt",
  "get_netns_cookie",
  "ktime_get_coarse_ns",
  "kallsyms_lookup_name",
  // Trying these changes the kernel: they switch on an event of tracefs, or write a warning into its log.
  "trace_printk",
  "trace_vprintk",
  "probe_write_user",
]);

function helperFunctions(host: DoctorHost): Finding {
  const names = (Object.keys(helpers) as HelperName[]).filter((name) => !NOT_TRIED.has(name));
  const details = Object.fromEntries(names.map((name) => [name, tryHelper(name, host)]));
  return summary({
    id: "helpers",
    subject: "helper functions",
    details,
    isNeeded: (name) => NEEDED_HELPERS.has(name),
    serves: (name) => HELPERS_SERVE[name as HelperName],
    label: (name) => `${name} (${helperSpec(name as HelperName).since.join(".")})`,
    remedy:
      "use a kernel at least as new as the number behind each name; override_return also wants CONFIG_BPF_KPROBE_OVERRIDE=y",
  });
}

function tryHelper(name: HelperName, host: DoctorHost): Answer {
  let answer: Answer = "no";
  for (const type of HELPER_PROGRAMS) {
    answer = host.prober.helper(name, type);
    if (answer !== "no") return answer;
  }
  const type = tracepointType(host);
  return type === undefined ? answer : host.prober.helper(name, ProgType.TRACING, type);
}

/** None of them is needed: without it the code is another one. */
const INSTRUCTIONS: Readonly<Record<string, { ask: (prober: Prober) => Answer; serves: string }>> = {
  "fetching atomics": {
    ask: (prober) => prober.instructions("fetching atomics"),
    serves: "atomic maximum and minimum",
  },
  "cpu v4": { ask: (prober) => prober.instructions("cpu v4"), serves: "signed division without a detour" },
  may_goto: { ask: (prober) => prober.instructions("may_goto"), serves: "while without calls" },
  "calls beside tail calls": {
    ask: (prober) => prober.callsBesideTailCalls(),
    serves: "shorter code of large scripts",
  },
};

function instructions({ prober }: DoctorHost): Finding {
  return summary({
    id: "instructions",
    subject: "instruction sets",
    details: mapValues(INSTRUCTIONS, ({ ask }) => ask(prober)),
    isNeeded: () => false,
    serves: (name) => INSTRUCTIONS[name]!.serves,
    remedy:
      "use kernel 5.12 or later for atomics, 6.6 for cpu v4, 6.9 for may_goto; for calls beside tail calls 5.10 (on arm64 6.0), and its JIT",
  });
}

function statistics(host: DoctorHost): Finding {
  const base = { id: "bpf-statistics", group, subject: "cost of probes" } as const;
  const answer = host.bpfStatistics();
  if (answer === "yes") {
    const always = host.read("/proc/sys/kernel/bpf_stats_enabled") === "1";
    if (!always) return { ...base, status: "ok", value: "can be measured" };
    const consequence = "the kernel takes the time of every program all the time, some 20 ns an event";
    return {
      ...base,
      status: "info",
      value: "always measured",
      consequence,
      remedy: "sysctl kernel.bpf_stats_enabled=0",
    };
  }
  const remedy = answer === "denied" ? "run with CAP_SYS_ADMIN, as root" : "use kernel 5.8 or later";
  const consequence = "reports cannot say what the probes themselves cost, nor see missed events";
  return { ...base, status: "warning", value: "cannot be measured", consequence, remedy };
}

interface Summary {
  id: string;
  subject: string;
  details: Readonly<Record<string, Answer>>;
  isNeeded(name: string): boolean;
  /** Undefined: its absence is no loss. */
  serves(name: string): string | undefined;
  label?(name: string): string;
  remedy: string;
}

/** One finding about many things: how many of them are there, and which are not. */
function summary({ id, subject, details, isNeeded, serves, label = (n) => n, remedy }: Summary): Finding {
  const names = Object.keys(details);
  const absent = names.filter((name) => details[name] !== "yes");
  const value = absent.length === 0 ? `all ${names.length}` : `${names.length - absent.length} of ${names.length}`;
  const base = { id, group, subject, value, details } as const;
  const losses = absent.filter((name) => isNeeded(name) || serves(name) !== undefined);
  if (losses.length === 0) return { ...base, status: "ok" };
  const status: Status = losses.some(isNeeded) ? "missing" : "warning";
  const listed = losses.map((name) => {
    const loss = serves(name);
    return loss === undefined ? label(name) : `${label(name)}: ${loss}`;
  });
  return { ...base, status, consequence: `without ${listed.join("; ")}`, remedy };
}

function privilegeRemedy(host: DoctorHost): string {
  const { euid, container, filtered } = processStatus(host);
  if (euid !== 0) return "run with sudo";
  return container !== undefined || filtered
    ? "start the container with --privileged, or allow bpf in its seccomp profile and add CAP_BPF and CAP_PERFMON"
    : "give the service or shell CAP_BPF and CAP_PERFMON: they were taken away from root";
}

function mapValues<V, R>(record: Readonly<Record<string, V>>, change: (value: V) => R): Record<string, R> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, change(value)]));
}
