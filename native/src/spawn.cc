// Starting a process that stops right before its exec, letting it go, waiting for it, and signalling it.
//
// Parent and child talk over one socket pair. The child reports when it is settled, or which step failed; then it waits for
// one byte. Its end is close-on-exec, so the parent sees the end of file exactly when the exec has succeeded; and when the
// parent dies, the child sees the end of file and exits without having run anything.
//
// The child is a copy of one thread of a process with many. Until its exec it may only make plain system calls: no
// allocation, no locks, and none of the libc wrappers (setuid and its kin) that talk to the other threads.

#include <fcntl.h>
#include <poll.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "addon.h"
#include "reader.h"

// Older headers lack these; the numbers are the same on all architectures.
#ifndef SYS_pidfd_send_signal
#define SYS_pidfd_send_signal 424
#endif
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_clone3
#define SYS_clone3 435
#endif
#ifndef SYS_close_range
#define SYS_close_range 436
#endif

namespace {

constexpr uint64_t kClonePidfd = 0x1000;
constexpr uint64_t kCloneIntoCgroup = 0x200000000;
constexpr int kWaitPidfd = 3;  // P_PIDFD

// struct clone_args up to the cgroup.
struct CloneArgs {
  uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid, set_tid_size, cgroup;
};
static_assert(sizeof(CloneArgs) == 88);
constexpr size_t kCloneArgsWithoutCgroup = 64;

// The steps that can fail, in the order that spawn.ts has them in.
enum Stage : int32_t {
  kClone,
  kCgroup,
  kSetpgid,
  kSetsid,
  kStdio,
  kCloseRange,
  kChdir,
  kPersonality,
  kSetgroups,
  kSetgid,
  kSetuid,
  kNoNewPrivs,
  kPdeathsig,
  kSigaction,
  kExec,
};
constexpr int32_t kReady = -1;

// What the child says over the socket.
struct Report {
  int32_t stage;
  int32_t error;
};

constexpr int kStdioNull = -1;
constexpr int kStdioPipe = -2;
constexpr int kSettleTimeoutMs = 10000;
constexpr int kExitUnstarted = 127;
constexpr int kControlFd = 3;

class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(other.Take()) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    Reset(other.Take());
    return *this;
  }
  ~UniqueFd() { Reset(-1); }

  int get() const { return fd_; }
  int Take() {
    int fd = fd_;
    fd_ = -1;
    return fd;
  }
  void Reset(int fd) {
    if (fd_ >= 0) close(fd_);
    fd_ = fd;
  }

 private:
  int fd_ = -1;
};

// Everything that the child needs, made before it exists.
struct Plan {
  std::vector<const char*> files, argv, envp;
  const char* cwd = nullptr;
  int uid = -1, gid = -1;
  bool set_groups = false;
  Memory groups;
  int cgroup_fd = -1;
  bool join_cgroup = false;  // only where the clone could not put it there
  int group = 0;
  bool no_new_privs = false, no_aslr = false, kill_on_parent_death = false;
  int stdio[3] = {-1, -1, -1};
  int control = -1;
  int parent = 0;
};

void Send(int control, Report report) { send(control, &report, sizeof(report), MSG_NOSIGNAL); }

[[noreturn]] void Fail(int control, Stage stage, int error = errno) {
  Send(control, {stage, error});
  _exit(kExitUnstarted);
}

bool JoinCgroup(int cgroup_fd) {
  int procs = openat(cgroup_fd, "cgroup.procs", O_WRONLY | O_CLOEXEC);
  if (procs < 0) return false;
  bool written = write(procs, "0", 1) == 1;
  int error = errno;
  close(procs);
  errno = error;
  return written;
}

// Puts the streams at 0, 1 and 2 and the control socket at 3. Everything is first copied out of the way, since any source
// may sit where another one has to go.
bool ArrangeDescriptors(const Plan& plan, int* control) {
  int moved = fcntl(*control, F_DUPFD_CLOEXEC, kControlFd + 1);
  if (moved < 0) return false;
  *control = moved;
  int sources[3];
  for (int i = 0; i < 3; i++) {
    sources[i] = fcntl(plan.stdio[i], F_DUPFD_CLOEXEC, kControlFd + 1);
    if (sources[i] < 0) return false;
  }
  for (int i = 0; i < 3; i++) {
    if (dup2(sources[i], i) < 0) return false;
  }
  if (dup3(*control, kControlFd, O_CLOEXEC) < 0) return false;
  *control = kControlFd;
  return true;
}

