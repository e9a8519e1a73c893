// Array maps as memory that JavaScript reads and writes. The danger is a view that outlives the mapping: so unmapping
// first detaches the ArrayBuffer, and where that cannot be done the mapping stays until the last view is collected.

#include <sys/mman.h>

#include <cerrno>
#include <memory>

#include "addon.h"
#include "reader.h"

namespace {

struct Region {
  void* data;
  size_t size;

  ~Region() { Unmap(); }

  void Unmap() {
    if (data != nullptr) munmap(data, size);
    data = nullptr;
  }
};

using SharedRegion = std::shared_ptr<Region>;

class Mapping : public Napi::ObjectWrap<Mapping> {
 public:
  explicit Mapping(const Napi::CallbackInfo& info) : Napi::ObjectWrap<Mapping>(info) {
    Reader in(info.Env());
    if (!in.Is(info[0].IsExternal(), "a mapped region")) return;
    std::unique_ptr<SharedRegion> region(info[0].As<Napi::External<SharedRegion>>().Data());
    region_ = *region;
    auto* held_by_views = new SharedRegion(region_);
    Napi::ArrayBuffer buffer = Napi::ArrayBuffer::New(
        info.Env(), region_->data, region_->size, [](Napi::Env, void*, SharedRegion* held) { delete held; },
        held_by_views);
    buffer_ = Napi::Persistent(buffer);
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
    // A buffer that was transferred lives on under another name; its memory goes with the finaliser.
    if (!buffer.IsDetached()) {
      buffer.Detach();
      if (buffer.IsDetached()) region_->Unmap();
    }
    region_.reset();
    return info.Env().Undefined();
  }

  SharedRegion region_;
  Napi::Reference<Napi::ArrayBuffer> buffer_;
};

Napi::Value MapMemory(const Napi::CallbackInfo& info) {
  Reader in(info.Env());
  int fd = in.Int(info[0]);
  int64_t size = in.Uint(info[1]);
  if (in.failed()) return info.Env().Undefined();
  void* data = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (data == MAP_FAILED) return Number(info, -errno);
  auto region = std::make_unique<SharedRegion>(new Region{data, static_cast<size_t>(size)});
  auto* env_data = info.Env().GetInstanceData<EnvironmentData>();
  return env_data->mapping.New({Napi::External<SharedRegion>::New(info.Env(), region.release())});
}

}  // namespace

void ExportMapping(Napi::Env env, Napi::Object exports) {
  env.GetInstanceData<EnvironmentData>()->mapping = Napi::Persistent(Mapping::Define(env));
  Export<MapMemory>(exports, "mapMemory");
}
