/** The doctor on machines made of plain data: each gap is found, graded and comes with its remedy. */
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { doctor } from "../../../harness/doctor/doctor.ts";
import { canTrace, type Finding, GROUPS } from "../../../harness/doctor/finding.ts";
import { type DoctorHost, filesBelow } from "../../../harness/doctor/host.ts";
import type { Answer, Prober } from "../../../harness/tracing/facts/features.ts";
import { hostFacts } from "../../../harness/tracing/facts/host-facts.ts";
import { ProgType } from "../../../native/index.ts";
import { BtfBuilder } from "../../support/btf-builder.ts";
import { temporaryTree } from "../../support/temporary.ts";

const ALL_CAPABILITIES = "000001ffffffffff";

type Files = Record<string, string | Uint8Array | undefined>;

function btf(): Uint8Array {
  const b = new BtfBuilder();
  b.tracepoint("sys_enter", []);
  b.func("bpf_fentry_test1", b.proto(0, []));
  return b.build();
}

const status = (change: { caps?: string; uid?: number; seccomp?: number } = {}): string => {
  const { caps = ALL_CAPABILITIES, uid = 0, seccomp = 0 } = change;
  return `Name:\tnode\nUid:\t${uid}\t${uid}\t${uid}\t${uid}\nCapEff:\t${caps}\nSeccomp:\t${seccomp}\n`;
};

const limits = (memlock: string): string =>
  `Limit                     Soft Limit           Hard Limit           Units\nMax locked memory         ${memlock.padEnd(20)} ${memlock.padEnd(20)} bytes\n`;

/** A machine where nothing is to be found fault with. */
const SOUND: Files = {
  "proc/self/status": status(),
  "proc/self/limits": limits("unlimited"),
  "proc/self/uid_map": "         0          0 4294967295\n",
  "proc/self/mountinfo": "41 31 0:38 / /sys/fs/cgroup rw,relatime - cgroup2 cgroup2 rw\n",
  "proc/1/cgroup": "0::/init.scope\n",
  "proc/sys/kernel/perf_event_paranoid": "2\n",
  "proc/sys/kernel/unprivileged_bpf_disabled": "2\n",
  "proc/sys/kernel/kptr_restrict": "1\n",
  "proc/sys/kernel/bpf_stats_enabled": "0\n",
  "proc/sys/net/core/bpf_jit_enable": "1\n",
  "proc/sys/net/core/bpf_jit_harden": "0\n",
  "sys/kernel/security/lockdown": "[none] integrity confidentiality\n",
  "sys/kernel/tracing/available_events": "sched:sched_switch\n",
  "sys/kernel/tracing/events": undefined,
  "sys/kernel/btf/vmlinux": btf(),
  "sys/bus/event_source/devices/kprobe/type": "8\n",
  "sys/bus/event_source/devices/uprobe/type": "9\n",
  "sys/devices/system/cpu/online": "0-3\n",
  "sys/devices/system/cpu/possible": "0-3\n",
  "sys/devices/system/clocksource/clocksource0/current_clocksource": "tsc\n",
};

interface Machine {
  files?: Files;
  release?: string;
  /** Answers that differ from "yes", by what is asked. */
  answers?: Record<string, Answer>;
  host?: Partial<DoctorHost>;
}

function examine({ files = {}, release = "6.18.0", answers = {}, host = {} }: Machine = {}): Finding[] {
  const merged = Object.fromEntries(Object.entries({ ...SOUND, ...files }).filter(([, text]) => text !== ABSENT));
  const root = temporaryTree(merged);
  const ask = (question: string): Answer => answers[question] ?? answers["*"] ?? "yes";
  const prober: Prober = {
    helper: (name) => ask(`helper ${name}`),
    helperOnEntry: (name) => ask(`helper ${name} on entry`),
    program: (type) => ask(`program ${type}`),
    map: (type) => ask(`map ${type}`),
    instructions: ask,
    callsBesideTailCalls: () => ask("calls beside tail calls"),
    fentry: () => ask("fentry"),
    iterator: (id) => ask(`iterator ${id}`),
    multiLink: (kind) => ask(`link ${kind}`),
  };
  return doctor({
    ...filesBelow(root),
    facts: hostFacts({ root, release, build: "", arch: "x64", prober }),
    addonProblem: () => undefined,
    prober,
    perfEvent: () => "yes",
    bpfStatistics: () => "yes",
    cgroupParent: (hierarchy) => hierarchy.mount,
    ...host,
  });
}

