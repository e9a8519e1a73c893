/**
 * What probes are to the rest of the compiler: the event that serves one, its names, its arguments. Families of
 * providers (the files beside this one) turn attach points into them.
 */
import type { Diagnostics } from "../../diagnostics.ts";
import { nearestAll } from "../../diagnostics.ts";
import type { KernelFacts } from "../../kernel-facts.ts";
import type { Span } from "../../source.ts";
import type { AttachPoint, Probe } from "../../syntax/ast.ts";
import { unreachable } from "../../unreachable.ts";
import type { Arguments } from "../args.ts";
import { isWildcard } from "../patterns.ts";
import type { UsdtArgument } from "../usdt-descriptor.ts";

/** The event that a probe is served from. */
export type ProbeEvent =
  | { kind: "begin" | "end" }
  /** Run by the tool itself: on a signal that it gets, or as a benchmark or a test that it was asked for. */
  | { kind: "signal"; signal: string }
  | { kind: "bench" | "test"; name: string }
  /** sys_enter or sys_exit, of one system call or (number undefined) of all. */
  | { kind: "syscall"; direction: "enter" | "exit"; number: number | undefined }
  | { kind: "tracepoint"; category: string; name: string }
  | { kind: "raw"; tracepoint: string; module: string | undefined }
  | { kind: "interval"; periodNs: number }
  | { kind: "profile"; period: { ns: number } | { hz: number } }
  | { kind: "perf-counter"; class: "software" | "hardware"; config: number; period: number }
  | UserEvent
  | UsdtEvent
  | KernelEvent
  | IteratorEvent
  | WatchpointEvent
  /** A function of the kernel by its BTF, `slots` 64-bit words of arguments in its context. */
  | { kind: "function"; name: string; module: string | undefined; btfId: number; returns: boolean; slots: number };

/** An instruction of an executable or library. */
export interface UserEvent {
  kind: "uprobe";
  path: string;
  symbol: string;
  /** Where the instruction lies: in the file, and behind the start of the function. */
  offset: number;
  /** The same as an address: where the file says that the instruction is to be loaded. */
  address: number;
  /** It is the function's first instruction. */
  entry: boolean;
  returns: boolean;
  /** Shares its program with no other place, because the program holds numbers of this one. */
  alone: boolean;
}

/** The places that a program or library marks with one name. */
export interface UsdtEvent {
  kind: "usdt";
  path: string;
  provider: string;
  symbol: string;
  places: readonly UsdtPlace[];
  /** None of the places shares its program with another, because the program holds numbers of that place. */
  alone: boolean;
}

export interface UsdtPlace {
  /** Where the instruction lies in the file. */
  offset: number;
  /** The same as an address: where the file says that the instruction is to be loaded. */
  address: number;
  /** Where the counter lies in the file, by which the program knows that somebody listens; 0 where it has none. */
  semaphore: number;
  /** Their addresses have no symbols any more. */
  arguments(): readonly UsdtArgument[];
}

/** Whether it is an instruction of a program or library that fires it. */
export function isUserCode(event: ProbeEvent): event is UserEvent | UsdtEvent {
  return event.kind === "uprobe" || event.kind === "usdt";
}

/** An instruction of the kernel. */
export interface KernelEvent {
  kind: "kprobe";
  /** Empty for a bare address. */
  symbol: string;
  module: string | undefined;
  /** Bytes behind the symbol, or the address itself. */
  offset: bigint;
  returns: boolean;
  /** One of several matches of a pattern: all of them are attached as one. */
  multi: boolean;
}

/** Objects of one kind, all that the kernel has. */
export interface IteratorEvent {
  kind: "iter";
  iterator: string;
  btfId: number;
}

/** An address that the processor watches. */
export interface WatchpointEvent {
  kind: "watchpoint";
  address: bigint;
  /** Bytes. */
  length: number;
  /** Read, written, executed. */
  mode: "r" | "w" | "rw" | "x";
}

export interface ResolvedProbe {
  /** Unique in the script; what the `probe` builtin is until it is printed. */
  id: number;
  /** In full, as the `probe` builtin prints it. */
  name: string;
  /** As the `probetype` builtin prints it. */
  provider: string;
  event: ProbeEvent;
  /** Checked like all others, but not run: a benchmark while tracing, for instance. */
  idle: boolean;
  /** Where it stands in the script. */
  span: Span;
  /** Decoded on demand; undefined when the probe has no `args`. */
  arguments(): Arguments | undefined;
}

/** One probe block of the script with everything that it attaches to. */
export interface ResolvedBlock {
  block: Probe;
  probes: ResolvedProbe[];
}

export interface ResolveContext {
  facts: KernelFacts;
  diags: Diagnostics;
  parameters: readonly string[];
  missingProbes: "error" | "warn" | "ignore";
  /** The most probes that a script may have. */
  maxProbes: number;
  unsafe: boolean;
  /** Process of -p: it stands for the binary that an attach point leaves out. */
  targetPid: number | undefined;
  /** There is a process that is traced, or a workload: what user addresses belong to. */
  hasProcess: boolean;
  /** Program of -c, likewise. */
  command: string | undefined;
  /** What the script is run for; benchmarks and tests are probes of their own. */
  mode: "trace" | "bench" | "test";
  /** Of the probes that are run for that, those with a name that it takes. */
  probeFilter: (name: string) => boolean;
}

