/**
 * The part of the standard library that is written in the language itself. What a row of the builtins' tables can do better
 * is there; here is what consists of other builtins. A file's name is what messages from inside of it show.
 */

const BASE = `// What a script expects of itself and of its data. An assertion that fails while the script runs ends the tracing with
// exit code 1; a static one is checked when the script is compiled.

macro assert(holds, msg) {
  if (!(holds)) {
    errorf("assert failed: %s", msg);
    exit(1);
  }
}

macro static_assert(holds, message) {
  if comptime (!(holds)) {
    fail(message);
  }
}

// The kernel returns an error number where a pointer is expected as one of the last 4095 addresses.
macro is_err(pointer) {
  (uint64)pointer >= 0xfffffffffffff001
}

// From a member to the struct that it lies in.
macro container_of(pointer, container, member) {
  (container*)((int8*)pointer - offsetof(container, member))
}
`;

const TASKS = `// Relatives of a task, the current one unless another is given.

macro ppid(task) {
  task.real_parent.tgid
}

macro pcomm(task) {
  task.real_parent.comm
}

macro leader_tid(task) {
  task.group_leader.pid
}

macro leader_tid() {
  leader_tid(curtask)
}

macro leader_comm(task) {
  task.group_leader.comm
}

macro leader_comm() {
  leader_comm(curtask)
}
`;

const STRINGS = `// Strings, and what is as good as one: arrays of characters and pointers to them.

macro assert_str(text) {
  if comptime (!is_str(text)) {
    if comptime (is_array(text) || is_ptr(text)) {
      static_assert(sizeof((text[0])) == 1, "a string consists of characters of one byte");
    } else {
      fail("a string, an array of characters or a pointer to characters is needed");
    }
  }
}

// Bytes of strings that have no size of their own.
macro default_str_length() {
  sizeof(str((int8*)0))
}

// Bytes that a string has room for.
macro strcap(text) {
  assert_str(text);
  if comptime (is_str(text) || is_array(text)) {
    sizeof(text)
  } else {
    strlen(text)
  }
}
`;

export const SOURCES: Readonly<Record<string, string>> = {
  "stdlib/base.bt": BASE,
  "stdlib/task.bt": TASKS,
  "stdlib/strings.bt": STRINGS,
};
