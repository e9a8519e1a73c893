/**
 * A kernel made of plain data, for compiler tests that need no kernel: some system calls, a few other tracepoints, and
 * a small BTF. Offsets are this fake's own; nothing here claims to be a real kernel's layout.
 */
import { Btf } from "../../compiler/btf/btf.ts";
import type { TypeId } from "../../compiler/btf/types.ts";
import type { Dwarf } from "../../compiler/dwarf/dwarf.ts";
import type {
  ElfSymbols,
  Features,
  KernelFacts,
  TracepointField,
  TracepointFormat,
  UsdtMark,
} from "../../compiler/kernel-facts.ts";
import { matching } from "../../compiler/sema/patterns.ts";
import { at, BtfBuilder, bitsAt, INT_BOOL, INT_SIGNED } from "./btf-builder.ts";

export interface FakeKernel {
  arch: KernelFacts["arch"];
  version: readonly [number, number, number];
  possibleCpus: number;
  inFirstPidNamespace: boolean;
  /** Those that differ from a new kernel's, which has everything. */
  features: Partial<Features>;
  /** Arguments of system calls, in C; each gets an enter and an exit tracepoint. */
  syscalls: Readonly<Record<string, readonly string[]>>;
  /** Fields of other tracepoints, in C, by `category:name`. */
  tracepoints: Readonly<Record<string, readonly string[]>>;
  /** Undefined stands for a kernel without type information. */
  btf: Btf | undefined;
  modules: Readonly<Record<string, Btf>>;
  symbols: Readonly<Record<string, bigint>>;
  cgroups: Readonly<Record<string, bigint>>;
  /** Functions of binaries by path; each is loaded 0x400000 above its place in the file. */
  functions: Readonly<Record<string, readonly { name: string; offset: number; size: number }[]>>;
  /** USDT probes of binaries by path. */
  marks: Readonly<Record<string, readonly UsdtMark[]>>;
  /** What lies before this offset in a binary is not loaded. */
  loadedFrom: number;
  /** Variables of all binaries. */
  objects: Readonly<Record<string, { address: number; size: number }>>;
  /** Of binaries by path. */
  debugInfo: Readonly<Record<string, Dwarf>>;
  /** What names of symbols mean in C++. */
  cppNames: Readonly<Record<string, string>>;
  /** Functions that can be traced, by module. */
  kernelFunctions: Readonly<Record<string, readonly string[]>>;
}

const CPP_NAMES = {
  _ZN1a1bEi: "a::b(int)",
  _ZN1a1bEP1c: "a::b(c*)",
  _ZNK1a1cEv: "a::c() const",
  _ZN1aclEv: "a::operator()()",
  _ZN1aplEi: "a::operator+(int)",
  _Z1fPFviE: "f(void (*)(int))",
};

export function fakeFacts(kernel: Partial<FakeKernel> = {}): KernelFacts {
  const fake: FakeKernel = { ...DEFAULTS, btf: sampleBtf(), ...kernel };
  const formats = allFormats(fake);
  return {
    arch: fake.arch,
    version: fake.version,
    possibleCpus: fake.possibleCpus,
    inFirstPidNamespace: fake.inFirstPidNamespace,
    features: { ...EVERYTHING, ...fake.features },
    btf: (module) => (module === undefined || module === "vmlinux" ? fake.btf : fake.modules[module]),
    tracepoints: () => [...formats.keys()],
    tracepointFormat: (category, name) => formats.get(`${category}:${name}`),
    kernelSymbol: (name) => fake.symbols[name],
    cgroupId: (path) => fake.cgroups[path],
    binaries: (name) => {
      const paths = Object.keys(fake.functions);
      if (name.includes("*")) return matching(name, paths);
      return paths.filter((path) => path === name || path.endsWith(`/${name}`) || path.includes(`/${name}.so`));
    },
    executable: (pid) => (pid === TARGET_PID ? "/bin/example" : undefined),
    elfSymbols: (path): ElfSymbols | undefined => {
      const functions = fake.functions[path]?.map((fn) => ({ ...fn, address: fn.offset + LOADED_AT }));
      return (
        functions && {
          functions: (name) => functions.filter((fn) => name === undefined || fn.name === name),
          symbol: (name) => fake.objects[name],
          fileOffset: (address) => (address < LOADED_AT + fake.loadedFrom ? undefined : address - LOADED_AT),
          // Each instruction of the fake has four bytes.
          marks: () => fake.marks[path] ?? [],
          isInstruction: (_fn, offset) => offset % 4 === 0,
          relocated: path.includes(".so"),
          file: path,
        }
      );
    },
    debugInfo: (path) => fake.debugInfo[path],
    demangle: (name) => fake.cppNames[name],
    kernelFunctions: () =>
      Object.entries(fake.kernelFunctions).flatMap(([module, names]) => names.map((name) => ({ name, module }))),
    isTraceable: (name, module) =>
      Object.entries(fake.kernelFunctions).some(
        ([at, names]) => (module === undefined || module === at) && names.includes(name),
      ) || (module !== undefined && module !== "vmlinux" ? false : fake.btf?.func(name) !== undefined),
    modules: () => Object.keys(fake.kernelFunctions).filter((module) => module !== "vmlinux"),
  };
}

