// ptrace(2), and the look at whether a tracee has stopped. Both belong to the thread that calls them.

#include <sys/ptrace.h>
#include <sys/wait.h>

#include "addon.h"
#include "raw_syscall.h"
#include "reader.h"

namespace {

// The system call and not the libc function, which would hide words that look like errors. A request that answers with a word
// takes the place of that word as its data.
Napi::Value Ptrace(const Napi::CallbackInfo& info) {
  Reader in(info.Env());
  int request = in.Int(info[0]);
  int pid = in.Int(info[1]);
  auto address = static_cast<long>(in.U64(info[2]));
  auto data = static_cast<long>(in.U64(info[3]));
  auto* word = info[4].IsNull() ? nullptr : in.Room<uint64_t>(info[4], 1);
  if (in.failed()) return info.Env().Undefined();
  if (word != nullptr) data = reinterpret_cast<long>(word);
  return Number(info, RawSyscall(SYS_ptrace, request, pid, address, data));
}

// Leaves what it sees to whoever waits for the process.
Napi::Value PeekWait(const Napi::CallbackInfo& info) {
  Reader in(info.Env());
  int pid = in.Int(info[0]);
  auto* out = in.Room<int32_t>(info[1], 2);
  if (in.failed()) return info.Env().Undefined();
  siginfo_t child{};
  long result = RawSyscall(SYS_waitid, P_PID, pid, &child, WEXITED | WSTOPPED | WNOHANG | WNOWAIT | __WALL);
  if (result < 0) return Number(info, result);
  if (child.si_pid == 0) return Number(info, 0);
  out[0] = child.si_code;
  out[1] = child.si_status;
  return Number(info, 1);
}

}  // namespace

void ExportPtrace(Napi::Env, Napi::Object exports) {
  Export<Ptrace>(exports, "ptrace");
  Export<PeekWait>(exports, "peekWait");
}
