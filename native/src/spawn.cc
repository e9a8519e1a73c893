// The parent's side of starting a process that stops right before its exec, and letting it go. The children's side, and
// how the three of them work together, is in spawn_child.h.

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>

#include "addon.h"
#include "raw_syscall.h"
#include "reader.h"
#include "spawn_child.h"

namespace {

constexpr int kStdioNull = -1;
constexpr int kSettleTimeoutMs = 10000;

class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(const UniqueFd&) = delete;
  UniqueFd& operator=(const UniqueFd&) = delete;
  ~UniqueFd() { Reset(-1); }

  int get() const { return fd_; }
  void Reset(int fd) {
    if (fd_ >= 0) close(fd_);
    fd_ = fd;
  }
  int Take() {
    int fd = fd_;
    fd_ = -1;
    return fd;
  }

 private:
  int fd_ = -1;
};

// Memory of its own for the plan, so that all of the heap can be dropped.
class Arena {
 public:
  explicit Arena(size_t size) {
    const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    size_ = (size + page - 1) / page * page;
    void* data = mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    data_ = data == MAP_FAILED ? nullptr : static_cast<char*>(data);
  }
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;
  ~Arena() {
    if (data_ != nullptr) munmap(data_, size_);
  }

  bool ok() const { return data_ != nullptr; }
  MemoryRange range() const {
    const auto start = reinterpret_cast<uintptr_t>(data_);
    return {start, start + size_};
  }

  template <typename T>
  T* Copy(const T* from, size_t count) {
    used_ = (used_ + alignof(T) - 1) / alignof(T) * alignof(T);
    char* to = data_ + used_;
    used_ += count * sizeof(T);
    if (count > 0) memcpy(to, from, count * sizeof(T));
    return reinterpret_cast<T*>(to);
  }

  const char* Copy(const std::string& text) { return Copy(text.c_str(), text.size() + 1); }

  const char* const* Copy(const std::vector<std::string>& texts) {
    std::vector<const char*> pointers;
    for (const std::string& text : texts) pointers.push_back(Copy(text));
    pointers.push_back(nullptr);
    return Copy(pointers.data(), pointers.size());
  }

 private:
  char* data_;
  size_t size_;
  size_t used_ = 0;
};

// An upper bound of what Arena::Copy takes for these.
size_t RoomFor(const std::vector<std::string>& texts) {
  size_t room = 2 * sizeof(char*);
  for (const std::string& text : texts) room += text.size() + 1 + sizeof(char*);
  return room;
}

// More than a heap has pieces, usually; the rest would stay.
constexpr size_t kMaxRanges = 4096;

// Room around an address that is in use: far more than the children's frames, and than the thread-local storage.
constexpr uintptr_t kVicinity = 128 * 1024;

MemoryRange Vicinity(uintptr_t address) {
  const auto page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  return {(address - kVicinity) / page * page, (address + kVicinity) / page * page};
}

// The anonymous memory of this process (heaps, other threads' stacks), which is where Node's megabytes are. What is mapped
// from files stays, this code among it; and so do the stack that we run on, the block of thread-local storage, which the
// kernel writes to (rseq), and the arena. The arena must exist by now: other threads map and unmap meanwhile, and new
// memory could take the place of what is on the list.
std::vector<MemoryRange> DroppableMemory(const Arena& arena) {
  std::vector<MemoryRange> ranges;
  FILE* maps = fopen("/proc/self/maps", "re");
  if (maps == nullptr) return ranges;
  std::array<MemoryRange, 3> kept = {
      Vicinity(reinterpret_cast<uintptr_t>(__builtin_frame_address(0))), Vicinity(ThreadPointer()), arena.range()};
  std::sort(kept.begin(), kept.end(), [](const MemoryRange& a, const MemoryRange& b) { return a.start < b.start; });
  auto drop = [&](uintptr_t start, uintptr_t end) {
    if (start >= end) return;
    if (!ranges.empty() && ranges.back().end == start) {
      ranges.back().end = end;
    } else if (ranges.size() < kMaxRanges) {
      ranges.push_back({start, end});
    }
  };
  char line[4096 + 128];
  while (fgets(line, sizeof(line), maps) != nullptr) {
    uintptr_t start, end;
    unsigned long inode;
    char name[8] = "";
    if (sscanf(line, "%lx-%lx %*s %*s %*s %lu %7s", &start, &end, &inode, name) < 3) continue;
    bool special = name[0] == '[' && strcmp(name, "[heap]") != 0 && strncmp(name, "[anon:", 6) != 0;
    if (inode != 0 || special) continue;
    // The kernel joins neighbours, so that a mapping may hold both what is kept and what is not.
    for (const MemoryRange& keep : kept) {
      drop(start, std::min(end, keep.start));
      start = std::max(start, keep.end);
    }
    drop(start, end);
  }
  fclose(maps);
  return ranges;
}

int64_t MonotonicMs() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * int64_t{1000} + time.tv_nsec / 1000000;
}

// Waits for the next report until `deadline`: 1, or 0 at the end of file, or -errno.
int64_t Receive(int control, int64_t deadline, Report* report) {
  for (;;) {
    pollfd waited{control, POLLIN, 0};
    int64_t left = std::max<int64_t>(0, deadline - MonotonicMs());
    int64_t ready = OrErrno(poll(&waited, 1, static_cast<int>(left)));
    if (ready == -EINTR) continue;
    if (ready == 0) return -ETIMEDOUT;
    if (ready < 0) return ready;
    int64_t got = OrErrno(recv(control, report, sizeof(*report), 0));
    if (got == -EINTR) continue;
    // A child that dies with our message unread resets the connection instead of ending it.
    if (got == 0 || got == -ECONNRESET) return 0;
    if (got < 0) return got;
    return got == sizeof(*report) ? 1 : -EPROTO;
  }
}

