// Array maps as memory that JavaScript reads and writes, and files that it only reads. The danger is a view that outlives the mapping: so unmapping
// first detaches the ArrayBuffer, and where that cannot be done the mapping stays until the last view is collected.

#include <sys/mman.h>

#include <cerrno>

#include "addon.h"
#include "reader.h"

namespace {

struct Region {
  void* data;  // null once unmapped
  size_t size;
};

// Runs when the last view is gone, and then it owns the region.
void Release(Napi::Env, void*, Region* region) {
  if (region->data != nullptr) munmap(region->data, region->size);
  delete region;
}

class Mapping : public Napi::ObjectWrap<Mapping> {
 public:
  explicit Mapping(const Napi::CallbackInfo& info) : Napi::ObjectWrap<Mapping>(info) {
    Reader in(info.Env());
    if (!in.Is(info[0].IsExternal(), "a mapped region")) return;
    region_ = info[0].As<Napi::External<Region>>().Data();
    buffer_ = Napi::Persistent(Napi::ArrayBuffer::New(info.Env(), region_->data, region_->size, Release, region_));
  }

  static Napi::Function Define(Napi::Env env) {
    return DefineClass(
        env, "Mapping",
        {InstanceAccessor<&Mapping::Buffer>("buffer"), InstanceMethod<&Mapping::Close>("close")});
  }

 private:
  Napi::Value Buffer(const Napi::CallbackInfo& info) {
    return buffer_.IsEmpty() ? info.Env().Undefined() : buffer_.Value().As<Napi::Value>();
  }

  Napi::Value Close(const Napi::CallbackInfo& info) {
    if (buffer_.IsEmpty()) return info.Env().Undefined();
    Napi::ArrayBuffer buffer = buffer_.Value();
    buffer_.Reset();
    // A buffer that was transferred lives on under another name; its memory goes with the last view.
    if (!buffer.IsDetached()) {
      Region region = *region_;
      region_->data = nullptr;
      buffer.Detach();
      if (buffer.IsDetached()) {
        munmap(region.data, region.size);
      } else {
        region_->data = region.data;
      }
    }
    return info.Env().Undefined();
  }

  Region* region_ = nullptr;  // valid as long as its buffer is not detached
  Napi::Reference<Napi::ArrayBuffer> buffer_;
};

Napi::Value MapMemory(const Napi::CallbackInfo& info) {
  Reader in(info.Env());
  int fd = in.Int(info[0]);
  int64_t size = in.Uint(info[1]);
  bool read_only = in.Bool(info[2]);
  if (in.failed()) return info.Env().Undefined();
  // What is read is read as a whole: its pages had better come at once.
  void* data = read_only ? mmap(nullptr, size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0)
                         : mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (data == MAP_FAILED) return Number(info, -errno);
  auto* region = new Region{data, static_cast<size_t>(size)};
  auto* env_data = info.Env().GetInstanceData<EnvironmentData>();
  return env_data->mapping.New({Napi::External<Region>::New(info.Env(), region)});
}

}  // namespace

void ExportMapping(Napi::Env env, Napi::Object exports) {
  env.GetInstanceData<EnvironmentData>()->mapping = Napi::Persistent(Mapping::Define(env));
  Export<MapMemory>(exports, "mapMemory");
}