// Not only at the exec: a stopped child that kept a copy of another one's control socket would keep that one waiting
// after the parent's death.
bool CloseOtherDescriptors() {
  if (syscall(SYS_close_range, kControlFd + 1, ~0u, 0) == 0) return true;
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return false;
  for (int fd = kControlFd + 1; fd < static_cast<int>(limit.rlim_cur); fd++) close(fd);
  return true;
}

// Ignored signals would stay ignored across the exec, and handlers must not run in the copy of a Node process. The parent
// blocked all signals before the clone.
bool ResetSignals() {
  struct sigaction action {};
  action.sa_handler = SIG_DFL;
  for (int signal = 1; signal < NSIG; signal++) {
    if (signal == SIGKILL || signal == SIGSTOP) continue;
    // EINVAL: libc keeps a few for itself
    if (sigaction(signal, &action, nullptr) != 0 && errno != EINVAL) return false;
  }
  sigset_t none;
  sigemptyset(&none);
  return sigprocmask(SIG_SETMASK, &none, nullptr) == 0;
}

// Tries the candidates as execvp(3) does: what is not there is passed over, what is forbidden is remembered.
void Exec(const Plan& plan, int control) {
  int error = ENOENT;
  for (const char* const* file = plan.files.data(); *file != nullptr; file++) {
    execve(*file, const_cast<char* const*>(plan.argv.data()), const_cast<char* const*>(plan.envp.data()));
    if (errno == EACCES) {
      error = EACCES;
    } else if (errno != ENOENT && errno != ENOTDIR) {
      Fail(control, kExec);
    }
  }
  Fail(control, kExec, error);
}

[[noreturn]] void RunChild(const Plan& plan) {
  int control = plan.control;
  if (plan.join_cgroup && !JoinCgroup(plan.cgroup_fd)) Fail(control, kCgroup);
  if (plan.group == 1 && setpgid(0, 0) != 0) Fail(control, kSetpgid);
  if (plan.group == 2 && setsid() < 0) Fail(control, kSetsid);
  if (!ArrangeDescriptors(plan, &control)) Fail(control, kStdio);
  if (!CloseOtherDescriptors()) Fail(control, kCloseRange);
  if (plan.cwd != nullptr && chdir(plan.cwd) != 0) Fail(control, kChdir);
  if (plan.no_aslr && personality(personality(0xffffffff) | ADDR_NO_RANDOMIZE) < 0) Fail(control, kPersonality);
  if (plan.set_groups && syscall(SYS_setgroups, plan.groups.size / sizeof(gid_t), plan.groups.data) != 0) {
    Fail(control, kSetgroups);
  }
  if (plan.gid >= 0 && syscall(SYS_setresgid, plan.gid, plan.gid, plan.gid) != 0) Fail(control, kSetgid);
  if (plan.uid >= 0 && syscall(SYS_setresuid, plan.uid, plan.uid, plan.uid) != 0) Fail(control, kSetuid);
  if (plan.no_new_privs && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) Fail(control, kNoNewPrivs);
  // After the change of user, which clears it. If the parent died before, the control socket says so below.
  if (plan.kill_on_parent_death && prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0) Fail(control, kPdeathsig);
  if (!ResetSignals()) Fail(control, kSigaction);

  Send(control, {kReady, 0});
  char go;
  ssize_t got;
  do got = read(control, &go, 1);
  while (got < 0 && errno == EINTR);
  if (got == 1) Exec(plan, control);
  _exit(kExitUnstarted);
}

// fork(2) with a pidfd and, if possible, straight into the cgroup. 0 in the child, the pid in the parent, or -errno.
int64_t Clone(Plan* plan, bool use_clone3, int* pidfd) {
  CloneArgs args{};
  args.flags = kClonePidfd | (plan->cgroup_fd >= 0 ? kCloneIntoCgroup : 0);
  args.pidfd = reinterpret_cast<uint64_t>(pidfd);
  args.exit_signal = SIGCHLD;
  args.cgroup = plan->cgroup_fd >= 0 ? plan->cgroup_fd : 0;
  size_t size = plan->cgroup_fd >= 0 ? sizeof(args) : kCloneArgsWithoutCgroup;
  int64_t pid = use_clone3 ? OrErrno(syscall(SYS_clone3, &args, size)) : -ENOSYS;
  // ENOSYS: an old kernel, or a sandbox, some of which say EPERM; E2BIG: no cgroups in this clone3 yet
  if (pid != -ENOSYS && pid != -EPERM && pid != -E2BIG) return pid;
  plan->join_cgroup = plan->cgroup_fd >= 0;
  return OrErrno(syscall(SYS_clone, kClonePidfd | SIGCHLD, nullptr, pidfd, nullptr, nullptr));
}

