/** What changes the traced system: signals, results of functions, memory of processes. */
import { nearest } from "../diagnostics.ts";
import { PLAIN_EVENT_SIZE, sendEvent, sendFilled } from "../lower/events.ts";
import { operand, value } from "../lower/expressions.ts";
import { place } from "../lower/memory-values.ts";
import type { Checker } from "../sema/check.ts";
import { sizeOf } from "../sema/layout.ts";
import { boolean, integer, isIntegral, type Type, typeName, uint64, unknown, voidType } from "../sema/types.ts";
import { MAX_SIGNAL, signalNames, signalNumber } from "../signals.ts";
import type { Call, Expression } from "../syntax/ast.ts";
import type { BuiltinFunction, Functions } from "./table.ts";

/** Probes that fire in the task that is to get the signal. */
const IN_A_TASK = [
  ...["kprobe", "kretprobe", "uprobe", "uretprobe", "usdt", "tracepoint"],
  ...["rawtracepoint", "profile", "watchpoint", "fentry", "fexit"],
];

export const actionFunctions: Functions = {
  signal: signalTo("send_signal", "signal"),
  signal_thread: signalTo("send_signal_thread", "signal_thread"),
  override: {
    args: [1, 1],
    form: "override(result)",
    unsafe: true,
    check(c, call) {
      if (!c.onlyIn(call.span, "`override()`", ["kprobe"])) return voidType;
      if (!c.facts.features.overrideReturn) return missingFeature(c, call);
      const result = c.expressionArg(call, 0);
      if (result) c.integer(result, "the result");
      return voidType;
    },
    lower: {
      effect(l, call) {
        l.b.call("override_return", [l.context, operand(l, call.args[0] as Expression)]);
      },
    },
  },
  write_user: {
    args: [3, 3],
    form: "write_user(address, value, length)",
    unsafe: true,
    check(c, call) {
      if (!c.facts.features.writeUser) return missingFeature(c, call);
      const [target, source, length] = [0, 1, 2].map((i) => c.expressionArg(call, i));
      const address = target && c.type(target);
      if (address && address.kind !== "pointer" && !isIntegral(address)) {
        c.error(
          "argument-type",
          target.span,
          `write_user() takes an address, not a value of type ${typeName(address)}`,
        );
      }
      const type = source && c.type(source);
      if (length) c.integer(length, "the length");
      if (type && (type.kind === "void" || type.kind === "unknown")) return unknown;
      return boolean;
    },
    lower: {
      value(l, call) {
        const { b } = l;
        const [target, source, length] = call.args as [Expression, Expression, Expression];
        const address = value(l, target);
        const from = place(l, source);
        const size = BigInt(sizeOf(l.type(source)));
        const wanted = value(l, length);
        // Never more than there is.
        const room = l.choose(
          "lt",
          wanted,
          { imm: size },
          () => wanted,
          () => b.const(size),
        );
        const write = () => b.call("probe_write_user", [address, l.address(from), room]);
        const result = l.choose("ne", room, { imm: 0n }, write, () => b.const(0));
        return b.compare("eq", result, { imm: 0n });
      },
    },
  },
  unwatch: {
    args: [1, 1],
    form: "unwatch(address)",
    check(c, call) {
      const node = c.expressionArg(call, 0);
      const type = node && c.type(node);
      if (!type || type.kind === "pointer" || isIntegral(type)) return voidType;
      return c.error("argument-type", node.span, `unwatch() takes an address, not a value of type ${typeName(type)}`);
    },
    lower: {
      effect(l, call) {
        const [node] = call.args as [Expression];
        sendEvent(l, [{ node, type: uint64 }], ([address], size) => ({ kind: "unwatch", size, address: address! }));
      },
    },
  },
};

function missingFeature(c: Checker, call: Call): Type {
  const message = `this kernel does not permit ${call.callee.text}()`;
  return c.error("kernel-feature", call.span, message, "it was built without it, or is locked down");
}

function signalTo(helper: "send_signal" | "send_signal_thread", name: string): BuiltinFunction {
  return {
    args: [1, 1],
    form: `${name}("SIGTERM")`,
    unsafe: true,
    check(c, call) {
      if (c.onlyIn(call.span, `\`${name}()\``, IN_A_TASK)) checkSignal(c, call, name);
      return voidType;
    },
    lower: {
      effect(l, call) {
        const { b } = l;
        const [node] = call.args as [Expression];
        const type = l.type(node);
        const number = type.kind === "string" ? { imm: BigInt(signalNumber(type.value ?? "") ?? 0) } : operand(l, node);
        const result = b.call(helper, [number]);
        l.when("ne", result, { imm: 0n }, () => {
          const field = { offset: PLAIN_EVENT_SIZE, layout: { kind: "integer", size: 8, signed: true } } as const;
          const format = `${name}() failed with error %d\n`;
          const layout = { kind: "warnf", size: PLAIN_EVENT_SIZE + 8, format, args: [field], span: call.span } as const;
          sendFilled(l, { ...layout, args: [field] }, (record) => {
            l.write({ ...record, offset: field.offset }, integer(8, true), result);
          });
        });
      },
    },
  };
}

function checkSignal(c: Checker, call: Call, name: string): void {
  const node = c.expressionArg(call, 0);
  if (!node) return;
  const type = c.type(node);
  if (type.kind === "string" && type.value !== undefined) {
    if (signalNumber(type.value) !== undefined) return;
    const near = nearest(type.value, signalNames());
    c.error("unknown-signal", node.span, `Invalid string for signal: ${type.value}`, near && `did you mean ${near}?`);
    return;
  }
  if (!isIntegral(type)) {
    c.error("argument-type", node.span, `${name}() accepts a string literal or an integer, not ${typeName(type)}`);
    return;
  }
  if (type.kind !== "integer" || type.value === undefined) return;
  if (type.value >= 1n && type.value <= MAX_SIGNAL) return;
  c.error("unknown-signal", node.span, `${name}() accepts an integer between 1 and ${MAX_SIGNAL}, not ${type.value}`);
}
