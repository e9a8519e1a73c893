/**
 * Which probes share a kernel program, and of which kind it is. All system call probes of a direction become one program
 * on the raw tracepoint; other blocks on the same event share one too. A block on many functions is one program that is
 * attached to all of them.
 */
import type { IrProgram } from "../ir/ir.ts";
import { isSince, type KernelFacts } from "../kernel-facts.ts";
import type { AttachTarget, UserPlace } from "../program.ts";
import {
  isUserCode,
  type KernelEvent,
  type ProbeEvent,
  type ResolvedProbe,
  type UsdtEvent,
  type UserEvent,
} from "../sema/providers/provider.ts";
import type { TypedScript, Unit } from "../sema/typed.ts";
import { unreachable } from "../unreachable.ts";
import type { LoweringEnvironment, ProgramInfo } from "./lowering.ts";
import { missesCaller } from "./stacks.ts";
import { ArgumentLists } from "./usdt.ts";

/** A block of the script in a program, for the probes of it that this program serves. */
export interface Region {
  unit: Unit;
  probes: ResolvedProbe[];
}

export interface ProgramGroup {
  event: ProbeEvent;
  regions: Region[];
}

/** One group for each program, in the order of the script. */
export function groupByEvent(script: TypedScript, facts: KernelFacts): ProgramGroup[] {
  const groups = new Map<string, ProgramGroup>();
  // A block's units follow one another; a program has them in the order of the script.
  for (const unit of script.units) {
    for (const [key, probes] of bundles(unit, facts)) {
      const group = groups.get(key);
      if (group) group.regions.push({ unit, probes });
      else groups.set(key, { event: probes[0]!.event, regions: [{ unit, probes }] });
    }
  }
  return [...groups.values()];
}

/** The probes of a unit by the program that serves them. */
function bundles(unit: Unit, facts: KernelFacts): [key: string, probes: ResolvedProbe[]][] {
  const found = new Map<string, ResolvedProbe[]>();
  for (const [key, probe] of unit.probes.flatMap((probe) => (probe.idle ? [] : pieces(probe, facts)))) {
    const bundle = found.get(key);
    if (bundle) bundle.push(probe);
    else found.set(key, [probe]);
  }
  return [...found].map(([key, probes]) => [`${key} ${places(probes)}`, probes]);
}

/** A probe by the key of its program, or each of its places, where they cannot share one. */
function pieces(probe: ResolvedProbe, facts: KernelFacts): [key: string, probe: ResolvedProbe][] {
  const { event, id } = probe;
  const isTold = facts.features.attachCookie;
  if (event.kind !== "usdt" || (isTold && !event.alone)) return [[eventKey(probe, facts), probe]];
  return event.places.map((place, i) => [`single ${id} ${i}`, { ...probe, event: { ...event, places: [place] } }]);
}

/** Probes of one block with equal keys share a program. */
function eventKey({ event, id }: ResolvedProbe, facts: KernelFacts): string {
  switch (event.kind) {
    case "syscall":
      return `sys_${event.direction}`;
    case "raw":
      return `raw ${event.module ?? ""} ${event.tracepoint}`;
    case "tracepoint":
      return `tracepoint ${event.category} ${event.name}`;
    case "function":
      return `function ${event.module ?? ""} ${event.name} ${event.returns}`;
    case "uprobe":
      if (event.alone || !facts.features.attachCookie) return `single ${id}`;
      return `uprobe ${event.returns} ${missesCaller(event, facts)}`;
    case "usdt":
      return "usdt";
    case "kprobe":
      return facts.features.attachCookie ? `kprobe ${event.returns} ${event.multi}` : `single ${id}`;
    default:
      return `single ${id}`;
  }
}

/**
 * Probes on the same places share a program with another block's. Their ids must be as far from each other, since the
 * program gets to know the first block's and computes the others from it.
 */
function places(probes: readonly ResolvedProbe[]): string {
  const first = probes[0]!.id;
  return probes
    .flatMap(({ event, id }) => {
      if (isUserCode(event)) return [`${id - first} ${event.path}:${placesOf(event).map(({ offset }) => offset)}`];
      return event.kind === "kprobe" ? [`${id - first} ${event.module ?? ""}:${event.symbol}+${event.offset}`] : [];
    })
    .join();
}

function placesOf(event: UserEvent | UsdtEvent): readonly { offset: number }[] {
  return event.kind === "usdt" ? event.places : [event];
}

export interface ProgramKind {
  type: IrProgram["type"];
  attach: AttachTarget;
  context: ProgramInfo["context"];
}

