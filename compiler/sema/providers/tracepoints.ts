/** Tracepoints, by the perf record or by the raw arguments; system calls among them. */
import type { KernelFacts, TracepointField } from "../../kernel-facts.ts";
import { syscallNumber } from "../../syscalls.ts";
import { isCommonField, rawArguments, rawSyscallArguments, recordArguments, syscallArguments } from "../args.ts";
import { isWildcard, matcher, matching, matchingParts } from "../patterns.ts";
import { taskFields } from "../task-fields.ts";
import {
  type ContextNeeds,
  type Found,
  type ListContext,
  once,
  type Provider,
  type Request,
  reportMissing,
  splitOnce,
} from "./provider.ts";

/**
 * Ids of system call probes are spaced so that a program that serves many of them can compute the id from the number;
 * all others count up from 0.
 */
export const SYSCALL_PROBE_IDS = { enter: 1 << 20, exit: 1 << 21 } as const;

export const tracepointProviders: readonly Provider[] = [
  {
    name: "tracepoint",
    aliases: ["t"],
    form: "tracepoint:category:event",
    parts: [2, 2],
    resolve: tracepoints,
    listing: { names: tracepointNames, declarations: recordDeclarations },
  },
  {
    name: "rawtracepoint",
    aliases: ["rt"],
    form: "rawtracepoint:[module:]event",
    parts: [1, 2],
    resolve: rawTracepoints,
    candidates: eventNames,
    listing: { names: rawTracepointNames, declarations: rawDeclarations },
  },
];

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
    const what = { provider: "tracepoint", pattern };
    return reportMissing({ point, context }, "no-such-tracepoint", what, () => facts.tracepoints());
  }
  return names.map((name) => {
    const [cat, ev] = splitOnce(name);
    return tracepoint(cat, ev, facts, needs);
  });
}

function tracepointNames(parts: readonly string[], { facts }: ListContext): string[] {
  return matchingParts(parts, facts.tracepoints());
}

function recordDeclarations(name: string, facts: KernelFacts): string[] {
  const fields = facts.tracepointFormat(...splitOnce(name))?.fields ?? [];
  return fields.filter((field) => !isCommonField(field.name)).map(declaration);
}

function declaration({ name, type, count, location }: TracepointField): string {
  if (location) return `__${location === "data" ? "data" : "rel"}_loc ${type}[] ${name}`;
  return count === undefined ? `${type} ${name}` : `${type} ${name}[${count}]`;
}

function tracepoint(category: string, name: string, facts: KernelFacts, needs: ContextNeeds): Found {
  const fullName = `tracepoint:${category}:${name}`;
  const format = once(() => facts.tracepointFormat(category, name));
  const record = () => {
    const found = format();
    return found && recordArguments(category, name, found, facts);
  };
  const direction = /^sys_(enter|exit)(?:_|$)/.exec(name)?.[1] as "enter" | "exit" | undefined;
  const plainFields = needs.fields !== undefined || !needs.args;
  // A stack that is taken in a raw tracepoint begins in the program, and not where the tracepoint is.
  const raw = !needs.ctx && !needs.kernelStack;
  if (direction && category === "syscalls" && raw && plainFields) {
    const syscall = name.slice(`sys_${direction}_`.length);
    const number = syscallNumber(facts.arch, syscall);
    if (number !== undefined) {
      return {
        name: fullName,
        id: SYSCALL_PROBE_IDS[direction] + number,
        event: { kind: "syscall", direction, number },
        arguments: () => syscallArguments(direction, name, format, facts),
        own: { event: { kind: "tracepoint", category, name }, arguments: record },
      };
    }
  }
  if (direction && category === "raw_syscalls" && raw && plainFields && !needs.fields?.has("args")) {
    return {
      name: fullName,
      event: { kind: "syscall", direction, number: undefined },
      arguments: () => rawSyscallArguments(direction),
    };
  }
  // Without a look at the record the raw tracepoint of the same name fires for the same events, and costs less.
  if (raw && category !== "syscalls" && facts.features.tpBtf) {
    const event = { kind: "raw", tracepoint: name, module: undefined } as const;
    if (!needs.args && facts.btf()?.tracepoint(name)) return { name: fullName, event, arguments: record };
    const fields = category === "sched" && needs.fields && taskFields(name, needs.fields, record, facts);
    if (fields) return { name: fullName, event, arguments: () => fields };
  }
  return { name: fullName, event: { kind: "tracepoint", category, name }, arguments: record };
}

/** The raw system call tracepoints carry no category of their own in tracefs. */
function eventNames(facts: KernelFacts): string[] {
  return [...new Set(facts.tracepoints().map((name) => splitOnce(name)[1]))];
}

const KERNEL = "vmlinux";

function rawTracepointNames(parts: readonly string[], { facts }: ListContext): string[] {
  const modules = [KERNEL, ...facts.modules()];
  return matchingParts(
    parts,
    modules.flatMap((module) => rawNames(facts, module).map((name) => `${module}:${name}`)),
  );
}

/** By the type information, which knows those that are in tracefs, too, but for system calls, and some more. */
function rawNames(facts: KernelFacts, module: string): string[] {
  const btf = facts.btf(module);
  if (!btf) return module === KERNEL ? eventNames(facts) : [];
  const names: string[] = [];
  for (const { name } of btf.ownNamed("typedef")) {
    if (name.startsWith(RAW_PREFIX)) names.push(name.slice(RAW_PREFIX.length));
  }
  return names;
}

const RAW_PREFIX = "btf_trace_";

function rawDeclarations(name: string, facts: KernelFacts): string[] {
  const [module, event] = splitOnce(name);
  const btf = facts.btf(module);
  return (btf?.tracepoint(event)?.params ?? []).map(
    (param, i) => `${btf!.format(param.type)} ${param.name || `arg${i}`}`,
  );
}

/** Without a module, an event of any: of the kernel itself if that has one. */
function rawTracepoints({ point, parts, context }: Request): Found[] {
  const { facts } = context;
  const event = parts.at(-1)!;
  const module = parts.length === 2 ? parts[0]! : "*";
  const all = (): string[] => [KERNEL, ...facts.modules()];
  const modules = isWildcard(module) ? all().filter(matcher(module)) : [module];
  const found = isWildcard(event)
    ? modules.flatMap((mod) => matching(event, rawNames(facts, mod)).map((name) => ({ name, module: mod })))
    : modules.filter((mod) => hasRawTracepoint(facts, mod, event)).map((mod) => ({ name: event, module: mod }));
  if (found.length === 0) {
    const what = { provider: "rawtracepoint", pattern: `${module}:${event}` };
    return reportMissing({ point, context }, "no-such-tracepoint", what, () => eventNames(facts));
  }
  const one = parts.length === 1 && !isWildcard(event);
  return (one ? found.slice(0, 1) : found).map(({ name, module: mod }) => {
    const inModule = mod === KERNEL ? undefined : mod;
    return {
      name: `rawtracepoint:${mod}:${name}`,
      event: { kind: "raw", tracepoint: name, module: inModule },
      arguments: () => rawArguments(name, facts, inModule),
    };
  });
}

/** A module's type information includes the kernel's. */
function hasRawTracepoint(facts: KernelFacts, module: string, name: string): boolean {
  const own = facts.btf()?.tracepoint(name);
  if (module !== KERNEL) return own === undefined && facts.btf(module)?.tracepoint(name) !== undefined;
  return own !== undefined || (!facts.btf() && eventNames(facts).includes(name));
}
