// Small questions to the kernel, and closing descriptors.

#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cstring>

#include "addon.h"
#include "reader.h"

namespace {

// Linux has let go of the descriptor even when close(2) reports EINTR, so it is never repeated.
Napi::Value Close(const Napi::CallbackInfo& info) {
  Reader in(info.Env());
  int fd = in.Int(info[0]);
  if (in.failed()) return info.Env().Undefined();
  info.Env().GetInstanceData<EnvironmentData>()->descriptors.erase(fd);
  return Number(info, OrErrno(close(fd)));
}

// Has a descriptor closed with the environment, or no longer.
Napi::Value CloseAtEnd(const Napi::CallbackInfo& info) {
  Reader in(info.Env());
  int fd = in.Int(info[0]);
  bool on = in.Bool(info[1]);
  if (in.failed()) return info.Env().Undefined();
  auto& descriptors = info.Env().GetInstanceData<EnvironmentData>()->descriptors;
  if (on) descriptors.insert(fd);
  else descriptors.erase(fd);
  return info.Env().Undefined();
}

Napi::Value OpenDirectory(const Napi::CallbackInfo& info) {
  Reader in(info.Env());
  std::string path = in.Text(info[0]);
  if (in.failed()) return info.Env().Undefined();
  return Number(info, OrErrno(open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)));
}

Napi::Value GetTid(const Napi::CallbackInfo& info) { return Number(info, syscall(SYS_gettid)); }

Napi::Value CapGet(const Napi::CallbackInfo& info) {
  Reader in(info.Env());
  auto* out = in.Room<uint32_t>(info[0], 2);
  if (in.failed()) return info.Env().Undefined();
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2]{};
  int64_t result = OrErrno(syscall(SYS_capget, &header, data));
  out[0] = data[0].effective;
  out[1] = data[1].effective;
  return Number(info, result);
}

Napi::Value StatFs(const Napi::CallbackInfo& info) {
  Reader in(info.Env());
  std::string path = in.Text(info[0]);
  auto* out = in.Room<uint64_t>(info[1], 1);
  if (in.failed()) return info.Env().Undefined();
  struct statfs result {};
  int64_t status = OrErrno(statfs(path.c_str(), &result));
  out[0] = static_cast<uint32_t>(result.f_type);
  return Number(info, status);
}

Napi::Value GetRlimitMemlock(const Napi::CallbackInfo& info) {
  Reader in(info.Env());
  auto* out = in.Room<uint64_t>(info[0], 2);
  if (in.failed()) return info.Env().Undefined();
  rlimit limit{};
  int64_t result = OrErrno(getrlimit(RLIMIT_MEMLOCK, &limit));
  out[0] = limit.rlim_cur;
  out[1] = limit.rlim_max;
  return Number(info, result);
}

Napi::Value SetRlimitMemlock(const Napi::CallbackInfo& info) {
  Reader in(info.Env());
  rlimit limit{};
  limit.rlim_cur = in.U64(info[0]);
  limit.rlim_max = in.U64(info[1]);
  if (in.failed()) return info.Env().Undefined();
  return Number(info, OrErrno(setrlimit(RLIMIT_MEMLOCK, &limit)));
}

Napi::Value ClockGetTime(const Napi::CallbackInfo& info) {
  Reader in(info.Env());
  clockid_t clock = in.Int(info[0]);
  auto* out = in.Room<int64_t>(info[1], 1);
  if (in.failed()) return info.Env().Undefined();
  timespec time{};
  int64_t result = OrErrno(clock_gettime(clock, &time));
  out[0] = time.tv_sec * int64_t{1000000000} + time.tv_nsec;
  return Number(info, result);
}

// The raw system calls: glibc's wrappers clear the rest of the mask, whose size they take from cpu_set_t.
Napi::Value SchedGetAffinity(const Napi::CallbackInfo& info) {
  Reader in(info.Env());
  int pid = in.Int(info[0]);
  Memory mask = in.Bytes(info[1]);
  if (in.failed()) return info.Env().Undefined();
  return Number(info, OrErrno(syscall(SYS_sched_getaffinity, pid, mask.size, mask.data)));
}

Napi::Value SchedSetAffinity(const Napi::CallbackInfo& info) {
  Reader in(info.Env());
  int pid = in.Int(info[0]);
  Memory mask = in.Bytes(info[1]);
  if (in.failed()) return info.Env().Undefined();
  return Number(info, OrErrno(syscall(SYS_sched_setaffinity, pid, mask.size, mask.data)));
}

Napi::Value SetChildSubreaper(const Napi::CallbackInfo& info) {
  Reader in(info.Env());
  bool on = in.Bool(info[0]);
  if (in.failed()) return info.Env().Undefined();
  return Number(info, OrErrno(prctl(PR_SET_CHILD_SUBREAPER, on ? 1 : 0, 0, 0, 0)));
}

}  // namespace

EnvironmentData::~EnvironmentData() {
  for (int fd : descriptors) close(fd);
}

void ExportSys(Napi::Env, Napi::Object exports) {
  Export<Close>(exports, "close");
  Export<CloseAtEnd>(exports, "closeAtEnd");
  Export<OpenDirectory>(exports, "openDirectory");
  Export<GetTid>(exports, "gettid");
  Export<CapGet>(exports, "capget");
  Export<StatFs>(exports, "statfs");
  Export<GetRlimitMemlock>(exports, "getrlimitMemlock");
  Export<SetRlimitMemlock>(exports, "setrlimitMemlock");
  Export<ClockGetTime>(exports, "clockGettime");
  Export<SchedGetAffinity>(exports, "schedGetaffinity");
  Export<SchedSetAffinity>(exports, "schedSetaffinity");
  Export<SetChildSubreaper>(exports, "setChildSubreaper");
}
