import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { add64, call, imm, mov64, R1, R2, R10, st } from "../../compiler/asm/instructions.ts";
import {
  type AttachTarget,
  type CompiledProgram,
  HEALTH_SLOTS,
  REFUSALS,
  refusalSlot,
} from "../../compiler/program.ts";
import { hostFacts } from "../../harness/tracing/facts/host-facts.ts";
import { isAtLeast } from "../../harness/tracing/facts/version.ts";
import { openFds } from "../../native/index.ts";
import { compiled, globals, hash, program, RING } from "../support/compiled.ts";
import { patient } from "../support/patience.ts";
import { describeKernel } from "../support/privileges.ts";
import {
  COUNTER,
  count,
  counting,
  emit,
  fill,
  keyed,
  numbers,
  returnZero,
  SYS_ENTER,
  sessionsOfTests,
  total,
} from "../support/sessions.ts";
import { trace } from "../support/traced.ts";

/** The sizes of this process's ring buffers, as the kernel has them. */
function ringSizes(): number[] {
  const BPF_MAP_TYPE_RINGBUF = 27;
  const infos = openFds().map(({ value }) => readFileSync(`/proc/self/fdinfo/${value}`, "utf8"));
  return infos
    .filter((info) => info.includes(`map_type:\t${BPF_MAP_TYPE_RINGBUF}\n`))
    .map((info) => Number(/max_entries:\s+(\d+)/.exec(info)?.[1]));
}

describeKernel("events and health of a session", () => {
  const { load } = sessionsOfTests();

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
    { attach: { ...SYS_ENTER, btfId: undefined }, size: 8 << 20 },
  ])("gives more room to what prints often: $attach.kind", ({ attach, size }) => {
    const ring = { ...RING, maxEntries: "auto" } as const;
    const programs = [program(attach, [...emit(1), ...returnZero])];
    load(compiled({ maps: [ring], ringBuffer: 0, programs }));
    expect(ringSizes()).toEqual([size]);
  });

  // Health and cost

  it("reports lost events and full maps by name, and forgets them at a reset", () => {
    const { lostEvents, endlessLoops } = HEALTH_SLOTS;
    // Nothing, no memory, there already, full.
    const refusals = [0, 12, 17].map((errno) => refusalSlot(0, errno));
    const losses = [
      lostEvents,
      lostEvents,
      endlessLoops,
      ...refusals,
      refusalSlot(1, 12),
      refusalSlot(1, 7),
      refusalSlot("stacks", 7),
      refusalSlot("processes", 16),
    ];
    const parts = compiled({
      maps: [globals((HEALTH_SLOTS.firstMap + 2 * REFUSALS) * 8, "health"), hash("a"), hash("b")],
      scriptMaps: [keyed(1), keyed(2)],
      health: 0,
      programs: [program({ kind: "begin" }, [...losses.flatMap((slot) => count(slot * 8)), ...returnZero])],
    });
    const session = load(parts);
    const healthy = { lostEvents: 0, endlessLoops: 0, failedUpdates: [], refusals: [], missedRuns: [] };
    expect(session.health()).toEqual(healthy);
    session.begin();
    expect(session.health()).toEqual({
      ...healthy,
      lostEvents: 2,
      endlessLoops: 1,
      failedUpdates: [{ map: "@2", count: 1 }],
      refusals: [
        { of: "maps", errno: 12, count: 2 },
        { of: "stacks", errno: 7, count: 1 },
        { of: "processes", errno: 16, count: 1 },
      ],
    });
    session.reset();
    expect(session.health()).toEqual(healthy);
  });

  // Before 6.1 maps have all their memory from the start. Later a large one gets none while interrupts are off, but for what lies ready.
  it.skipIf(!isAtLeast(hostFacts().version, [6, 1]))("tells a kernel without memory from a full map", async () => {
    const script = `config = { max_map_keys = 3000000 } profile:hz:99 { for ($i : 0..500) { @[$i] = ($i, (int64)1) } }`;
    const { health } = await trace(script, ["sleep", "0.2"], { everywhere: true });
    expect(health).toEqual({
      lostEvents: 0,
      endlessLoops: 0,
      failedUpdates: [],
      refusals: [{ of: "maps", errno: 12, count: expect.any(Number) }],
      missedRuns: [],
    });
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
    const target = { ...SYS_ENTER, tracepoint: "bpf_trace_printk", btfId: undefined };
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
