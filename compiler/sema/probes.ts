/**
 * Attach points become concrete probes: wildcards are matched against what the kernel has, and each probe learns which
 * event it is served from and which arguments it offers. Providers are rows of a table; adding one touches one row.
 */
import { type Diagnostics, nearestAll } from "../diagnostics.ts";
import type { KernelFacts } from "../kernel-facts.ts";
import type { Span } from "../source.ts";
import type { AttachPoint, Probe } from "../syntax/ast.ts";
import { syscallNumber } from "../syscalls.ts";
import { type Arguments, rawArguments, rawSyscallArguments, recordArguments, syscallArguments } from "./args.ts";

/** The event that a probe is served from. */
export type ProbeEvent =
  | { kind: "begin" | "end" }
  /** sys_enter or sys_exit, of one system call or (number undefined) of all. */
  | { kind: "syscall"; direction: "enter" | "exit"; number: number | undefined }
  | { kind: "tracepoint"; category: string; name: string }
  | { kind: "raw"; tracepoint: string; module: string | undefined }
  | { kind: "interval"; periodNs: number }
  | { kind: "profile"; period: { ns: number } | { hz: number } }
  | { kind: "perf-counter"; class: "software" | "hardware"; config: number; period: number };

export interface ResolvedProbe {
  /** Unique in the script; what the `probe` builtin is until it is printed. */
  id: number;
  /** In full, as the `probe` builtin prints it. */
  name: string;
  /** As the `probetype` builtin prints it. */
  provider: string;
  event: ProbeEvent;
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
}

/**
 * Ids of system call probes are spaced so that a program that serves many of them can compute the id from the number;
 * all others count up from 0.
 */
export const SYSCALL_PROBE_IDS = { enter: 1 << 20, exit: 1 << 21 } as const;

interface Request {
  point: AttachPoint;
  parts: string[];
  context: ResolveContext;
  /** What the block itself needs decides which kind of program can serve it. */
  needs: ContextNeeds;
}

/** How the block looks at its context. */
export interface ContextNeeds {
  /** Uses `args` at all. */
  args: boolean;
  /** Names of the fields read as `args.name`; undefined when `args` is used as a whole. */
  fields: ReadonlySet<string> | undefined;
  /** Uses `ctx`, which means the perf record for a tracepoint. */
  ctx: boolean;
}

interface Found {
  name: string;
  event: ProbeEvent;
  id?: number;
  arguments?: () => Arguments | undefined;
}

interface Provider {
  name: string;
  aliases: readonly string[];
  form: string;
  /** Fewest and most parts behind the provider. */
  parts: readonly [number, number];
  resolve(request: Request): Found[];
}

const SOFTWARE_EVENTS: Record<string, { config: number; period: number }> = {
  "cpu-clock": { config: 0, period: 1_000_000 },
  cpu: { config: 0, period: 1_000_000 },
  "task-clock": { config: 1, period: 1_000_000 },
  "page-faults": { config: 2, period: 100 },
  faults: { config: 2, period: 100 },
  "context-switches": { config: 3, period: 1000 },
  cs: { config: 3, period: 1000 },
  "cpu-migrations": { config: 4, period: 1 },
  "minor-faults": { config: 5, period: 100 },
  "major-faults": { config: 6, period: 1 },
  "alignment-faults": { config: 7, period: 1 },
  "emulation-faults": { config: 8, period: 1 },
  dummy: { config: 9, period: 1 },
  "bpf-output": { config: 10, period: 1 },
};

const HARDWARE_EVENTS: Record<string, { config: number; period: number }> = {
  "cpu-cycles": { config: 0, period: 1_000_000 },
  cycles: { config: 0, period: 1_000_000 },
  instructions: { config: 1, period: 1_000_000 },
  "cache-references": { config: 2, period: 1_000_000 },
  "cache-misses": { config: 3, period: 1_000_000 },
  "branch-instructions": { config: 4, period: 100_000 },
  branches: { config: 4, period: 100_000 },
  "branch-misses": { config: 5, period: 100_000 },
  "bus-cycles": { config: 6, period: 100_000 },
  "frontend-stalls": { config: 7, period: 1_000_000 },
  "backend-stalls": { config: 8, period: 1_000_000 },
  "ref-cycles": { config: 9, period: 1_000_000 },
};

