/**
 * From units to kernel programs. All system call probes of a direction become one program on the raw tracepoint, which
 * dispatches on the number; other blocks on the same event share a program too. Each block is a region of its own: a
 * `return` or a false predicate leads to the next.
 */
import type { IrProgram, VReg } from "../ir/ir.ts";
import type { HostConstant, ScopeFilter } from "../program.ts";
import { isSystemCall, isUserCode, type ProbeEvent, type ResolvedProbe } from "../sema/probes.ts";
import type { TypedScript } from "../sema/typed.ts";
import { nodesOf } from "../syntax/nodes.ts";
import { syscallNumberRegister } from "./args.ts";
import { branch } from "./expressions.ts";
import { groupByEvent, type ProgramGroup, programKind, type Region, uniqueName } from "./groups.ts";
import { enterObject } from "./iterators.ts";
import { type Home, Lowering, type LoweringEnvironment, type ProgramInfo } from "./lowering.ts";
import { mustBeDivided, Parts } from "./parts.ts";
import type { PlannedMap } from "./plan.ts";
import { countFork, hasSwitch, isInScope, isSwitchedOn, keepsTree, treeKey } from "./scope.ts";
import { SlotMemory } from "./slots.ts";
import { currentTask, kernelField, taskOf, visibleTask } from "./task.ts";
import { ArgumentLists } from "./usdt.ts";

export function lowerPrograms(script: TypedScript, environment: LoweringEnvironment, scope: ScopeFilter): IrProgram[] {
  const groups = groupByEvent(script, environment.facts);
  const atomic = atomicMaps(groups);
  const names = new Set<string>();
  const programs = groups.map((group) => lowerProgram(group, environment, scope, atomic, names));
  const followed = [scope, environment.workload].find(keepsTree);
  if (followed) programs.push(...treePrograms(environment, followed));
  return programs;
}

/**
 * Maps whose counters may be changed by a program while another (or, on an interrupt, a second event) is changing them on
 * the same CPU. A single program never interrupts itself, and system calls never interrupt each other; but some programs can
 * be preempted, by another task's run of the same program too.
 */
function atomicMaps(groups: readonly ProgramGroup[]): (map: PlannedMap) => boolean {
  const users = new Map<string, Set<ProgramGroup>>();
  for (const group of groups) {
    for (const { unit } of group.regions) {
      for (const { name } of nodesOf(unit.block, "map")) {
        const set = users.get(name) ?? new Set();
        users.set(name, set.add(group));
      }
    }
  }
  return (map) => {
    const set = [...(users.get(map.info.name) ?? [])];
    if (set.some(({ event }) => isPreemptible(event))) return true;
    return set.length > 1 && !set.every(({ event }) => isSystemCall(event) || isBuiltin(event));
  };
}

/** Run by the tool, and so by nobody who is in the scope. */
function isBuiltin({ kind }: ProbeEvent): boolean {
  return kind === "begin" || kind === "end" || kind === "signal" || kind === "bench" || kind === "test";
}

function isPreemptible(event: ProbeEvent): boolean {
  return isUserCode(event) || event.kind === "iter";
}

