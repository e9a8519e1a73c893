/** Whether a task belongs to the workload: by its cgroup, or by the set of processes that the program itself keeps. */
import type { VReg } from "../ir/ir.ts";
import type { ScopeFilter } from "../program.ts";
import { integer } from "../sema/types.ts";
import type { Lowering } from "./lowering.ts";

/** Non-zero if the current task is in the scope. */
export function isInScope(l: Lowering, scope: ScopeFilter): VReg {
  const { b } = l;
  switch (scope) {
    case "system":
      return b.const(1);
    case "cgroup": {
      const level = l.hostConstant("scope_cgroup_level");
      const id = b.call("get_current_ancestor_cgroup_id", [level], { pure: true });
      return b.compare("eq", id, l.hostConstant("scope_cgroup_id"));
    }
    case "tree":
      return lookupTree(l, processId(l));
  }
}

/** The same for another task. It must be in the workload's cgroup itself; one that was moved below it is not seen. */
export function isTaskInScope(l: Lowering, scope: ScopeFilter, task: VReg): VReg {
  switch (scope) {
    case "system":
      return l.b.const(1);
    case "cgroup": {
      const set = kernelField(l, task, "task_struct", "cgroups", 8);
      const cgroup = kernelField(l, set, "css_set", "dfl_cgrp", 8);
      const node = kernelField(l, cgroup, "cgroup", "kn", 8);
      const id = kernelField(l, node, "kernfs_node", "id", 8);
      return l.b.compare("eq", id, l.hostConstant("scope_cgroup_id"));
    }
    case "tree":
      return lookupTree(l, kernelField(l, task, "task_struct", "tgid", 4));
  }
}

export function processId(l: Lowering): VReg {
  return l.b.alu("rsh", l.b.call("get_current_pid_tgid", [], { pure: true }), { imm: 32n });
}

export function lookupTree(l: Lowering, pid: VReg): VReg {
  const found = l.b.define((dst) => ({ op: "lookup", dst, map: l.plan.scopeTree, key: { value: pid, size: 4 } }));
  return l.b.compare("ne", found, { imm: 0n });
}

/** A member of a kernel object, through a helper: it may be any address. */
export function kernelField(l: Lowering, object: VReg, struct: string, name: string, size: 4 | 8): VReg {
  const btf = l.facts.btf();
  const id = btf?.find(struct, "struct");
  const field = btf && id !== undefined ? btf.field(id, name) : undefined;
  if (!field) throw new Error(`the kernel's type information has no ${struct}.${name}`);
  return l.read({ base: object, offset: field.offset, space: "kernel" }, integer(size, false));
}