export interface Request {
  point: AttachPoint;
  /** The provider's name as the script has it. */
  spelling: string;
  parts: string[];
  context: ResolveContext;
  /** What the block itself needs decides which kind of program can serve it. */
  needs: ContextNeeds;
}

/** How a block looks at its context. */
export interface ContextNeeds {
  /** Uses `args` at all. */
  args: boolean;
  /** Names of the fields read as `args.name`; undefined when `args` is used as a whole. */
  fields: ReadonlySet<string> | undefined;
  /** Uses `ctx`, which means the perf record for a tracepoint. */
  ctx: boolean;
  /** Uses `kstack`: which functions the kernel went through to get here. */
  kernelStack: boolean;
  /** Uses `uaddr`: where the probed file is loaded. */
  loadAddress: boolean;
}

export interface Found {
  name: string;
  event: ProbeEvent;
  id?: number;
  arguments?: () => Arguments | undefined;
  /** Of a system call that could be served by its own tracepoint as well. */
  own?: OwnTracepoint;
}

/** How a probe on a system call is served by the tracepoint of that call. */
export interface OwnTracepoint {
  event: Extract<ProbeEvent, { kind: "tracepoint" }>;
  arguments: () => Arguments | undefined;
}

export interface Provider {
  name: string;
  aliases: readonly string[];
  form: string;
  /** Fewest and most parts behind the provider. */
  parts: readonly [number, number];
  /** Names that one may have been meant to be which, being a pattern, matches nothing. */
  candidates?(facts: KernelFacts): Iterable<string>;
  resolve(request: Request): Found[];
  /** Absent where there is nothing to choose from. */
  listing?: Listing;
}

/** How the probes of a provider are listed. Names are without the provider's own. */
export interface Listing {
  /** Left out where a pattern leaves the type open: another type's events once more, or the same on every machine. */
  byTypeOnly?: true;
  /** Names that match the parts of a pattern, sorted. A pattern with fewer parts than names have is about the last ones. */
  names(parts: readonly string[], context: ListContext): Iterable<string>;
  /** The arguments of a probe, as declarations in C. */
  declarations?(name: string, facts: KernelFacts): readonly string[];
  /** What a script's probe is called in a list, where that is not its own name. */
  listedAs?(name: string): string;
}

export interface ListContext {
  facts: KernelFacts;
  /** Process of -p, whose files are meant. */
  targetPid: number | undefined;
  /** The pattern leaves the type open: what would take long, or be very much, is not meant. */
  anyType: boolean;
  /** Takes what keeps probes from being listed. */
  warn(message: string, help?: string): void;
}

/** Whether a system call fires it, by whichever tracepoint. */
export function isSystemCall(event: ProbeEvent): boolean {
  return event.kind === "syscall" || (event.kind === "tracepoint" && event.category === "syscalls");
}

/** Where plain numbers that a probe hands out lead when they are taken for addresses. */
export function addressSpaceOf(event: ProbeEvent): "kernel" | "user" {
  switch (event.kind) {
    case "syscall":
    case "uprobe":
    case "usdt":
      return "user";
    case "tracepoint":
      return event.category === "syscalls" ? "user" : "kernel";
    case "begin":
    case "end":
    case "signal":
    case "bench":
    case "test":
    case "raw":
    case "interval":
    case "profile":
    case "perf-counter":
    case "kprobe":
    case "function":
    case "iter":
      return "kernel";
    case "watchpoint":
      return isKernelAddress(event.address) ? "kernel" : "user";
    default:
      return unreachable(event);
  }
}

/** The kernel has the upper half of all addresses. */
export function isKernelAddress(address: bigint): boolean {
  return address >> 63n === 1n;
}

/**
 * Reports that nothing was found, as the script's config wants it. `pattern` is what was looked for among the candidates. A
 * wildcard may match nothing, as long as another attach point of the block finds something.
 */
export function reportMissing(
  { point, context }: Pick<Request, "point" | "context">,
  code: string,
  what: { provider: string; pattern: string },
  candidates: () => Iterable<string>,
): [] {
  const { provider, pattern } = what;
  if (context.missingProbes === "ignore" || isWildcard(pattern)) return [];
  const near = nearestAll(pattern, new Set(candidates()), 3);
  const help = near.length ? `did you mean ${near.map((n) => `\`${n}\``).join(", ")}?` : undefined;
  const message = `No matches for ${provider} ${pattern}.`;
  if (context.missingProbes === "warn") context.diags.warning(code, point.span, `${message} Skipping.`, { help });
  else context.diags.error(code, point.span, message, { help });
  return [];
}

export function once<T>(get: () => T): () => T {
  let cached: { value: T } | undefined;
  return () => {
    cached ??= { value: get() };
    return cached.value;
  };
}

export function splitOnce(name: string): [string, string] {
  const colon = name.indexOf(":");
  return [name.slice(0, colon), name.slice(colon + 1)];
}

/** A number as attach points have it, decimal or hexadecimal; undefined for anything else. */
export function parseNumber(text: string): bigint | undefined {
  return /^(0x[0-9a-f]+|[0-9]+)$/i.test(text) ? BigInt(text) : undefined;
}
