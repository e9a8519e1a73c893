import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { afterEach, beforeEach, expect, it } from "vitest";
import {
  add64,
  atomic,
  call,
  exit,
  type Instruction,
  imm,
  jeq,
  jlt,
  label,
  ldImm64,
  ldx,
  mov64,
  R0,
  R1,
  R2,
  R3,
  R4,
  R6,
  R10,
  st,
} from "../../compiler/asm/instructions.ts";
import { programBtf } from "../../compiler/asm/program-btf.ts";
import { Btf } from "../../compiler/btf/btf.ts";
import type { AttachTarget, CompiledProgram, ScriptMap } from "../../compiler/program.ts";
import { AttachError } from "../../harness/tracing/attach.ts";
import { onlineCpus } from "../../harness/tracing/cpus.ts";
import { hostFacts } from "../../harness/tracing/facts/host-facts.ts";
import { isAtLeast } from "../../harness/tracing/facts/version.ts";
import type { EntrySnapshot } from "../../harness/tracing/maps.ts";
import { loadSession, type Session, type SessionOptions } from "../../harness/tracing/session.ts";
import { VerifierError } from "../../harness/tracing/verifier-error.ts";
import { openFds } from "../../native/index.ts";
import { compiled, globals, hash, program, RING } from "../support/compiled.ts";
import { patient } from "../support/patience.ts";
import { describeKernel } from "../support/privileges.ts";

// *(u64 *)(globals + offset) += 1, atomically
function count(offset = 0, map = 0): Instruction[] {
  return [ldImm64(R1, { mapValue: map, offset }), mov64(R2, imm(1)), atomic("add", 8, R1, 0, R2)];
}

const returnZero: Instruction[] = [mov64(R0, imm(0)), exit()];

// for (r6 = from; r6 < to; r6++) update(map, &r6, &r6)
function fill(map: number, to: number, from = 0): Instruction[] {
  return [
    mov64(R6, imm(from)),
    label(`loop${map}`),
    st(8, R10, -8, R6),
    st(8, R10, -16, R6),
    ldImm64(R1, { map }),
    mov64(R2, R10),
    add64(R2, imm(-8)),
    mov64(R3, R10),
    add64(R3, imm(-16)),
    mov64(R4, imm(0)),
    call("map_update_elem"),
    add64(R6, imm(1)),
    jlt(R6, imm(to), `loop${map}`),
  ];
}

// record = reserve(ring, 16); if (record) { record[0] = value; submit(record) }
function emit(value: number, ring = 0): Instruction[] {
  return [
    ldImm64(R1, { map: ring }),
    mov64(R2, imm(16)),
    mov64(R3, imm(0)),
    call("ringbuf_reserve"),
    jeq(R0, imm(0), `lost${value}`),
    st(8, R0, 0, imm(value)),
    st(8, R0, 8, imm(0)),
    mov64(R1, R0),
    mov64(R2, imm(0)),
    call("ringbuf_submit"),
    label(`lost${value}`),
  ];
}

const COUNTER: ScriptMap = {
  name: "@",
  key: undefined,
  value: { kind: "count", size: 8 },
  storage: { kind: "global", map: 0, offset: 0, stride: 8, copies: 1, presence: undefined },
};

function keyed(map: number, perCpu = false): ScriptMap {
  const integer = { kind: "integer", size: 8, signed: false } as const;
  return { name: `@${map}`, key: integer, value: integer, storage: { kind: "hash", map, perCpu } };
}

/** A program that counts its events in `@`. */
function counting(attach: AttachTarget, more: Parameters<typeof program>[2] = {}): CompiledProgram {
  return compiled({
    maps: [globals(64)],
    scriptMaps: [COUNTER],
    programs: [program(attach, [...count(), ...returnZero], more)],
  });
}

function number(bytes: Uint8Array | undefined): number {
  return bytes === undefined ? 0 : Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
}

function sum(entries: readonly EntrySnapshot[]): number {
  return entries.flatMap(({ copies }) => copies.map(number)).reduce((a, b) => a + b, 0);
}

function total(session: Session, map = 0): number {
  return sum(session.readMaps()[map]!.entries);
}

function numbers(session: Session): number[] {
  const seen: number[] = [];
  session.drain((view, offset) => void seen.push(Number(view.getBigUint64(offset, true))));
  return seen;
}

