// What runs between the first clone and the exec of a spawned process, and how it reports to the parent.
//
// There are two steps. A process forked from Node would start its life with Node's memory: the kernel would report Node's
// heap as the peak memory of every workload, however small, and charge it with tearing that heap down. So the first child,
// the midwife, drops nearly all of the memory and then makes the second, which is the process that was asked for; as a
// sibling of the midwife it is a child of the caller all the same.
//
// Parent and children talk over one socket pair. The child's end is close-on-exec, so the parent sees the end of file
// exactly when the exec has succeeded; and when the parent dies, the child sees it and exits without having run anything.
#pragma once

#include <cstddef>
#include <cstdint>

// The steps that can fail, in the order that spawn.ts has them in.
enum Stage : int32_t {
  kClone,
  kCgroup,
  kSetpgid,
  kSetsid,
  kStdio,
  kCloseRange,
  kChdir,
  kPersonality,
  kSetgroups,
  kSetgid,
  kSetuid,
  kNoNewPrivs,
  kPdeathsig,
  kSigaction,
  kExec,
};

// What is said over the socket: that the child exists, that it has settled and waits, or that a stage failed.
struct Report {
  enum Kind : int32_t { kBorn, kReady, kFailed };
  Kind kind;
  int32_t pid;    // of the child, where it exists
  int32_t stage;  // of a failure
  int32_t error;  // of a failure, a positive errno
};

enum class Group : int32_t { kInherit, kNew, kNewSession };

struct MemoryRange {
  uintptr_t start, end;
};

// Everything that the two need to know. It lies in memory that the midwife keeps, and so does all it points to.
struct SpawnPlan {
  const MemoryRange* drop;
  size_t drop_count;
  const char* const* files;  // candidates for the exec, ended by null, as are the next two
  const char* const* argv;
  const char* const* envp;
  const char* cwd;  // or null
  int uid, gid;     // or -1
  const uint32_t* groups;  // or null
  size_t group_count;
  int cgroup_fd;  // or -1
  Group group;
  bool no_new_privs, no_aslr, kill_on_parent_death, use_clone3;
  int stdio[3];
  int control;
};

// Runs in a fresh copy of the calling thread, all signals blocked.
[[noreturn]] void RunMidwife(const SpawnPlan* plan);
