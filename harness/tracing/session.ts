/**
 * One compiled program in the kernel, from its loading to its last map: the only owner of the descriptors. A session
 * may be attached and detached many times, as the runs of a scenario do, without being loaded again.
 */
import {
  type CompiledProgram,
  errnoOfFull,
  HEALTH_SLOTS,
  type OwnMap,
  type Program,
  REFUSALS,
  refusalSlot,
  type ScriptMap,
  type StackMode,
} from "../../compiler/program.ts";
import {
  enableStats,
  type Fd,
  LoadError,
  type MapFd,
  mapLookup,
  mapUpdate,
  progInfo,
  progRunByUprobe,
  progTestRun,
  type RecordVisitor,
  RingBuffer,
  SysError,
  type TestRunResult,
} from "../../native/index.ts";
import { AttachError, type AttachOptions, attachOrder, attachProgram } from "./attach.ts";
import { dynamicPmu } from "./attach-places.ts";
import { hostConstants, type TraceSubject } from "./host-constants.ts";
import { Iteration } from "./iteration.ts";
import { createMaps, type LoadedProgram, loadPrograms, type VerifierListener } from "./loader.ts";
import { type MapSnapshot, ScriptMaps } from "./maps.ts";
import { PacketCapture } from "./packets/packet-capture.ts";
import type { Refusal } from "./refusals.ts";
import { ProcessMappings } from "./symbols/mapping-record.ts";
import type { StackFrame } from "./symbols/resolver.ts";
import { readFrames } from "./symbols/stack-frames.ts";
import { namesUserCode } from "./symbols/user-code.ts";
import type { MappingRecord } from "./symbols/user-symbols.ts";
import { openUnwinding, type Unwinding } from "./unwind/unwinding.ts";
import { VerifierError } from "./verifier-error.ts";

export interface SessionOptions extends TraceSubject, AttachOptions {
  /** Keeps the kernel's run-time statistics on, for `cost()`. That makes every run of every program dearer. */
  cost?: boolean;
  /** Has the kernel say what it found out about each program. */
  onVerified?: VerifierListener | undefined;
  /** Processes that run already, whose stacks programs follow without frame pointers; and those of all that they start. */
  unwound?: readonly number[] | undefined;
  /** The kernel's own number of a process. Without it they are ours. */
  kernelPid?: ((pid: number) => number) | undefined;
  /** Told of what programs will not know about stacks. */
  onWarning?: ((message: string) => void) | undefined;
}

/** What went missing since the last reset. All empty or zero: the maps are the truth. */
export interface Health {
  /** Records that found no room in the ring buffer. */
  lostEvents: number;
  /** Loops that the kernel has ended before they were done. */
  endlessLoops: number;
  /** Script maps that were full. */
  failedUpdates: { map: string; count: number }[];
  /** Other updates that the kernel refused, of script maps that had room and of the program's own maps; packets that are in no file. */
  refusals: Refusal[];
  /** Programs that the kernel skipped because they were already running on that CPU. */
  missedRuns: { program: string; probes: readonly string[]; count: number }[];
}

export interface ProgramCost {
  program: string;
  probes: readonly string[];
  hits: number;
  /** Nanoseconds in the program, all hits together. */
  ns: number;
}

/** A benchmark or a test of the script. */
export interface OnDemandProgram {
  name: string;
  /** Runs it so many times: what it returned last, and nanoseconds a run. */
  run(repeat: number): TestRunResult;
}

/** No loss: another program added the entry first. */
const EEXIST = 17;

/** The smallest packet, which programs of their type are run for. */
const PACKET_BYTES = 14;

/**
 * Creates the maps and loads the programs; nothing is attached yet. A program that is too large for the verifier is loaded in smaller
 * parts, so that the session's program may be another than the given one. Throws VerifierError for a program that the kernel
 * refuses and SysError for what it does not permit; nothing stays open then.
 */
export function loadSession(compiled: CompiledProgram, options: SessionOptions = {}): Session {
  for (let program = compiled; ; ) {
    try {
      return load(program, options, false);
    } catch (error) {
      if (!isTooLarge(error)) throw error;
      const smaller = program.smaller?.();
      if (smaller === undefined) return load(program, options, true);
      program = smaller;
    }
  }
}

function isTooLarge(error: unknown): boolean {
  return error instanceof VerifierError ? error.tooLarge : error instanceof LoadError && error.code === "E2BIG";
}