/** The sizes of this process's ring buffers, as the kernel has them. */
function ringSizes(): number[] {
  const BPF_MAP_TYPE_RINGBUF = 27;
  const infos = openFds().map(({ value }) => readFileSync(`/proc/self/fdinfo/${value}`, "utf8"));
  return infos
    .filter((info) => info.includes(`map_type:\t${BPF_MAP_TYPE_RINGBUF}\n`))
    .map((info) => Number(/max_entries:\s+(\d+)/.exec(info)?.[1]));
}

function descriptors(): { owned: readonly string[]; open: number } {
  return { owned: openFds().map(({ label }) => label), open: readdirSync("/proc/self/fd").length };
}

describeKernel("session", () => {
  const sessions: Session[] = [];
  let before: ReturnType<typeof descriptors>;

  /** Loads and closes again at the end of the test. */
  function load(parts: CompiledProgram, options?: SessionOptions): Session {
    const session = loadSession(parts, options);
    sessions.push(session);
    return session;
  }

  beforeEach(() => {
    before = descriptors();
  });
  afterEach(async () => {
    for (const session of sessions.splice(0)) session.close();
    for (let turn = 0; turn < 2; turn++) await new Promise(setImmediate); // the event loop closes what it watched
    expect(descriptors()).toEqual(before);
  });

  it("runs begin programs when tracing begins and end programs when it ends", () => {
    const programs = [
      program({ kind: "end" }, [...count(8), ...returnZero], { name: "e" }),
      program({ kind: "begin" }, [...count(0), ...returnZero], { name: "b" }),
    ];
    const other: ScriptMap = { ...COUNTER, name: "@end", storage: { ...COUNTER.storage, offset: 8 } as never };
    const session = load(compiled({ maps: [globals(64)], scriptMaps: [COUNTER, other], programs }));
    expect([total(session, 0), total(session, 1)]).toEqual([0, 0]);
    session.start();
    expect([total(session, 0), total(session, 1)]).toEqual([1, 0]);
    session.stop(() => {});
    expect([total(session, 0), total(session, 1)]).toEqual([1, 1]);
  });

  it("fills in the host's constants", () => {
    const code = [
      ldImm64(R1, { mapValue: 0, offset: 0 }),
      ldImm64(R2, { constant: "cpid" }),
      st(8, R1, 0, R2),
      ...returnZero,
    ];
    const parts = compiled({
      maps: [globals(8)],
      scriptMaps: [COUNTER],
      programs: [program({ kind: "begin" }, code)],
    });
    const session = load(parts, { workloadPid: 4321 });
    session.begin();
    expect(total(session)).toBe(4321);
  });

  it.skipIf(!hostFacts().features.loop)("loads programs that hand a function to a helper", () => {
    // loop(7, () => { count(); return 0; }, 0, 0)
    const loop = [
      mov64(R1, imm(7)),
      ldImm64(R2, { function: "each" }),
      mov64(R3, imm(0)),
      mov64(R4, imm(0)),
      call("loop"),
      ...returnZero,
    ];
    const begin = program({ kind: "begin" }, [...loop, label("each"), ...count(), ...returnZero]);
    const btf = programBtf([
      { name: "begin", params: 1, slot: 0 },
      { name: "each", params: 2, slot: loop.length + 1 },
    ]);
    const parts = compiled({ maps: [globals(8)], scriptMaps: [COUNTER], programs: [{ ...begin, btf }] });
    const session = load(parts);
    session.begin();
    expect(total(session)).toBe(7);
    const broken = { ...begin, btf: { ...btf, types: btf.types.slice(0, 30) } };
    expect(() => loadSession({ ...parts, programs: [broken] })).toThrow("BPF_BTF_LOAD failed: EINVAL");
  });

  it("gives programs their read-only data", () => {
    const data: Uint8Array = new Uint8Array(Uint32Array.of(99, 0).buffer);
    const BPF_F_RDONLY_PROG = 1 << 7;
    const code = [
      ldImm64(R1, { mapValue: 1, offset: 0 }),
      ldx(8, R2, R1, 0),
      ldImm64(R1, { mapValue: 0, offset: 0 }),
      st(8, R1, 0, R2),
      ...returnZero,
    ];
    const readOnly = { ...globals(8, "rodata"), flags: BPF_F_RDONLY_PROG, initial: data };
    const parts = compiled({
      maps: [globals(8), readOnly],
      scriptMaps: [COUNTER],
      programs: [program({ kind: "begin" }, code)],
    });
    const session = load(parts);
    session.reset();
    session.begin();
    expect(total(session)).toBe(99);
  });

  // Events

  const cpus = onlineCpus();
  const elsewhere = cpus.at(-1)!;

  /** Starts a process on a CPU of its own choice. */
  function runOn(cpu: number): void {
    execFileSync("taskset", ["-c", String(cpu), "true"]);
  }

  function busy(ms: number): void {
    for (const end = performance.now() + ms; performance.now() < end; );
  }

  const vmlinux = Btf.parse(readFileSync("/sys/kernel/btf/vmlinux"));
  const sysEnter = vmlinux.find("btf_trace_sys_enter", "typedef");
  const rawTracepoint = { kind: "raw_tracepoint", tracepoint: "sys_enter", btfModule: undefined } as const;

  it.each<{ what: string; attach: AttachTarget; type?: "tracing"; trigger: () => void }>([
    {
      what: "a raw tracepoint",
      attach: { ...rawTracepoint, btfId: undefined },
      trigger: () => process.cpuUsage(),
    },
    {
      what: "tp_btf",
      attach: { ...rawTracepoint, btfId: sysEnter },
      type: "tracing",
      trigger: () => process.cpuUsage(),
    },
    {
      what: "a tracepoint",
      attach: { kind: "tracepoint", category: "sched", name: "sched_process_exec" },
      trigger: () => runOn(0),
    },
    {
      what: "a tracepoint on another CPU than the event's",
      attach: { kind: "tracepoint", category: "sched", name: "sched_process_exec" },
      trigger: () => runOn(elsewhere),
    },
    { what: "an interval", attach: { kind: "interval", periodNs: 1_000_000 }, trigger: () => busy(50) },
    { what: "a profile by frequency", attach: { kind: "profile", period: { hz: 999 } }, trigger: () => busy(50) },
    { what: "a profile by period", attach: { kind: "profile", period: { ns: 1_000_000 } }, trigger: () => busy(50) },
    {
      what: "a software counter",
      attach: { kind: "perf_counter", class: "software", config: 2 /* page faults */, period: 1 },
      trigger: () => new Uint8Array(1 << 24).fill(1),
    },
  ])("counts events of $what, only while attached, again and again", ({ attach, type, trigger }) => {
    const session = load(counting(attach, type ? { type } : {}));
    trigger();
    expect(total(session)).toBe(0);
    for (let round = 0; round < 2; round++) {
      session.start();
      trigger();
      session.detach();
      const seen = total(session);
      expect(seen).toBeGreaterThan(0);
      trigger();
      expect(total(session)).toBe(seen);
      session.reset();
      expect(total(session)).toBe(0);
    }
  });

  it("fires a software counter only in the chosen process", () => {
    const attach: AttachTarget = { kind: "perf_counter", class: "software", config: 2, period: 1 };
    const session = load(counting(attach), { pid: 1 });
    session.start();
    new Uint8Array(1 << 24).fill(1);
    session.detach();
    expect(total(session)).toBe(0);
  });

  it("refuses to attach twice or once closed", () => {
    const session = load(counting({ kind: "interval", periodNs: 1e9 }));
    session.start();
    expect(() => session.attach()).toThrow("the session is attached");
    session.close();
    session.close();
    expect(() => session.attach()).toThrow("the session is closed");
    session.detach();
  });

  // Failures

  const missing: AttachTarget = { kind: "tracepoint", category: "sched", name: "no_such_tracepoint" };

  function halfAttachable(missingProbes: "error" | "warn"): CompiledProgram {
    const code = [...count(), ...returnZero];
    const parts = compiled({
      maps: [globals(8)],
      scriptMaps: [COUNTER],
      programs: [
        program({ ...rawTracepoint, btfId: undefined }, code, { name: "first" }),
        program(missing, code, { name: "second", probes: ["tracepoint:sched:no_such_tracepoint"] }),
      ],
    });
    return { ...parts, config: { ...parts.config, missingProbes } };
  }

  it("detaches everything when one program cannot be attached, and names its probe", () => {
    const session = load(halfAttachable("error"));
    const attempt = (): unknown => session.start();
    expect(attempt).toThrow(AttachError);
    expect(attempt).toThrow("Unable to attach probe: tracepoint:sched:no_such_tracepoint: ENOENT");
    session.reset();
    process.cpuUsage();
    expect(total(session)).toBe(0);
  });

  it("goes on without a probe where the script permits that", () => {
    const session = load(halfAttachable("warn"));
    expect(session.start().map(({ probes }) => probes)).toEqual([["tracepoint:sched:no_such_tracepoint"]]);
    process.cpuUsage();
    session.detach();
    expect(total(session)).toBeGreaterThan(0);
  });

  it("says which probe has a rate that the kernel refuses", () => {
    const session = load(counting({ kind: "profile", period: { hz: 1e9 } }, { probes: ["profile:hz:1000000000"] }));
    expect(() => session.start()).toThrow(
      "Unable to attach probe: profile:hz:1000000000: perf_event_open failed: EINVAL",
    );
  });

  it("explains what the verifier refuses, and leaves nothing open", () => {
    const parts = compiled({
      maps: [globals(8), hash("some")],
      programs: [
        program({ kind: "begin" }, [...count(), ...returnZero], { name: "good" }),
        program({ kind: "end" }, [mov64(R1, imm(0)), ldx(8, R0, R1, 0), exit()], { name: "bad", probes: ["END"] }),
      ],
    });
    let error: unknown;
    try {
      loadSession(parts);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(VerifierError);
    expect(error).toMatchObject({
      program: "bad",
      probes: ["END"],
      code: "EACCES",
      slot: 1,
      instruction: "r0 = *(u64 *)(r1 +0)",
      lastWords: expect.stringContaining("R1 invalid mem access"),
      log: expect.stringContaining("processed 2 insns"),
    });
    const { span } = error as VerifierError;
    expect(span?.source.position(span.start).line).toBe(2);
    expect(descriptors()).toEqual(before);
  });

  it("keeps a log that needs more than the usual room", () => {
    const loop: Instruction[] = [...fill(0, 1500).slice(0, -1), jlt(R6, imm(1500), "loop0")];
    const bad = [...loop, mov64(R1, imm(0)), ldx(8, R0, R1, 0), exit()];
    const parts = compiled({ maps: [hash("some", { maxEntries: 2000 })], programs: [program({ kind: "begin" }, bad)] });
    expect(() => loadSession(parts)).toThrow(VerifierError);
    try {
      loadSession(parts);
    } catch (error) {
      const { log, lastWords, code } = error as VerifierError;
      expect(log.length).toBeGreaterThan(64 * 1024);
      expect(log).toMatch(/^(func#0|0: )/);
      expect(lastWords).toContain("R1 invalid mem access");
      expect(code).toBe("EACCES");
    }
  });

  it("leaves nothing open when a map cannot be created", () => {
    const parts = compiled({ maps: [globals(8), hash("impossible", { keySize: 0 })] });
    expect(() => loadSession(parts)).toThrow("BPF_MAP_CREATE failed: EINVAL");
    expect(descriptors()).toEqual(before);
  });

  // Maps

  it.each([
    { what: "a hash", map: hash("h", { maxEntries: 20_000 }), perCpu: false },
    { what: "a per-CPU hash", map: hash("h", { type: "percpu_hash", maxEntries: 20_000 }), perCpu: true },
    { what: "an LRU hash", map: hash("h", { type: "lru_hash", maxEntries: 20_000 }), perCpu: false },
  ])("reads, zeroes and clears $what", ({ map, perCpu }) => {
    const entries = 9000;
    const parts = compiled({
      maps: [map],
      scriptMaps: [keyed(0, perCpu)],
      programs: [program({ kind: "begin" }, [...fill(0, entries), ...returnZero])],
    });
    const session = load(parts);
    const script = parts.scriptMaps[0]!;
    session.begin();
    const read = session.readMap(script).entries;
    expect(read.map(({ key }) => number(key)).sort((a, b) => a - b)).toEqual(
      Array.from({ length: entries }, (_, i) => i),
    );
    expect(read.every(({ key, copies }) => copies.map(number).reduce((a, b) => a + b) === number(key))).toBe(true);
    session.zero(script);
    expect(session.readMap(script).entries).toHaveLength(entries);
    expect(sum(session.readMap(script).entries)).toBe(0);
    session.clear(script);
    expect(session.readMap(script).entries).toEqual([]);
    session.clear(script);
    session.begin();
    session.reset();
    expect(session.readMap(script).entries).toEqual([]);
  });

  it("walks a map that has no batches key by key", () => {
    const frames = 16;
    const stacks = {
      ...hash("stacks"),
      type: "stack_trace",
      keySize: 4,
      valueSize: 8 * frames,
      maxEntries: 64,
    } as const;
    const code = [ldImm64(R2, { map: 0 }), mov64(R3, imm(0)), call("get_stackid"), ...returnZero];
    const parts = compiled({
      maps: [stacks],
      scriptMaps: [keyed(0)],
      programs: [program({ kind: "begin" }, code)],
    });
    const session = load(parts);
    session.begin();
    expect(session.readMap(parts.scriptMaps[0]!).entries).toHaveLength(1);
    session.reset();
    expect(session.readMap(parts.scriptMaps[0]!).entries).toEqual([]);
  });

  it("tells an untouched scalar from one that is zero", () => {
    const storage = { kind: "global", map: 0, offset: 0, stride: 8, copies: 1, presence: 8 } as const;
    const scalar: ScriptMap = { ...COUNTER, storage };
    const assign = [ldImm64(R1, { mapValue: 0, offset: 0 }), st(8, R1, 0, imm(0)), st(1, R1, 8, imm(1)), ...returnZero];
    const parts = compiled({
      maps: [globals(16)],
      scriptMaps: [scalar],
      programs: [program({ kind: "begin" }, assign)],
    });
    const session = load(parts);
    expect(session.readMap(scalar).entries).toEqual([]);
    session.begin();
    expect(session.readMap(scalar).entries).toEqual([{ key: new Uint8Array(0), copies: [new Uint8Array(8)] }]);
    session.zero(scalar);
    expect(session.readMap(scalar).entries).toHaveLength(1);
    session.clear(scalar);
    expect(session.readMap(scalar).entries).toEqual([]);
  });

  it("reads one copy a CPU of an aggregated scalar, and leaves its neighbours alone", () => {
    const storage = { kind: "global", map: 0, offset: 8, stride: 16, copies: 2, presence: undefined } as const;
    const pair: ScriptMap = { ...COUNTER, name: "@pair", storage };
    const behind: ScriptMap = { ...COUNTER, name: "@behind", storage: { ...storage, offset: 40, copies: 1 } };
    const parts = compiled({
      maps: [globals(64)],
      scriptMaps: [COUNTER, pair, behind],
      programs: [program({ kind: "begin" }, [...count(0), ...count(8), ...count(24), ...count(40), ...returnZero])],
    });
    const session = load(parts);
    session.begin();
    session.begin();
    expect(session.readMap(pair).entries[0]?.copies.map(number)).toEqual([2, 2]);
    session.clear(pair);
    expect([total(session, 0), total(session, 1), total(session, 2)]).toEqual([2, 0, 2]);
  });

  it("lets a process into the process-tree scope, for one run", () => {
    const tree = hash("tree", { keySize: 4, valueSize: 1 });
    const scope: ScriptMap = {
      name: "@tree",
      key: { kind: "integer", size: 4, signed: false },
      value: { kind: "integer", size: 1, signed: false },
      storage: { kind: "hash", map: 0, perCpu: false },
    };
    const session = load(compiled({ maps: [tree], scriptMaps: [scope], scopeTree: 0 }));
    session.addToScope(1234);
    expect(session.readMap(scope).entries).toEqual([
      { key: new Uint8Array(Uint32Array.of(1234).buffer), copies: [Uint8Array.of(1)] },
    ]);
    session.reset();
    expect(session.readMap(scope).entries).toEqual([]);
    expect(() => load(compiled()).addToScope(1)).toThrow("not compiled with the process-tree scope");
  });

  // Events through the ring buffer

  function emitting(values: number[], atEnd: number[] = []): CompiledProgram {
    return compiled({
      maps: [RING],
      ringBuffer: 0,
      programs: [
        program({ kind: "begin" }, [...values.flatMap((v) => emit(v)), ...returnZero]),
        program({ kind: "end" }, [...atEnd.flatMap((v) => emit(v)), ...returnZero]),
      ],
    });
  }

  it("shows records in order, once, and stops where the visitor says so", () => {
    const session = load(emitting([1, 2, 3, 4]));
    session.start();
    const seen: number[] = [];
    session.drain((view, offset) => seen.push(Number(view.getBigUint64(offset, true))) < 2);
    expect(seen).toEqual([1, 2]);
    expect(numbers(session)).toEqual([3, 4]);
    expect(numbers(session)).toEqual([]);
  });

  it.each([
    { what: "shows them", expected: [1, 2, 8, 9] },
    { what: "forgets them after exit()", pending: "discard", expected: [8, 9] },
    { what: "shows as many as are wanted", pending: () => false, expected: [8, 9] },
  ] as const)("stops with records waiting: $what", ({ pending, expected }) => {
    const session = load(emitting([1, 2], [8, 9]));
    session.start();
    const seen: number[] = [];
    session.stop((view, offset) => void seen.push(Number(view.getBigUint64(offset, true))), pending);
    expect(seen).toEqual(expected);
  });

  it("calls back from the event loop while records are waiting", async () => {
    const session = load(emitting([5, 6]));
    const seen = await new Promise<number[]>((resolve) => {
      session.onReadable(() => {
        session.onReadable(undefined);
        resolve(numbers(session));
      });
      session.start();
    });
    expect(seen).toEqual([5, 6]);
  });

  it("forgets waiting records at a reset", () => {
    const session = load(emitting([1]));
    session.begin();
    session.reset();
    expect(numbers(session)).toEqual([]);
  });

  it.each<{ attach: AttachTarget; size: number }>([
    { attach: { kind: "begin" }, size: 1 << 20 },
    { attach: { ...rawTracepoint, btfId: undefined }, size: 8 << 20 },
  ])("gives more room to what prints often: $attach.kind", ({ attach, size }) => {
    const ring = { ...RING, maxEntries: "auto" } as const;
    const programs = [program(attach, [...emit(1), ...returnZero])];
    load(compiled({ maps: [ring], ringBuffer: 0, programs }));
    expect(ringSizes()).toEqual([size]);
  });

  // Health and cost

  it("reports lost events and full maps by name, and forgets them at a reset", () => {
    const parts = compiled({
      maps: [globals(32, "health"), hash("a"), hash("b")],
      scriptMaps: [keyed(1), keyed(2)],
      health: 0,
      programs: [program({ kind: "begin" }, [...count(0), ...count(0), ...count(8), ...count(24), ...returnZero])],
    });
    const session = load(parts);
    const healthy = { lostEvents: 0, endlessLoops: 0, failedUpdates: [], missedRuns: [] };
    expect(session.health()).toEqual(healthy);
    session.begin();
    expect(session.health()).toEqual({
      ...healthy,
      lostEvents: 2,
      endlessLoops: 1,
      failedUpdates: [{ map: "@2", count: 1 }],
    });
    session.reset();
    expect(session.health()).toEqual(healthy);
  });

  // Older kernels let a program on a raw tracepoint run within itself, and this one would wait for itself.
  it.skipIf(!isAtLeast(hostFacts().version, [6, 1]))("reports runs that the kernel left out", () => {
    // trace_printk fires the tracepoint that the program itself is attached to
    const print = [
      st(8, R10, -8, imm(0x21)),
      mov64(R1, R10),
      add64(R1, imm(-8)),
      mov64(R2, imm(2)),
      call("trace_printk"),
      ...returnZero,
    ];
    const target = { ...rawTracepoint, tracepoint: "bpf_trace_printk", btfId: undefined };
    const parts = compiled({
      programs: [
        program({ kind: "begin" }, print),
        program(target, print, { name: "echo", probes: ["rawtracepoint:bpf_trace_printk"] }),
      ],
    });
    const session = load(parts);
    session.attach();
    session.begin();
    session.detach();
    expect(session.health().missedRuns).toEqual([
      { program: "echo", probes: ["rawtracepoint:bpf_trace_printk"], count: 1 },
    ]);
    session.reset();
    expect(session.health().missedRuns).toEqual([]);
  });

  it.each([
    { cost: true, hits: [3] },
    { cost: false, hits: [] },
  ])("keeps account of the programs' cost: $cost", ({ cost, hits }) => {
    const session = load(counting({ kind: "begin" }), { cost });
    for (let i = 0; i < 3; i++) session.begin();
    expect(session.cost().map((program) => program.hits)).toEqual(hits);
    expect(session.cost().every(({ ns }) => ns > 0)).toBe(true);
    session.reset();
    expect(session.cost().map((program) => program.hits)).toEqual(hits.map(() => 0));
  });

  it("resets in much less time than it takes to load", () => {
    const parts = compiled({
      maps: [globals(4096), hash("a"), hash("b", { type: "percpu_hash" })],
      scriptMaps: [COUNTER, keyed(1), keyed(2, true)],
      programs: [program({ kind: "begin" }, [...fill(1, 100), ...fill(2, 100), ...returnZero])],
    });
    const session = load(parts);
    session.begin();
    session.reset();
    session.begin();
    const start = performance.now();
    session.reset();
    expect(performance.now() - start).toBeLessThan(patient(20));
    expect([total(session, 1), total(session, 2)]).toEqual([0, 0]);
  });
});
