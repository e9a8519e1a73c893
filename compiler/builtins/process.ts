/** Who runs: process, thread, user, CPU, cgroup. */
import type { VReg } from "../ir/ir.ts";
import { isSince, type KernelFacts } from "../kernel-facts.ts";
import { value } from "../lower/expressions.ts";
import type { Lowering } from "../lower/lowering.ts";
import type { Place } from "../lower/place.ts";
import { tell } from "../lower/runtime-errors.ts";
import { isInScope, isTaskInScope } from "../lower/scope.ts";
import { currentTask, hasTypedTask, kernelField, ownName, visibleTask } from "../lower/task.ts";
import { typeFromBtf } from "../sema/btf-types.ts";
import {
  boolean,
  isIntegral,
  pointer,
  string,
  type Type,
  typeName,
  uint32,
  uint64,
  unknown,
  voidType,
} from "../sema/types.ts";
import type { Expression } from "../syntax/ast.ts";
import { CALL_KFUNCS } from "./queries.ts";
import type { BuiltinVariable, Functions, Variables } from "./table.ts";

/** TASK_COMM_LEN */
const COMM_SIZE = 16;

function scalar(type: Type, value: (l: Lowering) => VReg): BuiltinVariable {
  return { check: () => type, lower: { value } };
}

const uidAndGid = (l: Lowering) => l.b.call("get_current_uid_gid", [], { pure: true });

export const processFunctions: Functions = {
  get pid() {
    return inNamespace("pid");
  },
  get tid() {
    return inNamespace("tid");
  },
  comm: {
    args: [0, 1],
    form: "comm([pid])",
    check(c, call) {
      const id = c.expressionArg(call, 0);
      if (!id) return string(COMM_SIZE);
      const type = c.type(id);
      if (type.kind !== "unknown" && !isIntegral(type)) {
        return c.error(
          "argument-type",
          id.span,
          `comm() takes the number of a process, not a value of type ${typeName(type)}`,
        );
      }
      if (!c.onlyIn(call.span, "`comm(pid)`", CALL_KFUNCS)) return unknown;
      if (FOR_TASKS.some((name) => kernelFunction(c.facts, name) === undefined)) {
        const message = "this kernel does not let programs look for a process";
        return c.error("kernel-feature", call.span, message, "that came with Linux 6.2");
      }
      if (c.facts.inFirstPidNamespace) return string(COMM_SIZE);
      const message = "comm(pid) goes by the kernel's own numbers, which are others in this PID namespace";
      return c.error("kernel-feature", call.span, message, "run it outside of the container");
    },
    lower: {
      into(l, call, to) {
        const [id] = call.args as Expression[];
        if (id) nameInto(l, value(l, id), to);
        else ownNameInto(l, to);
      },
    },
  },
  /** Not in bpftrace: lets a script that watches the whole system tell the workload's tasks from others. */
  in_workload: {
    args: [0, 1],
    form: "in_workload([task])",
    check(c, call) {
      const task = c.expressionArg(call, 0);
      if (task && !c.facts.btf())
        return c.error("kernel-feature", call.span, "in_workload(task) needs the kernel's type information (BTF)");
      const type = task && c.type(task);
      if (type && type.kind !== "pointer" && type.kind !== "integer" && type.kind !== "unknown") {
        return c.error(
          "argument-type",
          task!.span,
          `in_workload() takes a task, not a value of type ${typeName(type)}`,
        );
      }
      return boolean;
    },
    lower: {
      value(l, call) {
        const { workload } = l.environment;
        const [task] = call.args as Expression[];
        const inside = task ? isTaskInScope(l, workload, value(l, task)) : isInScope(l, workload);
        return l.b.compare("ne", inside, { imm: 0n });
      },
    },
  },
};

function ownNameInto(l: Lowering, to: Place): void {
  const name = ownName(l);
  if (name) l.copy(name, to, COMM_SIZE);
  else {
    // Kernels from 5.17 to 6.3 leave what is behind the name as it was.
    if (!isSince(l.facts, 6, 4)) l.zero(to, COMM_SIZE);
    l.b.call("get_current_comm", [l.address(to), { imm: BigInt(COMM_SIZE) }]);
  }
}

/** Functions of the kernel that find a process, and let it go again: not helpers, but called by their BTF ids. */
const FOR_TASKS = ["task_from_pid", "task_release"] as const;

function kernelFunction(facts: KernelFacts, name: (typeof FOR_TASKS)[number]): number | undefined {
  return facts.btf()?.find(`bpf_${name}`, "func");
}