bool IsCgroupError(int64_t result) {
  switch (-result) {
    case EACCES:
    case EBADF:
    case EBUSY:
    case EINVAL:
    case ENODEV:
    case ENOENT:
    case EOPNOTSUPP:
      return true;
    default:
      return false;
  }
}

int64_t MonotonicMs() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * int64_t{1000} + time.tv_nsec / 1000000;
}

// Reads the child's next report: 1, or 0 at the end of file, or -errno.
int64_t Receive(int control, int timeout_ms, Report* report) {
  int64_t deadline = MonotonicMs() + timeout_ms;
  for (;;) {
    int64_t left = timeout_ms < 0 ? -1 : std::max<int64_t>(0, deadline - MonotonicMs());
    pollfd waited{control, POLLIN, 0};
    int64_t ready = OrErrno(poll(&waited, 1, static_cast<int>(left)));
    if (ready == -EINTR) continue;
    if (ready < 0) return ready;
    if (ready == 0) return -ETIMEDOUT;
    int64_t got = OrErrno(recv(control, report, sizeof(*report), 0));
    if (got == -EINTR) continue;
    // A child that dies with our byte unread resets the connection instead of ending it.
    if (got == 0 || got == -ECONNRESET) return 0;
    if (got < 0) return got;
    return got == sizeof(*report) ? 1 : -EPROTO;
  }
}

void KillAndReap(int pidfd) {
  syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, nullptr, 0);
  while (syscall(SYS_waitid, kWaitPidfd, pidfd, nullptr, WEXITED, nullptr) < 0 && errno == EINTR) {
  }
}

std::vector<const char*> Pointers(const std::vector<std::string>& texts) {
  std::vector<const char*> pointers;
  for (const std::string& text : texts) pointers.push_back(text.c_str());
  pointers.push_back(nullptr);
  return pointers;
}

// The child's side of a stream in `theirs`, and for a pipe our side in `ours`. 0 or -errno.
int64_t OpenStream(int kind, bool input, UniqueFd* theirs, UniqueFd* ours) {
  if (kind == kStdioNull) {
    theirs->Reset(open("/dev/null", (input ? O_RDONLY : O_WRONLY) | O_CLOEXEC));
    return theirs->get() < 0 ? -errno : 0;
  }
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return -errno;
  theirs->Reset(ends[input ? 0 : 1]);
  ours->Reset(ends[input ? 1 : 0]);
  return 0;
}

Napi::Value Spawn(const Napi::CallbackInfo& info) {
  Reader in(info.Env());
  Napi::Object spec = in.Object(info[0]);
  auto* out = in.Room<int32_t>(info[1], 6);
  std::vector<std::string> files = in.Texts(spec.Get("files"));
  std::vector<std::string> argv = in.Texts(spec.Get("argv"));
  std::vector<std::string> envp = in.Texts(spec.Get("envp"));
  Napi::Value cwd = spec.Get("cwd");
  std::string folder = cwd.IsNull() ? std::string() : in.Text(cwd);
  Napi::Value groups = spec.Get("groups");
  auto* stdio = in.Room<int32_t>(spec.Get("stdio"), 3);
  bool use_clone3 = in.Bool(spec.Get("clone3"));

  Plan plan;
  plan.files = Pointers(files);
  plan.argv = Pointers(argv);
  plan.envp = Pointers(envp);
  plan.cwd = cwd.IsNull() ? nullptr : folder.c_str();
  plan.uid = in.Int(spec.Get("uid"));
  plan.gid = in.Int(spec.Get("gid"));
  plan.set_groups = !groups.IsNull();
  plan.groups = in.OptionalBytes(groups);
  plan.cgroup_fd = in.Int(spec.Get("cgroupFd"));
  plan.group = in.Int(spec.Get("group"));
  plan.no_new_privs = in.Bool(spec.Get("noNewPrivs"));
  plan.no_aslr = in.Bool(spec.Get("noAslr"));
  plan.kill_on_parent_death = in.Bool(spec.Get("killOnParentDeath"));
  if (in.failed()) return info.Env().Undefined();

  auto failed = [&](Stage stage, int64_t error) {
    out[0] = stage;
    return Number(info, error);
  };

  std::array<UniqueFd, 3> theirs, ours;
  for (int i = 0; i < 3; i++) {
    plan.stdio[i] = stdio[i];
    if (stdio[i] >= 0) continue;
    int64_t opened = OpenStream(stdio[i], i == 0, &theirs[i], &ours[i]);
    if (opened < 0) return failed(kStdio, opened);
    plan.stdio[i] = theirs[i].get();
  }
  int sockets[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) != 0) return failed(kClone, -errno);
  UniqueFd control(sockets[0]), child_control(sockets[1]);
  plan.control = child_control.get();

  // With every signal blocked, none of Node's handlers can run in the child.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int raw_pidfd = -1;
  int64_t pid = Clone(&plan, use_clone3, &raw_pidfd);
  if (pid == 0) RunChild(plan);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (pid < 0) return failed(plan.cgroup_fd >= 0 && IsCgroupError(pid) ? kCgroup : kClone, pid);

  UniqueFd pidfd(raw_pidfd);
  child_control.Reset(-1);
  Report report{};
  int64_t received = Receive(control.get(), kSettleTimeoutMs, &report);
  if (received != 1 || report.stage != kReady) {
    KillAndReap(pidfd.get());
    if (received == 1) return failed(static_cast<Stage>(report.stage), -report.error);
    return failed(kClone, received == 0 ? -ECHILD : received);
  }
  out[0] = static_cast<int32_t>(pid);
  out[1] = pidfd.Take();
  out[2] = control.Take();
  for (int i = 0; i < 3; i++) out[3 + i] = ours[i].Take();
  return Number(info, 0);
}