void Reap(int id_type, int id) {
  while (RawSyscall(SYS_waitid, id_type, id, nullptr, WEXITED) == -EINTR) {
  }
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

// Forks the midwife. With every signal blocked, none of Node's handlers can run in it.
int64_t ForkMidwife(const SpawnPlan* plan) {
  const uint64_t all = ~uint64_t{0};
  uint64_t before = 0;
  RawSyscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, &before, sizeof(all));
  long pid = RawSyscall(SYS_clone, SIGCHLD, nullptr, nullptr, nullptr, nullptr);
  if (pid == 0) RunMidwife(plan);
  RawSyscall(SYS_rt_sigprocmask, SIG_SETMASK, &before, nullptr, sizeof(before));
  return pid;
}

// A process that has settled and waits, or the stage and the -errno that prevented it.
struct Outcome {
  int64_t error;
  Stage stage;
  int pid;
  int pidfd;
};

// Follows midwife and child until the child waits. On failure nothing of them is left.
Outcome Settle(int midwife, int control) {
  const int64_t deadline = MonotonicMs() + kSettleTimeoutMs;
  Outcome outcome{0, kClone, 0, -1};
  bool ready = false;
  // The two reports come from two processes and in either order.
  while (outcome.error == 0 && !(ready && outcome.pid != 0)) {
    Report report{};
    int64_t received = Receive(control, deadline, &report);
    if (received <= 0) {
      outcome.error = received == 0 ? -ECHILD : received;
      break;
    }
    if (report.pid != 0) outcome.pid = report.pid;
    if (report.kind == Report::kReady) ready = true;
    if (report.kind == Report::kFailed) {
      outcome.stage = static_cast<Stage>(report.stage);
      outcome.error = -report.error;
    }
  }
  Reap(P_PID, midwife);
  if (outcome.pid == 0) return outcome;
  // Nobody but us can reap the child, so its pid is still its own.
  if (outcome.error == 0) {
    outcome.pidfd = static_cast<int>(RawSyscall(SYS_pidfd_open, outcome.pid, 0));
    if (outcome.pidfd < 0) outcome.error = outcome.pidfd;
  }
  if (outcome.error != 0) {
    kill(outcome.pid, SIGKILL);
    Reap(P_PID, outcome.pid);
  }
  return outcome;
}

Napi::Value Spawn(const Napi::CallbackInfo& info) {
  Reader in(info.Env());
  Napi::Object spec = in.Object(info[0]);
  auto* out = in.Room<int32_t>(info[1], 6);
  std::vector<std::string> files = in.Texts(spec.Get("files"));
  std::vector<std::string> argv = in.Texts(spec.Get("argv"));
  std::vector<std::string> envp = in.Texts(spec.Get("envp"));
  Napi::Value cwd_value = spec.Get("cwd");
  std::vector<std::string> cwd;
  if (!cwd_value.IsNull()) cwd.push_back(in.Text(cwd_value));
  Napi::Value groups_value = spec.Get("groups");
  Memory groups = in.OptionalBytes(groups_value);
  auto* stdio = in.Room<int32_t>(spec.Get("stdio"), 3);

  SpawnPlan plan{};
  plan.uid = in.Int(spec.Get("uid"));
  plan.gid = in.Int(spec.Get("gid"));
  plan.group_count = groups.size / sizeof(uint32_t);
  plan.cgroup_fd = in.Int(spec.Get("cgroupFd"));
  plan.group = static_cast<Group>(in.Int(spec.Get("group")));
  plan.no_new_privs = in.Bool(spec.Get("noNewPrivs"));
  plan.no_aslr = in.Bool(spec.Get("noAslr"));
  plan.kill_on_parent_death = in.Bool(spec.Get("killOnParentDeath"));
  plan.use_clone3 = in.Bool(spec.Get("clone3"));
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
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) != 0) return failed(kClone, -errno);
  UniqueFd control(sockets[0]), child_control(sockets[1]);
  plan.control = child_control.get();

  Arena arena(sizeof(plan) + RoomFor(files) + RoomFor(argv) + RoomFor(envp) + RoomFor(cwd) + groups.size +
              kMaxRanges * sizeof(MemoryRange) + 64);
  if (!arena.ok()) return failed(kClone, -ENOMEM);
  std::vector<MemoryRange> drop = DroppableMemory(arena);
  plan.files = arena.Copy(files);
  plan.argv = arena.Copy(argv);
  plan.envp = arena.Copy(envp);
  plan.cwd = cwd.empty() ? nullptr : arena.Copy(cwd[0]);
  uint32_t* group_list = arena.Copy(reinterpret_cast<uint32_t*>(groups.data), plan.group_count);
  plan.groups = groups_value.IsNull() ? nullptr : group_list;
  plan.drop = arena.Copy(drop.data(), drop.size());
  plan.drop_count = drop.size();

  int64_t midwife = ForkMidwife(arena.Copy(&plan, 1));
  if (midwife < 0) return failed(kClone, midwife);
  child_control.Reset(-1);
  Outcome outcome = Settle(static_cast<int>(midwife), control.get());
  if (outcome.error < 0) return failed(outcome.stage, outcome.error);
  out[0] = outcome.pid;
  out[1] = outcome.pidfd;
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
  int64_t received = Receive(control, MonotonicMs() + timeout, &report);
  if (received <= 0) return Number(info, received);
  out[0] = report.stage;
  return Number(info, -report.error);
}

}  // namespace

void ExportSpawn(Napi::Env, Napi::Object exports) {
  Export<Spawn>(exports, "spawn");
  Export<SpawnRelease>(exports, "spawnRelease");
}
