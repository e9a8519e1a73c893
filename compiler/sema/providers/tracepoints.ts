/** Tracepoints, by the perf record or by the raw arguments; system calls among them. */
import type { KernelFacts } from "../../kernel-facts.ts";
import { syscallNumber } from "../../syscalls.ts";
import { rawArguments, rawSyscallArguments, recordArguments, syscallArguments } from "../args.ts";
import { isWildcard, matching } from "../patterns.ts";
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
  { name: "rawtracepoint", aliases: ["rt"], form: "rawtracepoint:event", parts: [1, 2], resolve: rawTracepoints },
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
  const plainFields = needs.fields ? ![...needs.fields].some((f) => f.startsWith("common_")) : !needs.args;
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
  if (raw && !needs.args && category !== "syscalls" && facts.features.tpBtf && facts.btf()?.tracepoint(name)) {
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
    const what = { provider: "rawtracepoint", pattern: parts.join(":") };
    return reportMissing({ point, context }, "no-such-tracepoint", what, known);
  }
  return found.map((name) => ({
    name: `rawtracepoint:${module ?? "vmlinux"}:${name}`,
    event: { kind: "raw", tracepoint: name, module },
    arguments: () => rawArguments(name, facts, module),
  }));
}
