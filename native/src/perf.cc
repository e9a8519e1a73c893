// perf_event_open(2) and what is done with its descriptors.

#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "addon.h"
#include "reader.h"

namespace {

// struct perf_event_attr up to its second published size, which every kernel since 2.6.33 accepts.
struct PerfEventAttr {
  uint32_t type;
  uint32_t size;
  uint64_t config;
  uint64_t sample_period;  // or sample_freq
  uint64_t sample_type;
  uint64_t read_format;
  uint64_t flags;
  uint32_t wakeup_events;
  uint32_t bp_type;
  uint64_t config1;  // or bp_addr, or the address of a name
  uint64_t config2;  // or bp_len
};
static_assert(sizeof(PerfEventAttr) == 72);

constexpr uint64_t kReadTotalTimes = 1 | 2;  // PERF_FORMAT_TOTAL_TIME_ENABLED, PERF_FORMAT_TOTAL_TIME_RUNNING

Napi::Value PerfEventOpen(const Napi::CallbackInfo& info) {
  Reader in(info.Env());
  Napi::Object spec = in.Object(info[0]);
  PerfEventAttr attr{};
  attr.size = sizeof(attr);
  attr.type = in.Uint(spec.Get("type"));
  attr.config = in.U64(spec.Get("config"));
  attr.sample_period = in.U64(spec.Get("samplePeriod"));
  attr.sample_type = in.U64(spec.Get("sampleType"));
  attr.read_format = kReadTotalTimes;
  attr.flags = in.U64(spec.Get("attrFlags"));
  attr.wakeup_events = in.Uint(spec.Get("wakeupEvents"));
  attr.bp_type = in.Uint(spec.Get("bpType"));
  Napi::Value config1 = spec.Get("config1");
  std::string name;
  if (config1.IsString()) {
    name = in.Text(config1);
    attr.config1 = reinterpret_cast<uint64_t>(name.c_str());
  } else {
    attr.config1 = in.U64(config1);
  }
  attr.config2 = in.U64(spec.Get("config2"));
  int pid = in.Int(spec.Get("pid"));
  int cpu = in.Int(spec.Get("cpu"));
  int group = in.Int(spec.Get("groupFd"));
  unsigned long flags = in.Uint(spec.Get("openFlags"));
  if (in.failed()) return info.Env().Undefined();
  return Number(info, OrErrno(syscall(SYS_perf_event_open, &attr, pid, cpu, group, flags)));
}

Napi::Value PerfIoctl(const Napi::CallbackInfo& info) {
  Reader in(info.Env());
  int fd = in.Int(info[0]);
  unsigned long request = in.Uint(info[1]);
  long argument = in.Int(info[2]);
  if (in.failed()) return info.Env().Undefined();
  return Number(info, OrErrno(ioctl(fd, request, argument)));
}

Napi::Value PerfRead(const Napi::CallbackInfo& info) {
  Reader in(info.Env());
  int fd = in.Int(info[0]);
  auto* counter = in.Room<uint64_t>(info[1], 3);
  if (in.failed()) return info.Env().Undefined();
  int64_t result = OrErrno(read(fd, counter, 3 * sizeof(uint64_t)));
  // An event of a dead task, or a pinned one that lost its place, reads as end of file.
  return Number(info, result == 0 ? -ENODATA : result);
}

}  // namespace

void ExportPerf(Napi::Env, Napi::Object exports) {
  Export<PerfEventOpen>(exports, "perfEventOpen");
  Export<PerfIoctl>(exports, "perfIoctl");
  Export<PerfRead>(exports, "perfRead");
}
