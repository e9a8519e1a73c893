// What the files of the addon offer to its entry point, and the state that it keeps for each environment: worker threads
// load the addon again, so nothing may be global.
#pragma once

#include <napi.h>

#include <unordered_set>

struct EnvironmentData {
  ~EnvironmentData();
  // What the thread's objects own. A worker that is terminated runs no code of its own any more, and what it has left
  // attached would be with the machine for as long as the process lives.
  std::unordered_set<int> descriptors;
  Napi::FunctionReference ring_buffer;
  Napi::FunctionReference mapping;
  Napi::FunctionReference poller;
};

void ExportBpf(Napi::Env env, Napi::Object exports);
void ExportMapping(Napi::Env env, Napi::Object exports);
void ExportPerf(Napi::Env env, Napi::Object exports);
void ExportPoll(Napi::Env env, Napi::Object exports);
void ExportProcess(Napi::Env env, Napi::Object exports);
void ExportPtrace(Napi::Env env, Napi::Object exports);
void ExportRingBuffer(Napi::Env env, Napi::Object exports);
void ExportSpawn(Napi::Env env, Napi::Object exports);
void ExportSymbols(Napi::Env env, Napi::Object exports);
void ExportSys(Napi::Env env, Napi::Object exports);

template <Napi::Value (*function)(const Napi::CallbackInfo&)>
void Export(Napi::Object exports, const char* name) {
  exports.Set(name, Napi::Function::New<function>(exports.Env(), name));
}

inline Napi::Value Number(const Napi::CallbackInfo& info, int64_t value) {
  return Napi::Number::New(info.Env(), static_cast<double>(value));
}
