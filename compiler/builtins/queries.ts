/** What a script asks while it is compiled: about its values' types, and about the kernel. Nothing of it is left to run. */
import { constantInto } from "../lower/memory-values.ts";
import type { Checker } from "../sema/check.ts";
import { settingsOf } from "../sema/config.ts";
import { isConstant } from "../sema/constants.ts";
import { formatConstants } from "../sema/format-constants.ts";
import { baseName } from "../sema/type-queries.ts";
import { isText, type Type, uint64, unknown, voidType, widen } from "../sema/types.ts";
import type { Call } from "../syntax/ast.ts";
import type { BuiltinFunction, Functions, Variables } from "./table.ts";

/** The checker knows the answer. */
const NOTHING_LEFT = { effect: () => {} };

function query(name: string, answer: (type: Type) => boolean): BuiltinFunction {
  return {
    args: [1, 1],
    form: `${name}(x)`,
    check(c, call): Type {
      const type = typeOfArgument(c, call);
      return type.kind === "unknown" ? unknown : { kind: "boolean", value: answer(type) };
    },
    lower: NOTHING_LEFT,
  };
}

function typeOfArgument(c: Checker, call: Call): Type {
  const arg = call.args[0]!;
  return arg.kind === "block" ? voidType : c.queries.of(arg);
}

/** A function that the kernel lets BPF programs call carries this tag in its type information. */
const KFUNC_TAG = "bpf_kfunc";

function isKfunc(c: Checker, name: string): boolean {
  const btf = c.facts.btf();
  const id = btf?.find(name, "func");
  if (!btf || id === undefined) return false;
  for (const tag of btf.named("decl_tag")) {
    const type = tag.name === KFUNC_TAG ? btf.type(tag.id) : undefined;
    if (type?.kind === "decl_tag" && type.type === id) return true;
  }
  return false;
}

/** Probes whose programs are of the kind that the kernel registers its functions for. */
export const CALL_KFUNCS: readonly string[] = ["fentry", "fexit", "iter"];

function providerOf(c: Checker): string {
  return c.unit.probes[0]?.provider ?? "";
}

function kfuncQuery(query: string, answer: (c: Checker, name: string) => boolean): BuiltinFunction {
  return {
    args: [1, 1],
    form: `${query}("name")`,
    check(c, call) {
      const name = c.literal(call.args[0], "the function's name");
      return name === undefined ? unknown : { kind: "boolean", value: answer(c, name) };
    },
    lower: NOTHING_LEFT,
  };
}

const fail: BuiltinFunction = {
  args: [1, 64],
  form: 'fail("format", ...)',
  check(c, call) {
    const format = c.literal(call.args[0], "the format");
    const types = call.args.slice(1).map((_, i) => {
      const node = c.expressionArg(call, i + 1);
      return node ? c.type(node) : unknown;
    });
    const unclear = types.findIndex((type) => !isConstant(type));
    if (c.isUnreached || format === undefined) return voidType;
    if (unclear >= 0) {
      return c.error("constant-expected", call.args[unclear + 1]!.span, "fail() takes what is known when compiling");
    }
    c.error("fail", call.span, formatConstants(format, types));
    return voidType;
  },
  lower: NOTHING_LEFT,
};

function constantOf(value: string | number | boolean): Type {
  if (typeof value === "boolean") return { kind: "boolean", value };
  if (typeof value === "number") return { ...uint64, value: BigInt(value) };
  return { kind: "string", size: value.length + 1, value };
}

export const queryVariables: Variables = {
  config: {
    check(c) {
      const settings = Object.entries(settingsOf(c.settings.config));
      return { kind: "record", fields: settings.map(([name, value]) => ({ name, type: constantOf(value) })) };
    },
    lower: {
      into: (l, node, to, padded) => constantInto(l, l.type(node), to, widen(l.type(node)), padded),
    },
  },
};

export const queryFunctions: Functions = {
  fail,
  is_str: query("is_str", isText),
  is_ptr: query("is_ptr", (type) => type.kind === "pointer"),
  is_array: query("is_array", (type) => type.kind === "array"),
  is_integer: query("is_integer", (type) => baseName(type) === "int"),
  is_unsigned_integer: query("is_unsigned_integer", (type) => type.kind === "integer" && !type.signed),
  is_literal: query("is_literal", isConstant),
  kfunc_exist: kfuncQuery("kfunc_exist", isKfunc),
  kfunc_allowed: kfuncQuery("kfunc_allowed", (c, name) => CALL_KFUNCS.includes(providerOf(c)) && isKfunc(c, name)),
};
