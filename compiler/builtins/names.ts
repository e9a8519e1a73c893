/** Texts that are kept as the numbers they stand for. */
import type { VReg } from "../ir/ir.ts";
import { value } from "../lower/expressions.ts";
import type { Lowering } from "../lower/lowering.ts";
import { tableNumber } from "../lower/names.ts";
import type { NameTableKind } from "../name-tables.ts";
import type { Type } from "../sema/types.ts";
import type { Expression } from "../syntax/ast.ts";
import type { Functions } from "./table.ts";

function named(kind: NameTableKind, what: string, number = value): Functions[string] {
  return {
    args: [1, 1],
    form: `${kind}(number)`,
    check(c, call): Type {
      const arg = c.expressionArg(call, 0);
      if (arg) c.integer(arg, what);
      return { kind };
    },
    lower: { value: (l, call) => tableNumber(l, kind, number(l, call.args[0] as Expression)) },
  };
}

/** The kernel returns an error's number negative. */
function withoutSign(l: Lowering, node: Expression): VReg {
  const number = value(l, node);
  return l.choose(
    "slt",
    number,
    { imm: 0n },
    () => l.b.alu("sub", l.b.const(0), number),
    () => number,
  );
}

export const nameFunctions: Functions = {
  strerror: named("strerror", "an error number", withoutSign),
  signal_name: named("signal_name", "a signal's number"),
  syscall_name: named("syscall_name", "a system call's number"),
  cgroup_path: {
    args: [1, 2],
    form: 'cgroup_path(id[, "hierarchy"])',
    check(c, call): Type {
      const id = c.expressionArg(call, 0);
      if (id) c.integer(id, "a cgroup's id");
      const filter = call.args.length > 1 ? c.literal(call.args[1], "the hierarchy") : "";
      return { kind: "cgroup_path", filter: filter ?? "" };
    },
    lower: { value: (l, call) => value(l, call.args[0] as Expression) },
  },
};
