/*
 * What somebody who knows eBPF would write by hand for the scripts of the benchmark, once on the perf tracepoint, which is
 * what bpftrace attaches to, and once on the raw one with type information. Of all programs here the loader loads only
 * those that it is asked for.
 */
#include <linux/bpf.h>
#include <asm/unistd.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "GPL";

typedef __u64 u64;
typedef __u32 u32;

struct comm {
  char text[16];
};

/* As large as bpftrace's and our strings are by default; aligned, so that it is cleared word by word. */
struct path {
  char text[1024];
} __attribute__((aligned(8)));

struct pid_and_fd {
  u64 pid, fd;
};

/* Records of the tracepoints, as events/.../format describes them. */

struct enter_record {
  u64 common;
  long number;
  unsigned long args[6];
};

struct exit_record {
  u64 common;
  long number, ret;
};

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 1);
  __type(key, u32);
  __type(value, u64);
} total SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_HASH);
  __uint(max_entries, 4096);
  __type(key, u32);
  __type(value, u64);
} by_pid SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_HASH);
  __uint(max_entries, 4096);
  __type(key, struct comm);
  __type(value, u64);
} by_comm SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 4096);
  __type(key, u32);
  __type(value, u64);
} started SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 64);
  __type(key, u32);
  __type(value, u64);
} latency SEC(".maps");

#define COUNTS(name, key_type, entries)              \
  struct {                                           \
    __uint(type, BPF_MAP_TYPE_PERCPU_HASH);          \
    __uint(max_entries, entries);                    \
    __uint(map_flags, BPF_F_NO_PREALLOC);            \
    __type(key, key_type);                           \
    __type(value, u64);                              \
  } name SEC(".maps")

COUNTS(by_path, struct path, 4096);
COUNTS(by_pid_and_fd, struct pid_and_fd, 4096);
COUNTS(by_next, u32, 4096);

/* A path is too large for the stack. */
struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 1);
  __type(key, u32);
  __type(value, struct path);
} scratch SEC(".maps");

static __always_inline void add(void *map, const void *key, u64 amount) {
  u64 *value = bpf_map_lookup_elem(map, key);
  if (value)
    *value += amount;
  else
    bpf_map_update_elem(map, key, &amount, BPF_ANY);
}

static __always_inline void increment(void *map, const void *key) {
  u64 *value = bpf_map_lookup_elem(map, key), one = 1;
  if (value)
    ++*value;
  else
    bpf_map_update_elem(map, key, &one, BPF_ANY);
}

static __always_inline int count(void) {
  u32 zero = 0;
  increment(&total, &zero);
  return 0;
}

static __always_inline int count_by_pid(void) {
  u32 pid = bpf_get_current_pid_tgid() >> 32;
  increment(&by_pid, &pid);
  return 0;
}

static __always_inline int count_by_comm(void) {
  struct comm comm;
  bpf_get_current_comm(&comm, sizeof(comm));
  increment(&by_comm, &comm);
  return 0;
}

static __always_inline u32 log2_of(u64 v) {
  u32 shift, r;
  r = (v > 0xffffffff) << 5, v >>= r;
  shift = (v > 0xffff) << 4, v >>= shift, r |= shift;
  shift = (v > 0xff) << 3, v >>= shift, r |= shift;
  shift = (v > 0xf) << 2, v >>= shift, r |= shift;
  shift = (v > 0x3) << 1, v >>= shift, r |= shift;
  return r | (v >> 1);
}

static __always_inline int enter(void) {
  u32 tid = bpf_get_current_pid_tgid();
  u64 now = bpf_ktime_get_ns();
  bpf_map_update_elem(&started, &tid, &now, BPF_ANY);
  return 0;
}

static __always_inline int leave(void) {
  u32 tid = bpf_get_current_pid_tgid(), bucket;
  u64 *start = bpf_map_lookup_elem(&started, &tid);
  if (!start) return 0;
  bucket = log2_of(bpf_ktime_get_ns() - *start);
  increment(&latency, &bucket);
  bpf_map_delete_elem(&started, &tid);
  return 0;
}

/* On the perf tracepoints. */