function lowerProgram(
  group: ProgramGroup,
  environment: LoweringEnvironment,
  scope: ScopeFilter,
  atomicUpdates: (map: PlannedMap) => boolean,
  names: Set<string>,
): IrProgram {
  const { event, regions } = group;
  const served = regions.flatMap((region) => region.probes);
  const probed = regions[0]!.probes;
  const argumentLists = new ArgumentLists(
    regions.map(({ unit }) => unit.block),
    probed,
  );
  const { type, attach, context } = programKind(event, probed, environment, argumentLists);
  // Kernels before 5.12, which have no fetching atomics either, do not let programs be preempted.
  const claims = isPreemptible(event) && environment.facts.features.atomicFetch;
  const slots = claims ? new SlotMemory() : undefined;
  const divided = mustBeDivided(
    regions.map(({ unit }) => unit),
    environment,
  );
  const name = uniqueName(group, names);
  const info: ProgramInfo = { name, type, atomicUpdates, context, slots, divided, argumentLists };
  const l = new Lowering(info, environment);
  const { b } = l;
  const leave = b.newBlock();
  const hasResult = event.kind === "bench" || event.kind === "test";
  const resultHome: Home | undefined = hasResult ? l.home(8, "result") : undefined;
  const enter = (part: Lowering): void => {
    if (resultHome) part.result = part.address(part.placeOf(resultHome));
    if (event.kind === "syscall") readSyscall(part, event.direction);
  };
  enter(l);
  if (l.result !== undefined) b.store(l.result, 0, 8, { imm: 0n });
  if (event.kind === "syscall") dispatchAll(l, regions, leave);
  const process = onlyProcess(event, environment);
  if (process) filterProcess(l, process, leave);
  if (event.kind === "iter") enterObject(l, leave);
  else if (!isBuiltin(event)) {
    filterScope(l, event.kind === "interval" ? "system" : scope, leave);
    if (environment.exits) skipAfterExit(l, leave);
  }
  const isOneCall = haveSameCalls(regions);
  const enterRegion = (part: Lowering, region: Region): void => identify(part, region, regions[0]!);
  const parts = new Parts(l, leave, { enter, enterRegion });
  regions.forEach((region, i) => {
    parts.region(region, i === regions.length - 1, (part, after) => {
      // What no region wants has left already.
      if (!isOneCall) dispatchRegion(part, region, after);
      beginRegion(part, region, regions[0]!, after);
    });
  });
  const {
    parts: [functions, ...rest],
    array,
  } = parts.finish();
  const probes = served.map((probe) => probe.name);
  const further = array === undefined ? undefined : { map: array, parts: rest };
  return { name: info.name, type, attach, probes, functions: functions!, further };
}

/** Nothing counts that happens between exit() and the moment when everything is detached. */
function skipAfterExit(l: Lowering, leave: number): void {
  const { map, offset } = l.plan.ended;
  const goOn = l.b.newBlock();
  l.b.branch("ne", l.b.load(l.mapValue(map, offset), 0, 8), { imm: 0n }, leave, goOn);
  l.b.enterSealed(goOn);
}

function isManyPlaces({ probes }: Region): boolean {
  const { event } = probes[0]!;
  return probes.length > 1 && (isUserCode(event) || event.kind === "kprobe");
}

/** The id of the probe that fired: its cookie is the one of the first block on that place. */
function placeId(l: Lowering, { probes }: Region, first: Region): VReg {
  const cookie = l.b.call("get_attach_cookie", [l.context], { pure: true });
  const id = l.program.argumentLists?.probeId(l, cookie) ?? cookie;
  return l.b.add(id, probes[0]!.id - first.probes[0]!.id);
}

/** Goes on with the events that are the block's own. */
function dispatchRegion(l: Lowering, { probes }: Region, after: number): void {
  const numbers = l.syscall && syscallNumbers(probes);
  if (l.syscall && numbers) dispatch(l, l.syscall.number, numbers, after);
}

/** What stands before a block's statements: which probe it was, and its predicate. */
function beginRegion(l: Lowering, region: Region, first: Region, after: number): void {
  const { unit, probes } = region;
  identify(l, region, first);
  l.enterRegion(unit, probes[0]!, after);
  const { predicate } = unit.block;
  if (!predicate) return;
  const then = l.b.newBlock();
  branch(l, predicate, then, after);
  l.b.enterSealed(then);
}

/** Finds out which of a block's many probes fired. */
function identify(l: Lowering, region: Region, first: Region): void {
  const { probes } = region;
  l.probeId = isManyPlaces(region) ? placeId(l, region, first) : undefined;
  if (!l.syscall || probes.length === 1) return;
  const { event, id } = probes[0]!;
  l.probeId = l.b.add(l.syscall.number, event.kind === "syscall" && event.number !== undefined ? id - event.number : 0);
}

// System calls

