// The consumer's side of a BPF ring buffer: mapping it, and copying finished records out.

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "addon.h"
#include "reader.h"

namespace {

// Flags in the length word that precedes each record, and the size of that header.
constexpr uint32_t kBusy = 1u << 31;
constexpr uint32_t kDiscard = 1u << 30;
constexpr uint64_t kHeader = 8;

// What drain() puts in front of each record: its length and padding to 8 bytes.
constexpr uint64_t kFrame = 8;

uint64_t RoundUp8(uint64_t size) { return (size + 7) & ~uint64_t{7}; }

// The page with our position, which we write, and the pages with the producers' position and the data, which we must not.
// The data is mapped twice in a row, so that a record that wraps around the end is still contiguous.
class Ring {
 public:
  // 0 or -errno. `size` is the map's max_entries; the kernel checks the mapping's size but trusts nobody's arithmetic.
  int64_t Map(int fd, uint64_t size) {
    if (size == 0 || (size & (size - 1)) != 0 || size % page_ != 0) return -EINVAL;
    size_ = size;
    void* consumer = mmap(nullptr, page_, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (consumer == MAP_FAILED) return -errno;
    consumer_ = static_cast<uint64_t*>(consumer);
    void* producer = mmap(nullptr, page_ + 2 * size, PROT_READ, MAP_SHARED, fd, page_);
    if (producer == MAP_FAILED) return -errno;
    producer_ = static_cast<uint64_t*>(producer);
    return 0;
  }

  Ring() : page_(sysconf(_SC_PAGESIZE)) {}
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;
  ~Ring() { Unmap(); }

  void Unmap() {
    if (consumer_ != nullptr) munmap(consumer_, page_);
    if (producer_ != nullptr) munmap(producer_, page_ + 2 * size_);
    consumer_ = producer_ = nullptr;
  }

  uint64_t Pending() const {
    if (producer_ == nullptr) return 0;
    return __atomic_load_n(producer_, __ATOMIC_ACQUIRE) - *consumer_;
  }

  // Copies as many finished records as fit and hands their space back to the producers. Answers the bytes written, or
  // -EMSGSIZE when not even the first record fits.
  int64_t Drain(Memory into) {
    if (producer_ == nullptr) return 0;
    const uint8_t* data = reinterpret_cast<const uint8_t*>(producer_) + page_;
    uint64_t used = 0;
    uint64_t position = *consumer_;  // nobody else writes it
    while (position < __atomic_load_n(producer_, __ATOMIC_ACQUIRE)) {
      const uint8_t* record = data + (position & (size_ - 1));
      // The producer sets the length last; acquiring it makes the record's bytes visible.
      uint32_t word = __atomic_load_n(reinterpret_cast<const uint32_t*>(record), __ATOMIC_ACQUIRE);
      if (word & kBusy) break;
      uint32_t length = word & ~kDiscard;
      if (!(word & kDiscard)) {
        uint64_t need = kFrame + RoundUp8(length);
        if (used + need > into.size) {
          if (used == 0) return -EMSGSIZE;
          break;
        }
        uint32_t frame[2] = {length, 0};
        memcpy(into.data + used, frame, kFrame);
        memcpy(into.data + used + kFrame, record + kHeader, length);
        used += need;
      }
      position += RoundUp8(kHeader + length);
      __atomic_store_n(consumer_, position, __ATOMIC_RELEASE);
    }
    return used;
  }

 private:
  uint64_t page_;
  uint64_t size_ = 0;
  uint64_t* consumer_ = nullptr;
  uint64_t* producer_ = nullptr;
};

// The JavaScript object that owns a Ring. Its finaliser runs at the latest when the environment ends.
class RingBuffer : public Napi::ObjectWrap<RingBuffer> {
 public:
  explicit RingBuffer(const Napi::CallbackInfo& info) : Napi::ObjectWrap<RingBuffer>(info) {
    Reader in(info.Env());
    if (in.Is(info[0].IsExternal(), "a mapped ring buffer")) ring_.reset(info[0].As<Napi::External<Ring>>().Data());
  }

  static Napi::Function Define(Napi::Env env) {
    return DefineClass(env, "RingBuffer",
                       {InstanceMethod<&RingBuffer::Drain>("drain"), InstanceMethod<&RingBuffer::Pending>("pending"),
                        InstanceMethod<&RingBuffer::Close>("close")});
  }

 private:
  Napi::Value Drain(const Napi::CallbackInfo& info) {
    Reader in(info.Env());
    Memory into = in.Bytes(info[0]);
    if (in.failed()) return info.Env().Undefined();
    return Number(info, ring_->Drain(into));
  }

  Napi::Value Pending(const Napi::CallbackInfo& info) { return Number(info, ring_->Pending()); }

  Napi::Value Close(const Napi::CallbackInfo& info) {
    ring_->Unmap();
    return info.Env().Undefined();
  }

  std::unique_ptr<Ring> ring_;
};

Napi::Value RingBufferOpen(const Napi::CallbackInfo& info) {
  Reader in(info.Env());
  int fd = in.Int(info[0]);
  uint32_t size = in.Uint(info[1]);
  if (in.failed()) return info.Env().Undefined();
  auto ring = std::make_unique<Ring>();
  int64_t result = ring->Map(fd, size);
  if (result < 0) return Number(info, result);
  auto* data = info.Env().GetInstanceData<EnvironmentData>();
  return data->ring_buffer.New({Napi::External<Ring>::New(info.Env(), ring.release())});
}

}  // namespace

void ExportRingBuffer(Napi::Env env, Napi::Object exports) {
  env.GetInstanceData<EnvironmentData>()->ring_buffer = Napi::Persistent(RingBuffer::Define(env));
  Export<RingBufferOpen>(exports, "ringbufOpen");
}
