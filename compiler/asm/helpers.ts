/**
 * The kernel's helper functions as data: number, signature, effects, and the kernel that brought them. Lowering, the IR
 * verifier, the optimiser, the disassembler and the interpreter of the tests all read this one table.
 */

/** What a helper expects in an argument register. */
export type HelperArg =
  /** Any integer, addresses of unchecked memory included. */
  | "scalar"
  | "ctx"
  | "map"
  /** Memory of the map's key size, initialised. */
  | "key"
  /** Memory of the map's value size, initialised. */
  | "value"
  | "value-or-null"
  /** Memory of the map's value size that the helper fills. */
  | "value-out"
  /** Initialised memory; the next argument is its size. */
  | "mem"
  | "mem-or-null"
  /** Memory that the helper fills; the next argument is its size. */
  | "out"
  | "out-or-null"
  /** Eight bytes that the helper fills. */
  | "out-u64"
  /** Bytes of the memory argument before; the verifier must know that it is positive (or not negative) and bounded. */
  | "size"
  | "size-or-zero"
  /** A constant number of bytes to allocate. */
  | "const-size"
  /** The address of a NUL-terminated string in a frozen read-only map. */
  | "const-string"
  /** A function of the same program. */
  | "func"
  /** Handed on to the callback: an address in the stack, or 0. */
  | "callback-context"
  /** A ring buffer record; the call gives it up. */
  | "record"
  /** A pointer to a kernel object that the verifier knows by its BTF type. */
  | "btf"
  /** The BTF id of a per-CPU variable. */
  | "percpu-btf"
  | "spin-lock"
  | "dynptr"
  | "dynptr-out";

export type HelperResult =
  | "scalar"
  | "void"
  /** Address of a map's value, or 0: to be tested before anything else is done with it. */
  | "map-value-or-null"
  /** Address of a ring buffer record, or 0. */
  | "record-or-null"
  /** Address inside a dynptr, or 0. */
  | "mem-or-null"
  | "btf"
  | "btf-or-null";

/**
 * What a helper changes besides the memory of its out arguments: nothing that the program can see, the content of its
 * map argument (what lookups find, and addresses found before may be recycled), or the world outside the program. A
 * `callback` helper calls a function of the program, which may change anything.
 */
export type HelperEffect = "none" | "map" | "world" | "callback";

export interface HelperSpec {
  /** BPF_FUNC_<name>; 0 for a function that is called by its id in the kernel's type information (a kfunc). */
  id: number;
  /** First kernel release that has it, as [major, minor]. */
  since: readonly [major: number, minor: number];
  args: readonly HelperArg[];
  result: HelperResult;
  effect: HelperEffect;
}

function helper(
  id: number,
  since: readonly [number, number],
  args: readonly HelperArg[],
  result: HelperResult = "scalar",
  effect: HelperEffect = "none",
): HelperSpec {
  return { id, since, args, result, effect };
}

/** A function of the kernel that is no helper by number, but may be called. */
function kfunc(
  since: readonly [number, number],
  args: readonly HelperArg[],
  result: HelperResult,
  effect: HelperEffect,
): HelperSpec {
  return helper(0, since, args, result, effect);
}

