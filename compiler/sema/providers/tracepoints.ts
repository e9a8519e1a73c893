/** Tracepoints, by the perf record or by the raw arguments; system calls among them. */
import type { KernelFacts } from "../../kernel-facts.ts";
import { syscallNumber } from "../../syscalls.ts";
import { rawArguments, rawSyscallArguments, recordArguments, syscallArguments } from "../args.ts";
import { isWildcard, matcher, matching } from "../patterns.ts";
import { taskFields } from "../task-fields.ts";
import {
  type ContextNeeds,
  type Found,
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
  { name: "tracepoint", aliases: ["t"], form: "tracepoint:category:event", parts: [2, 2], resolve: tracepoints },
  {
    name: "rawtracepoint",
    aliases: ["rt"],
    form: "rawtracepoint:[module:]event",
    parts: [1, 2],
    resolve: rawTracepoints,
    candidates: eventNames,
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

/** Without a module, an event of any: of the kernel itself if that has one. */
function rawTracepoints({ point, parts, context }: Request): Found[] {
  const { facts } = context;
  const event = parts.at(-1)!;
  const module = parts.length === 2 ? parts[0]! : "*";
  const all = (): string[] => [KERNEL, ...facts.modules()];
  const modules = isWildcard(module) ? all().filter(matcher(module)) : [module];
  const names = isWildcard(event) ? matching(event, eventNames(facts)) : [event];
  const found = names.flatMap((name) => {
    const of = modules.filter((mod) => hasRawTracepoint(facts, mod, name));
    return (parts.length === 2 ? of : of.slice(0, 1)).map((mod) => ({ name, module: mod }));
  });
  if (found.length === 0) {
    const what = { provider: "rawtracepoint", pattern: `${module}:${event}` };
    return reportMissing({ point, context }, "no-such-tracepoint", what, () => eventNames(facts));
  }
  return found.map(({ name, module: mod }) => {
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
