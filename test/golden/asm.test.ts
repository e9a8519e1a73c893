import { expect, it } from "vitest";
import { compile } from "../../compiler/compile.ts";
import { Diagnostics } from "../../compiler/diagnostics.ts";
import { Source } from "../../compiler/source.ts";
import { fakeFacts } from "../support/fake-facts.ts";

/**
 * The byte code of a few small scripts, as a disassembly beside this file. What the compiler makes of a script is the
 * product's cost per event: whoever changes it sees here by how much.
 */
const SCRIPTS: Record<string, string> = {
  "count a call": "tracepoint:syscalls:sys_enter_getppid { @ = count(); }",
  "count by process": "tracepoint:syscalls:sys_enter_getppid { @[pid] = count(); }",
  "count all calls": "tracepoint:syscalls:sys_enter_* { @[probe] = count(); }",
  "latency of reads": `tracepoint:syscalls:sys_enter_read { @start[tid] = nsecs; }
    tracepoint:syscalls:sys_exit_read /@start[tid]/ { @ns = hist(nsecs - @start[tid]); delete(@start, tid); }`,
  "writes to an address": "watchpoint:0x10000000:8:w { @ = count(); }",
  "files of tasks": "iter:task_file { @[ctx.task.comm, ctx.fd] = ctx.file.f_inode.i_ino; }",
  "tell marked places apart": "usdt:example:* { @[probe, arg0] = count(); }",
  "print opened files": 'tracepoint:syscalls:sys_enter_openat { printf("%d %s\\n", pid, str(args.filename)); }',
};

it.each(Object.entries(SCRIPTS))("%s", async (name, text) => {
  const diags = new Diagnostics();
  let assembly = "";
  const dump = (stage: string, print: () => string) => {
    if (stage === "asm") assembly = print();
  };
  compile(new Source("golden.bt", text), fakeFacts(), diags, { scope: "cgroup", dump });
  expect(diags.errors).toEqual([]);
  await expect(`${text}\n\n${assembly}`).toMatchFileSnapshot(`${name.replaceAll(" ", "-")}.asm`);
});
