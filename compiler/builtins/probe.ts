/** What fired, and with which arguments. */
import { argumentsInto } from "../lower/memory-values.ts";
import type { Argument } from "../sema/args.ts";
import type { Checker } from "../sema/check.ts";
import { iteratorContext } from "../sema/providers/iterators.ts";
import type { UserEvent } from "../sema/providers/provider.ts";
import { int64, pointer, type Type, uint64, unknown, voidType } from "../sema/types.ts";
import type { Span } from "../source.ts";
import type { Functions, Variables } from "./table.ts";

const WITH_ARGS = ["tracepoint", "rawtracepoint", "fentry", "fexit", "uprobe"];

export const probeVariables: Variables = {
  probe: {
    check: () => ({ kind: "probe" }),
    lower: { value: (l) => l.probeId ?? l.b.const(l.probe.id) },
  },
  probetype: {
    check(c) {
      const [probe] = c.unit.probes;
      const isOwn = probe?.event.kind === "begin" || probe?.event.kind === "end";
      const value = isOwn ? "special" : (probe?.provider ?? "");
      return { kind: "string", size: value.length + 1, value };
    },
    // Its value is known to the checker, so nothing is left to compute.
    lower: { into: () => {} },
  },
  args: {
    check(c, node) {
      if (!c.onlyIn(node.span, "`args`", WITH_ARGS)) return unknown;
      const probe = c.unit.probes[0];
      if (!probe) return unknown;
      const args = probe.arguments();
      if (!args && probe.event.kind === "uprobe") return noProgramArguments(c, node.span, probe.event);
      if (!args) {
        return c.error(
          "no-arguments",
          node.span,
          `the arguments of ${probe.name} are not known`,
          "the kernel has no type information (BTF) for it",
        );
      }
      return {
        kind: "args",
        get shape() {
          return args.shape;
        },
        field: (name) => args.get(name)?.type,
        problem: (name) => problemOf(args.get(name)),
      };
    },
    lower: { into: argumentsInto },
  },
  ctx: {
    check(c) {
      const event = c.unit.probes[0]?.event;
      return event?.kind === "iter" ? iteratorContext(event, c.facts) : pointer(voidType, "kernel");
    },
    lower: { value: (l) => l.context },
  },
};

function problemOf(argument: Argument | undefined): string | undefined {
  const source = argument?.source;
  return source?.from === "place" && source.place.in === "nowhere" ? source.place.why : undefined;
}

function noProgramArguments(c: Checker, span: Span, { path, symbol, entry }: UserEvent): Type {
  const message = "Cannot read function parameters";
  const raw = "`arg0`, `arg1`, ... are there without it";
  if (symbol !== "" && !entry) {
    return c.error("no-arguments", span, message, "they are known at the function's first instruction only");
  }
  if (!c.facts.debugInfo(path)) {
    return c.error("no-arguments", span, message, `${path} has no debug information, and none is installed; ${raw}`);
  }
  return c.error("no-arguments", span, message, `the debug information of ${path} does not know ${symbol}; ${raw}`);
}

export const probeFunctions: Functions = {
  cgroupid: {
    args: [1, 1],
    form: 'cgroupid("/sys/fs/cgroup/path")',
    check(c, call) {
      const path = c.literal(call.args[0], "the path");
      if (path === undefined) return int64;
      const id = c.facts.cgroupId(path);
      if (id === undefined) return c.error("no-such-cgroup", call.args[0]!.span, `there is no cgroup at ${path}`);
      return { ...uint64, value: id };
    },
    // A constant, which the checker found.
    lower: { effect: () => {} },
  },
};