/** The process whose binary the fake knows. */
export const TARGET_PID = 4321;
const LOADED_AT = 0x400000;

const EVERYTHING: Features = {
  tpBtf: true,
  ringbuf: true,
  loop: true,
  forEachMapElem: true,
  currentTaskBtf: true,
  ktimeBoot: true,
  ktimeTai: true,
  ancestorCgroupId: true,
  nsPidTgid: true,
  lookupPercpuElem: true,
  atomicFetch: true,
  cpuV4: true,
  callsBesideTailCalls: true,
  kprobe: true,
  fentry: true,
  uprobeMulti: true,
  kprobeMulti: true,
  attachCookie: true,
  mayGoto: true,
  overrideReturn: true,
  writeUser: true,
};

/** Each provider and name with the places that it has: as an offset behind the functions', and where the arguments are. */
const MARKS: Readonly<Record<string, readonly UsdtMark[]>> = {
  "/bin/example": [
    mark("example", "start", 0x1110, "-4@%edi 8@-16(%rbp)"),
    mark("example", "step", 0x1210, "8@%rsi"),
    mark("example", "step", 0x1310, "8@%rbx 4f@%xmm0"),
    mark("example", "start", 0x1320, "-4@%eax 8@-24(%rbp)"),
    mark("other", "step", 0x1330, "4@counter+4(%rip)", 0x2010),
    mark("other", '"quoted"', 0x1334, ""),
  ],
  "/usr/bin/python3": [mark("python", "function__entry", 0x1000, "8@%r12 8@%rax -4@%r8d", 0x2000)],
  "/opt/fractions": [mark("example", "value", 0x1000, "8f@%xmm0 -1@$5")],
  "/lib/libexample.so.1": [mark("example", "call", 0x2110, "8@counter(%rip) 8@counter(%rax) 8@table 8@nothing(%rip)")],
};

function mark(provider: string, name: string, offset: number, args: string, semaphore = 0): UsdtMark {
  return {
    provider,
    name,
    address: offset + LOADED_AT,
    semaphore: semaphore && semaphore + LOADED_AT,
    arguments: args,
  };
}

