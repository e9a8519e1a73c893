// Nothing here may allocate, lock, or call a library: the process is a copy of one thread of many, and most of its memory
// is gone. See spawn_child.h for the idea.

#include "spawn_child.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <cerrno>

#include "raw_syscall.h"

namespace {

constexpr uint64_t kCloneParent = 0x8000;
constexpr uint64_t kCloneIntoCgroup = 0x200000000;

// struct clone_args up to the cgroup.
struct CloneArgs {
  uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid, set_tid_size, cgroup;
};
static_assert(sizeof(CloneArgs) == 88);
constexpr size_t kCloneArgsWithoutCgroup = 64;

// The kernel's idea of struct sigaction, the same on both architectures.
struct KernelSigaction {
  uint64_t handler, flags, restorer, mask;
};
constexpr int kSignals = 64;
constexpr size_t kSignalSetSize = 8;

constexpr int kControlFd = 3;
constexpr int kExitUnstarted = 127;

[[noreturn]] void Exit(int code) {
  for (;;) RawSyscall(SYS_exit_group, code);
}

void Send(int control, Report report) { RawSyscall(SYS_sendto, control, &report, sizeof(report), MSG_NOSIGNAL); }

[[noreturn]] void Fail(int control, Stage stage, long result) {
  auto pid = static_cast<int32_t>(RawSyscall(SYS_getpid));
  Send(control, {Report::kFailed, pid, stage, static_cast<int32_t>(-result)});
  Exit(kExitUnstarted);
}

// Goes on only if the call succeeded.
void Must(int control, Stage stage, long result) {
  if (result < 0) Fail(control, stage, result);
}

long JoinCgroup(int cgroup_fd) {
  long procs = RawSyscall(SYS_openat, cgroup_fd, "cgroup.procs", O_WRONLY | O_CLOEXEC);
  if (procs < 0) return procs;
  long written = RawSyscall(SYS_write, procs, "0", 1);
  RawSyscall(SYS_close, procs);
  return written;
}

// Puts the streams at 0, 1 and 2 and the control socket at 3. Everything is first copied out of the way, since any source
// may sit where another one has to go.
int ArrangeDescriptors(const SpawnPlan* plan) {
  long control = RawSyscall(SYS_fcntl, plan->control, F_DUPFD_CLOEXEC, kControlFd + 1);
  Must(plan->control, kStdio, control);
  int moved = static_cast<int>(control);
  long sources[3];
  for (int i = 0; i < 3; i++) {
    sources[i] = RawSyscall(SYS_fcntl, plan->stdio[i], F_DUPFD_CLOEXEC, kControlFd + 1);
    Must(moved, kStdio, sources[i]);
  }
  for (int i = 0; i < 3; i++) Must(moved, kStdio, RawSyscall(SYS_dup3, sources[i], i, 0));
  Must(moved, kStdio, RawSyscall(SYS_dup3, moved, kControlFd, O_CLOEXEC));
  return kControlFd;
}

// Now and not only at the exec: a stopped child that kept a copy of another one's control socket would keep that one
// waiting after the parent's death.
long CloseOtherDescriptors() {
  if (RawSyscall(SYS_close_range, kControlFd + 1, 0xffffffffL, 0) == 0) return 0;
  rlimit limit;
  long result = RawSyscall(SYS_prlimit64, 0, RLIMIT_NOFILE, nullptr, &limit);
  if (result < 0) return result;
  for (rlim_t fd = kControlFd + 1; fd < limit.rlim_cur; fd++) RawSyscall(SYS_close, static_cast<long>(fd));
  return 0;
}

// Ignored signals would stay ignored across the exec, and none of Node's handlers may run here.
long ResetSignals() {
  KernelSigaction fallback{};
  for (int signal = 1; signal <= kSignals; signal++) {
    if (signal == SIGKILL || signal == SIGSTOP) continue;
    long result = RawSyscall(SYS_rt_sigaction, signal, &fallback, nullptr, kSignalSetSize);
    if (result < 0) return result;
  }
  uint64_t none = 0;
  return RawSyscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, nullptr, kSignalSetSize);
}

long DisableAslr() {
  long current = RawSyscall(SYS_personality, 0xffffffffL);
  return current < 0 ? current : RawSyscall(SYS_personality, current | ADDR_NO_RANDOMIZE);
}

