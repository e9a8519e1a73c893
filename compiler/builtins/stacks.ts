/**
 * The way on which a probe was reached: kstack() through the kernel, ustack() through the process, and dw_ustack() through a process
 * that keeps no frame pointers.
 */
import { didYouMean } from "../diagnostics.ts";
import type { Lowering } from "../lower/lowering.ts";
import type { Place } from "../lower/place.ts";
import { takeStack } from "../lower/stacks.ts";
import type { StackMode } from "../program.ts";
import type { Checker } from "../sema/check.ts";
import { type Type, unknown } from "../sema/types.ts";
import type { Call, Expression, Identifier } from "../syntax/ast.ts";
import type { BuiltinFunction, Functions, Lowered, Variables } from "./table.ts";

const MODES: readonly StackMode[] = ["bpftrace", "perf", "raw", "build_id"];
/** Frames where the script does not say: as many as the kernel walks unless kernel.perf_event_max_stack was raised. */
const DEFAULT_LIMIT = 127;
const MAX_LIMIT = 1024;

type Name = "kstack" | "ustack" | "dw_ustack";

export const stackVariables: Variables = {
  kstack: { check: (c, node) => plainStack(c, node, "kstack"), lower: lowering() },
  ustack: { check: (c, node) => plainStack(c, node, "ustack"), lower: lowering() },
  dw_ustack: { check: (c, node) => plainStack(c, node, "dw_ustack"), lower: lowering(true) },
};

export const stackFunctions: Functions = {
  kstack: stackFunction("kstack"),
  ustack: stackFunction("ustack"),
  dw_ustack: stackFunction("dw_ustack"),
};

function stackFunction(name: Name): BuiltinFunction {
  return {
    args: [0, 2],
    form: `${name}([mode, ][limit])`,
    check: (c, call) => stack(c, call, name),
    lower: lowering(name === "dw_ustack"),
  };
}

function lowering<N extends Identifier | Call>(unwound = false): Lowered<N> {
  return {
    into(l: Lowering, node: N, to: Place) {
      const type = l.type(node);
      if (type.kind === "kstack" || type.kind === "ustack") takeStack(l, type, to, unwound);
    },
  };
}

function plainStack(c: Checker, node: Identifier | Call, name: Name): Type {
  const mode = c.settings.config.stackMode;
  if (name === "ustack" || mode !== "build_id") return stackType(c, node, name, mode, DEFAULT_LIMIT);
  c.warn("stack-mode", node.span, "'build_id' stack mode can only be used for ustack. Falling back to 'raw' mode.");
  return stackType(c, node, name, "raw", DEFAULT_LIMIT);
}

function stack(c: Checker, call: Call, name: Name): Type {
  if (call.args.length === 0) return plainStack(c, call, name);
  const [first, second] = call.args as Expression[];
  const named = first!.kind === "identifier" ? modeNamed(c, first as Identifier) : undefined;
  if (named === undefined && call.args.length === 2 && first!.kind !== "identifier") {
    return c.error("argument-type", first!.span, "Expected stack mode as first argument", `one of ${MODES.join(", ")}`);
  }
  const mode = named ?? c.settings.config.stackMode;
  if (mode === "build_id" && name !== "ustack") {
    return c.error("stack-mode", call.span, "'build_id' stack mode can only be used for ustack");
  }
  const limitNode = first!.kind === "identifier" ? second : first;
  const limit = limitNode === undefined ? DEFAULT_LIMIT : limitOf(c, limitNode, name);
  return limit === undefined ? unknown : stackType(c, call, name, mode, limit);
}

function stackType(c: Checker, node: Identifier | Call, name: Name, mode: StackMode, limit: number): Type {
  if (name === "kstack") return { kind: name, mode, limit };
  return (name === "dw_ustack" && cannotUnwind(c, node)) || { kind: "ustack", mode, limit };
}

/** The error, where stacks cannot be followed by what files say of their functions. */
function cannotUnwind(c: Checker, { span }: Identifier | Call): Type | undefined {
  const { arch, features } = c.facts;
  if (c.settings.config.unwinding === "error") {
    const message = "dw_ustack() is switched off by the setting `unstable_dw_ustack`";
    return c.error("unstable-feature", span, message, "set it to `enable`");
  }
  if (arch !== "x64") {
    return c.error("unsupported", span, "dw_ustack() is there on x86-64 only", "`ustack` follows frame pointers");
  }
  if (!features.loop) {
    const message = "this kernel cannot follow stacks without frame pointers";
    return c.error("kernel-feature", span, message, "it came with Linux 5.17");
  }
  if (!features.currentTaskBtf) {
    return c.error("kernel-feature", span, "dw_ustack() needs the kernel's type information (BTF)");
  }
  return undefined;
}

function modeNamed(c: Checker, { name, span }: Identifier): StackMode | undefined {
  const mode = MODES.find((each) => each === name);
  if (mode === undefined) {
    const help = didYouMean(name, MODES);
    c.error("stack-mode", span, `\`${name}\` is no stack mode: valid values are ${MODES.join(", ")}`, help);
  }
  return mode;
}

function limitOf(c: Checker, node: Expression, name: Name): number | undefined {
  const limit = c.constant(node, "the number of frames");
  if (limit === undefined) return undefined;
  if (limit >= 0n && limit <= MAX_LIMIT) return Number(limit);
  const message = limit < 0n ? "cannot be negative" : `shouldn't exceed ${MAX_LIMIT}`;
  c.error("stack-limit", node.span, `${name}([int limit]): limit ${message}, ${limit} given`);
  return undefined;
}
