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

#define COUNTS(name, key_type)                       \
  struct {                                           \
    __uint(type, BPF_MAP_TYPE_PERCPU_HASH);          \
    __uint(max_entries, 4096);                       \
    __type(key, key_type);                           \
    __type(value, u64);                              \
  } name SEC(".maps")

COUNTS(by_number, u32);
COUNTS(by_stack, u32);

struct buckets {
  u64 counts[64];
};

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_HASH);
  __uint(max_entries, 1024);
  __type(key, struct comm);
  __type(value, struct buckets);
} latency_by_comm SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1);
  __type(key, u32);
  __type(value, struct buckets);
} no_buckets SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_STACK_TRACE);
  __uint(max_entries, 4096);
  __uint(key_size, sizeof(u32));
  __uint(value_size, 127 * sizeof(u64));
} stacks SEC(".maps");

/* The loader prints these: see its struct opening. */
struct opening {
  u32 pid;
  int result;
  char comm[16];
  char path[1024];
};

struct {
  __uint(type, BPF_MAP_TYPE_RINGBUF);
  __uint(max_entries, 1 << 20);
} opened SEC(".maps");

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

/* The ten scripts, each on what its author would choose. */

static __always_inline void print_open(const void *name, long result) {
  struct opening *event = bpf_ringbuf_reserve(&opened, sizeof(*event), 0);
  if (!event) return;
  event->pid = bpf_get_current_pid_tgid() >> 32;
  event->result = result;
  bpf_get_current_comm(&event->comm, sizeof(event->comm));
  bpf_probe_read_user_str(event->path, sizeof(event->path), name);
  bpf_ringbuf_submit(event, 0);
}

SEC("tracepoint/syscalls/sys_enter_openat") int print_tp(struct enter_record *record) {
  print_open((const void *)record->args[1], 0);
  return 0;
}

SEC("tracepoint/syscalls/sys_enter_openat") int enter_open_tp(struct enter_record *record) {
  u32 tid = bpf_get_current_pid_tgid();
  u64 name = record->args[1];
  bpf_map_update_elem(&started, &tid, &name, BPF_ANY);
  return 0;
}

SEC("tracepoint/syscalls/sys_exit_openat") int exit_open_tp(struct exit_record *record) {
  u32 tid = bpf_get_current_pid_tgid();
  u64 *name = bpf_map_lookup_elem(&started, &tid);
  if (!name) return 0;
  print_open((const void *)*name, record->ret);
  bpf_map_delete_elem(&started, &tid);
  return 0;
}

SEC("tracepoint/raw_syscalls/sys_enter") int any_comm_tp(struct enter_record *record) { return count_by_comm(); }

SEC("tracepoint/raw_syscalls/sys_enter") int any_both_tp(struct enter_record *record) {
  u32 number = record->number;
  increment(&by_number, &number);
  return count_by_comm();
}

SEC("tracepoint/syscalls/sys_exit_read") int exit_size_tp(struct exit_record *record) {
  struct comm comm;
  bpf_get_current_comm(&comm, sizeof(comm));
  if (bpf_strncmp(comm.text, sizeof(comm), "loop") != 0) return 0;
  u32 bucket = record->ret < 0 ? 63 : log2_of(record->ret);
  increment(&latency, &bucket);
  return 0;
}

SEC("tracepoint/syscalls/sys_exit_read") int exit_linear_tp(struct exit_record *record) {
  u64 step = (u64)record->ret / 200;
  u32 bucket = record->ret < 0 ? 0 : step >= 10 ? 11 : step + 1;
  increment(&latency, &bucket);
  return 0;
}

SEC("tracepoint/syscalls/sys_enter_read") int enter_read_tp(void *ctx) { return enter(); }

SEC("tracepoint/syscalls/sys_exit_read") int exit_read_tp(void *ctx) {
  struct buckets *buckets;
  struct comm comm;
  u32 tid = bpf_get_current_pid_tgid(), zero = 0;
  u64 *start = bpf_map_lookup_elem(&started, &tid);
  if (!start) return 0;
  bpf_get_current_comm(&comm, sizeof(comm));
  buckets = bpf_map_lookup_elem(&latency_by_comm, &comm);
  if (!buckets) {
    struct buckets *none = bpf_map_lookup_elem(&no_buckets, &zero);
    if (none) bpf_map_update_elem(&latency_by_comm, &comm, none, BPF_NOEXIST);
    buckets = bpf_map_lookup_elem(&latency_by_comm, &comm);
  }
  if (buckets) buckets->counts[log2_of(bpf_ktime_get_ns() - *start) & 63]++;
  bpf_map_delete_elem(&started, &tid);
  return 0;
}

struct task_struct {
  int pid;
  unsigned int __state;
} __attribute__((preserve_access_index));

SEC("tp_btf/sched_switch")
int BPF_PROG(stack_btf, _Bool preempt, struct task_struct *prev, struct task_struct *next) {
  u32 id = bpf_get_stackid(ctx, &stacks, 0);
  increment(&by_stack, &id);
  return 0;
}

static __always_inline int runnable(struct task_struct *task) {
  u32 pid = task->pid;
  u64 now = bpf_ktime_get_ns();
  bpf_map_update_elem(&started, &pid, &now, BPF_ANY);
  return 0;
}

SEC("tp_btf/sched_wakeup") int BPF_PROG(wakeup_btf, struct task_struct *task) { return runnable(task); }
SEC("tp_btf/sched_wakeup_new") int BPF_PROG(wakeup_new_btf, struct task_struct *task) { return runnable(task); }

SEC("tp_btf/sched_switch")
int BPF_PROG(run_btf, _Bool preempt, struct task_struct *prev, struct task_struct *next) {
  u32 pid = next->pid, bucket;
  if (prev->__state == 0) runnable(prev);
  u64 *start = bpf_map_lookup_elem(&started, &pid);
  if (!start) return 0;
  bucket = log2_of((bpf_ktime_get_ns() - *start) / 1000);
  increment(&latency, &bucket);
  bpf_map_delete_elem(&started, &pid);
  return 0;
}

SEC("uprobe") int call_uprobe(void *ctx) { return count(); }