// Tries the candidates as execvp(3) does: what is not there is passed over, what is forbidden is remembered.
[[noreturn]] void Exec(const SpawnPlan* plan, int control) {
  long error = -ENOENT;
  for (const char* const* file = plan->files; *file != nullptr; file++) {
    long result = RawSyscall(SYS_execve, *file, plan->argv, plan->envp);
    if (result == -EACCES) {
      error = result;
    } else if (result != -ENOENT && result != -ENOTDIR) {
      Fail(control, kExec, result);
    }
  }
  Fail(control, kExec, error);
}

[[noreturn]] void RunChild(const SpawnPlan* plan, bool join_cgroup) {
  int control = plan->control;
  if (join_cgroup) Must(control, kCgroup, JoinCgroup(plan->cgroup_fd));
  if (plan->group == Group::kNew) Must(control, kSetpgid, RawSyscall(SYS_setpgid, 0, 0));
  if (plan->group == Group::kNewSession) Must(control, kSetsid, RawSyscall(SYS_setsid));
  control = ArrangeDescriptors(plan);
  Must(control, kCloseRange, CloseOtherDescriptors());
  if (plan->cwd != nullptr) Must(control, kChdir, RawSyscall(SYS_chdir, plan->cwd));
  if (plan->no_aslr) Must(control, kPersonality, DisableAslr());
  if (plan->groups != nullptr) {
    Must(control, kSetgroups, RawSyscall(SYS_setgroups, static_cast<long>(plan->group_count), plan->groups));
  }
  if (plan->gid >= 0) Must(control, kSetgid, RawSyscall(SYS_setresgid, plan->gid, plan->gid, plan->gid));
  if (plan->uid >= 0) Must(control, kSetuid, RawSyscall(SYS_setresuid, plan->uid, plan->uid, plan->uid));
  if (plan->no_new_privs) Must(control, kNoNewPrivs, RawSyscall(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1));
  // After the change of user, which clears it. If the parent has died already, the control socket says so below.
  if (plan->kill_on_parent_death) Must(control, kPdeathsig, RawSyscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL));
  Must(control, kSigaction, ResetSignals());

  Send(control, {Report::kReady, 0, 0, 0});
  char go;
  long got;
  do got = RawSyscall(SYS_read, control, &go, 1);
  while (got == -EINTR);
  if (got == 1) Exec(plan, control);
  Exit(kExitUnstarted);
}

// Makes the child a sibling, straight in its cgroup if possible. 0 in the child, which is told whether it has to join the
// cgroup by itself; its pid, or -errno, in the midwife.
long CloneSibling(const SpawnPlan* plan, bool* join_cgroup) {
  bool into_cgroup = plan->cgroup_fd >= 0;
  CloneArgs args{};
  args.flags = kCloneParent | (into_cgroup ? kCloneIntoCgroup : 0);
  args.cgroup = into_cgroup ? plan->cgroup_fd : 0;
  long size = into_cgroup ? sizeof(args) : kCloneArgsWithoutCgroup;
  long pid = plan->use_clone3 ? RawSyscall(SYS_clone3, &args, size) : -ENOSYS;
  // ENOSYS: an old kernel, or a sandbox, some of which say EPERM; E2BIG: no cgroups in this clone3 yet
  if (pid != -ENOSYS && pid != -EPERM && pid != -E2BIG) return pid;
  *join_cgroup = into_cgroup;
  return RawSyscall(SYS_clone, kCloneParent, nullptr, nullptr, nullptr, nullptr);
}

// Errors that clone3 has only where the cgroup is at fault.
bool IsCgroupError(long error) {
  switch (-error) {
    case EACCES:
    case EBADF:
    case EBUSY:
    case ENODEV:
    case ENOENT:
    case EOPNOTSUPP:
      return true;
    default:
      return false;
  }
}

}  // namespace

void RunMidwife(const SpawnPlan* plan) {
  // A range that cannot be dropped only makes the child larger.
  for (size_t i = 0; i < plan->drop_count; i++) {
    const MemoryRange& range = plan->drop[i];
    RawSyscall(SYS_munmap, static_cast<long>(range.start), static_cast<long>(range.end - range.start));
  }
  bool join_cgroup = false;
  long pid = CloneSibling(plan, &join_cgroup);
  if (pid == 0) RunChild(plan, join_cgroup);
  if (pid < 0) {
    Stage stage = plan->cgroup_fd >= 0 && IsCgroupError(pid) ? kCgroup : kClone;
    Send(plan->control, {Report::kFailed, 0, stage, static_cast<int32_t>(-pid)});
  } else {
    Send(plan->control, {Report::kBorn, static_cast<int32_t>(pid), 0, 0});
  }
  Exit(0);
}
