/** Clocks and their display. */
import type { HelperName } from "../asm/helpers.ts";
import { PLAIN_EVENT_SIZE, sendPlain } from "../lower/events.ts";
import { value } from "../lower/expressions.ts";
import type { HostConstant } from "../program.ts";
import { uint64, unknown, voidType } from "../sema/types.ts";
import type { Expression } from "../syntax/ast.ts";
import type { Functions, Variables } from "./table.ts";

/** nsecs(mode): the helper that reads each clock, and what the host knows it to be behind. */
/** The clock that a call of nsecs() names. */
function clockOf(node: Expression): string | undefined {
  if (node.kind !== "call" || node.callee.text !== "nsecs") return undefined;
  const [clock] = node.args;
  return clock?.kind === "identifier" ? clock.name : undefined;
}

const CLOCKS: Record<string, { helper: HelperName; ahead?: HostConstant }> = {
  boot: { helper: "ktime_get_boot_ns" },
  monotonic: { helper: "ktime_get_ns" },
  tai: { helper: "ktime_get_tai_ns" },
  sw_tai: { helper: "ktime_get_boot_ns", ahead: "boot_to_tai" },
};

const DEFAULT_TIME_FORMAT = "%H:%M:%S\n";

export const timeVariables: Variables = {
  nsecs: { check: () => uint64, lower: { value: (l) => l.b.call("ktime_get_boot_ns", []) } },
  elapsed: {
    check: () => uint64,
    lower: {
      value: (l) => l.b.alu("sub", l.b.call("ktime_get_boot_ns", []), l.hostConstant("start_time_boot")),
    },
  },
};

export const timeFunctions: Functions = {
  nsecs: {
    args: [0, 1],
    form: "nsecs([mode])",
    check(c, call) {
      const mode = call.args[0];
      if (!mode) return uint64;
      const name = mode.kind === "identifier" ? mode.name : "";
      if (!Object.hasOwn(CLOCKS, name)) {
        return c.error(
          "argument-type",
          mode.span,
          "nsecs() takes the name of a clock",
          `known ones: ${Object.keys(CLOCKS).join(", ")}`,
        );
      }
      if (name === "tai" && !c.facts.features.ktimeTai) {
        return c.error(
          "kernel-feature",
          mode.span,
          "this kernel has no TAI clock for BPF programs",
          "it came with Linux 6.1",
        );
      }
      return uint64;
    },
    lower: {
      value(l, call) {
        const mode = call.args[0];
        const { helper, ahead } = CLOCKS[mode?.kind === "identifier" ? mode.name : "boot"]!;
        const time = l.b.call(helper, []);
        return ahead ? l.b.alu("add", time, l.hostConstant(ahead)) : time;
      },
    },
  },
  strftime: {
    args: [2, 2],
    form: 'strftime("%H:%M:%S", nsecs)',
    check(c, call) {
      const format = c.literal(call.args[0], "the format");
      const time = c.expressionArg(call, 1);
      const type = time && c.integer(time, "a time");
      if (type?.kind === "integer" && (type.value ?? 0n) < 0n) {
        return c.error("argument-range", time!.span, "strftime() does not accept negative timestamps");
      }
      if (time && clockOf(time) === "monotonic") {
        const help = "that clock stands still while the machine sleeps; use nsecs or nsecs(tai)";
        return c.error("argument-type", time.span, "strftime() can not take a monotonic timestamp", help);
      }
      return format === undefined ? unknown : { kind: "timestamp", format, clock: "boot" };
    },
    lower: {
      value: (l, call) => value(l, call.args[1] as Expression),
    },
  },
  time: {
    args: [0, 1],
    form: 'time(["%H:%M:%S"])',
    check(c, call) {
      if (call.args.length > 0) c.literal(call.args[0], "the format");
      return voidType;
    },
    lower: {
      effect(l, call) {
        const node = call.args[0];
        const type = node && node.kind !== "type-name" && node.kind !== "block" ? l.type(node) : undefined;
        const format = type?.kind === "string" ? (type.value ?? DEFAULT_TIME_FORMAT) : DEFAULT_TIME_FORMAT;
        sendPlain(l, { kind: "time", size: PLAIN_EVENT_SIZE, format });
      },
    },
  },
};