const DEFAULTS: Omit<FakeKernel, "btf"> = {
  arch: "x64",
  version: [6, 18, 0],
  possibleCpus: 4,
  inFirstPidNamespace: true,
  features: {},
  syscalls: {
    read: ["unsigned int fd", "char * buf", "size_t count"],
    write: ["unsigned int fd", "const char * buf", "size_t count"],
    close: ["unsigned int fd"],
    newfstat: ["unsigned int fd", "struct stat * statbuf"],
    openat: ["int dfd", "const char * filename", "int flags", "umode_t mode"],
    nanosleep: ["struct __kernel_timespec * rqtp", "struct __kernel_timespec * rmtp"],
    getppid: [],
    getpid: [],
    kill: ["pid_t pid", "int sig"],
    execve: ["const char * filename", "const char *const * argv", "const char *const * envp"],
    connect: ["int fd", "struct sockaddr * uservaddr", "int addrlen"],
    futex: ["u32 * uaddr", "int op", "u32 val", "const struct __kernel_timespec * utime", "u32 * uaddr2", "u32 val3"],
    mmap: [
      "unsigned long addr",
      "unsigned long len",
      "unsigned long prot",
      "unsigned long flags",
      "unsigned long fd",
      "unsigned long off",
    ],
    exit_group: ["int error_code"],
  },
  tracepoints: {
    "raw_syscalls:sys_enter": ["long id", "unsigned long args[6]"],
    "raw_syscalls:sys_exit": ["long id", "long ret"],
    "sched:sched_switch": [
      "char prev_comm[16]",
      "pid_t prev_pid",
      "int prev_prio",
      "long prev_state",
      "char next_comm[16]",
      "pid_t next_pid",
      "int next_prio",
    ],
    "sched:sched_wakeup": ["char comm[16]", "pid_t pid", "int prio", "int target_cpu"],
    "sched:sched_process_fork": [
      "__data_loc char[] parent_comm",
      "pid_t parent_pid",
      "__data_loc char[] child_comm",
      "pid_t child_pid",
    ],
    "sched:sched_process_exec": ["__data_loc char[] filename", "pid_t pid", "pid_t old_pid"],
    "sched:sched_process_exit": ["char comm[16]", "pid_t pid", "int prio", "bool group_dead"],
    "block:block_rq_complete": [
      "dev_t dev",
      "sector_t sector",
      "unsigned int nr_sector",
      "int error",
      "unsigned short ioprio",
      "char rwbs[10]",
      "__rel_loc char[] cmd",
    ],
    "kmem:kmalloc": [
      "unsigned long call_site",
      "const void * ptr",
      "size_t bytes_req",
      "size_t bytes_alloc",
      "unsigned long gfp_flags",
    ],
    "exceptions:page_fault_user": ["unsigned long address", "unsigned long ip", "unsigned long error_code"],
    "timer:hrtimer_expire_entry": ["void * hrtimer", "s64 now", "void * function"],
    // Every width and sign, and arrays of numbers.
    "test:widths": [
      "u8 u8",
      "s8 s8",
      "u16 u16",
      "s16 s16",
      "u32 u32",
      "s32 s32",
      "u64 u64",
      "s64 s64",
      "u8 bytes[4]",
      "int ints[3]",
    ],
  },
  marks: MARKS,
  loadedFrom: 0,
  modules: {},
  symbols: { do_nanosleep: 0xffff_ffff_8100_0010n, jiffies: 0xffff_ffff_8200_0000n },
  cgroups: { "/sys/fs/cgroup/test": 4242n },
  objects: { counter: { address: 0x404010, size: 4 }, table: { address: 0x404020, size: 64 } },
  debugInfo: {},
  cppNames: CPP_NAMES,
  kernelFunctions: {
    vmlinux: ["do_nanosleep", "vfs_read", "vfs_write", "tcp_reset"],
    nf_tables: ["nf_tables_newtable"],
  },
  functions: {
    "/bin/example": [
      { name: "main", offset: 0x1100, size: 32 },
      { name: "work_fast", offset: 0x1200, size: 64 },
      { name: "work_slow", offset: 0x1300, size: 64 },
      { name: "_init", offset: 0x1000, size: 0 },
    ],
    "/opt/cplus": ["main", ...Object.keys(CPP_NAMES)].map((name, i) => ({
      name,
      offset: 0x1000 + 0x100 * i,
      size: 64,
    })),
    "/usr/bin/python3": [],
    "/opt/fractions": [],
    "/lib/libexample.so.1": [{ name: "example_call", offset: 0x2100, size: 48 }],
  },
};

const COMMON = [
  "unsigned short common_type",
  "unsigned char common_flags",
  "unsigned char common_preempt_count",
  "int common_pid",
];

function allFormats(kernel: FakeKernel): Map<string, TracepointFormat> {
  const formats = new Map<string, TracepointFormat>();
  const add = (name: string, fields: TracepointField[]): void => {
    formats.set(name, { id: 100 + formats.size, fields });
  };
  for (const [name, args] of Object.entries(kernel.syscalls)) {
    const number = layOut([...COMMON, "int __syscall_nr"]);
    // Each argument is a register wide, whatever its type.
    const wide = args.map((text, i) => ({ ...declare(text), offset: 16 + 8 * i, size: 8, signed: false }));
    add(`syscalls:sys_enter_${name}`, [...number, ...wide]);
    add(`syscalls:sys_exit_${name}`, [...number, { ...declare("long ret"), offset: 16, size: 8, signed: true }]);
  }
  for (const [name, fields] of Object.entries(kernel.tracepoints)) add(name, layOut([...COMMON, ...fields]));
  return formats;
}

