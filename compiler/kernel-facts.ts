/**
 * The door through which the host enters the compiler. The compiler asks, the harness answers from the running
 * kernel, and the tests answer from fixtures. Every answer is lazy: a script that needs no BTF pays nothing for it.
 */
import type { Btf } from "./btf/btf.ts";

export interface KernelFacts {
  readonly arch: "x64" | "arm64";
  /** Kernel version, e.g. [6, 18, 44]. */
  readonly version: readonly [number, number, number];
  /** Possible CPUs: the number of copies of a per-CPU value. */
  readonly possibleCpus: number;
  readonly features: Features;
  /** Type information of the kernel, or of a module. */
  btf(module?: string): Btf | undefined;
  /** Names of all tracepoints as `category:name`. Throws a system error when tracefs cannot be read. */
  tracepoints(): readonly string[];
  /** Parsed `events/<category>/<name>/format`, undefined when there is no such tracepoint. */
  tracepointFormat(category: string, name: string): TracepointFormat | undefined;
  /** Address of a kernel symbol. */
  kernelSymbol(name: string): bigint | undefined;
  /** Id of a cgroup v2 directory. */
  cgroupId(path: string): bigint | undefined;
  /** The file that a probe means by a path, by an executable's name (`bash`) or by a library's (`libc`). */
  binaryPath?(name: string): string | undefined;
  /** Symbols of an executable or library that may carry uprobes; undefined when the file cannot be read. */
  elfSymbols?(path: string): ElfSymbols | undefined;
}

/** What the running kernel can do; found by probing, not by version. */
export interface Features {
  /** tp_btf programs (BPF_PROG_TYPE_TRACING on tracepoints). */
  tpBtf: boolean;
  ringbuf: boolean;
  /** bpf_loop (5.17). */
  loop: boolean;
  /** bpf_for_each_map_elem (5.13). */
  forEachMapElem: boolean;
  /** bpf_get_current_task_btf (5.11). */
  currentTaskBtf: boolean;
  /** bpf_ktime_get_boot_ns (5.8), bpf_ktime_get_tai_ns (6.1). */
  ktimeBoot: boolean;
  ktimeTai: boolean;
  /** bpf_get_current_ancestor_cgroup_id in tracing programs. */
  ancestorCgroupId: boolean;
  /** bpf_get_ns_current_pid_tgid. */
  nsPidTgid: boolean;
  /** bpf_map_lookup_percpu_elem (5.19). */
  lookupPercpuElem: boolean;
  /** Atomic instructions that fetch, cmpxchg (5.12). */
  atomicFetch: boolean;
  /** Signed division, sign-extending loads and moves, unconditional byte swaps, 32-bit jumps (cpu v4, 6.6). */
  cpuV4: boolean;
  uprobeMulti: boolean;
  kprobeMulti: boolean;
}

export interface TracepointFormat {
  id: number;
  fields: TracepointField[];
}

export interface TracepointField {
  name: string;
  /** The C type as the format file writes it, without the name and array bounds: `const char *`, `__u32`, `char`. */
  type: string;
  /** Bytes from the start of the record. */
  offset: number;
  size: number;
  signed: boolean;
  /** Elements of an array field, undefined for others. */
  count: number | undefined;
  /** `__data_loc` (absolute in the record) and `__rel_loc` (relative to the end of the field) arrays. */
  location: "data" | "relative" | undefined;
}

export interface ElfSymbols {
  /** Names of functions (wildcards are matched by the compiler) with their file offsets. */
  functions(): Iterable<{ name: string; offset: number; size: number }>;
}