/** Stands for a file of a sound machine that is not there. */
const ABSENT = "\0absent";

const find = (findings: readonly Finding[], id: string): Finding | undefined => findings.find((f) => f.id === id);

describe("a sound machine", () => {
  const findings = (): Finding[] => examine();

  it("can trace, and lacks nothing", () => {
    expect(canTrace(findings())).toBe(true);
    expect(findings().filter((f) => f.status === "warning" || f.status === "missing")).toEqual([]);
  });

  it("has each finding once, in the order of the groups", () => {
    const all = findings();
    expect(new Set(all.map((f) => f.id)).size).toBe(all.length);
    const order = all.map((f) => GROUPS.indexOf(f.group));
    expect(order).toEqual([...order].sort((a, b) => a - b));
  });

  it("says what it found", () => {
    const values = Object.fromEntries(findings().map((f) => [f.id, f.value]));
    expect(values).toMatchObject({
      user: "root",
      "cap-bpf": "yes",
      "kernel-version": "6.18.0 x64",
      lockdown: "none",
      tracefs: expect.stringMatching(/^1 at .*\/sys\/kernel\/tracing$/),
      cgroup2: "scopes below /sys/fs/cgroup",
      "map-types": "all 7",
      processors: "0-3 online, 4 possible",
      "clock-source": "tsc",
    });
  });
});

/** What stops everything: exit code 3. */
describe("missing", () => {
  it.each<[string, Machine, string, RegExp]>([
    ["no CAP_BPF", { files: { "proc/self/status": status({ caps: "0", uid: 1000 }) } }, "cap-bpf", /^run with sudo$/],
    ["root without CAP_BPF", { files: { "proc/self/status": status({ caps: "0" }) } }, "cap-bpf", /give .* CAP_BPF/],
    ["no CAP_PERFMON", { files: { "proc/self/status": status({ caps: "8000000000" }) } }, "cap-perfmon", /CAP_PERFMON/],
    [
      "CAP_BPF before it was split off",
      { files: { "proc/self/status": status({ caps: "c000000000" }) }, release: "5.4.0" },
      "cap-bpf",
      /CAP_SYS_ADMIN/,
    ],
    [
      "no CAP_BPF in a container",
      { files: { "proc/self/status": status({ caps: "0" }), ".dockerenv": "" } },
      "cap-bpf",
      /--cap-add BPF/,
    ],
    [
      "no tracefs",
      { files: { "sys/kernel/tracing/available_events": ABSENT, "sys/kernel/tracing/events": ABSENT } },
      "tracefs",
      /mount -t tracefs none \/sys\/kernel\/tracing/,
    ],
    [
      "lockdown",
      { files: { "sys/kernel/security/lockdown": "none integrity [confidentiality]" } },
      "lockdown",
      /lockdown=integrity/,
    ],
    [
      "no addon",
      { host: { addonProblem: () => "cannot be loaded\nhelp: npm rebuild probewright" } },
      "addon",
      /^npm rebuild probewright$/,
    ],
    ["no ring buffer", { answers: { "map 27": "no" } }, "map-types", /kernel 5.8/],
    ["no raw tracepoints", { answers: { [`program ${ProgType.RAW_TRACEPOINT}`]: "no" } }, "bpf", /CONFIG_BPF_SYSCALL/],
    ["a basic helper", { answers: { "helper probe_read_kernel": "no" } }, "helpers", /kernel at least as new/],
    ["BPF denied to root", { answers: { "*": "denied" } }, "bpf", /taken away from root/],
    [
      "BPF denied to a user",
      { answers: { "*": "denied" }, files: { "proc/self/status": status({ uid: 1000 }) } },
      "bpf",
      /^run with sudo$/,
    ],
    [
      "BPF denied by a seccomp filter",
      { answers: { "*": "denied" }, files: { "proc/self/status": status({ seccomp: 2 }) } },
      "bpf",
      /seccomp profile/,
    ],
  ])("%s", (_, machine, id, remedy) => {
    const findings = examine(machine);
    expect(find(findings, id)).toMatchObject({ status: "missing", remedy: expect.stringMatching(remedy) });
    expect(find(findings, id)?.consequence).toBeTruthy();
    expect(canTrace(findings)).toBe(false);
  });
});

