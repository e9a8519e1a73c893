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

export const nameFunctions: Functions = {
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
      return { kind: "enum", name: "syscall", size: 8, signed: true, values };
    },
    lower: { value: (l, call) => value(l, call.args[0] as Expression) },
  },
};