/** The name of any process. The verifier wants the task back on every way on which there is one. */
function nameInto(l: Lowering, id: VReg, to: Place): void {
  const { b } = l;
  const btf = l.facts.btf()!;
  const { offset } = btf.field(btf.find("task_struct", "struct")!, "comm")!;
  const [find, release] = FOR_TASKS;
  const task = b.callKernel(find, kernelFunction(l.facts, find)!, [b.extend(id, 4, true)]);
  l.when(
    "ne",
    task,
    { imm: 0n },
    () => {
      l.copy({ base: task, offset, space: "kernel" }, to, COMM_SIZE);
      const btfId = kernelFunction(l.facts, release)!;
      b.emit({ op: "call", dst: undefined, helper: release, args: [task], pure: false, btfId });
    },
    () => {
      l.zero(to, COMM_SIZE);
      for (const [i, char] of [..."N/A"].entries())
        b.store(to.base, to.offset + i, 1, { imm: BigInt(char.charCodeAt(0)) });
      tell(l, "no-process");
    },
  );
}

/** Members of the current task's parent. */
function parent(l: Lowering): VReg {
  return kernelField(l, l.b.call("get_current_task", [], { pure: true }), "task_struct", "real_parent", 8);
}

/** What needs the layout of the kernel's structs. */
function fromTask(type: Type, lower: BuiltinVariable["lower"]): BuiltinVariable {
  return {
    check(c, node) {
      if (c.facts.btf()) return type;
      return c.error("kernel-feature", node.span, "this needs the kernel's type information (BTF)");
    },
    lower,
  };
}

/** pid() and tid() take the name of a namespace: the tracer's own, or the first. */
function inNamespace(name: "pid" | "tid"): Functions[string] {
  const member = name === "pid" ? "process" : "thread";
  return {
    args: [0, 1],
    form: `${name}([curr_ns|init])`,
    check(c, call) {
      const mode = call.args[0];
      if (mode && (mode.kind !== "identifier" || !["curr_ns", "init"].includes(mode.name))) {
        return c.error("argument-type", mode.span, `${name}() takes curr_ns or init`);
      }
      return uint32;
    },
    lower: {
      value(l, call) {
        const [mode] = call.args as Expression[];
        const isFirst = mode?.kind === "identifier" && mode.name === "init";
        return (isFirst ? currentTask(l) : visibleTask(l))[member];
      },
    },
  };
}

export const processVariables: Variables = {
  ppid: fromTask(uint32, { value: (l) => kernelField(l, parent(l), "task_struct", "tgid", 4) }),
  pcomm: fromTask(string(COMM_SIZE), {
    into(l, _node, to) {
      const comm = l.facts.btf()!.field(l.facts.btf()!.find("task_struct", "struct")!, "comm")!;
      l.copy({ base: parent(l), offset: comm.offset, space: "kernel" }, to, COMM_SIZE);
    },
  }),
  username: {
    check: () => ({ kind: "username" }),
    lower: { value: (l) => l.b.extend(uidAndGid(l), 4, false) },
  },
  ncpus: { check: (c) => ({ ...uint64, value: BigInt(c.facts.possibleCpus) }), lower: { effect: () => {} } },
  pid: scalar(uint32, (l) => visibleTask(l).process),
  tid: scalar(uint32, (l) => visibleTask(l).thread),
  uid: scalar(uint64, (l) => l.b.extend(uidAndGid(l), 4, false)),
  gid: scalar(uint64, (l) => l.b.alu("rsh", uidAndGid(l), { imm: 32n })),
  cpu: scalar(uint64, (l) => l.b.call("get_smp_processor_id", [], { pure: true })),
  cgroup: scalar(uint64, (l) => l.b.call("get_current_cgroup_id", [], { pure: true })),
  rand: scalar(uint64, (l) => l.b.extend(l.b.call("get_prandom_u32", []), 4, false)),
  cpid: scalar(uint32, (l) => {
    if (!l.environment.hasCommand) tell(l, "no-command");
    return l.hostConstant("cpid");
  }),
  has_cpid: scalar(boolean, (l) => l.b.compare("ne", l.hostConstant("cpid"), { imm: 0n })),
  numaid: scalar(uint32, (l) => l.b.call("get_numa_node_id", [], { pure: true })),
  jiffies: scalar(uint64, (l) => l.b.call("jiffies64", [])),
  comm: {
    check: () => string(COMM_SIZE),
    lower: { into: (l, _node, to) => ownNameInto(l, to), inPlace: ownName },
  },
  curtask: {
    check(c) {
      const btf = c.facts.btf();
      const id = btf?.find("task_struct", "struct");
      return pointer(btf && id !== undefined ? typeFromBtf(btf, id, "kernel") : voidType, "kernel");
    },
    lower: {
      value(l) {
        return l.b.call(hasTypedTask(l) ? "get_current_task_btf" : "get_current_task", [], { pure: true });
      },
    },
  },
};