Napi::Value SpawnRelease(const Napi::CallbackInfo& info) {
  Reader in(info.Env());
  int control = in.Int(info[0]);
  int timeout = in.Int(info[1]);
  auto* out = in.Room<int32_t>(info[2], 1);
  if (in.failed()) return info.Env().Undefined();
  out[0] = -1;
  int64_t sent = OrErrno(send(control, "", 1, MSG_NOSIGNAL));
  if (sent < 0) return Number(info, sent);
  Report report{};
  int64_t received = Receive(control, timeout, &report);
  if (received <= 0) return Number(info, received);
  out[0] = report.stage;
  return Number(info, -report.error);
}

Napi::Value WaitPidfd(const Napi::CallbackInfo& info) {
  Reader in(info.Env());
  int pidfd = in.Int(info[0]);
  auto* out = in.Room<double>(info[1], 9);
  if (in.failed()) return info.Env().Undefined();
  siginfo_t child{};
  rusage usage{};
  // The system call and not the libc function, which has no room for the usage.
  int64_t result = OrErrno(syscall(SYS_waitid, kWaitPidfd, pidfd, &child, WEXITED | WNOHANG, &usage));
  if (result < 0) return Number(info, result);
  if (child.si_pid == 0) return Number(info, 0);
  out[0] = child.si_code;
  out[1] = child.si_status;
  out[2] = usage.ru_utime.tv_sec * 1e6 + usage.ru_utime.tv_usec;
  out[3] = usage.ru_stime.tv_sec * 1e6 + usage.ru_stime.tv_usec;
  out[4] = usage.ru_maxrss;
  out[5] = usage.ru_minflt;
  out[6] = usage.ru_majflt;
  out[7] = usage.ru_nvcsw;
  out[8] = usage.ru_nivcsw;
  return Number(info, 1);
}

Napi::Value PidfdOpen(const Napi::CallbackInfo& info) {
  Reader in(info.Env());
  int pid = in.Int(info[0]);
  if (in.failed()) return info.Env().Undefined();
  return Number(info, OrErrno(syscall(SYS_pidfd_open, pid, 0)));
}

Napi::Value PidfdSendSignal(const Napi::CallbackInfo& info) {
  Reader in(info.Env());
  int pidfd = in.Int(info[0]);
  int signal = in.Int(info[1]);
  if (in.failed()) return info.Env().Undefined();
  return Number(info, OrErrno(syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0)));
}

Napi::Value KillProcessGroup(const Napi::CallbackInfo& info) {
  Reader in(info.Env());
  int group = in.Int(info[0]);
  int signal = in.Int(info[1]);
  if (in.failed()) return info.Env().Undefined();
  return Number(info, OrErrno(kill(-group, signal)));
}

}  // namespace

void ExportSpawn(Napi::Env, Napi::Object exports) {
  Export<Spawn>(exports, "spawn");
  Export<SpawnRelease>(exports, "spawnRelease");
  Export<WaitPidfd>(exports, "waitPidfd");
  Export<PidfdOpen>(exports, "pidfdOpen");
  Export<PidfdSendSignal>(exports, "pidfdSendSignal");
  Export<KillProcessGroup>(exports, "killProcessGroup");
}
