// perf_event_open(2) and what is done with its descriptors.

#include <link.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <mutex>
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
constexpr uint32_t kTypeBreakpoint = 5;         // PERF_TYPE_BREAKPOINT
constexpr uint32_t kBreakpointWrite = 2;        // HW_BREAKPOINT_W
constexpr uint64_t kDisabled = 1;                // of the flags
constexpr unsigned long kCloseOnExec = 1 << 3;   // PERF_FLAG_FD_CLOEXEC
constexpr unsigned long kIoctlEnable = 0x2400;   // PERF_EVENT_IOC_ENABLE
constexpr unsigned long kIoctlSetBpf = 0x40042408;  // PERF_EVENT_IOC_SET_BPF

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

// The place of a function in the file that it was loaded from, which is how the kernel wants to hear of it.
struct Place {
  uintptr_t address;
  std::string path;
  uint64_t offset;
};

int FindPlace(dl_phdr_info* object, size_t, void* data) {
  auto* place = static_cast<Place*>(data);
  for (int i = 0; i < object->dlpi_phnum; i++) {
    const auto& segment = object->dlpi_phdr[i];
    uintptr_t start = object->dlpi_addr + segment.p_vaddr;
    if (segment.p_type != PT_LOAD || place->address < start || place->address >= start + segment.p_filesz) continue;
    place->path = object->dlpi_name;
    place->offset = place->address - start + segment.p_offset;
    return 1;
  }
  return 0;
}

// What the probe below is attached to.
__attribute__((noinline)) void Called() { asm volatile("nop" ::: "memory"); }

// Runs a program once, by attaching it as a uprobe to a function here and calling that. Not a system call, but a row of them
// between which no other thread may call the function.
Napi::Value RunByUprobe(const Napi::CallbackInfo& info) {
  Reader in(info.Env());
  int prog = in.Int(info[0]);
  PerfEventAttr attr{};
  attr.type = in.Uint(info[1]);
  if (in.failed()) return info.Env().Undefined();
  Place place{reinterpret_cast<uintptr_t>(&Called), {}, 0};
  if (dl_iterate_phdr(FindPlace, &place) == 0) return Number(info, -ENOENT);
  attr.size = sizeof(attr);
  attr.config1 = reinterpret_cast<uint64_t>(place.path.c_str());
  attr.config2 = place.offset;
  attr.flags = kDisabled;
  static std::mutex one_at_a_time;
  std::lock_guard<std::mutex> lock(one_at_a_time);
  int event = syscall(SYS_perf_event_open, &attr, 0, -1, -1, kCloseOnExec);
  int64_t result = OrErrno(event);
  if (event >= 0) {
    result = OrErrno(ioctl(event, kIoctlSetBpf, prog));
    if (result >= 0) result = OrErrno(ioctl(event, kIoctlEnable, 0));
    if (result >= 0) Called();
    close(event);
  }
  return Number(info, result < 0 ? result : 0);
}

// What the breakpoint below watches.
volatile uint64_t watched;

// Whether the processor announces what happens to an address that it was told to watch: some virtual machines take breakpoints,
// and nothing ever comes of them. 1 or 0, or why it cannot be tried.
Napi::Value BreakpointsFire(const Napi::CallbackInfo& info) {
  PerfEventAttr attr{};
  attr.size = sizeof(attr);
  attr.type = kTypeBreakpoint;
  attr.bp_type = kBreakpointWrite;
  attr.config1 = reinterpret_cast<uint64_t>(&watched);
  attr.config2 = sizeof(watched);
  attr.sample_period = 1;
  int event = syscall(SYS_perf_event_open, &attr, 0, -1, -1, kCloseOnExec);
  if (event < 0) return Number(info, OrErrno(event));
  watched = 1;
  uint64_t count = 0;
  int64_t result = OrErrno(read(event, &count, sizeof(count)));
  close(event);
  return Number(info, result < 0 ? result : count > 0);
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
  Export<RunByUprobe>(exports, "runByUprobe");
  Export<BreakpointsFire>(exports, "breakpointsFire");
}
