import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";
import {
  add64,
  call,
  exit,
  type Instruction,
  imm,
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
  st,
} from "../../compiler/asm/instructions.ts";
import { programBtf } from "../../compiler/asm/program-btf.ts";
import { Btf } from "../../compiler/btf/btf.ts";
import type { AttachTarget, CompiledProgram, ScriptMap } from "../../compiler/program.ts";
import { AttachError } from "../../harness/tracing/attach.ts";
import { onlineCpus } from "../../harness/tracing/cpus.ts";
import { hostFacts } from "../../harness/tracing/facts/host-facts.ts";
import { loadSession } from "../../harness/tracing/session.ts";
import { VerifierError } from "../../harness/tracing/verifier-error.ts";
import { compiled, globals, hash, program } from "../support/compiled.ts";
import { describeKernel } from "../support/privileges.ts";
import { COUNTER, count, counting, fill, returnZero, SYS_ENTER, sessionsOfTests, total } from "../support/sessions.ts";

describeKernel("session", () => {
  const { load, expectNothingOpen } = sessionsOfTests();

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

  it("loads a program in smaller parts if the verifier finds it too large, and as often as that helps", () => {
    const endless = [
      mov64(R1, imm(0)),
      label("head"),
      add64(R1, imm(1)),
      jlt(R1, imm(2_000_000), "head"),
      ...returnZero,
    ];
    const large = compiled({ programs: [program({ kind: "begin" }, endless)] });
    const small = compiled({ programs: [program({ kind: "begin" }, returnZero)] });
    const session = load({ ...large, smaller: () => ({ ...large, smaller: () => small }) });
    expect(session.compiled).toBe(small);
    session.close();
    expect(() => load({ ...large, smaller: () => undefined })).toThrow(
      expect.objectContaining({ diagnostic: expect.objectContaining({ code: "program-too-large" }) }),
    );
    expectNothingOpen();
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

  it.each<{ what: string; attach: AttachTarget; type?: "tracing"; trigger: () => void }>([
    {
      what: "a raw tracepoint",
      attach: { ...SYS_ENTER, btfId: undefined },
      trigger: () => process.cpuUsage(),
    },
    {
      what: "tp_btf",
      attach: { ...SYS_ENTER, btfId: sysEnter },
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
        program({ ...SYS_ENTER, btfId: undefined }, code, { name: "first" }),
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

  it.skipIf(existsSync("/sys/bus/event_source/devices/cpu"))("says that the processor's counters are missing", () => {
    const cycles = { kind: "perf_counter", class: "hardware", config: 0, period: 1_000_000 } as const;
    const parts = compiled({
      programs: [program(cycles, returnZero, { name: "cycles", probes: ["hardware:cycles:1000000"] })],
    });
    const session = load(parts);
    expect(() => session.start()).toThrow(
      "Unable to attach probe: hardware:cycles:1000000: the processor's counters are not to be had here: ",
    );
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
    expectNothingOpen();
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
    expectNothingOpen();
  });
});