/** Loads the number and the result. */
function readSyscall(l: Lowering, direction: "enter" | "exit"): void {
  const { b } = l;
  const registers = b.load(l.context, 0, 8, { invariant: true });
  const word = b.load(l.context, 8, 8, { invariant: true });
  const number = direction === "enter" ? word : syscallNumberRegister(l, registers);
  l.syscall = { number, registers, result: direction === "exit" ? word : undefined };
}

/** Leaves early for calls that no region wants. */
function dispatchAll(l: Lowering, regions: readonly Region[], leave: number): void {
  const { number } = l.syscall!;
  const sets = regions.map(({ probes }) => syscallNumbers(probes));
  if (sets.every((set) => set !== undefined)) dispatch(l, number, sets.flat(), leave);
  if (sets.some((set) => set !== undefined)) skipCompat(l, leave);
}

/** The system calls of a region; undefined when it takes all of them. */
function syscallNumbers(probes: readonly ResolvedProbe[]): number[] | undefined {
  const numbers: number[] = [];
  for (const { event } of probes) {
    if (event.kind !== "syscall" || event.number === undefined) return undefined;
    numbers.push(event.number);
  }
  return numbers;
}

/** Whether all regions are for the same system calls. */
function haveSameCalls(regions: readonly Region[]): boolean {
  const [first, ...others] = regions.map(({ probes }) => syscallNumbers(probes)?.join());
  return first !== undefined && others.every((numbers) => numbers === first);
}

/** Goes on only if the number is one of `wanted`; else jumps to `otherwise`. */
function dispatch(l: Lowering, number: VReg, wanted: readonly number[], otherwise: number): void {
  const found = l.b.newBlock();
  search(l, number, ranges(wanted), found, otherwise);
  l.b.enterSealed(found);
}

/** Runs of consecutive numbers: [first, last]. */
function ranges(numbers: readonly number[]): [number, number][] {
  const list: [number, number][] = [];
  for (const n of [...new Set(numbers)].sort((a, b) => a - b)) {
    const last = list.at(-1);
    if (last && last[1] === n - 1) last[1] = n;
    else list.push([n, n]);
  }
  return list;
}

/** A binary search over the runs, as branches. */
function search(l: Lowering, number: VReg, runs: readonly [number, number][], found: number, otherwise: number): void {
  const { b } = l;
  if (runs.length === 1) {
    const [first, last] = runs[0]!;
    if (first === last) {
      b.branch("eq", number, { imm: BigInt(first) }, found, otherwise);
      return;
    }
    const offset = first === 0 ? number : b.alu("sub", number, { imm: BigInt(first) });
    b.branch("le", offset, { imm: BigInt(last - first) }, found, otherwise);
    return;
  }
  const middle = runs.length >> 1;
  const [lower, upper] = [b.newBlock(), b.newBlock()];
  b.branch("lt", number, { imm: BigInt(runs[middle]![0]) }, lower, upper);
  b.enterSealed(lower);
  search(l, number, runs.slice(0, middle), found, otherwise);
  b.enterSealed(upper);
  search(l, number, runs.slice(middle), found, otherwise);
}

/** 32-bit calls have numbers of their own; the per-call tracepoints do not fire for them, so neither do we. */
function skipCompat(l: Lowering, leave: number): void {
  const COMPAT = { x64: { field: "status", bit: 2n }, arm64: { field: "flags", bit: 1n << 22n } }[l.facts.arch];
  const btf = l.facts.btf();
  const task = btf?.find("task_struct", "struct");
  const info = btf && task !== undefined ? btf.field(task, "thread_info") : undefined;
  const field = btf && info ? btf.field(info.type, COMPAT.field) : undefined;
  if (!info || !field || !l.facts.features.currentTaskBtf) return;
  const { b } = l;
  const current = b.call("get_current_task_btf", [], { pure: true });
  const status = b.load(current, info.offset + field.offset, 4, { invariant: true });
  const native = b.newBlock();
  b.branch("set", status, { imm: COMPAT.bit }, leave, native);
  b.enterSealed(native);
}

