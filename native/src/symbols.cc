// Names of symbols as their language has them.

#include <cxxabi.h>

#include <cstdlib>
#include <string>

#include "addon.h"
#include "reader.h"

namespace {

// The C++ name that a symbol's name encodes; undefined for a name that is none.
Napi::Value Demangle(const Napi::CallbackInfo& info) {
  Reader in(info.Env());
  std::string name = in.Text(info[0]);
  if (in.failed()) return info.Env().Undefined();
  int status = 0;
  char* demangled = abi::__cxa_demangle(name.c_str(), nullptr, nullptr, &status);
  if (status != 0) return info.Env().Undefined();
  Napi::Value result = Napi::String::New(info.Env(), demangled);
  std::free(demangled);
  return result;
}

}  // namespace

void ExportSymbols(Napi::Env, Napi::Object exports) { Export<Demangle>(exports, "demangle"); }