SEC("tracepoint/syscalls/sys_enter_getppid") int count_tp(void *ctx) { return count(); }
SEC("tracepoint/syscalls/sys_enter_getppid") int pid_tp(void *ctx) { return count_by_pid(); }
SEC("tracepoint/syscalls/sys_enter_getppid") int comm_tp(void *ctx) { return count_by_comm(); }
SEC("tracepoint/syscalls/sys_enter_getppid") int enter_tp(void *ctx) { return enter(); }
SEC("tracepoint/syscalls/sys_exit_getppid") int leave_tp(void *ctx) { return leave(); }

/* On the raw ones, which fire for every system call. */

#ifdef __TARGET_ARCH_x86
struct pt_regs {
  unsigned long orig_ax;
} __attribute__((preserve_access_index));
#define SYSCALL_NUMBER(regs) ((long)(regs)->orig_ax)
#else
struct pt_regs {
  int syscallno;
} __attribute__((preserve_access_index));
#define SYSCALL_NUMBER(regs) ((long)(regs)->syscallno)
#endif

SEC("tp_btf/sys_enter") int BPF_PROG(count_btf, struct pt_regs *regs, long id) {
  return id == __NR_getppid ? count() : 0;
}

SEC("tp_btf/sys_enter") int BPF_PROG(pid_btf, struct pt_regs *regs, long id) {
  return id == __NR_getppid ? count_by_pid() : 0;
}

SEC("tp_btf/sys_enter") int BPF_PROG(comm_btf, struct pt_regs *regs, long id) {
  return id == __NR_getppid ? count_by_comm() : 0;
}

SEC("tp_btf/sys_enter") int BPF_PROG(enter_btf, struct pt_regs *regs, long id) {
  return id == __NR_getppid ? enter() : 0;
}

SEC("tp_btf/sys_exit") int BPF_PROG(leave_btf, struct pt_regs *regs, long ret) {
  return SYSCALL_NUMBER(regs) == __NR_getppid ? leave() : 0;
}

/* The further ones of the ten scripts, each on what its author would choose. */

SEC("tracepoint/syscalls/sys_enter_openat") int path_tp(struct enter_record *record) {
  u32 zero = 0;
  struct path *path = bpf_map_lookup_elem(&scratch, &zero);
  if (!path) return 0;
  __builtin_memset(path, 0, sizeof(*path));
  bpf_probe_read_user_str(path, sizeof(*path), (const void *)record->args[1]);
  increment(&by_path, path);
  return 0;
}

SEC("tracepoint/syscalls/sys_exit_read") int size_tp(struct exit_record *record) {
  if (record->ret <= 0) return 0;
  u32 bucket = log2_of(record->ret);
  increment(&latency, &bucket);
  return 0;
}

SEC("tracepoint/syscalls/sys_enter_read") int linear_tp(struct enter_record *record) {
  u64 step = record->args[2] / 256;
  u32 bucket = step > 16 ? 17 : step + 1;
  increment(&latency, &bucket);
  return 0;
}

SEC("tracepoint/syscalls/sys_exit_read") int sum_tp(struct exit_record *record) {
  struct comm comm;
  bpf_get_current_comm(&comm, sizeof(comm));
  add(&by_comm, &comm, record->ret);
  return 0;
}

SEC("tracepoint/syscalls/sys_enter_read") int fd_tp(struct enter_record *record) {
  struct pid_and_fd key = {bpf_get_current_pid_tgid() >> 32, record->args[0]};
  increment(&by_pid_and_fd, &key);
  return 0;
}

SEC("tracepoint/syscalls/sys_enter_openat") int name_tp(struct enter_record *record) {
  struct comm comm;
  bpf_get_current_comm(&comm, sizeof(comm));
  return bpf_strncmp(comm.text, sizeof(comm), "loop") == 0 ? count() : 0;
}

struct task_struct {
  int pid;
} __attribute__((preserve_access_index));

SEC("tp_btf/sched_switch")
int BPF_PROG(switch_btf, _Bool preempt, struct task_struct *prev, struct task_struct *next) {
  u32 pid = next->pid;
  increment(&by_next, &pid);
  return 0;
}

SEC("uprobe") int call_uprobe(void *ctx) { return count(); }
