/** What fired, and with which arguments. */
import { argumentsInto } from "../lower/memory-values.ts";
import { iteratorContext } from "../sema/providers/iterators.ts";
import { int64, pointer, uint64, unknown, voidType } from "../sema/types.ts";
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
      if (!args && probe.provider === "uprobe") {
        const help = "`arg0`, `arg1`, ... are there without it";
        return c.error("no-arguments", node.span, "`args` in uprobes needs DWARF, which is not read yet", help);
      }
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