/** What limits, or is worth knowing; scenarios run all the same. */
describe("limitations", () => {
  const cpu = "sys/devices/system/cpu";
  it.each<[string, Machine, string, Finding["status"], RegExp]>([
    [
      "no statistics capability",
      { files: { "proc/self/status": status({ caps: "c000000000" }) } },
      "cap-sys-admin",
      "warning",
      /CAP_SYS_ADMIN/,
    ],
    [
      "no CAP_SYSLOG",
      { files: { "proc/self/status": status({ caps: "1fbffffffff" }) } },
      "cap-syslog",
      "warning",
      /CAP_SYSLOG/,
    ],
    [
      "memory that may not be locked",
      { files: { "proc/self/status": status({ caps: "1fffeffffff" }) }, release: "5.10.0" },
      "cap-sys-resource",
      "warning",
      /SYS_RESOURCE/,
    ],
    ["a user namespace", { files: { "proc/self/uid_map": "0 1000 1\n" } }, "user", "warning", /from outside/],
    [
      "a container",
      { files: { "run/.containerenv": "", "proc/self/status": status({ seccomp: 2 }) } },
      "container",
      "info",
      /--privileged/,
    ],
    ["an old kernel", { release: "5.4.0" }, "kernel-version", "warning", /newer kernel/],
    [
      "no type information",
      { files: { "sys/kernel/btf/vmlinux": ABSENT } },
      "btf",
      "warning",
      /CONFIG_DEBUG_INFO_BTF=y/,
    ],
    ["damaged type information", { files: { "sys/kernel/btf/vmlinux": "x".repeat(50) } }, "btf", "warning", /report/],
    [
      "securityfs not mounted",
      { files: { "sys/kernel/security/lockdown": ABSENT } },
      "lockdown",
      "info",
      /mount -t securityfs none/,
    ],
    ["the JIT off", { files: { "proc/sys/net/core/bpf_jit_enable": "0" } }, "jit", "warning", /bpf_jit_enable=1/],
    ["a hardened JIT", { files: { "proc/sys/net/core/bpf_jit_harden": "2" } }, "jit", "warning", /bpf_jit_harden=1/],
    [
      "hidden addresses",
      { files: { "proc/sys/kernel/kptr_restrict": "2" } },
      "kptr-restrict",
      "warning",
      /kptr_restrict=1/,
    ],
    [
      "little lockable memory",
      {
        files: { "proc/self/limits": limits("65536"), "proc/self/status": status({ caps: "c000000000" }) },
        release: "5.10.0",
      },
      "memlock",
      "warning",
      /ulimit -l unlimited/,
    ],
    [
      "no cgroup v2",
      { files: { "proc/self/mountinfo": "" } },
      "cgroup2",
      "warning",
      /mount -t cgroup2 none \/sys\/fs\/cgroup$/,
    ],
    [
      "cgroup v1 only",
      { files: { "proc/self/mountinfo": "", "proc/mounts": "tmpfs /sys/fs/cgroup tmpfs rw 0 0\n" } },
      "cgroup2",
      "warning",
      /mkdir -p \/sys\/fs\/cgroup\/unified && mount/,
    ],
    ["cgroups of others", { host: { cgroupParent: () => undefined } }, "cgroup2", "warning", /Delegate=yes/],
    ["no perf events", { host: { perfEvent: () => "ENOSYS" } }, "perf-events", "warning", /CONFIG_PERF_EVENTS/],
    ["perf events denied", { host: { perfEvent: () => "EACCES" } }, "perf-events", "warning", /sudo/],
    [
      "no kprobes",
      { files: { "sys/bus/event_source/devices/kprobe/type": ABSENT } },
      "kprobes",
      "warning",
      /CONFIG_KPROBES=y/,
    ],
    [
      "no uprobes",
      { files: { "sys/bus/event_source/devices/uprobe/type": ABSENT } },
      "uprobes",
      "warning",
      /CONFIG_UPROBES=y/,
    ],
    ["no fentry", { answers: { fentry: "no" } }, "fentry", "warning", /DIRECT_CALLS=y/],
    [
      "no typed raw tracepoints",
      { answers: { [`program ${ProgType.TRACING}`]: "no" } },
      "tp-btf",
      "warning",
      /kernel 5.5/,
    ],
    ["kprobes one by one", { answers: { "link kprobe": "no" } }, "kprobe-multi", "info", /CONFIG_FPROBE=y/],
    ["uprobes one by one", { answers: { "link uprobe": "no" } }, "uprobe-multi", "info", /6.6/],
    ["an optional map", { answers: { "map 5": "yes", "map 9": "no" } }, "map-types", "warning", /./],
    ["an optional helper", { answers: { "helper loop": "no" } }, "helpers", "warning", /./],
    ["old instructions", { answers: { "cpu v4": "no" } }, "instructions", "warning", /6.6/],
    ["no JIT", { answers: { "calls beside tail calls": "no" } }, "instructions", "warning", /JIT/],
    ["statistics denied", { host: { bpfStatistics: () => "denied" } }, "bpf-statistics", "warning", /CAP_SYS_ADMIN/],
    ["no statistics", { host: { bpfStatistics: () => "no" } }, "bpf-statistics", "warning", /5.8/],
    [
      "statistics always on",
      { files: { "proc/sys/kernel/bpf_stats_enabled": "1" } },
      "bpf-statistics",
      "info",
      /bpf_stats_enabled=0/,
    ],
    [
      "no counters",
      { host: { perfEvent: (type) => (type === 0 ? "ENOENT" : "yes") } },
      "hardware-counters",
      "info",
      /PMU/,
    ],
    [
      "a slow clock",
      { files: { "sys/devices/system/clocksource/clocksource0/current_clocksource": "hpet" } },
      "clock-source",
      "warning",
      /clocksource=tsc/,
    ],
    [
      "an easy governor",
      { files: { [`${cpu}/cpu0/cpufreq/scaling_governor`]: "powersave" } },
      "governor",
      "info",
      /cpupower/,
    ],
    ["turbo of Intel", { files: { [`${cpu}/intel_pstate/no_turbo`]: "0" } }, "turbo", "info", /echo 1 > .*no_turbo/],
    ["turbo of others", { files: { [`${cpu}/cpufreq/boost`]: "1" } }, "turbo", "info", /echo 0 > .*boost/],
  ])("%s", (_, machine, id, status, remedy) => {
    const findings = examine(machine);
    expect(find(findings, id)).toMatchObject({ status, remedy: expect.stringMatching(remedy) });
    if (status === "warning") expect(find(findings, id)?.consequence).toBeTruthy();
  });

  it("none of them stops a scenario", () => {
    const findings = examine({
      answers: { fentry: "no", "helper loop": "no" },
      host: { cgroupParent: () => undefined },
    });
    expect(canTrace(findings)).toBe(true);
  });
});

