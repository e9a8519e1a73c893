/**
 * The door through which the host enters the compiler. The compiler asks, the harness answers from the running
 * kernel, and the tests answer from fixtures. Every answer is lazy: a script that needs no BTF pays nothing for it.
 */
import type { Btf } from "./btf/btf.ts";
import type { Dwarf } from "./dwarf/dwarf.ts";

export interface KernelFacts {
  readonly arch: "x64" | "arm64";
  /** Kernel version, e.g. [6, 18, 44]. */
  readonly version: readonly [number, number, number];
  /** Possible CPUs: the number of copies of a per-CPU value. */
  readonly possibleCpus: number;
  readonly features: Features;
  /** Whether processes have the numbers for us that the kernel itself has for them; not so in a container. */
  readonly inFirstPidNamespace: boolean;
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
  /**
   * The files that a probe means by a path, by an executable's name (`bash`), by a library's (`libc`, `libc.so.6`), or by a
   * pattern with `*`: executables and libraries, best match first. `*` alone means all that the process `pid`, or without one
   * any process, has mapped as code. With `anyFile` a path need not be of an executable. Empty when there is none.
   */
  binaries(name: string, options: { pid: number | undefined; anyFile: boolean }): readonly string[];
  /** The file that a process runs, as a path that can be opened from here; undefined when there is no such process. */
  executable(pid: number): string | undefined;
  /** Symbols of an executable or library; undefined when the file cannot be read as one. */
  elfSymbols(path: string): ElfSymbols | undefined;
  /** Debug information of an executable or library; undefined when there is none on this machine. Throws DwarfError when it is damaged. */
  debugInfo(path: string): Dwarf | undefined;
  /** The C++ name that a symbol's name encodes, with the types of its parameters; undefined for a name that is none. */
  demangle(name: string): string | undefined;
  /** Functions that kprobes and the like can be attached to. Throws a system error when none can be listed. */
  kernelFunctions(): readonly KernelFunction[];
  /** Whether there is such a function among them; without a module, in any. Need not read the whole list. */
  isTraceable(name: string, module: string | undefined): boolean;
  /** Names of the loaded modules. */
  modules(): readonly string[];
}

/** Whether the kernel is of that release or a later one: for what nobody can leave out, and no distribution carries back. */
export function isSince({ version }: Pick<KernelFacts, "version">, major: number, minor: number): boolean {
  return version[0] > major || (version[0] === major && version[1] >= minor);
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
  /** bpf_get_current_ancestor_cgroup_id in tracing programs (5.15). */
  ancestorCgroupId: boolean;
  /** bpf_get_ns_current_pid_tgid. */
  nsPidTgid: boolean;
  /** bpf_map_lookup_percpu_elem (5.19). */
  lookupPercpuElem: boolean;
  /** Atomic instructions that fetch, cmpxchg (5.12). */
  atomicFetch: boolean;
  /** Loops whose end the verifier need not see, because the kernel counts their rounds (may_goto, 6.9). */
  mayGoto: boolean;
  /** Signed division, sign-extending loads and moves, unconditional byte swaps, 32-bit jumps (cpu v4, 6.6). */
  cpuV4: boolean;
  /** A program that goes on in another one may call functions of its own (5.10; on arm64 6.0; where there is a JIT). */
  callsBesideTailCalls: boolean;
  /** Functions of the kernel can be probed: by kprobes, and by programs on their BTF. */
  kprobe: boolean;
  fentry: boolean;
  uprobeMulti: boolean;
  kprobeMulti: boolean;
  /** bpf_get_attach_cookie (5.15): one program tells its many places apart. */
  attachCookie: boolean;
  /** bpf_override_return and bpf_probe_write_user, which kernels leave out that are built or locked down to. */
  overrideReturn: boolean;
  writeUser: boolean;
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

export interface KernelFunction {
  name: string;
  /** "vmlinux" for the kernel proper. */
  module: string;
}

export interface ElfSymbols {
  /** Functions, those of one name only if one is given; each name and place once. */
  functions(name?: string): readonly ElfFunction[];
  /** A variable, or else whatever is called so. */
  symbol(name: string): { address: number; size: number } | undefined;
  /** The places of the file that are marked as USDT probes. */
  marks(): readonly UsdtMark[];
  /** Where an address of the file, as its headers count, lies in it; undefined when it is in no loaded part. */
  fileOffset(address: number): number | undefined;
  /** Whether an instruction begins there; undefined when the code cannot be read as instructions. */
  isInstruction(fn: ElfFunction, offset: number): boolean | undefined;
  /** The file is loaded at another address in each process, to which its own addresses are relative. */
  relocated: boolean;
  /** The file to attach to, which is the archive where the path names an entry of one. */
  file: string;
}

/** One place of a USDT probe; several may have the same names. */
export interface UsdtMark {
  provider: string;
  name: string;
  /** Of the instruction, as the file's headers count. */
  address: number;
  /** Of the counter by which the program knows that somebody listens; 0 where it has none. */
  semaphore: number;
  /** Where the arguments are, in SystemTap's notation: `-4@%edi 8@-16(%rbp)`. */
  arguments: string;
}

export interface ElfFunction {
  name: string;
  /** As the file's headers count. */
  address: number;
  /** Bytes from the file's start, which is what the kernel wants for a uprobe. */
  offset: number;
  /** Bytes; 0 where the file does not say. */
  size: number;
}
