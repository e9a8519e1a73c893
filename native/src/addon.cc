// The addon's entry point: called once for each thread that loads it.

#include "addon.h"

#include <cerrno>

#include "reader.h"

int64_t OrErrno(int64_t result) { return result < 0 ? -errno : result; }

static Napi::Object Init(Napi::Env env, Napi::Object exports) {
  env.SetInstanceData(new EnvironmentData());
  ExportBpf(env, exports);
  ExportMapping(env, exports);
  ExportPerf(env, exports);
  ExportPoll(env, exports);
  ExportProcess(env, exports);
  ExportPtrace(env, exports);
  ExportRingBuffer(env, exports);
  ExportSpawn(env, exports);
  ExportSymbols(env, exports);
  ExportSys(env, exports);
  return exports;
}

NODE_API_MODULE(NODE_GYP_MODULE_NAME, Init)