/** The process whose events alone count, where attaching does not see to that. */
function onlyProcess({ kind }: ProbeEvent, { oneTarget, oneProcess }: LoweringEnvironment): HostConstant | undefined {
  switch (kind) {
    case "syscall":
    case "tracepoint":
    case "raw":
    case "kprobe":
    case "function":
      return oneTarget ? "target_pid" : undefined;
    // It is the processor's, and other processes may have something at that address, too.
    case "watchpoint":
      return oneTarget ? "target_pid" : oneProcess ? "cpid" : undefined;
    default:
      return undefined;
  }
}

function filterProcess(l: Lowering, process: HostConstant, leave: number): void {
  const inside = l.b.newBlock();
  l.b.branch("eq", visibleTask(l).process, l.hostConstant(process), inside, leave);
  l.b.enterSealed(inside);
}

// Scope

/** Lets only the workload's events pass. With a switch, nothing passes while that is off, not even what all may see. */
function filterScope(l: Lowering, scope: ScopeFilter, leave: number): void {
  if (scope === "system" && !hasSwitch(l.environment.workload)) return;
  const inside = l.b.newBlock();
  const passes = scope === "system" ? isSwitchedOn(l) : isInScope(l, scope);
  l.b.branch("ne", passes, { imm: 0n }, inside, leave);
  l.b.enterSealed(inside);
}

/** What keeps the set of traced processes true: a fork in the scope adds the child, the exit of a process removes it. */
function treePrograms(environment: LoweringEnvironment, scope: ScopeFilter): IrProgram[] {
  return [
    treeProgram("sched_process_fork", environment, (l, done) => fork(l, scope, done)),
    treeProgram("sched_process_exit", environment, (l, done) => leaveTree(l, scope, done)),
  ];
}

function treeProgram(
  tracepoint: string,
  environment: LoweringEnvironment,
  body: (l: Lowering, done: number) => void,
): IrProgram {
  const event: ProbeEvent = { kind: "raw", tracepoint, module: undefined };
  const { type, attach, context } = programKind(event, [], environment);
  const name = tracepoint.replace("sched_process", "scope");
  const l = new Lowering({ name, type, context, atomicUpdates: () => true }, environment);
  const done = l.b.newBlock();
  body(l, done);
  l.b.jump(done);
  l.b.enterSealed(done);
  l.b.exit({ imm: 0n });
  return { name, type, attach, probes: [], functions: l.finish() };
}

// if (parent is in the scope) tree[child] = 1, before the child runs
function fork(l: Lowering, scope: ScopeFilter, done: number): void {
  const { b } = l;
  const inside = b.newBlock();
  b.branch("ne", isInScope(l, scope), { imm: 0n }, inside, done);
  b.enterSealed(inside);
  const child = b.load(l.context, 8, 8, { invariant: true });
  const key = l.slot(8, "child");
  b.store(key.base, 0, 4, treeKey(l, scope, taskOf(l, child)));
  const one = l.slot(8, "one");
  b.store(one.base, 0, 8, { imm: 1n });
  const result = b.call("map_update_elem", [l.mapReference(l.plan.scopeTree), key.base, one.base, { imm: 0n }]);
  if (hasSwitch(scope)) countFork(l);
  // A process that cannot be followed makes the run invalid like any other loss.
  l.when("ne", result, { imm: 0n }, () => l.countRefusal("processes", result));
}

// if (no thread of the process lives on, or it is a thread that has an entry of its own) delete tree[task]
function leaveTree(l: Lowering, scope: ScopeFilter, done: number): void {
  const { b } = l;
  const task = currentTask(l);
  const id = treeKey(l, scope, task);
  const signal = kernelField(l, b.load(l.context, 0, 8, { invariant: true }), "task_struct", "signal", 8);
  const [last, other] = [b.newBlock(), b.newBlock()];
  b.branch("eq", kernelField(l, signal, "signal_struct", "live", 4), { imm: 0n }, last, other);
  b.enterSealed(other);
  b.branch("ne", id, task.process, last, done);
  b.enterSealed(last);
  const key = l.slot(8, "pid");
  b.store(key.base, 0, 4, id);
  b.call("map_delete_elem", [l.mapReference(l.plan.scopeTree), key.base]);
}