describe("details", () => {
  it("a finding about many names what is lost", () => {
    const helpers = find(examine({ answers: { "helper loop": "no", "helper d_path": "no" } }), "helpers");
    expect(helpers?.consequence).toBe("without d_path (5.10): path(); loop (5.17): long loops");
    expect(helpers?.details).toMatchObject({ loop: "no", map_lookup_elem: "yes" });
  });

  it("what nothing depends on is noted and no limitation", () => {
    const helpers = find(examine({ answers: { "helper get_stackid": "no" } }), "helpers");
    expect(helpers).toMatchObject({ status: "ok", details: { get_stackid: "no" } });
  });

  it("lockable memory is of no concern to who may lift its limit", () => {
    const findings = examine({ files: { "proc/self/limits": limits("65536") }, release: "5.10.0" });
    expect(find(findings, "memlock")).toMatchObject({ status: "ok", value: "64 KiB, lifted for maps" });
  });

  it("capabilities that CAP_SYS_ADMIN includes are there with it", () => {
    const findings = examine({ files: { "proc/self/status": status({ caps: "200000" }) } });
    expect(find(findings, "cap-bpf")).toMatchObject({ status: "ok", value: "by CAP_SYS_ADMIN" });
  });

  it("settings for others do not worry root, but do worry a user", () => {
    const id = "perf-event-paranoid";
    expect(find(examine(), id)?.value).toBe("2, does not restrict this user");
    const user = examine({ files: { "proc/self/status": status({ caps: "0", uid: 1000 }) } });
    expect(find(user, id)).toMatchObject({ status: "info", value: "2", remedy: "run with sudo" });
  });

  it("mitigations are listed by state", () => {
    const directory = "sys/devices/system/cpu/vulnerabilities";
    const files = {
      [`${directory}/meltdown`]: "Not affected\n",
      [`${directory}/spectre_v2`]: "Mitigation: Retpolines\n",
      [`${directory}/mds`]: "Vulnerable: no microcode\n",
    };
    expect(find(examine({ files }), "mitigations")?.value).toBe("mitigations for spectre_v2; vulnerable to mds");
  });

  it("what was denied as a whole is not tried piece by piece", () => {
    const ids = examine({ answers: { "*": "denied" } }).map((f) => f.id);
    expect(ids).toEqual(expect.arrayContaining(["bpf", "perf-events", "tracefs"]));
    for (const id of ["helpers", "map-types", "fentry", "bpf-statistics"]) expect(ids).not.toContain(id);
  });

  it("without the addon nothing is tried", () => {
    const host: Partial<DoctorHost> = {
      addonProblem: () => "gone",
      perfEvent: () => {
        throw new Error("tried");
      },
    };
    expect(find(examine({ host }), "perf-events")).toBeUndefined();
  });

  it("a machine of which nothing can be read still gets its findings", () => {
    const root = temporaryTree({ "sys/devices/system/cpu/possible": "0\n" });
    const prober: Prober = {
      helper: () => "denied",
      helperOnEntry: () => "denied",
      program: () => "denied",
      map: () => "denied",
      instructions: () => "denied",
      callsBesideTailCalls: () => "denied",
      fentry: () => "denied",
      iterator: () => "denied",
      multiLink: () => "denied",
    };
    const findings = doctor({
      ...filesBelow(root),
      facts: hostFacts({ root: join(root), release: "6.1.0", build: "", arch: "arm64", prober }),
      addonProblem: () => undefined,
      prober,
      perfEvent: () => "EPERM",
      bpfStatistics: () => "denied",
      cgroupParent: () => undefined,
    });
    expect(canTrace(findings)).toBe(false);
    for (const finding of findings) {
      if (finding.status === "missing" || finding.status === "warning") expect(finding.remedy, finding.id).toBeTruthy();
    }
  });
});
