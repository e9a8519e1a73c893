/** Builtins that ask the kernel about its objects. They need typed arguments, which only tracing programs have. */
import { describe, expect, it } from "vitest";
import { compile } from "../../../compiler/compile.ts";
import { Diagnostics } from "../../../compiler/diagnostics.ts";
import { Source } from "../../../compiler/source.ts";
import { errorsOf } from "../../support/check.ts";
import { fakeFacts } from "../../support/fake-facts.ts";

/** The code of a script's only program, one instruction a line. */
function code(text: string): string {
  const diags = new Diagnostics();
  let asm = "";
  const dump = (stage: string, dumped: () => string) => {
    if (stage === "asm") asm = dumped();
  };
  compile(new Source("test.bt", text), fakeFacts(), diags, { dump });
  expect(diags.errors).toEqual([]);
  return asm;
}

describe("code", () => {
  it("hands the address of a file's path to the kernel", () => {
    const asm = code("fentry:vfs_read { print(path(args.file.f_path, 24)); }");
    // The file is the first argument, and its path lies 32 bytes behind its beginning.
    expect(asm).toMatch(/r1 = \*\(u64 \*\)\(r\d \+0\)\n.*r1 \+= 32\n/);
    expect(asm).toMatch(/r3 = 24\n.*call bpf_d_path#147/);
  });

  it("hands it over if there is one, where an iterator may have none", () => {
    const asm = code("iter:task_file { print(path(ctx.file.f_path, 24)); }");
    expect(asm).toMatch(
      /(r\d) = \*\(u64 \*\)\(r\d \+24\)\n.*if \1 == 0x0 goto .*\n.*\1 \+= 32\n(?:.*\n)*.*call bpf_d_path#147/,
    );
  });

  it("hands a socket to the kernel", () => {
    expect(code("fentry:tcp_reset { @ = socket_cookie(args.sk); }")).toContain("call bpf_get_socket_cookie#46");
  });

  it("gives a process that was found back to the kernel", () => {
    const btf = fakeFacts().btf()!;
    const [find, release] = ["bpf_task_from_pid", "bpf_task_release"].map((name) => btf.find(name, "func"));
    expect(code("iter:task { print(comm(7)); }")).toMatch(
      new RegExp(`r1 = 7\\n.*kernel function#${find}\\n.*if r0 (?:.*\\n)*.*kernel function#${release}\\n`),
    );
  });
});

describe("errors", () => {
  it.each([
    ["begin { print(path(0)) }", "wrong-probe 1:15"],
    ["kprobe:vfs_read { print(path((struct path *)arg0)) }", "wrong-probe 1:25"],
    ["fentry:vfs_read { print(path(args.file)) }", "argument-type 1:30"],
    ["fentry:vfs_read { print(path(args.count)) }", "argument-type 1:30"],
    ["fentry:vfs_read { print(path(args.file.f_path, 0)) }", "argument-range 1:48"],
    ["fentry:vfs_read { print(path(args.file.f_path, 5000)) }", "argument-range 1:48"],
    ["fentry:vfs_read { print(path(args.file.f_path, args.count)) }", "constant-expected 1:48"],
    ["fentry:vfs_read { print(path()) }", "argument-count 1:25"],
    ["begin { @ = socket_cookie(curtask) }", "wrong-probe 1:13"],
    ["fentry:vfs_read { @ = socket_cookie(args.file) }", "argument-type 1:37"],
    ['begin { unwatch("x") }', "argument-type 1:17"],
    ["begin { print(comm(1)) }", "wrong-probe 1:15"],
    ['iter:task { print(comm("init")) }', "argument-type 1:24"],
    ["iter:task { print(comm(1, 2)) }", "argument-count 1:19"],
  ])("%s", (text, expected) => {
    expect(errorsOf(text)[0]).toBe(expected);
  });

  it.each([
    ["the kernel cannot look for processes", { btf: undefined }, "kernel-feature"],
    ["processes have other numbers here", { inFirstPidNamespace: false }, "kernel-feature"],
  ])("comm(pid) where %s", (_, facts, expected) => {
    const diags = new Diagnostics();
    compile(new Source("test.bt", "fentry:vfs_read { print(comm(1)); }"), fakeFacts(facts), diags);
    expect(diags.errors.map(({ code }) => code)).toEqual([expected]);
  });
});
