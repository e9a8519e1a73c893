// bpf(2), one function a command.

#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <type_traits>

#include "addon.h"
#include "bpf_abi.h"
#include "reader.h"

namespace {

// Makes the system call with as little of the attribute as carries information: kernels refuse attributes with bytes
// set that they do not know, and some sandboxes refuse sizes that they do not know.
template <typename Attr>
int64_t Bpf(uint32_t command, Attr* attr) {
  static_assert(std::is_trivially_copyable_v<Attr>);
  const auto* bytes = reinterpret_cast<const uint8_t*>(attr);
  size_t size = sizeof(Attr);
  while (size > 0 && bytes[size - 1] == 0) size--;
  size = std::min(sizeof(Attr), (size + 7) / 8 * 8);
  return OrErrno(syscall(SYS_bpf, command, attr, size));
}

uint64_t Address(const void* data) { return reinterpret_cast<uint64_t>(data); }

void CopyName(char (&to)[bpf::kObjNameLen], const std::string& name) {
  memcpy(to, name.data(), std::min<size_t>(name.size(), sizeof(to) - 1));
}

Napi::Value MapCreate(const Napi::CallbackInfo& info) {
  Reader in(info.Env());
  Napi::Object spec = in.Object(info[0]);
  bpf::MapCreateAttr attr{};
  attr.map_type = in.Uint(spec.Get("type"));
  attr.key_size = in.Uint(spec.Get("keySize"));
  attr.value_size = in.Uint(spec.Get("valueSize"));
  attr.max_entries = in.Uint(spec.Get("maxEntries"));
  attr.map_flags = in.Uint(spec.Get("flags"));
  attr.inner_map_fd = in.Uint(spec.Get("innerMapFd"));
  CopyName(attr.map_name, in.Text(spec.Get("name")));
  attr.btf_fd = in.Uint(spec.Get("btfFd"));
  attr.btf_key_type_id = in.Uint(spec.Get("btfKeyTypeId"));
  attr.btf_value_type_id = in.Uint(spec.Get("btfValueTypeId"));
  attr.map_extra = in.U64(spec.Get("extra"));
  if (in.failed()) return info.Env().Undefined();
  return Number(info, Bpf(bpf::kMapCreate, &attr));
}

// The commands on one element differ in which of key, value and flags they take.
Napi::Value MapElem(const Napi::CallbackInfo& info, uint32_t command) {
  Reader in(info.Env());
  bpf::MapElemAttr attr{};
  attr.map_fd = in.Uint(info[0]);
  attr.key = in.OptionalBytes(info[1]).Address();
  if (info.Length() > 2) attr.value = in.Bytes(info[2]).Address();
  if (info.Length() > 3) attr.flags = in.U64(info[3]);
  if (in.failed()) return info.Env().Undefined();
  return Number(info, Bpf(command, &attr));
}

Napi::Value MapLookup(const Napi::CallbackInfo& info) { return MapElem(info, bpf::kMapLookupElem); }
Napi::Value MapUpdate(const Napi::CallbackInfo& info) { return MapElem(info, bpf::kMapUpdateElem); }
Napi::Value MapDelete(const Napi::CallbackInfo& info) { return MapElem(info, bpf::kMapDeleteElem); }
Napi::Value MapGetNextKey(const Napi::CallbackInfo& info) { return MapElem(info, bpf::kMapGetNextKey); }
Napi::Value MapLookupAndDelete(const Napi::CallbackInfo& info) { return MapElem(info, bpf::kMapLookupAndDeleteElem); }

Napi::Value MapBatch(const Napi::CallbackInfo& info) {
  Reader in(info.Env());
  bpf::MapBatchAttr attr{};
  uint32_t command = in.Uint(info[0]);
  attr.map_fd = in.Uint(info[1]);
  attr.in_batch = in.OptionalBytes(info[2]).Address();
  attr.out_batch = in.OptionalBytes(info[3]).Address();
  attr.keys = in.OptionalBytes(info[4]).Address();
  attr.values = in.OptionalBytes(info[5]).Address();
  auto* count = in.Room<uint32_t>(info[6], 1);
  if (in.failed()) return info.Env().Undefined();
  attr.count = *count;
  int64_t result = Bpf(command, &attr);
  // The kernel leaves the count alone when it refuses the call before the first entry.
  bool untouched = result < 0 && result != -ENOENT && attr.count == *count;
  *count = untouched ? 0 : attr.count;
  return Number(info, result);
}

// The verifier gives up with EAGAIN when a signal arrives while it works; a few retries are customary.
template <typename Attr>
int64_t BpfRetrying(uint32_t command, Attr* attr) {
  int64_t result;
  int attempts = 5;
  do result = Bpf(command, attr);
  while (result == -EAGAIN && --attempts > 0);
  return result;
}

Napi::Value ProgLoad(const Napi::CallbackInfo& info) {
  Reader in(info.Env());
  Napi::Object spec = in.Object(info[0]);
  bpf::ProgLoadAttr attr{};
  Memory insns = in.Bytes(spec.Get("insns"));
  Memory fd_array = in.OptionalBytes(spec.Get("fdArray"));
  Memory func_info = in.OptionalBytes(spec.Get("funcInfo"));
  Memory line_info = in.OptionalBytes(spec.Get("lineInfo"));
  Memory log = in.OptionalBytes(spec.Get("log"));
  std::string license = in.Text(spec.Get("license"));
  attr.prog_type = in.Uint(spec.Get("type"));
  attr.expected_attach_type = in.Uint(spec.Get("expectedAttachType"));
  attr.insn_cnt = insns.size / 8;
  attr.insns = insns.Address();
  attr.license = Address(license.c_str());
  attr.log_level = in.Uint(spec.Get("logLevel"));
  attr.log_size = log.size;
  attr.log_buf = log.Address();
  attr.kern_version = in.Uint(spec.Get("kernVersion"));
  attr.prog_flags = in.Uint(spec.Get("flags"));
  CopyName(attr.prog_name, in.Text(spec.Get("name")));
  attr.prog_btf_fd = in.Uint(spec.Get("btfFd"));
  attr.func_info_rec_size = in.Uint(spec.Get("funcInfoRecordSize"));
  attr.func_info = func_info.Address();
  attr.line_info_rec_size = in.Uint(spec.Get("lineInfoRecordSize"));
  attr.line_info = line_info.Address();
  attr.attach_btf_id = in.Uint(spec.Get("attachBtfId"));
  attr.attach_fd = in.Uint(spec.Get("attachFd"));
  attr.fd_array = fd_array.Address();
  if (in.failed()) return info.Env().Undefined();
  if (insns.size % 8 != 0) return Number(info, -EINVAL);
  if (attr.func_info_rec_size != 0) attr.func_info_cnt = func_info.size / attr.func_info_rec_size;
  if (attr.line_info_rec_size != 0) attr.line_info_cnt = line_info.size / attr.line_info_rec_size;
  return Number(info, BpfRetrying(bpf::kProgLoad, &attr));
}

Napi::Value ProgTestRun(const Napi::CallbackInfo& info) {
  Reader in(info.Env());
  bpf::TestRunAttr attr{};
  attr.prog_fd = in.Uint(info[0]);
  Memory context = in.OptionalBytes(info[1]);
  Memory data = in.OptionalBytes(info[2]);
  attr.flags = in.Uint(info[3]);
  attr.cpu = in.Uint(info[4]);
  attr.repeat = in.Uint(info[5]);
  auto* out = in.Room<uint32_t>(info[6], 2);
  if (in.failed()) return info.Env().Undefined();
  attr.ctx_in = context.Address();
  attr.ctx_size_in = context.size;
  attr.data_in = data.Address();
  attr.data_size_in = data.size;
  int64_t result = Bpf(bpf::kProgTestRun, &attr);
  out[0] = attr.retval;
  out[1] = attr.duration;
  return Number(info, result);
}

Napi::Value RawTracepointOpen(const Napi::CallbackInfo& info) {
  Reader in(info.Env());
  bpf::RawTracepointAttr attr{};
  bool named = !info[0].IsNull();
  std::string name = named ? in.Text(info[0]) : std::string();
  attr.name = named ? Address(name.c_str()) : 0;
  attr.prog_fd = in.Uint(info[1]);
  attr.cookie = in.U64(info[2]);
  if (in.failed()) return info.Env().Undefined();
  return Number(info, Bpf(bpf::kRawTracepointOpen, &attr));
}

// What all kinds of links begin with: program, target, attach type.
bpf::LinkCreateAttr LinkAttr(Reader& in, const Napi::CallbackInfo& info) {
  bpf::LinkCreateAttr attr{};
  attr.prog_fd = in.Uint(info[0]);
  attr.target_fd = in.Uint(info[1]);
  attr.attach_type = in.Uint(info[2]);
  return attr;
}

Napi::Value LinkCreate(const Napi::CallbackInfo& info) {
  Reader in(info.Env());
  bpf::LinkCreateAttr attr = LinkAttr(in, info);
  attr.flags = in.Uint(info[3]);
  if (in.failed()) return info.Env().Undefined();
  return Number(info, Bpf(bpf::kLinkCreate, &attr));
}

Napi::Value LinkCreatePerfEvent(const Napi::CallbackInfo& info) {
  Reader in(info.Env());
  bpf::LinkCreateAttr attr = LinkAttr(in, info);
  attr.perf_event.cookie = in.U64(info[3]);
  if (in.failed()) return info.Env().Undefined();
  return Number(info, Bpf(bpf::kLinkCreate, &attr));
}

Napi::Value LinkCreateTracing(const Napi::CallbackInfo& info) {
  Reader in(info.Env());
  bpf::LinkCreateAttr attr = LinkAttr(in, info);
  attr.tracing.target_btf_id = in.Uint(info[3]);
  attr.tracing.cookie = in.U64(info[4]);
  if (in.failed()) return info.Env().Undefined();
  return Number(info, Bpf(bpf::kLinkCreate, &attr));
}

Napi::Value LinkCreateIter(const Napi::CallbackInfo& info) {
  Reader in(info.Env());
  bpf::LinkCreateAttr attr{};
  attr.prog_fd = in.Uint(info[0]);
  attr.attach_type = in.Uint(info[1]);
  Memory link_info = in.OptionalBytes(info[2]);
  attr.iter.info = link_info.Address();
  attr.iter.info_len = link_info.size;
  if (in.failed()) return info.Env().Undefined();
  return Number(info, Bpf(bpf::kLinkCreate, &attr));
}

Napi::Value LinkCreateKprobeMulti(const Napi::CallbackInfo& info) {
  Reader in(info.Env());
  bpf::LinkCreateAttr attr{};
  attr.prog_fd = in.Uint(info[0]);
  attr.attach_type = in.Uint(info[1]);
  attr.kprobe_multi.flags = in.Uint(info[2]);
  std::vector<std::string> symbols = info[3].IsNull() ? std::vector<std::string>() : in.Texts(info[3]);
  Memory addresses = in.OptionalBytes(info[4]);
  Memory cookies = in.OptionalBytes(info[5]);
  if (in.failed()) return info.Env().Undefined();
  std::vector<const char*> names;
  for (const std::string& symbol : symbols) names.push_back(symbol.c_str());
  attr.kprobe_multi.cnt = names.empty() ? addresses.size / 8 : names.size();
  attr.kprobe_multi.syms = names.empty() ? 0 : Address(names.data());
  attr.kprobe_multi.addrs = addresses.Address();
  attr.kprobe_multi.cookies = cookies.Address();
  return Number(info, Bpf(bpf::kLinkCreate, &attr));
}

Napi::Value LinkCreateUprobeMulti(const Napi::CallbackInfo& info) {
  Reader in(info.Env());
  bpf::LinkCreateAttr attr{};
  attr.prog_fd = in.Uint(info[0]);
  attr.attach_type = in.Uint(info[1]);
  attr.uprobe_multi.flags = in.Uint(info[2]);
  std::string path = in.Text(info[3]);
  Memory offsets = in.Bytes(info[4]);
  attr.uprobe_multi.path = Address(path.c_str());
  attr.uprobe_multi.offsets = offsets.Address();
  attr.uprobe_multi.cnt = offsets.size / 8;
  attr.uprobe_multi.ref_ctr_offsets = in.OptionalBytes(info[5]).Address();
  attr.uprobe_multi.cookies = in.OptionalBytes(info[6]).Address();
  attr.uprobe_multi.pid = in.Uint(info[7]);
  if (in.failed()) return info.Env().Undefined();
  return Number(info, Bpf(bpf::kLinkCreate, &attr));
}

// The commands that take one descriptor, or one type.
Napi::Value OnFd(const Napi::CallbackInfo& info, uint32_t command) {
  Reader in(info.Env());
  bpf::FdAttr attr{in.Uint(info[0]), 0};
  if (in.failed()) return info.Env().Undefined();
  return Number(info, Bpf(command, &attr));
}

Napi::Value LinkDetach(const Napi::CallbackInfo& info) { return OnFd(info, bpf::kLinkDetach); }
Napi::Value IterCreate(const Napi::CallbackInfo& info) { return OnFd(info, bpf::kIterCreate); }
Napi::Value EnableStats(const Napi::CallbackInfo& info) { return OnFd(info, bpf::kEnableStats); }
Napi::Value MapFreeze(const Napi::CallbackInfo& info) { return OnFd(info, bpf::kMapFreeze); }

Napi::Value BtfLoad(const Napi::CallbackInfo& info) {
  Reader in(info.Env());
  bpf::BtfLoadAttr attr{};
  Memory data = in.Bytes(info[0]);
  attr.log_level = in.Uint(info[1]);
  Memory log = in.OptionalBytes(info[2]);
  if (in.failed()) return info.Env().Undefined();
  attr.btf = data.Address();
  attr.btf_size = data.size;
  attr.log_buf = log.Address();
  attr.log_size = log.size;
  return Number(info, BpfRetrying(bpf::kBtfLoad, &attr));
}

Napi::Value ObjPin(const Napi::CallbackInfo& info) {
  Reader in(info.Env());
  bpf::ObjAttr attr{};
  attr.bpf_fd = in.Uint(info[0]);
  std::string path = in.Text(info[1]);
  attr.pathname = Address(path.c_str());
  if (in.failed()) return info.Env().Undefined();
  return Number(info, Bpf(bpf::kObjPin, &attr));
}

Napi::Value ObjGet(const Napi::CallbackInfo& info) {
  Reader in(info.Env());
  bpf::ObjAttr attr{};
  std::string path = in.Text(info[0]);
  attr.pathname = Address(path.c_str());
  attr.file_flags = in.Uint(info[1]);
  if (in.failed()) return info.Env().Undefined();
  return Number(info, Bpf(bpf::kObjGet, &attr));
}

Napi::Value ObjGetInfo(const Napi::CallbackInfo& info) {
  Reader in(info.Env());
  bpf::InfoAttr attr{};
  attr.bpf_fd = in.Uint(info[0]);
  Memory into = in.Bytes(info[1]);
  attr.info = into.Address();
  attr.info_len = into.size;
  if (in.failed()) return info.Env().Undefined();
  int64_t result = Bpf(bpf::kObjGetInfoByFd, &attr);
  return Number(info, result < 0 ? result : attr.info_len);
}

Napi::Value BtfInfo(const Napi::CallbackInfo& info) {
  Reader in(info.Env());
  bpf::InfoAttr attr{};
  bpf::BtfInfo btf{};
  attr.bpf_fd = in.Uint(info[0]);
  Memory out = in.Bytes(info[1]);
  if (!in.Is(out.size > 12, "a buffer with room for the result") || in.failed()) return info.Env().Undefined();
  attr.info = Address(&btf);
  attr.info_len = sizeof(btf);
  btf.name = Address(out.data + 12);
  btf.name_len = out.size - 12;
  int64_t result = Bpf(bpf::kObjGetInfoByFd, &attr);
  memcpy(out.data, &btf.id, 4);
  memcpy(out.data + 4, &btf.btf_size, 4);
  memcpy(out.data + 8, &btf.kernel_btf, 4);
  return Number(info, result);
}

Napi::Value GetNextId(const Napi::CallbackInfo& info) {
  Reader in(info.Env());
  uint32_t command = in.Uint(info[0]);
  bpf::IdAttr attr{};
  attr.id = in.Uint(info[1]);
  if (in.failed()) return info.Env().Undefined();
  int64_t result = Bpf(command, &attr);
  return Number(info, result < 0 ? result : attr.next_id);
}

Napi::Value GetFdById(const Napi::CallbackInfo& info) {
  Reader in(info.Env());
  uint32_t command = in.Uint(info[0]);
  bpf::IdAttr attr{};
  attr.id = in.Uint(info[1]);
  if (in.failed()) return info.Env().Undefined();
  return Number(info, Bpf(command, &attr));
}

Napi::Value RawBpf(const Napi::CallbackInfo& info) {
  Reader in(info.Env());
  uint32_t command = in.Uint(info[0]);
  Memory attr = in.Bytes(info[1]);
  if (!in.Is(info[2].IsArray(), "an array")) return info.Env().Undefined();
  Napi::Array pointers = info[2].As<Napi::Array>();
  for (uint32_t i = 0; i < pointers.Length() && !in.failed(); i++) {
    Napi::Object pointer = in.Object(pointers.Get(i));
    size_t offset = in.Uint(pointer.Get("offset"));
    uint64_t address = in.Bytes(pointer.Get("bytes")).Address();
    if (in.Is(offset + 8 <= attr.size, "room for the pointer")) memcpy(attr.data + offset, &address, 8);
  }
  if (in.failed()) return info.Env().Undefined();
  return Number(info, OrErrno(syscall(SYS_bpf, command, attr.data, attr.size)));
}

}  // namespace