function load(compiled: CompiledProgram, options: SessionOptions, explainSize: boolean): Session {
  const open: { close(): void }[] = [];
  try {
    const maps = createMaps(compiled);
    open.push(...maps);
    const { onVerified } = options;
    const programs = loadPrograms(compiled, { maps, constant: hostConstants(options), onVerified, explainSize });
    open.push(...programs.map(({ fd }) => fd));
    const ring = compiled.ringBuffer === undefined ? undefined : new RingBuffer(maps[compiled.ringBuffer]!);
    if (ring) open.push(ring);
    const stats = options.cost ? statisticsIfPermitted() : undefined;
    return new Session({ compiled, options, maps, programs, ring, stats });
  } catch (error) {
    for (const resource of open) resource.close();
    throw error;
  }
}

/** They need CAP_SYS_ADMIN, which tracing itself does not: without it nothing is known about the cost. */
function statisticsIfPermitted(): Fd | undefined {
  try {
    return enableStats();
  } catch (error) {
    if (error instanceof SysError && error.code === "EPERM") return undefined;
    throw error;
  }
}

interface Parts {
  compiled: CompiledProgram;
  options: SessionOptions;
  maps: MapFd[];
  programs: LoadedProgram[];
  ring: RingBuffer | undefined;
  stats: Fd | undefined;
}

export class Session {
  readonly compiled: CompiledProgram;
  readonly scriptMaps: ScriptMaps;
  readonly #maps: readonly MapFd[];
  readonly #ring: RingBuffer | undefined;
  readonly #stats: Fd | undefined;
  readonly #options: SessionOptions;
  readonly #programs: readonly LoadedProgram[];
  readonly #namesUserCode: boolean;
  #mappings: ProcessMappings | undefined;
  readonly #unwinding: Unwinding | undefined;
  #capture: PacketCapture | undefined;
  #onReadable: (() => void) | undefined;
  #attached: Fd[] = [];
  /** Those of them that belong to watchpoints, by the address. */
  readonly #watched = new Map<string, Fd[]>();
  readonly #iteration = new Iteration();
  #state: "detached" | "attached" | "closed" = "detached";
  /** The kernel's counters of a program only grow; a reset remembers where they stood. */
  readonly #origin = new Map<Fd, Counters>();

  constructor({ compiled, options, maps, programs, ring, stats }: Parts) {
    this.compiled = compiled;
    this.scriptMaps = new ScriptMaps(compiled, maps);
    this.#options = options;
    this.#maps = maps;
    this.#programs = programs;
    this.#ring = ring;
    this.#stats = stats;
    this.#namesUserCode = namesUserCode(compiled);
    this.#unwinding = openUnwinding(compiled, maps, options);
  }

  /** Runs the begin programs. */
  begin(): void {
    this.#runAll("begin");
  }