const UNITS_NS: Record<string, number> = { ns: 1, us: 1e3, ms: 1e6, s: 1e9, m: 60e9, h: 3600e9, d: 86_400e9 };

const PROVIDERS: readonly Provider[] = [
  { name: "begin", aliases: ["BEGIN"], form: "begin", parts: [0, 0], resolve: builtinEvent("begin") },
  { name: "end", aliases: ["END"], form: "end", parts: [0, 0], resolve: builtinEvent("end") },
  { name: "tracepoint", aliases: ["t"], form: "tracepoint:category:event", parts: [2, 2], resolve: tracepoints },
  { name: "rawtracepoint", aliases: ["rt"], form: "rawtracepoint:event", parts: [1, 2], resolve: rawTracepoints },
  { name: "interval", aliases: ["i"], form: "interval:s:1", parts: [1, 2], resolve: interval },
  { name: "profile", aliases: ["p"], form: "profile:hz:99", parts: [1, 2], resolve: profile },
  {
    name: "software",
    aliases: ["s"],
    form: "software:event:count",
    parts: [1, 2],
    resolve: perfCounter("software", SOFTWARE_EVENTS),
  },
  {
    name: "hardware",
    aliases: ["h"],
    form: "hardware:event:count",
    parts: [1, 2],
    resolve: perfCounter("hardware", HARDWARE_EVENTS),
  },
];

const PROVIDER_BY_NAME = new Map(PROVIDERS.flatMap((p) => [p.name, ...p.aliases].map((name) => [name, p])));

/** Every probe of the script, block by block. What cannot be resolved is reported. */
export function resolveProbes(
  blocks: readonly Probe[],
  needsOf: (block: Probe) => ContextNeeds,
  context: ResolveContext,
): ResolvedBlock[] {
  let nextId = 0;
  return blocks.map((block) => {
    const needs = needsOf(block);
    const probes = block.attachPoints.flatMap((point) => {
      const provider = PROVIDER_BY_NAME.get(point.provider.text);
      if (!provider) return reportUnknownProvider(point, context);
      const parts = point.parts.map((part) => (part.quoted ? part.text : substitute(part.text, context.parameters)));
      const [fewest, most] = provider.parts;
      if (parts.length < fewest || parts.length > most) {
        context.diags.error("attach-point-form", point.span, `${provider.name} probes are written ${provider.form}`);
        return [];
      }
      return provider.resolve({ point, parts, context, needs }).map(
        (found): ResolvedProbe => ({
          id: found.id ?? nextId++,
          name: found.name,
          provider: provider.name,
          event: found.event,
          span: point.span,
          arguments: once(found.arguments ?? (() => undefined)),
        }),
      );
    });
    return { block, probes };
  });
}

export function providerNames(): string[] {
  return PROVIDERS.map((p) => p.name);
}

function reportUnknownProvider(point: AttachPoint, context: ResolveContext): [] {
  const { text, span } = point.provider;
  const near = nearestAll(
    text,
    [...PROVIDER_BY_NAME.keys()].filter((name) => name.length > 2),
    1,
  )[0];
  context.diags.error("unknown-probe-type", span, `unknown probe type \`${text}\``, {
    help: near ? `did you mean \`${near}\`?` : `known ones: ${providerNames().join(", ")}`,
  });
  return [];
}

function builtinEvent(kind: "begin" | "end"): Provider["resolve"] {
  return ({ point }) => [{ name: point.provider.text, event: { kind } }];
}

