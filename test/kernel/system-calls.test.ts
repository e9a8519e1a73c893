/** Which blocks of a script get a system call, when many of them share the program that all calls lead to. */
import { expect, it } from "vitest";
import { describeKernel } from "../support/privileges.ts";
import { temporaryTree } from "../support/temporary.ts";
import { compileC, hasCompiler, trace } from "../support/traced.ts";

const CALLS = `
#include <unistd.h>
#include <sys/syscall.h>
int main(void) {
  for (int i = 0; i < 30; i++) syscall(SYS_sched_get_priority_max, 0);
  for (int i = 0; i < 7; i++) syscall(SYS_sched_get_priority_min, 0);
  return 0;
}`;

/** The whole system is traced, in which nobody else makes these calls. */
const MAX = "tracepoint:syscalls:sys_enter_sched_get_priority_max";
const MIN = "tracepoint:syscalls:sys_enter_sched_get_priority_min";

describeKernel("system calls reach", () => {
  it.skipIf(!hasCompiler).each<[string, string, string[]]>([
    ["the only block", `${MAX} { @a = count() }`, ["@a: 30"]],
    [
      "all blocks of one call",
      `${MAX} { @a = count() } ${MAX} /pid < 0/ { @b = count() } ${MAX} { @c = count() }`,
      ["@a: 30", "@c: 30"],
    ],
    ["the block behind a return", `${MAX} { @a = count(); return } ${MAX} { @b = count() }`, ["@a: 30", "@b: 30"]],
    [
      "each its own block",
      `${MAX} { @a = count() } ${MIN} { @b = count() } ${MAX} { @c = count() }`,
      ["@a: 30", "@b: 7", "@c: 30"],
    ],
    [
      "a block of both",
      `${MAX}, ${MIN} { @[probe] = count() } ${MAX}, ${MIN} { @b = count() }`,
      [`@b: 37`, `@[${MIN}]: 7`, `@[${MAX}]: 30`],
    ],
    ["blocks of overlapping calls", `${MAX}, ${MIN} { @a = count() } ${MIN} { @b = count() }`, ["@a: 37", "@b: 7"]],
    [
      "blocks in several parts",
      `${MAX} { ${"@n++; ".repeat(1000)} } ${MAX} { @b = count() } ${MIN} { @c = count() }`,
      ["@b: 30", "@c: 7", "@n: 30000"],
    ],
  ])("%s", async (_, script, expected) => {
    const { output } = await trace(script, [compileC(temporaryTree(), "calls", CALLS)]);
    expect(
      output
        .split("\n")
        .filter((line) => line !== "")
        .sort(),
    ).toEqual([...expected].sort());
  });
});