  /**
   * Attaches all programs that wait for events. Answers the probes that could not be attached,
   * where the script permits that; throws AttachError where it does not, or CaptureError if a file for packets cannot be written,
   * with nothing attached.
   */
  attach(): AttachError[] {
    if (this.#state !== "detached") throw new Error(`the session is ${this.#state}`);
    this.#openCapture();
    this.#watchMappings();
    this.#state = "attached";
    const missing: AttachError[] = [];
    try {
      for (const loaded of attachOrder(this.#programs)) {
        const failure = this.#attachOne(loaded);
        if (failure) missing.push(failure);
      }
      return missing;
    } catch (error) {
      this.detach();
      throw error;
    }
  }

  /** Goes through some more objects of the script's iterators; false when that is done. In between, records are to be taken. */
  iterate(): boolean {
    return this.#iteration.step();
  }

  /** `iterate()` was begun, and is not done. */
  get iterates(): boolean {
    return this.#iteration.underway;
  }

  /** Ends the watchpoints on an address, if there are any. */
  unwatch(address: bigint): void {
    for (const fd of this.#watched.get(String(address)) ?? []) fd.close();
  }

  /** Detaches all programs: no event is counted after this. Does nothing when none is attached. */
  detach(): void {
    if (this.#state !== "attached") return;
    this.#state = "detached";
    this.#iteration.close();
    for (const fd of this.#attached) fd.close();
    this.#attached = [];
    this.#watched.clear();
  }

  /** Runs the end programs. */
  end(): void {
    this.#runAll("end");
  }

  /** Runs the programs that wait for a signal of that name. */
  signal(name: string): void {
    for (const { program, fd } of this.#programs) {
      if (program.attach.kind === "signal" && program.attach.signal === name) run(program, fd);
    }
  }

  /** Signals that programs wait for. */
  get signals(): string[] {
    const names = this.#programs.flatMap(({ program: { attach } }) =>
      attach.kind === "signal" ? [attach.signal] : [],
    );
    return [...new Set(names)];
  }

  /** The script's benchmarks or tests, in its order. */
  onDemand(kind: "bench" | "test"): OnDemandProgram[] {
    return this.#programs.flatMap(({ program: { attach }, fd }) => {
      if (attach.kind !== kind) return [];
      return [
        { name: attach.name, run: (repeat) => progTestRun(fd, { dataIn: new Uint8Array(PACKET_BYTES), repeat }) },
      ];
    });
  }

  /** Begins tracing: `begin`, then `attach`. */
  start(): AttachError[] {
    this.begin();
    return this.attach();
  }

  /**
   * Ends tracing: detaches, shows the records that were waiting to `pending`, runs the end programs, and shows theirs to
   * `visit`. A visitor that ends its drain does not see the rest. After exit() nobody wants what was waiting.
   */
  stop(visit: RecordVisitor, pending: RecordVisitor | "discard" = visit): void {
    this.detach();
    if (pending !== "discard") this.drain(pending);
    this.drain(ignore);
    this.end();
    this.drain(visit);
  }

  /** Shows all waiting records to `visit`, oldest first, and answers how many there were. Packets go to their files. */
  drain(visit: RecordVisitor): number {
    this.#capture?.drain();
    return this.#ring?.drain(visit) ?? 0;
  }

  /** Calls back from the event loop while records or packets are waiting. Undefined stops that. */
  onReadable(callback: (() => void) | undefined): void {
    this.#onReadable = callback;
    this.#capture?.onReadable(callback);
    if (callback === undefined) this.#ring?.offReadable();
    else this.#ring?.onReadable(callback);
  }

  /** All script maps, in the order of the script. */
  readMaps(): MapSnapshot[] {
    return this.scriptMaps.readAll();
  }

  readMap(map: ScriptMap): MapSnapshot {
    return this.scriptMaps.read(map);
  }

  clear(map: ScriptMap): void {
    this.scriptMaps.clear(map);
  }

  zero(map: ScriptMap): void {
    this.scriptMaps.zero(map);
  }

  /** The frames of a stack that a program recorded, innermost first; none when there was no room for it. */
  readStack(map: number, id: bigint, mode: StackMode): StackFrame[] {
    const fd = this.#maps[map]!;
    const value = new Uint8Array(fd.valueSize);
    const key = new Uint8Array(BigInt64Array.of(id).buffer);
    return mapLookup(fd, key, value) ? readFrames(value, mode) : [];
  }

  /** What code processes have mapped since the session was attached first, if it says anything about their code. */
  get mappings(): MappingRecord | undefined {
    return this.#mappings;
  }

  /** Whether programs follow stacks without frame pointers. */
  get unwinds(): boolean {
    return this.#unwinding !== undefined;
  }

  /** Has programs follow the stacks of a process by what it has mapped now, and those of all that it starts. */
  unwind(pid: number): void {
    // What is known of the number may be about another process, which had it before.
    this.#mappings?.drain();
    this.#unwinding?.follow(pid);
  }

  /** Puts a process, by the kernel's own number, among those that a program with the process-tree scope counts. */
  addToScope(pid: number): void {
    const tree = this.compiled.scopeTree;
    if (tree === undefined) throw new Error("the program was not compiled with the process-tree scope");
    mapUpdate(this.#maps[tree]!, new Uint8Array(Uint32Array.of(pid).buffer), Uint8Array.of(1));
  }

  /**
   * The memory of the switch of a program with the process or thread scope, laid out as SCOPE_SWITCH says. A reset turns
   * it off.
   */
  get scopeSwitch(): DataView {
    const { scopeSwitch } = this.compiled;
    if (scopeSwitch === undefined) throw new Error("the program was not compiled with a scope that has a switch");
    return this.scriptMaps.memory(scopeSwitch).view;
  }

  /** Back to the state after loading, as far as numbers and packets go: maps, health, costs, files. What is attached stays so. */
  reset(): void {
    this.drain(ignore);
    this.#capture?.restart();
    this.scriptMaps.reset();
    for (const { fd } of this.#programs) this.#origin.set(fd, counters(fd));
  }

  /** Records that found no room in the ring buffer since the last reset. Costs no system call. */
  get lostEvents(): number {
    return this.#healthCounter(HEALTH_SLOTS.lostEvents);
  }

  health(): Health {
    return {
      lostEvents: this.lostEvents,
      endlessLoops: this.#healthCounter(HEALTH_SLOTS.endlessLoops),
      ...this.#refusedUpdates(),
      missedRuns: this.#programs
        .map((loaded) => ({ ...nameOf(loaded), count: this.#counters(loaded).misses }))
        .filter(({ count }) => count > 0),
    };
  }

  /** What each program has cost since the last reset; empty unless the session was asked to keep account, and may. */
  cost(): ProgramCost[] {
    if (this.#stats === undefined) return [];
    return this.#programs.map((loaded) => {
      const { hits, ns } = this.#counters(loaded);
      return { ...nameOf(loaded), hits, ns };
    });
  }

  /** Detaches and releases everything. Closing again does nothing. */
  close(): void {
    if (this.#state === "closed") return;
    this.detach();
    this.#state = "closed";
    this.#ring?.close();
    this.#capture?.close();
    this.scriptMaps.close();
    for (const { fd } of this.#programs) fd.close();
    for (const map of this.#maps) map.close();
    this.#stats?.close();
    this.#mappings?.close();
    this.#unwinding?.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** Updates that found a script's map full, by map; all others, by the reason. */
  #refusedUpdates(): Pick<Health, "failedUpdates" | "refusals"> {
    const failedUpdates: Health["failedUpdates"] = [];
    const counts = new Map<number, number>();
    this.compiled.scriptMaps.forEach(({ name, storage }, index) => {
      const full = errnoOfFull(this.compiled.maps[storage.map]!.type);
      for (const { errno, count } of this.#refusals(index)) {
        if (errno === full) failedUpdates.push({ map: name, count });
        else counts.set(errno, (counts.get(errno) ?? 0) + count);
      }
    });
    const ofMaps = [...counts].map(([errno, count]): Refusal => ({ of: "maps", errno, count }));
    const refusals = [
      ...ofMaps.sort((a, b) => a.errno - b.errno),
      ...(["stacks", "processes", "packets"] as const).flatMap((of) =>
        this.#refusals(of).map((refusal) => ({ of, ...refusal })),
      ),
      ...(this.#capture?.unwritten() ?? []),
    ];
    return { failedUpdates, refusals };
  }

  /** How often the kernel refused to change a map, by the reason; that something is there already is no loss. */
  #refusals(map: number | OwnMap): { errno: number; count: number }[] {
    const refusals: { errno: number; count: number }[] = [];
    for (let errno = 1; errno < REFUSALS; errno++) {
      const count = errno === EEXIST ? 0 : this.#healthCounter(refusalSlot(map, errno));
      if (count > 0) refusals.push({ errno, count });
    }
    return refusals;
  }

  #healthCounter(slot: number): number {
    const { health } = this.compiled;
    return health === undefined ? 0 : Number(this.scriptMaps.memory(health).view.getBigUint64(slot * 8, true));
  }

  /** Before anything is attached, so that what is mapped meanwhile is told, and the first event finds what is there. */
  #watchMappings(): void {
    const unwinding = this.#unwinding;
    if (!this.#namesUserCode && !unwinding) return;
    this.#mappings ??= ProcessMappings.open(this.#options.pid, unwinding?.hear);
    for (const pid of this.#options.unwound ?? []) unwinding?.follow(pid);
  }

  /** Before anything is attached, so that no packet comes without room for it; and not before, so that a file is touched only then. */
  #openCapture(): void {
    const { packets, config } = this.compiled;
    if (!packets || this.#capture) return;
    this.#capture = PacketCapture.open(packets.calls, this.#maps[packets.map]!, config.ringPages);
    this.#capture.onReadable(this.#onReadable);
  }

  #attachOne(loaded: LoadedProgram): AttachError | undefined {
    try {
      const attached = attachProgram(loaded, this.#options);
      this.#attached.push(...attached);
      const { attach } = loaded.program;
      if (attach.kind === "iter") this.#iteration.add(attached[0]!);
      if (attach.kind === "watchpoint") {
        this.#watched.set(attach.address, [...(this.#watched.get(attach.address) ?? []), ...attached]);
      }
      return undefined;
    } catch (error) {
      if (error instanceof AttachError && this.compiled.config.missingProbes !== "error") return error;
      throw error;
    }
  }

  #runAll(kind: "begin" | "end"): void {
    for (const { program, fd } of this.#programs) if (program.attach.kind === kind) run(program, fd);
  }

  #counters({ fd }: LoadedProgram): Counters {
    const now = counters(fd);
    const origin = this.#origin.get(fd);
    if (origin === undefined) return now;
    return { hits: now.hits - origin.hits, ns: now.ns - origin.ns, misses: now.misses - origin.misses };
  }
}

function run({ type }: Program, fd: Fd): void {
  if (type === "kprobe") progRunByUprobe(fd, dynamicPmu("uprobe"));
  else progTestRun(fd);
}

interface Counters {
  hits: number;
  ns: number;
  misses: number;
}

function counters(prog: Fd): Counters {
  const info = progInfo(prog);
  return { hits: Number(info.runCnt), ns: Number(info.runTimeNs), misses: Number(info.recursionMisses) };
}

function nameOf({ program }: LoadedProgram): { program: string; probes: readonly string[] } {
  return { program: program.name, probes: program.probes };
}

const ignore: RecordVisitor = () => {};