function tracepoints({ point, parts, context, needs }: Request): Found[] {
  const [category, event] = parts as [string, string];
  const { facts } = context;
  const pattern = `${category}:${event}`;
  const names = isWildcard(pattern)
    ? matching(pattern, facts.tracepoints())
    : facts.tracepointFormat(category, event)
      ? [pattern]
      : [];
  if (names.length === 0) {
    reportMissing(point, context, `tracepoint:${pattern}`, "no-such-tracepoint", () => facts.tracepoints());
    return [];
  }
  return names.map((name) => {
    const [cat, ev] = splitOnce(name);
    return tracepoint(cat, ev, facts, needs);
  });
}

function tracepoint(category: string, name: string, facts: KernelFacts, needs: ContextNeeds): Found {
  const fullName = `tracepoint:${category}:${name}`;
  const format = once(() => facts.tracepointFormat(category, name));
  const record = () => {
    const found = format();
    return found && recordArguments(category, name, found, facts);
  };
  const direction = /^sys_(enter|exit)(?:_|$)/.exec(name)?.[1] as "enter" | "exit" | undefined;
  const plainFields = needs.fields ? ![...needs.fields].some((f) => f.startsWith("common_")) : !needs.args;
  if (direction && category === "syscalls" && !needs.ctx && plainFields) {
    const syscall = name.slice(`sys_${direction}_`.length);
    const number = syscallNumber(facts.arch, syscall);
    if (number !== undefined) {
      return {
        name: fullName,
        id: SYSCALL_PROBE_IDS[direction] + number,
        event: { kind: "syscall", direction, number },
        arguments: () => syscallArguments(direction, name, format, facts),
      };
    }
  }
  if (direction && category === "raw_syscalls" && !needs.ctx && plainFields && !needs.fields?.has("args")) {
    return {
      name: fullName,
      event: { kind: "syscall", direction, number: undefined },
      arguments: () => rawSyscallArguments(direction),
    };
  }
  // Without a look at the record the raw tracepoint of the same name fires for the same events, and costs less.
  if (!needs.args && !needs.ctx && category !== "syscalls" && facts.features.tpBtf && facts.btf()?.tracepoint(name)) {
    return { name: fullName, event: { kind: "raw", tracepoint: name, module: undefined }, arguments: record };
  }
  return { name: fullName, event: { kind: "tracepoint", category, name }, arguments: record };
}

function rawTracepoints({ point, parts, context }: Request): Found[] {
  const { facts } = context;
  const event = parts.at(-1)!;
  const module = parts.length === 2 && parts[0] !== "vmlinux" ? parts[0]! : undefined;
  const known = () => facts.tracepoints().map((name) => splitOnce(name)[1]);
  const isRaw = (name: string) => facts.btf(module)?.tracepoint(name) !== undefined;
  const names = isWildcard(event) ? [...new Set(matching(event, known()))].filter(isRaw) : [event];
  const found = names.filter((name) => isRaw(name) || (!facts.btf() && known().includes(name)));
  // The raw system call tracepoints carry no category of their own in tracefs.
  if (found.length === 0) {
    reportMissing(point, context, `rawtracepoint:${parts.join(":")}`, "no-such-tracepoint", known);
    return [];
  }
  return found.map((name) => ({
    name: `rawtracepoint:${module ?? "vmlinux"}:${name}`,
    event: { kind: "raw", tracepoint: name, module },
    arguments: () => rawArguments(name, facts, module),
  }));
}

function interval({ point, parts, context }: Request): Found[] {
  const period = parsePeriod(point, parts, context);
  if (!period) return [];
  const periodNs = "hz" in period ? Math.round(1e9 / period.hz) : period.ns;
  return [{ name: `interval:${parts.join(":")}`, event: { kind: "interval", periodNs } }];
}

function profile({ point, parts, context }: Request): Found[] {
  const period = parsePeriod(point, parts, context);
  return period ? [{ name: `profile:${parts.join(":")}`, event: { kind: "profile", period } }] : [];
}