function layOut(declarations: readonly string[]): TracepointField[] {
  let end = 0;
  return declarations.map((text) => {
    const field = declare(text);
    const { size, signed } = field.location ? { size: 4, signed: false } : integerOf(field.type);
    const offset = Math.ceil(end / size) * size;
    end = offset + size * (field.count ?? 1);
    return { ...field, offset, size: size * (field.count ?? 1), signed };
  });
}

function declare(text: string): Pick<TracepointField, "name" | "type" | "count" | "location"> {
  const dynamic = /^__(data|rel)_loc (.*)\[\] (\w+)$/.exec(text);
  if (dynamic) {
    const location = dynamic[1] === "data" ? "data" : "relative";
    return { name: dynamic[3]!, type: dynamic[2]!, count: undefined, location };
  }
  const [, type, name, count] = /^(.*?)\s*(\w+)(?:\[(\d+)\])?$/.exec(text)!;
  return { name: name!, type: type!, count: count === undefined ? undefined : Number(count), location: undefined };
}

const WIDTHS: Readonly<Record<string, readonly [size: number, signed: boolean]>> = {
  char: [1, true],
  "unsigned char": [1, false],
  bool: [1, false],
  u8: [1, false],
  s8: [1, true],
  "unsigned short": [2, false],
  u16: [2, false],
  s16: [2, true],
  umode_t: [2, false],
  int: [4, true],
  "unsigned int": [4, false],
  pid_t: [4, true],
  u32: [4, false],
  s32: [4, true],
  dev_t: [4, false],
  long: [8, true],
  "unsigned long": [8, false],
  size_t: [8, false],
  sector_t: [8, false],
  u64: [8, false],
  s64: [8, true],
};

function integerOf(type: string): { size: number; signed: boolean } {
  if (type.endsWith("*")) return { size: 8, signed: false };
  const width = WIDTHS[type];
  if (!width) throw new Error(`the fake kernel does not know the type ${type}`);
  return { size: width[0], signed: width[1] };
}

