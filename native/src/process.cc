// Waiting for processes and signalling them, by pidfd where there is one.

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "addon.h"
#include "raw_syscall.h"
#include "reader.h"

namespace {

constexpr int kWaitPidfd = 3;  // P_PIDFD

Napi::Value WaitPidfd(const Napi::CallbackInfo& info) {
  Reader in(info.Env());
  int pidfd = in.Int(info[0]);
  auto* out = in.Room<double>(info[1], 9);
  if (in.failed()) return info.Env().Undefined();
  siginfo_t child{};
  rusage usage{};
  // The system call and not the libc function, which has no room for the usage.
  long result = RawSyscall(SYS_waitid, kWaitPidfd, pidfd, &child, WEXITED | WNOHANG, &usage);
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
  return Number(info, RawSyscall(SYS_pidfd_open, pid, 0));
}

Napi::Value PidfdSendSignal(const Napi::CallbackInfo& info) {
  Reader in(info.Env());
  int pidfd = in.Int(info[0]);
  int signal = in.Int(info[1]);
  if (in.failed()) return info.Env().Undefined();
  return Number(info, RawSyscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0));
}

Napi::Value KillProcessGroup(const Napi::CallbackInfo& info) {
  Reader in(info.Env());
  int group = in.Int(info[0]);
  int signal = in.Int(info[1]);
  if (in.failed()) return info.Env().Undefined();
  return Number(info, OrErrno(kill(-group, signal)));
}

}  // namespace

void ExportProcess(Napi::Env, Napi::Object exports) {
  Export<WaitPidfd>(exports, "waitPidfd");
  Export<PidfdOpen>(exports, "pidfdOpen");
  Export<PidfdSendSignal>(exports, "pidfdSendSignal");
  Export<KillProcessGroup>(exports, "killProcessGroup");
}
