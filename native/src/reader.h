// Reading arguments from JavaScript. C++ exceptions are off, so a value of the wrong type is remembered, reads as zero,
// and turns into one JavaScript TypeError before the function makes its system call.
#pragma once

#include <napi.h>

#include <cstdint>
#include <string>
#include <vector>

// The bytes under a typed array, valid until control returns to JavaScript.
struct Memory {
  uint8_t* data = nullptr;
  size_t size = 0;

  // The address as bpf(2) takes it; nothing is 0.
  uint64_t Address() const { return size == 0 ? 0 : reinterpret_cast<uint64_t>(data); }
};

class Reader {
 public:
  explicit Reader(Napi::Env env) : env_(env) {}

  int32_t Int(const Napi::Value& value) {
    return Is(value.IsNumber(), "a number") ? value.As<Napi::Number>().Int32Value() : 0;
  }

  uint32_t Uint(const Napi::Value& value) {
    return Is(value.IsNumber(), "a number") ? value.As<Napi::Number>().Uint32Value() : 0;
  }

  uint64_t U64(const Napi::Value& value) {
    bool lossless;
    return Is(value.IsBigInt(), "a bigint") ? value.As<Napi::BigInt>().Uint64Value(&lossless) : 0;
  }

  bool Bool(const Napi::Value& value) {
    return Is(value.IsBoolean(), "a boolean") && value.As<Napi::Boolean>().Value();
  }

  // Text for the kernel ends at its first NUL, so one inside would silently name something else.
  std::string Text(const Napi::Value& value) {
    if (!Is(value.IsString(), "a string")) return {};
    std::string text = value.As<Napi::String>().Utf8Value();
    return Is(text.find('\0') == std::string::npos, "a string without NUL") ? text : std::string();
  }

  std::vector<std::string> Texts(const Napi::Value& value) {
    std::vector<std::string> texts;
    if (!Is(value.IsArray(), "an array")) return texts;
    Napi::Array array = value.As<Napi::Array>();
    for (uint32_t i = 0; i < array.Length(); i++) texts.push_back(Text(array.Get(i)));
    return texts;
  }

  Memory Bytes(const Napi::Value& value) {
    if (!Is(value.IsTypedArray(), "a typed array")) return {};
    Napi::TypedArray array = value.As<Napi::TypedArray>();
    void* data = nullptr;
    if (napi_get_typedarray_info(env_, value, nullptr, nullptr, &data, nullptr, nullptr) != napi_ok) return {};
    return {static_cast<uint8_t*>(data), array.ByteLength()};
  }

  // A typed array of at least `count` elements of T, for results.
  template <typename T>
  T* Room(const Napi::Value& value, size_t count) {
    Memory memory = Bytes(value);
    bool fits = memory.size >= count * sizeof(T) && reinterpret_cast<uintptr_t>(memory.data) % alignof(T) == 0;
    return Is(fits, "a buffer with room for the result") ? reinterpret_cast<T*>(memory.data) : nullptr;
  }

  Memory OptionalBytes(const Napi::Value& value) { return value.IsNull() ? Memory{} : Bytes(value); }

  Napi::Object Object(const Napi::Value& value) {
    return Is(value.IsObject(), "an object") ? value.As<Napi::Object>() : Napi::Object::New(env_);
  }

  Napi::Function Function(const Napi::Value& value) {
    return Is(value.IsFunction(), "a function") ? value.As<Napi::Function>() : Napi::Function();
  }

  bool Is(bool holds, const char* expected) {
    if (!holds && !failed_) {
      failed_ = true;
      Napi::TypeError::New(env_, std::string("the addon expected ") + expected).ThrowAsJavaScriptException();
    }
    return holds;
  }

  bool failed() const { return failed_ || env_.IsExceptionPending(); }

 private:
  Napi::Env env_;
  bool failed_ = false;
};

// The result of a libc call that reports failure in errno, as a non-negative number or -errno.
int64_t OrErrno(int64_t result);