/** Integers, a task with a parent and bit-fields, files, sockets, packets, an enum, some raw tracepoints and functions. */
export function sampleBtf(): Btf {
  const b = new BtfBuilder();
  const int = b.int("int", 4, INT_SIGNED);
  const char = b.int("char", 1, INT_SIGNED);
  const u8 = b.typedef("u8", b.int("unsigned char", 1));
  const u16 = b.typedef("u16", b.int("short unsigned int", 2));
  const unsigned = b.int("unsigned int", 4);
  const u32 = b.typedef("u32", b.typedef("__u32", unsigned));
  const long = b.int("long int", 8, INT_SIGNED);
  const unsignedLong = b.int("long unsigned int", 8);
  const longLong = b.int("long long int", 8, INT_SIGNED);
  const u64 = b.typedef("u64", b.int("long long unsigned int", 8));
  const bool = b.typedef("bool", b.int("_Bool", 1, INT_BOOL));
  const pid = b.typedef("pid_t", int);
  b.typedef("size_t", unsignedLong);
  b.typedef("umode_t", u16);
  b.typedef("s64", longLong);
  const charPtr = b.ptr(char);
  const comm = b.array(char, 16);

  b.struct("__kernel_timespec", 16, [at(0, "tv_sec", longLong), at(8, "tv_nsec", longLong)]);
  b.struct("sockaddr", 16, [at(0, "sa_family", u16), at(2, "sa_data", b.array(char, 14))]);
  const qstr = b.struct("qstr", 16, [
    at(
      0,
      "",
      b.union("", 8, [at(0, "", b.struct("", 8, [at(0, "hash", u32), at(4, "len", u32)])), at(0, "hash_len", u64)]),
    ),
    at(8, "name", b.ptr(b.const(b.int("unsigned char", 1)))),
  ]);
  const dentryPtr = b.ptr(b.nextId + 1);
  b.struct("dentry", 32, [at(0, "d_flags", unsigned), at(8, "d_name", qstr), at(24, "d_parent", dentryPtr)]);
  const inode = b.struct("inode", 64, [at(0, "i_mode", u16), at(8, "i_ino", unsignedLong), at(16, "i_size", longLong)]);
  const path = b.struct("path", 16, [at(8, "dentry", dentryPtr)]);
  const file = b.struct("file", 48, [
    at(0, "f_flags", unsigned),
    at(8, "f_dentry", dentryPtr),
    at(16, "f_inode", b.ptr(inode)),
    at(32, "f_path", path),
  ]);
  const flags = b.enum("test_flags", { TEST_NONE: 0, TEST_READ: 1, TEST_WRITE: 2 });
  b.enum("test_signed", { TEST_NEGATIVE: -5, TEST_POSITIVE: 5 }, { signed: true });
  b.enum64("test_wide", { TEST_WIDE: 0x1_0000_0000n });

  const task: TypeId = b.nextId;
  const taskPtr = task + 1;
  b.struct("task_struct", 128, [
    at(0, "__state", unsigned),
    at(4, "on_cpu", int),
    bitsAt(64, 1, "in_execve", unsigned),
    bitsAt(65, 3, "level", unsigned),
    at(16, "pid", pid),
    at(20, "tgid", pid),
    at(24, "real_parent", taskPtr),
    at(32, "comm", comm),
    at(48, "flags", flags),
    at(56, "utime", u64),
    at(64, "file", task + 2),
    at(72, "bytes", task + 3),
  ]);
  b.ptr(task);
  b.ptr(file);
  b.array(u8, 8);

  const regs = b.ptr(
    b.struct("pt_regs", 168, [at(0, "r15", unsignedLong), at(80, "ax", unsignedLong), at(112, "di", unsignedLong)]),
  );
  b.tracepoint("sys_enter", [
    ["regs", regs],
    ["id", long],
  ]);
  b.tracepoint("sys_exit", [
    ["regs", regs],
    ["ret", long],
  ]);
  b.tracepoint("sched_switch", [
    ["preempt", bool],
    ["prev", taskPtr],
    ["next", taskPtr],
    ["prev_state", unsigned],
  ]);
  b.tracepoint("sched_wakeup", [["p", taskPtr]]);
  b.tracepoint("sched_process_fork", [
    ["parent", taskPtr],
    ["child", taskPtr],
  ]);
  b.tracepoint("sched_process_exec", [
    ["p", taskPtr],
    ["old_pid", pid],
    ["bprm", b.ptr(b.fwd("linux_binprm", "struct"))],
  ]);
  b.tracepoint("page_fault_user", [
    ["address", unsignedLong],
    ["regs", regs],
    ["error_code", unsignedLong],
  ]);
  b.func(
    "vfs_read",
    b.proto(long, [
      ["file", b.ptr(file)],
      ["buf", charPtr],
      ["count", unsignedLong],
      ["pos", b.ptr(longLong)],
    ]),
  );
  const meta: [string, TypeId] = [
    "meta",
    b.ptr(b.struct("bpf_iter_meta", 24, [at(0, "seq", b.ptr(b.fwd("seq_file", "struct"))), at(16, "seq_num", u64)])),
  ];
  addIterator(b, "task", [meta, ["task", taskPtr]]);
  addIterator(b, "task_file", [meta, ["task", taskPtr], ["fd", u32], ["file", b.ptr(file)]]);
  addIterator(b, "bpf_map_elem", [meta, ["map", b.ptr(b.fwd("bpf_map", "struct"))]]);
  b.struct("bpf_iter__task__safe_trusted", 16, [at(8, "task", taskPtr)]);
  b.func("tcp_reset", b.proto(long, [["sk", b.ptr(b.struct("sock", 16, [at(0, "sk_family", u16)]))]]));
  b.func("bpf_task_from_pid", b.proto(taskPtr, [["pid", pid]]));
  b.func("bpf_task_release", b.proto(0, [["p", taskPtr]]));
  const device = b.ptr(b.struct("net_device", 8, [at(0, "ifindex", u32)]));
  const skb = b.ptr(b.struct("sk_buff", 232, [at(16, "dev", device), at(112, "len", u32)]));
  b.tracepoint("netif_receive_skb", [["skb", skb]]);
  b.tracepoint("net_dev_queue", [["skb", skb]]);
  return Btf.parse(b.build());
}

/** The function and the struct of an iterator, whose members are eight bytes wide each. */
function addIterator(b: BtfBuilder, name: string, members: readonly [name: string, type: TypeId][]): void {
  const fields = members.map(([member, type], i) => at(8 * i, "", b.union("", 8, [at(0, member, type)])));
  b.struct(`bpf_iter__${name}`, 8 * members.length, fields);
  b.func(`bpf_iter_${name}`, b.proto(b.int("int", 4, INT_SIGNED), members));
}
