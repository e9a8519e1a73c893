/** What a function was called with and what it gave, out of the processor's registers; and the registers themselves. */
import type { VReg } from "../ir/ir.ts";
import { isSince } from "../kernel-facts.ts";
import { contextWord } from "../lower/args.ts";
import type { Lowering } from "../lower/lowering.ts";
import { functionAddress, register, registers, userSymbol } from "../lower/registers.ts";
import { registerFile } from "../registers.ts";
import type { Checker } from "../sema/check.ts";
import { sizeOf } from "../sema/layout.ts";
import { addressSpaceOf } from "../sema/providers/provider.ts";
import { int64, integer, isScalar, isSigned, type Size, type Type, uint64, unknown } from "../sema/types.ts";
import type { Call, Expression, Identifier } from "../syntax/ast.ts";
import type { Functions, Variables } from "./table.ts";

const ENTRY = ["kprobe", "uprobe"];
const RETURN = ["kretprobe", "uretprobe", "fexit"];
const WITH_FUNCTION = ["kprobe", "kretprobe", "uprobe", "uretprobe", "fentry", "fexit"];
/** Probes whose programs get the registers of what they interrupt. */
const WITH_REGISTERS = [
  ...["kprobe", "kretprobe", "uprobe", "uretprobe", "usdt"],
  ...["profile", "interval", "software", "hardware", "watchpoint"],
];
/** Fired by the kernel's own code, and never anywhere else. */
const IN_KERNEL = ["tracepoint", "rawtracepoint", "fentry", "fexit"];

/** Where the kernel has to be asked for the function, since when it answers. */
const FUNC_SINCE: Readonly<Record<string, readonly [major: number, minor: number]>> = {
  kretprobe: [5, 15],
  fentry: [5, 15],
  fexit: [5, 15],
  uretprobe: [6, 6],
};

export const registerVariables: Variables = {
  /** `arg0`, `arg1`, ...: looked up by pattern. */
  argN: {
    check(c, node) {
      const name = nameOf(node);
      const fromStack = name.startsWith("s");
      if (!c.onlyIn(node.span, `\`${name}\``, fromStack ? ENTRY : [...ENTRY, "usdt", "rawtracepoint"])) return unknown;
      // Which of them there are is a matter of all places: sema/usdt-arguments.ts.
      if (c.unit.probes.every(({ provider }) => provider === "usdt")) return int64;
      const raw = c.unit.probes.every(({ provider }) => provider === "rawtracepoint");
      const limit = raw ? MAX_RAW_ARGUMENTS : registerFile(c.facts.arch).arguments.length;
      if (fromStack || indexOf(name) < limit) return uint64;
      return raw
        ? c.error("argument-index", node.span, `raw tracepoints have at most ${limit} arguments`)
        : c.error(
            "argument-index",
            node.span,
            `${c.facts.arch} doesn't support ${name}`,
            `the first ${limit} arguments are in registers; \`sarg0\` is the first one on the stack`,
          );
    },
    lower: {
      value(l, node) {
        const name = nameOf(node);
        const index = indexOf(name);
        if (name.startsWith("s")) return stackArgument(l, index);
        if (l.program.context === "raw") return contextWord(l, index);
        if (l.probe.event.kind === "usdt") return l.program.argumentLists!.value(l, index);
        return register(l, registers(l).arguments[index]!);
      },
    },
  },
  retval: {
    check(c, node) {
      if (!c.onlyIn(node.span, "`retval`", RETURN)) return unknown;
      const probe = c.unit.probes[0];
      if (probe?.event.kind !== "function") return uint64;
      const type = probe.arguments()?.result?.type;
      return type ?? c.error("no-result", node.span, `${probe.event.name} returns nothing`);
    },
    lower: {
      value(l) {
        const result = l.probe.arguments()?.result;
        if (!result) return register(l, registers(l).result);
        if (result.source.from !== "raw") throw new Error("a result that is no word of the context");
        return extended(l, contextWord(l, result.source.index), result.type);
      },
    },
  },
  func: {
    check(c, node): Type {
      if (!c.onlyIn(node.span, "`func`", WITH_FUNCTION)) return unknown;
      const needed = FUNC_SINCE[c.unit.probes[0]?.provider ?? ""];
      if (needed && !isSince(c.facts, ...needed)) {
        return c.error(
          "kernel-feature",
          node.span,
          "this kernel does not tell `func` here",
          `it came with Linux ${needed.join(".")}`,
        );
      }
      return isUser(c) ? { kind: "usym" } : { kind: "ksym" };
    },
    // Of the two forms only the one for the probe's kind of address is ever asked for.
    lower: {
      value: (l) => functionAddress(l),
      into: (l, _node, to) => userSymbol(l, functionAddress(l), to),
    },
  },
  usermode: {
    check(c, node) {
      const { provider = "" } = c.unit.probes[0] ?? {};
      if (IN_KERNEL.includes(provider)) return { ...uint8, value: 0n };
      if (!WITH_REGISTERS.includes(provider)) return { ...uint8, value: 1n };
      return c.onlyIn(node.span, "`usermode`", WITH_REGISTERS) ? uint8 : unknown;
    },
    lower: {
      value(l) {
        const { register: name, mask, value } = registers(l).userMode;
        return l.b.compare("eq", l.b.alu("and", register(l, name), { imm: mask }), { imm: value });
      },
    },
  },
};

export const registerFunctions: Functions = {
  reg: {
    args: [1, 1],
    form: 'reg("ip")',
    check(c, call) {
      if (!c.onlyIn(call.span, "`reg()`", WITH_REGISTERS)) return unknown;
      const name = c.literal(call.args[0], "the register");
      const { offsets } = registerFile(c.facts.arch);
      if (name === undefined || Object.hasOwn(offsets, name)) return uint64;
      return c.error(
        "unknown-register",
        call.args[0]!.span,
        `'${name}' is not a valid register on this architecture (${c.facts.arch})`,
        `known ones: ${Object.keys(offsets).join(", ")}`,
      );
    },
    lower: {
      value(l, call) {
        const type = l.type(call.args[0] as Expression);
        return register(l, type.kind === "string" ? (type.value ?? "") : "");
      },
    },
  },
};

const uint8 = integer(1, false);

/** Words in the context of a raw tracepoint. */
const MAX_RAW_ARGUMENTS = 12;

function nameOf(node: Identifier | Call): string {
  return node.kind === "identifier" ? node.name : node.callee.text;
}

function indexOf(name: string): number {
  return Number(name.slice(name.indexOf("g") + 1));
}

function isUser(c: Checker): boolean {
  return c.unit.probes.every(({ event }) => event.kind === "uprobe");
}

function stackArgument(l: Lowering, index: number): VReg {
  const { stack, stackArguments } = registers(l);
  const space = addressSpaceOf(l.probe.event);
  return l.read({ base: register(l, stack), offset: stackArguments + 8 * index, space }, uint64);
}

function extended(l: Lowering, word: VReg, type: Type): VReg {
  return isScalar(type) ? l.b.extend(word, sizeOf(type) as Size, isSigned(type)) : word;
}
