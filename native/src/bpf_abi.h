// The parts of the kernel's bpf(2) interface that this addon uses. The layouts are frozen: the kernel only ever appends
// fields. They are written down here because the build machine's <linux/bpf.h> may be older than the kernel we run on.
#pragma once

#include <cstdint>

namespace bpf {

enum Command : uint32_t {
  kMapCreate = 0,
  kMapLookupElem = 1,
  kMapUpdateElem = 2,
  kMapDeleteElem = 3,
  kMapGetNextKey = 4,
  kProgLoad = 5,
  kObjPin = 6,
  kObjGet = 7,
  kProgTestRun = 10,
  kObjGetInfoByFd = 15,
  kRawTracepointOpen = 17,
  kBtfLoad = 18,
  kMapLookupAndDeleteElem = 21,
  kMapFreeze = 22,
  kLinkCreate = 28,
  kEnableStats = 32,
  kIterCreate = 33,
  kLinkDetach = 34,
};

constexpr uint32_t kObjNameLen = 16;

// Every attribute below mirrors one member of union bpf_attr. Pointers are 64 bits wide whatever the architecture.
using Pointer = uint64_t;

struct MapCreateAttr {
  uint32_t map_type;
  uint32_t key_size;
  uint32_t value_size;
  uint32_t max_entries;
  uint32_t map_flags;
  uint32_t inner_map_fd;
  uint32_t numa_node;
  char map_name[kObjNameLen];
  uint32_t map_ifindex;
  uint32_t btf_fd;
  uint32_t btf_key_type_id;
  uint32_t btf_value_type_id;
  uint32_t btf_vmlinux_value_type_id;
  uint64_t map_extra;
};
static_assert(sizeof(MapCreateAttr) == 72);

struct MapElemAttr {
  uint32_t map_fd;
  uint32_t pad;
  Pointer key;
  Pointer value;  // or next_key
  uint64_t flags;
};
static_assert(sizeof(MapElemAttr) == 32);

struct MapBatchAttr {
  Pointer in_batch;
  Pointer out_batch;
  Pointer keys;
  Pointer values;
  uint32_t count;
  uint32_t map_fd;
  uint64_t elem_flags;
  uint64_t flags;
};
static_assert(sizeof(MapBatchAttr) == 56);

struct ProgLoadAttr {
  uint32_t prog_type;
  uint32_t insn_cnt;
  Pointer insns;
  Pointer license;
  uint32_t log_level;
  uint32_t log_size;
  Pointer log_buf;
  uint32_t kern_version;
  uint32_t prog_flags;
  char prog_name[kObjNameLen];
  uint32_t prog_ifindex;
  uint32_t expected_attach_type;
  uint32_t prog_btf_fd;
  uint32_t func_info_rec_size;
  Pointer func_info;
  uint32_t func_info_cnt;
  uint32_t line_info_rec_size;
  Pointer line_info;
  uint32_t line_info_cnt;
  uint32_t attach_btf_id;
  uint32_t attach_fd;  // attach_prog_fd or attach_btf_obj_fd
  uint32_t core_relo_cnt;
  Pointer fd_array;
};
static_assert(sizeof(ProgLoadAttr) == 128);

struct ObjAttr {
  Pointer pathname;
  uint32_t bpf_fd;
  uint32_t file_flags;
};
static_assert(sizeof(ObjAttr) == 16);

struct TestRunAttr {
  uint32_t prog_fd;
  uint32_t retval;
  uint32_t data_size_in;
  uint32_t data_size_out;
  Pointer data_in;
  Pointer data_out;
  uint32_t repeat;
  uint32_t duration;
  uint32_t ctx_size_in;
  uint32_t ctx_size_out;
  Pointer ctx_in;
  Pointer ctx_out;
  uint32_t flags;
  uint32_t cpu;
};
static_assert(sizeof(TestRunAttr) == 72);

struct IdAttr {
  uint32_t id;  // start_id, or the id of the object wanted
  uint32_t next_id;
  uint32_t open_flags;
  uint32_t pad;
};
static_assert(sizeof(IdAttr) == 16);

struct InfoAttr {
  uint32_t bpf_fd;
  uint32_t info_len;
  Pointer info;
};
static_assert(sizeof(InfoAttr) == 16);

struct RawTracepointAttr {
  Pointer name;
  uint32_t prog_fd;
  uint32_t pad;
  uint64_t cookie;
};
static_assert(sizeof(RawTracepointAttr) == 24);

struct BtfLoadAttr {
  Pointer btf;
  Pointer log_buf;
  uint32_t btf_size;
  uint32_t log_size;
  uint32_t log_level;
  uint32_t pad;
};
static_assert(sizeof(BtfLoadAttr) == 32);

struct LinkCreateAttr {
  uint32_t prog_fd;
  uint32_t target_fd;
  uint32_t attach_type;
  uint32_t flags;
  union {
    struct {
      Pointer info;
      uint32_t info_len;
      uint32_t pad;
    } iter;
    struct {
      uint64_t cookie;
    } perf_event;
    struct {
      uint32_t flags;
      uint32_t cnt;
      Pointer syms;
      Pointer addrs;
      Pointer cookies;
    } kprobe_multi;
    struct {
      uint32_t target_btf_id;
      uint32_t pad;
      uint64_t cookie;
    } tracing;
    struct {
      Pointer path;
      Pointer offsets;
      Pointer ref_ctr_offsets;
      Pointer cookies;
      uint32_t cnt;
      uint32_t flags;
      uint32_t pid;
      uint32_t pad;
    } uprobe_multi;
  };
};
static_assert(sizeof(LinkCreateAttr) == 64);

// BPF_ENABLE_STATS takes a type, the other three a descriptor and perhaps flags.
struct FdAttr {
  uint32_t fd;
  uint32_t flags;
};
static_assert(sizeof(FdAttr) == 8);

// What BPF_OBJ_GET_INFO_BY_FD tells about BTF.
struct BtfInfo {
  Pointer btf;
  uint32_t btf_size;
  uint32_t id;
  Pointer name;
  uint32_t name_len;
  uint32_t kernel_btf;
};
static_assert(sizeof(BtfInfo) == 32);

}  // namespace bpf
