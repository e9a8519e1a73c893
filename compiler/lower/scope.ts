/**
 * Whether a task belongs to the workload: by its cgroup, by the set of processes that the program itself keeps, or by
 * being what the switch names.
 */
import type { VReg } from "../ir/ir.ts";
import { SCOPE_SWITCH, type ScopeFilter } from "../program.ts";
import type { Lowering } from "./lowering.ts";
import { currentTask, kernelField, type Task, taskOf } from "./task.ts";

/** Scopes that follow forks. */
export function keepsTree(scope: ScopeFilter): boolean {
  return scope === "tree" || hasSwitch(scope);
}

/** Scopes that are switched on and off. */
export function hasSwitch(scope: ScopeFilter): boolean {
  return scope === "process" || scope === "thread";
}

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
      return lookupTree(l, currentTask(l).process);
    case "process":
    case "thread":
      return isSwitchedIn(l, scope, () => currentTask(l));
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
      return lookupTree(l, taskOf(l, task).process);
    case "process":
    case "thread":
      return isSwitchedIn(l, scope, () => taskOf(l, task));
  }
}

/** Non-zero while the switch is on. */
export function isSwitchedOn(l: Lowering): VReg {
  return l.b.load(l.mapValue(l.plan.scopeSwitch, SCOPE_SWITCH.id), 0, 8);
}

/** Tells the harness that the set of processes is no longer as it was left. */
export function countFork(l: Lowering): void {
  const base = l.mapValue(l.plan.scopeSwitch, SCOPE_SWITCH.forks);
  l.b.emit({ op: "atomic", atomic: "add", dst: undefined, base, offset: 0, size: 8, value: l.b.const(1) });
}

// id != 0 && (id == own id || tree[key])
function isSwitchedIn(l: Lowering, scope: "process" | "thread", task: () => Task): VReg {
  const { b } = l;
  const id = isSwitchedOn(l);
  const no = () => b.const(0);
  return l.choose("eq", id, { imm: 0n }, no, () => {
    const ids = task();
    const own = scope === "process" ? ids.process : ids.thread;
    const yes = () => b.const(1);
    return l.choose("eq", own, id, yes, () => lookupTree(l, treeKey(l, scope, ids)));
  });
}

/**
 * Under what a task stands in the set of processes: its process id. Threads of the process that the `thread` scope is
 * about stand for themselves, which is no ambiguity, since all ids come from one set of numbers.
 */
export function treeKey(l: Lowering, scope: ScopeFilter, { process, thread }: Task): VReg {
  if (scope !== "thread") return process;
  const own = l.b.load(l.mapValue(l.plan.scopeSwitch, SCOPE_SWITCH.process), 0, 8);
  return l.choose(
    "eq",
    process,
    own,
    () => thread,
    () => process,
  );
}

function lookupTree(l: Lowering, id: VReg): VReg {
  const found = l.b.define((dst) => ({ op: "lookup", dst, map: l.plan.scopeTree, key: { value: id, size: 4 } }));
  return l.b.compare("ne", found, { imm: 0n });
}
