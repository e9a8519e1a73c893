/** Which blocks of a script get a system call, when many of them share the program that all calls lead to. */
import { expect, it } from "vitest";
import { describeKernel } from "../support/privileges.ts";
import { temporaryTree } from "../support/temporary.ts";
import { compileC, hasCompiler, trace } from "../support/traced.ts";

const CALLS = `
#include <unistd.h>
#include <sys/syscall.h>
int main(void) {
  for (int i = 0; i < 30; i++) syscall(SYS_getppid);
  for (int i = 0; i < 7; i++) syscall(SYS_getuid);
  return 0;
}`;

const PPID = "tracepoint:syscalls:sys_enter_getppid";
const UID = "tracepoint:syscalls:sys_enter_getuid";

describeKernel("system calls reach", () => {
  it.skipIf(!hasCompiler).each<[string, string, string[]]>([
    ["the only block", `${PPID} { @a = count() }`, ["@a: 30"]],
    [
      "all blocks of one call",
      `${PPID} { @a = count() } ${PPID} /pid < 0/ { @b = count() } ${PPID} { @c = count() }`,
      ["@a: 30", "@c: 30"],
    ],
    ["the block behind a return", `${PPID} { @a = count(); return } ${PPID} { @b = count() }`, ["@a: 30", "@b: 30"]],
    [
      "each its own block",
      `${PPID} { @a = count() } ${UID} { @b = count() } ${PPID} { @c = count() }`,
      ["@a: 30", "@b: 7", "@c: 30"],
    ],
    [
      "a block of both",
      `${PPID}, ${UID} { @[probe] = count() } ${PPID}, ${UID} { @b = count() }`,
      [`@b: 37`, `@[${UID}]: 7`, `@[${PPID}]: 30`],
    ],
    ["blocks of overlapping calls", `${PPID}, ${UID} { @a = count() } ${UID} { @b = count() }`, ["@a: 37", "@b: 7"]],
    [
      "blocks in several parts",
      `${PPID} { ${"@n++; ".repeat(1000)} } ${PPID} { @b = count() } ${UID} { @c = count() }`,
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
