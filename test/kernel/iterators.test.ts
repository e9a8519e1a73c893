/** Iterators: what they find is what /proc says. */
import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type CompileOptions, compile } from "../../compiler/compile.ts";
import { Diagnostics, renderDiagnostics } from "../../compiler/diagnostics.ts";
import { isSince } from "../../compiler/kernel-facts.ts";
import { Source } from "../../compiler/source.ts";
import { hostFacts } from "../../harness/tracing/facts/host-facts.ts";
import { TextOutput } from "../../harness/tracing/output/text.ts";
import { ScriptOutput } from "../../harness/tracing/script-output.ts";
import { loadSession } from "../../harness/tracing/session.ts";
import type { RecordVisitor } from "../../native/index.ts";
import { describeKernel } from "../support/privileges.ts";
import { descriptors } from "../support/sessions.ts";

const facts = hostFacts();
const offers = (iterator: string): boolean => facts.btf()?.func(`bpf_iter_${iterator}`) !== undefined;

/** What a script prints until its iterators are done, by lines. */
function lines(script: string, { pid, ...options }: CompileOptions & { pid?: number } = {}): string[] {
  const diags = new Diagnostics();
  const program = compile(new Source("test.bt", script), facts, diags, options);
  if (!program) throw new Error(renderDiagnostics(diags.items));
  const printed: Uint8Array[] = [];
  const streams = { out: (bytes: Uint8Array) => void printed.push(bytes.slice()), err: () => {} };
  using session = loadSession(program, pid === undefined ? {} : { pid });
  const output = new ScriptOutput(session, new TextOutput(streams, { out: false, err: false }));
  session.start();
  const visit: RecordVisitor = (...record) => output.visit(...record) || true;
  while (session.iterate()) session.drain(visit);
  session.stop(visit);
  output.printMaps();
  expect(session.health()).toMatchObject({ lostEvents: 0, failedUpdates: [], refusals: [], missedRuns: [] });
  return Buffer.concat(printed)
    .toString()
    .split("\n")
    .filter((line) => line !== "");
}

const own = `ctx.task.tgid == ${process.pid}`;
const threads = (): string[] => readdirSync("/proc/self/task");

describeKernel("iterators", () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "pw-iter-"));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it.runIf(offers("task"))("task: every thread, with members of its struct, directly and through variables", () => {
    const found = lines(`iter:task /${own}/ {
      $task = ctx.task;
      $ctx = ctx;
      printf("%d %s %d\\n", ctx.task.pid, $task.comm, $ctx->task->tgid == ctx.task.real_parent.pid);
    }`);
    const expected = threads().map((tid) => `${tid} ${readFileSync(`/proc/self/task/${tid}/comm`, "utf8").trim()} 0`);
    expect(found.sort()).toEqual(expected.sort());
  });

  it.runIf(isSince(facts, 6, 2))("tell the name of any process", () => {
    const name = readFileSync("/proc/self/comm", "utf8").trim();
    const script = `iter:task /ctx.task.pid == ${process.pid}/ { @[comm(ctx.task.tgid), comm(4194304), comm(pid) == comm()] = count(); }`;
    expect(lines(script)).toEqual([`@[${name}, N/A, true]: 1`]);
  });

  it.runIf(offers("task_file"))("task_file: every open file, with its number and path", () => {
    const path = join(folder, "open");
    const fd = openSync(path, "w");
    try {
      const script = `iter:task_file /${own} && ctx.fd == ${fd}/ { print((ctx.fd, path(ctx.file.f_path, 200), ctx.file.f_inode.i_ino > 0)); }`;
      expect(lines(script)).toEqual([`(${fd}, ${path}, true)`]);
    } finally {
      closeSync(fd);
    }
  });

  it.runIf(offers("task_vma"))("task_vma: every mapping", () => {
    const found = new Set(lines(`iter:task_vma /${own}/ { printf("%lx-%lx\\n", ctx.vma.vm_start, ctx.vma.vm_end); }`));
    const code = readFileSync("/proc/self/maps", "utf8")
      .split("\n")
      .filter((line) => / r-xp .*node/.test(line));
    expect(code.length).toBeGreaterThan(0);
    for (const line of code) expect(found).toContain(line.split(" ")[0]!.replace(/^0+/, "").replace(/-0+/, "-"));
  });

  it.runIf(offers("bpf_prog"))("bpf_prog: this one too", () => {
    expect(lines("iter:bpf_prog { @[ctx.prog.aux.name] = count(); }")).toContain("@[bpf_prog]: 1");
  });

  it.runIf(offers("cgroup"))("cgroup: all of them, from the root", () => {
    expect(Number(lines("iter:cgroup { @ = count(); }")[0]!.slice(3))).toBeGreaterThan(0);
  });

  const OTHERS = ["bpf_map", "bpf_link", "kmem_cache", "dmabuf", "netlink", "tcp", "udp", "unix", "ipv6_route"];
  it.each(OTHERS.filter(offers))("%s", (iterator) => {
    const objects = lines(`iter:${iterator} { print(ctx.meta.seq_num >= 0); }`);
    expect(objects).toEqual(objects.map(() => "true"));
  });

  it.runIf(offers("ksym"))("lose nothing, however much they print", () => {
    const [count, ...names] = lines('iter:ksym { @ = count(); printf("%s %200d\\n", ctx.ksym.name, 1); }').reverse();
    expect(count).toBe(`@: ${names.length}`);
    expect(names.length).toBeGreaterThan(10_000);
  });

  it.runIf(offers("task"))("run one after the other between begin and end, each to its end", () => {
    const found = lines(`begin { print("begin"); } end { print("end"); }
      iter:task /${own}/ { print(probe); exit(); }
      iter:task, iter:bpf_prog /probe == "iter:task" && pid == ${process.pid}/ { print("second"); return; }`);
    const count = threads().length;
    expect(found[0]).toBe("begin");
    expect(found.slice(1, count + 1)).toEqual(Array(count).fill("iter:task"));
    expect(found.slice(count + 1, -1).length).toBeGreaterThanOrEqual(count);
    expect(found.at(-1)).toBe("end");
  });

  it.runIf(offers("task"))("go through the files and threads of one process only, with -p", (context) => {
    if (!isSince(facts, 6, 1)) context.skip("since Linux 6.1");
    const script = "iter:task { @[ctx.task.tgid] = count(); } iter:task_file { @[ctx.task.tgid] = count(); }";
    const found = lines(script, { pid: process.pid });
    expect(found.map((line) => line.replace(/: \d+$/, ""))).toEqual([`@[${process.pid}]`]);
  });

  it.runIf(offers("task"))("begin anew when all is done, and leave nothing open when they are left early", () => {
    const before = descriptors();
    const diags = new Diagnostics();
    const program = compile(new Source("test.bt", `iter:task /${own}/ { @ = count(); }`), facts, diags)!;
    {
      using session = loadSession(program);
      session.start();
      const count = (): unknown => session.readMaps()[0]!.entries[0]!.copies.map((copy) => copy[0]);
      while (session.iterate());
      const once = count();
      session.reset();
      while (session.iterate());
      expect(count()).toEqual(once);
      expect([session.iterate(), session.iterates]).toEqual([true, true]);
    }
    expect(descriptors()).toEqual(before);
  });
});