void ExportBpf(Napi::Env, Napi::Object exports) {
  Export<MapCreate>(exports, "mapCreate");
  Export<MapLookup>(exports, "mapLookup");
  Export<MapUpdate>(exports, "mapUpdate");
  Export<MapDelete>(exports, "mapDelete");
  Export<MapLookupAndDelete>(exports, "mapLookupAndDelete");
  Export<MapGetNextKey>(exports, "mapGetNextKey");
  Export<MapBatch>(exports, "mapBatch");
  Export<MapFreeze>(exports, "mapFreeze");
  Export<ProgLoad>(exports, "progLoad");
  Export<ProgTestRun>(exports, "progTestRun");
  Export<RawTracepointOpen>(exports, "rawTracepointOpen");
  Export<LinkCreate>(exports, "linkCreate");
  Export<LinkCreatePerfEvent>(exports, "linkCreatePerfEvent");
  Export<LinkCreateTracing>(exports, "linkCreateTracing");
  Export<LinkCreateIter>(exports, "linkCreateIter");
  Export<LinkCreateKprobeMulti>(exports, "linkCreateKprobeMulti");
  Export<LinkCreateUprobeMulti>(exports, "linkCreateUprobeMulti");
  Export<LinkDetach>(exports, "linkDetach");
  Export<IterCreate>(exports, "iterCreate");
  Export<BtfLoad>(exports, "btfLoad");
  Export<ObjPin>(exports, "objPin");
  Export<ObjGet>(exports, "objGet");
  Export<ObjGetInfo>(exports, "objGetInfo");
  Export<BtfInfo>(exports, "btfInfo");
  Export<GetNextId>(exports, "getNextId");
  Export<GetFdById>(exports, "getFdById");
  Export<EnableStats>(exports, "enableStats");
  Export<RawBpf>(exports, "bpf");
}
