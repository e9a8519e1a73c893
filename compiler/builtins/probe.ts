/** What fired, and with which arguments. */
import { int64, pointer, uint64, unknown, voidType } from "../sema/types.ts";
import type { Functions, Variables } from "./table.ts";

const WITH_ARGS = ["tracepoint", "rawtracepoint"];

export const probeVariables: Variables = {
  probe: {
    check: () => ({ kind: "probe" }),
    lower: { value: (l) => l.probeId ?? l.b.const(l.probe.id) },
  },
  probetype: {
    check(c) {
      const value = c.unit.probes[0]?.provider ?? "";
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
    lower: { into: () => {} },
  },
  ctx: {
    check: () => pointer(voidType, "kernel"),
    lower: { value: (l) => l.context },
  },
  /** `arg0`, `arg1`, ...: looked up by pattern. */
  argN: {
    check(c, node) {
      const name = node.kind === "identifier" ? node.name : node.callee.text;
      if (!c.onlyIn(node.span, `\`${name}\``, ["rawtracepoint"])) return unknown;
      const index = Number(name.slice(name.indexOf("g") + 1));
      if (index > 11) return c.error("argument-index", node.span, "raw tracepoints have at most 12 arguments");
      return uint64;
    },
    lower: {
      value(l, node) {
        const name = node.kind === "identifier" ? node.name : node.callee.text;
        return l.b.load(l.context, Number(name.slice(name.indexOf("g") + 1)) * 8, 8, { invariant: true });
      },
    },
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
