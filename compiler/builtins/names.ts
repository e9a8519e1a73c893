/** Numbers that stand for names; the harness prints the name. */
import { value } from "../lower/expressions.ts";
import type { Type } from "../sema/types.ts";
import type { Expression } from "../syntax/ast.ts";
import { syscalls } from "../syscalls.ts";
import type { Functions } from "./table.ts";

/** Tracepoints are called after the kernel's functions; these are the system calls' own names where the two differ. */
const SYSCALL_NAMES: Record<string, string> = {
  newstat: "stat",
  newfstat: "fstat",
  newlstat: "lstat",
  newuname: "uname",
  sendfile64: "sendfile",
  umount: "umount2",
};

/** A number that the harness turns into a name when it is printed. */
function named(kind: "strerror" | "signal_name", what: string): Functions[string] {
  return {
    args: [1, 1],
    form: `${kind}(number)`,
    check(c, call): Type {
      const arg = c.expressionArg(call, 0);
      if (arg) c.integer(arg, what);
      return { kind };
    },
    lower: { value: (l, call) => value(l, call.args[0] as Expression) },
  };
}

export const nameFunctions: Functions = {
  strerror: named("strerror", "an error number"),
  signal_name: named("signal_name", "a signal's number"),
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
  syscall_name: {
    args: [1, 1],
    form: "syscall_name(number)",
    check(c, call): Type {
      const arg = c.expressionArg(call, 0);
      if (arg) c.integer(arg, "a system call's number");
      const values = [...syscalls(c.facts.arch)].map(([name, number]) => ({
        name: SYSCALL_NAMES[name] ?? name,
        value: BigInt(number),
      }));
      return { kind: "enum", name: "syscall", size: 8, signed: true, values, isText: true };
    },
    lower: { value: (l, call) => value(l, call.args[0] as Expression) },
  },
};