/** `hz:99`, `s:1`, `1s`, or a bare number of nanoseconds. */
function parsePeriod(
  point: AttachPoint,
  parts: string[],
  { diags }: ResolveContext,
): { ns: number } | { hz: number } | undefined {
  const [unit, text] = parts.length === 2 ? parts : splitDuration(parts[0]!);
  const help = "write it as `interval:s:1`, `interval:100ms` or `profile:hz:99`";
  if (unit !== "hz" && UNITS_NS[unit!] === undefined) {
    diags.error("attach-point-form", point.span, `\`${unit}\` is no unit of time`, { help });
    return undefined;
  }
  const count = Number(text?.replaceAll("_", ""));
  if (!Number.isSafeInteger(count) || count <= 0) {
    const shown = text === "" ? "a missing number" : `\`${text}\``;
    diags.error("attach-point-form", point.span, `${shown} is no positive number for a period`, { help });
    return undefined;
  }
  return unit === "hz" ? { hz: count } : { ns: count * UNITS_NS[unit!]! };
}

function splitDuration(text: string): [unit: string, count: string] {
  const match = /^([0-9_]+(?:e[0-9]+)?)([a-z]*)$/.exec(text);
  return match ? [match[2] || "ns", match[1]!] : ["ns", text];
}

function perfCounter(
  kind: "software" | "hardware",
  events: Record<string, { config: number; period: number }>,
): Provider["resolve"] {
  return ({ point, parts, context }) => {
    const [name, count] = parts as [string, string | undefined];
    const event = Object.hasOwn(events, name) ? events[name] : undefined;
    if (!event) {
      const near = nearestAll(name, Object.keys(events), 1)[0];
      context.diags.error("unknown-event", point.span, `unknown ${kind} event \`${name}\``, {
        help: near ? `did you mean \`${near}\`?` : `known ones: ${Object.keys(events).join(", ")}`,
      });
      return [];
    }
    const period = count ? Number(count.replaceAll("_", "")) : event.period;
    if (!Number.isSafeInteger(period) || period <= 0) {
      context.diags.error("attach-point-form", point.span, `\`${count}\` is no positive number of events`);
      return [];
    }
    return [
      {
        name: `${kind}:${parts.filter((p) => p !== "").join(":")}`,
        event: { kind: "perf-counter", class: kind, config: event.config, period },
      },
    ];
  };
}

function reportMissing(
  point: AttachPoint,
  context: ResolveContext,
  what: string,
  code: string,
  candidates: () => readonly string[],
): void {
  if (context.missingProbes === "ignore") return;
  const pattern = what.slice(what.indexOf(":") + 1);
  const near = isWildcard(pattern) ? [] : nearestAll(pattern, candidates(), 3);
  const help = near.length
    ? `did you mean ${near.map((n) => `\`${n}\``).join(", ")}?`
    : isWildcard(pattern)
      ? "nothing matches the wildcard on this kernel"
      : undefined;
  const message = isWildcard(pattern) ? `no probes match \`${what}\`` : `no such tracepoint: \`${what}\``;
  if (context.missingProbes === "warn") context.diags.warning(code, point.span, message, { help });
  else context.diags.error(code, point.span, message, { help });
}

function substitute(text: string, parameters: readonly string[]): string {
  return text.replace(/\$(\d+)/g, (_, index: string) => parameters[Number(index) - 1] ?? "");
}

function isWildcard(text: string): boolean {
  return /[*?[]/.test(text);
}

function matching(pattern: string, names: readonly string[]): string[] {
  const regex = new RegExp(
    `^${pattern
      .replace(/[.+^${}()|\\]/g, "\\$&")
      .replaceAll("*", ".*")
      .replaceAll("?", ".")}$`,
  );
  return names.filter((name) => regex.test(name));
}

function splitOnce(name: string): [string, string] {
  const colon = name.indexOf(":");
  return [name.slice(0, colon), name.slice(colon + 1)];
}

function once<T>(get: () => T): () => T {
  let cached: { value: T } | undefined;
  return () => {
    cached ??= { value: get() };
    return cached.value;
  };
}