export function programKind(
  event: ProbeEvent,
  probes: readonly ResolvedProbe[],
  environment: LoweringEnvironment,
  lists: ArgumentLists = new ArgumentLists([], []),
): ProgramKind {
  const { facts } = environment;
  switch (event.kind) {
    case "begin":
    case "end":
      return { type: runnable(facts), attach: { kind: event.kind }, context: "none" };
    case "signal":
      return { type: runnable(facts), attach: { kind: "signal", signal: event.signal }, context: "none" };
    case "bench":
    case "test":
      // The kernel repeats and times programs of this type.
      return { type: "xdp", attach: { kind: event.kind, name: event.name }, context: "none" };
    case "syscall":
      return rawTracepoint(`sys_${event.direction}`, undefined, facts);
    case "raw":
      return rawTracepoint(event.tracepoint, event.module, facts);
    case "tracepoint":
      return {
        type: "tracepoint",
        attach: { kind: "tracepoint", category: event.category, name: event.name },
        context: "record",
      };
    case "interval":
      return { type: "perf_event", attach: { kind: "interval", periodNs: event.periodNs }, context: "perf-event" };
    case "profile":
      return { type: "perf_event", attach: { kind: "profile", period: event.period }, context: "perf-event" };
    case "perf-counter":
      return {
        type: "perf_event",
        attach: { kind: "perf_counter", class: event.class, config: event.config, period: event.period },
        context: "perf-event",
      };
    case "uprobe":
    case "usdt":
      return { type: "kprobe", attach: userPlaces(event, probes, environment, lists), context: "registers" };
    case "kprobe":
      return { type: "kprobe", attach: kernelPlaces(event, probes), context: "registers" };
    case "function": {
      const { name, btfId, module, returns } = event;
      return {
        type: "tracing",
        attach: { kind: "fentry", function: name, btfId, btfModule: module, returns },
        context: "raw",
      };
    }
    case "watchpoint": {
      const { address, length, mode } = event;
      const attach = { kind: "watchpoint", address: String(address), length, mode } as const;
      return { type: "perf_event", attach, context: "perf-event" };
    }
    case "iter":
      return {
        type: "tracing",
        attach: { kind: "iter", iterator: event.iterator, btfId: event.btfId },
        context: "iterator",
      };
    default:
      return unreachable(event);
  }
}

/** The type of programs that wait for no event of the kernel's. Before 5.10 it cannot run those of raw tracepoints without one. */
function runnable(facts: KernelFacts): IrProgram["type"] {
  return isSince(facts, 5, 10) ? "raw_tracepoint" : "kprobe";
}

function userPlaces(
  event: UserEvent | UsdtEvent,
  probes: readonly ResolvedProbe[],
  { facts, oneProcess }: LoweringEnvironment,
  lists: ArgumentLists,
): AttachTarget {
  const list = probes.flatMap(({ event, id }): UserPlace[] => {
    if (event.kind === "uprobe") return [{ path: event.path, offset: event.offset, semaphore: 0, cookie: id }];
    if (event.kind !== "usdt") return [];
    const { path, places } = event;
    return places.map((place) => {
      const { offset, semaphore } = place;
      return { path, offset, semaphore, cookie: lists.cookie(id, place) };
    });
  });
  const returns = event.kind === "uprobe" && event.returns;
  // Before 6.10 a link for one process let only one of its threads through.
  const multi = facts.features.uprobeMulti && (!oneProcess || isSince(facts, 6, 10));
  return { kind: "uprobe", places: list, returns, multi };
}

function kernelPlaces({ returns, multi }: KernelEvent, probes: readonly ResolvedProbe[]): AttachTarget {
  const list = probes.flatMap(({ event, id }) => {
    if (event.kind !== "kprobe") return [];
    const { symbol, module, offset } = event;
    return [{ symbol, module, offset: String(offset), cookie: id }];
  });
  return { kind: "kprobe", places: list, returns, multi };
}

function rawTracepoint(tracepoint: string, module: string | undefined, facts: KernelFacts): ProgramKind {
  const btfId = facts.features.tpBtf ? facts.btf(module)?.tracepoint(tracepoint)?.id : undefined;
  return {
    type: btfId === undefined ? "raw_tracepoint" : "tracing",
    attach: { kind: "raw_tracepoint", tracepoint, btfId, btfModule: module },
    context: "raw",
  };
}

/** A name that the kernel takes and that no other program of the script has; noted in `names`. */
export function uniqueName({ event, regions }: ProgramGroup, names: Set<string>): string {
  const base = baseName(event, regions[0]!.probes.length)
    .replace(/[^A-Za-z0-9_]/g, "_")
    .slice(0, 15);
  let name = base;
  for (let n = 1; names.has(name); n++) name = `${base.slice(0, 14 - String(n).length)}_${n}`;
  names.add(name);
  return name;
}

function baseName(event: ProbeEvent, places: number): string {
  switch (event.kind) {
    case "syscall":
      return `sys_${event.direction}`;
    case "raw":
      return event.tracepoint;
    case "tracepoint":
    case "bench":
    case "test":
    case "function":
      return event.name;
    case "uprobe":
    case "usdt":
    case "kprobe":
      return places === 1 && event.symbol !== "" ? event.symbol : event.kind;
    case "iter":
      return event.iterator;
    default:
      return event.kind;
  }
}