export const helpers = {
  map_lookup_elem: helper(1, [3, 19], ["map", "key"], "map-value-or-null"),
  map_update_elem: helper(2, [3, 19], ["map", "key", "value", "scalar"], "scalar", "map"),
  map_delete_elem: helper(3, [3, 19], ["map", "key"], "scalar", "map"),
  probe_read: helper(4, [4, 1], ["out", "size-or-zero", "scalar"]),
  ktime_get_ns: helper(5, [4, 1], []),
  trace_printk: helper(6, [4, 1], ["mem", "size", "scalar", "scalar", "scalar"], "scalar", "world"),
  get_prandom_u32: helper(7, [4, 1], []),
  get_smp_processor_id: helper(8, [4, 1], []),
  tail_call: helper(12, [4, 2], ["ctx", "map", "scalar"], "scalar", "world"),
  get_current_pid_tgid: helper(14, [4, 2], []),
  get_current_uid_gid: helper(15, [4, 2], []),
  get_current_comm: helper(16, [4, 2], ["out", "size"]),
  perf_event_read: helper(22, [4, 3], ["map", "scalar"]),
  perf_event_output: helper(25, [4, 4], ["ctx", "map", "scalar", "mem", "size-or-zero"], "scalar", "world"),
  get_stackid: helper(27, [4, 6], ["ctx", "map", "scalar"], "scalar", "map"),
  get_current_task: helper(35, [4, 8], []),
  probe_write_user: helper(36, [4, 8], ["scalar", "mem", "size"], "scalar", "world"),
  current_task_under_cgroup: helper(37, [4, 9], ["map", "scalar"]),
  get_numa_node_id: helper(42, [4, 10], []),
  probe_read_str: helper(45, [4, 11], ["out", "size-or-zero", "scalar"]),
  get_socket_cookie: helper(46, [4, 12], ["btf"]),
  perf_event_read_value: helper(55, [4, 15], ["map", "scalar", "out", "size"]),
  perf_prog_read_value: helper(56, [4, 15], ["ctx", "out", "size"]),
  override_return: helper(58, [4, 16], ["ctx", "scalar"], "scalar", "world"),
  get_stack: helper(67, [4, 18], ["ctx", "out", "size-or-zero", "scalar"]),
  get_current_cgroup_id: helper(80, [4, 18], []),
  map_push_elem: helper(87, [4, 20], ["map", "value", "scalar"], "scalar", "map"),
  map_pop_elem: helper(88, [4, 20], ["map", "value-out"], "scalar", "map"),
  map_peek_elem: helper(89, [4, 20], ["map", "value-out"]),
  spin_lock: helper(93, [5, 1], ["spin-lock"], "void", "world"),
  spin_unlock: helper(94, [5, 1], ["spin-lock"], "void", "world"),
  strtol: helper(105, [5, 2], ["mem", "size", "scalar", "out-u64"]),
  strtoul: helper(106, [5, 2], ["mem", "size", "scalar", "out-u64"]),
  send_signal: helper(109, [5, 3], ["scalar"], "scalar", "world"),
  skb_output: helper(111, [5, 5], ["btf", "map", "scalar", "mem", "size-or-zero"], "scalar", "world"),
  probe_read_user: helper(112, [5, 5], ["out", "size-or-zero", "scalar"]),
  probe_read_kernel: helper(113, [5, 5], ["out", "size-or-zero", "scalar"]),
  probe_read_user_str: helper(114, [5, 5], ["out", "size-or-zero", "scalar"]),
  probe_read_kernel_str: helper(115, [5, 5], ["out", "size-or-zero", "scalar"]),
  send_signal_thread: helper(117, [5, 6], ["scalar"], "scalar", "world"),
  jiffies64: helper(118, [5, 6], []),
  read_branch_records: helper(119, [5, 7], ["ctx", "out-or-null", "size-or-zero", "scalar"]),
  get_ns_current_pid_tgid: helper(120, [5, 7], ["scalar", "scalar", "out", "size"]),
  get_netns_cookie: helper(122, [5, 7], ["ctx"]),
  get_current_ancestor_cgroup_id: helper(123, [5, 7], ["scalar"]),
  ktime_get_boot_ns: helper(125, [5, 8], []),
  seq_write: helper(127, [5, 8], ["btf", "mem", "size-or-zero"], "scalar", "world"),
  ringbuf_output: helper(130, [5, 8], ["map", "mem", "size-or-zero", "scalar"], "scalar", "world"),
  ringbuf_reserve: helper(131, [5, 8], ["map", "const-size", "scalar"], "record-or-null", "world"),
  ringbuf_submit: helper(132, [5, 8], ["record", "scalar"], "void", "world"),
  ringbuf_discard: helper(133, [5, 8], ["record", "scalar"], "void", "world"),
  ringbuf_query: helper(134, [5, 8], ["map", "scalar"]),
  get_task_stack: helper(141, [5, 9], ["btf", "out", "size-or-zero", "scalar"]),
  d_path: helper(147, [5, 10], ["btf", "out", "size-or-zero"]),
  copy_from_user: helper(148, [5, 10], ["out", "size-or-zero", "scalar"]),
  snprintf_btf: helper(149, [5, 10], ["out", "size", "mem", "size", "scalar"]),
  per_cpu_ptr: helper(153, [5, 10], ["percpu-btf", "scalar"], "btf-or-null"),
  this_cpu_ptr: helper(154, [5, 10], ["percpu-btf"], "btf"),
  task_storage_get: helper(156, [5, 11], ["map", "btf", "value-or-null", "scalar"], "map-value-or-null", "map"),
  task_storage_delete: helper(157, [5, 11], ["map", "btf"], "scalar", "map"),
  get_current_task_btf: helper(158, [5, 11], [], "btf"),
  ktime_get_coarse_ns: helper(160, [5, 11], []),
  for_each_map_elem: helper(164, [5, 13], ["map", "func", "callback-context", "scalar"], "scalar", "callback"),
  snprintf: helper(165, [5, 13], ["out", "size-or-zero", "const-string", "mem-or-null", "size-or-zero"]),
  get_func_ip: helper(173, [5, 15], ["ctx"]),
  get_attach_cookie: helper(174, [5, 15], ["ctx"]),
  task_pt_regs: helper(175, [5, 15], ["btf"], "btf"),
  get_branch_snapshot: helper(176, [5, 16], ["out", "size-or-zero", "scalar"]),
  trace_vprintk: helper(177, [5, 16], ["mem", "size", "mem-or-null", "size-or-zero"], "scalar", "world"),
  kallsyms_lookup_name: helper(179, [5, 16], ["mem", "size-or-zero", "scalar", "out-u64"]),
  find_vma: helper(180, [5, 17], ["btf", "scalar", "func", "callback-context", "scalar"], "scalar", "callback"),
  loop: helper(181, [5, 17], ["scalar", "func", "callback-context", "scalar"], "scalar", "callback"),
  strncmp: helper(182, [5, 17], ["mem", "size", "const-string"]),
  get_func_arg: helper(183, [5, 17], ["ctx", "scalar", "out-u64"]),
  get_func_ret: helper(184, [5, 17], ["ctx", "out-u64"]),
  get_func_arg_cnt: helper(185, [5, 17], ["ctx"]),
  copy_from_user_task: helper(191, [5, 18], ["out", "size-or-zero", "scalar", "btf", "scalar"]),
  map_lookup_percpu_elem: helper(195, [5, 19], ["map", "key", "scalar"], "map-value-or-null"),
  dynptr_from_mem: helper(197, [5, 19], ["mem", "size", "scalar", "dynptr-out"], "scalar", "world"),
  ringbuf_reserve_dynptr: helper(198, [5, 19], ["map", "scalar", "scalar", "dynptr-out"], "scalar", "world"),
  ringbuf_submit_dynptr: helper(199, [5, 19], ["dynptr", "scalar"], "void", "world"),
  ringbuf_discard_dynptr: helper(200, [5, 19], ["dynptr", "scalar"], "void", "world"),
  dynptr_read: helper(201, [5, 19], ["out", "size-or-zero", "dynptr", "scalar", "scalar"]),
  dynptr_write: helper(202, [5, 19], ["dynptr", "scalar", "mem", "size-or-zero", "scalar"], "scalar", "world"),
  dynptr_data: helper(203, [5, 19], ["dynptr", "scalar", "const-size"], "mem-or-null", "world"),
  ktime_get_tai_ns: helper(208, [6, 1], []),
  user_ringbuf_drain: helper(209, [6, 1], ["map", "func", "callback-context", "scalar"], "scalar", "callback"),
  cgrp_storage_get: helper(210, [6, 2], ["map", "btf", "value-or-null", "scalar"], "map-value-or-null", "map"),
  cgrp_storage_delete: helper(211, [6, 2], ["map", "btf"], "scalar", "map"),
  task_from_pid: kfunc([6, 2], ["scalar"], "btf-or-null", "world"),
  task_release: kfunc([6, 2], ["btf"], "void", "world"),
} as const satisfies Record<string, HelperSpec>;

/** The kernel's name without its `bpf_` prefix. */
export type HelperName = keyof typeof helpers;

/** The table's row, without the literal types that make rows incompatible with each other. */
export function helperSpec(name: HelperName): HelperSpec {
  return helpers[name];
}

const names = new Map<number, HelperName>(
  Object.entries(helpers).flatMap(([name, { id }]) => (id === 0 ? [] : [[id, name as HelperName]])),
);

/** The helper with this number, if the table has it. */
export function helperById(id: number): HelperName | undefined {
  return names.get(id);
}

/** Whether the helper fills the memory that this argument points to. */
export function isOutArg(arg: HelperArg): boolean {
  switch (arg) {
    case "out":
    case "out-or-null":
    case "out-u64":
    case "value-out":
    case "dynptr-out":
      return true;
    default:
      return false;
  }
}
