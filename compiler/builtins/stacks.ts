/** The way on which a probe was reached: kstack() through the kernel, ustack() through the process. */
import { didYouMean } from "../diagnostics.ts";
import type { Lowering } from "../lower/lowering.ts";
import type { Place } from "../lower/place.ts";
import { takeStack } from "../lower/stacks.ts";
import type { StackMode } from "../program.ts";
import type { Checker } from "../sema/check.ts";
import { type Type, unknown } from "../sema/types.ts";
import type { Call, Expression, Identifier } from "../syntax/ast.ts";
import type { Functions, Lowered, Variables } from "./table.ts";

const MODES: readonly StackMode[] = ["bpftrace", "perf", "raw", "build_id"];
/** Frames where the script does not say: as many as the kernel walks unless kernel.perf_event_max_stack was raised. */
const DEFAULT_LIMIT = 127;
const MAX_LIMIT = 1024;

type Kind = "kstack" | "ustack";

export const stackVariables: Variables = {
  kstack: { check: (c, node) => plainStack(c, node, "kstack"), lower: lowering() },
  ustack: { check: (c, node) => plainStack(c, node, "ustack"), lower: lowering() },
};

export const stackFunctions: Functions = {
  kstack: {
    args: [0, 2],
    form: "kstack([mode, ][limit])",
    check: (c, call) => stack(c, call, "kstack"),
    lower: lowering(),
  },
  ustack: {
    args: [0, 2],
    form: "ustack([mode, ][limit])",
    check: (c, call) => stack(c, call, "ustack"),
    lower: lowering(),
  },
};

function lowering<N extends Identifier | Call>(): Lowered<N> {
  return {
    into(l: Lowering, node: N, to: Place) {
      const type = l.type(node);
      if (type.kind === "kstack" || type.kind === "ustack") takeStack(l, type, to);
    },
  };
}

function plainStack(c: Checker, node: Identifier | Call, kind: Kind): Type {
  const mode = c.settings.config.stackMode;
  if (kind === "ustack" || mode !== "build_id") return { kind, mode, limit: DEFAULT_LIMIT };
  c.warn("stack-mode", node.span, "'build_id' stack mode can only be used for ustack. Falling back to 'raw' mode.");
  return { kind, mode: "raw", limit: DEFAULT_LIMIT };
}

function stack(c: Checker, call: Call, kind: Kind): Type {
  if (call.args.length === 0) return plainStack(c, call, kind);
  const [first, second] = call.args as Expression[];
  const named = first!.kind === "identifier" ? modeNamed(c, first as Identifier) : undefined;
  if (named === undefined && call.args.length === 2 && first!.kind !== "identifier") {
    return c.error("argument-type", first!.span, "Expected stack mode as first argument", `one of ${MODES.join(", ")}`);
  }
  const mode = named ?? c.settings.config.stackMode;
  if (mode === "build_id" && kind === "kstack") {
    return c.error("stack-mode", call.span, "'build_id' stack mode can only be used for ustack");
  }
  const limitNode = first!.kind === "identifier" ? second : first;
  const limit = limitNode === undefined ? DEFAULT_LIMIT : limitOf(c, limitNode, kind);
  return limit === undefined ? unknown : { kind, mode, limit };
}

function modeNamed(c: Checker, { name, span }: Identifier): StackMode | undefined {
  const mode = MODES.find((each) => each === name);
  if (mode === undefined) {
    const help = didYouMean(name, MODES);
    c.error("stack-mode", span, `\`${name}\` is no stack mode: valid values are ${MODES.join(", ")}`, help);
  }
  return mode;
}

function limitOf(c: Checker, node: Expression, kind: Kind): number | undefined {
  const limit = c.constant(node, "the number of frames");
  if (limit === undefined) return undefined;
  if (limit >= 0n && limit <= MAX_LIMIT) return Number(limit);
  const message = limit < 0n ? "cannot be negative" : `shouldn't exceed ${MAX_LIMIT}`;
  c.error("stack-limit", node.span, `${kind}([int limit]): limit ${message}, ${limit} given`);
  return undefined;
}
