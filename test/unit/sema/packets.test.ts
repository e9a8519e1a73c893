/** skboutput(): where it may be used, with what, and what the program does. */
import { describe, expect, it } from "vitest";
import { compile } from "../../../compiler/compile.ts";
import { Diagnostics } from "../../../compiler/diagnostics.ts";
import type { CompiledProgram } from "../../../compiler/program.ts";
import { Source } from "../../../compiler/source.ts";
import { errorsOf } from "../../support/check.ts";
import { fakeFacts } from "../../support/fake-facts.ts";

const PROBE = "rawtracepoint:netif_receive_skb";

function compiled(text: string): { program: CompiledProgram; asm: string } {
  const diags = new Diagnostics();
  let asm = "";
  const dump = (stage: string, dumped: () => string) => {
    if (stage === "asm") asm = dumped();
  };
  const program = compile(new Source("test.bt", text), fakeFacts(), diags, { dump });
  expect(diags.errors).toEqual([]);
  return { program: program!, asm };
}

describe("programs", () => {
  it("hand the packet, the rings and a header to the kernel", () => {
    const { asm, program } = compiled(`${PROBE} { _ = skboutput("a.pcap", args.skb, 100, 14); }`);
    expect(asm).toMatch(/call bpf_skb_output#111/);
    const { map, calls } = program.packets!;
    expect(calls).toEqual([{ path: "a.pcap", offset: 14 }]);
    expect(program.maps[map]).toMatchObject({ type: "perf_event_array", keySize: 4, valueSize: 4 });
    expect(program.maps[map]!.maxEntries).toBe(fakeFacts().possibleCpus);
  });

  it("share what is the same of two calls, in one probe or several", () => {
    const { program } = compiled(`
      ${PROBE} { _ = skboutput("a", args.skb, 1, 0); _ = skboutput("a", args.skb, 2, 0); _ = skboutput("a", args.skb, 1, 14); }
      rawtracepoint:net_dev_queue { _ = skboutput("a", args.skb, 1, 14); _ = skboutput("b", args.skb, 1, 14); }`);
    expect(program.packets!.calls).toEqual([
      { path: "a", offset: 0 },
      { path: "a", offset: 14 },
      { path: "b", offset: 14 },
    ]);
  });

  it("have none of it when they write no packets", () => {
    expect(compiled(`${PROBE} { @ = args.skb.len; }`).program.packets).toBeUndefined();
  });
});

describe("is accepted", () => {
  it.each([
    `${PROBE} { $r = skboutput("a", args.skb, args.skb.len, 0); printf("%d", $r); }`,
    `${PROBE} { _ = skboutput("a", (struct sk_buff *)arg0, 1, 0); }`,
    `${PROBE} { $skb = args.skb; _ = skboutput("a", $skb, 4294967296, 65491); }`,
    `config = { perf_rb_pages = 1024 } ${PROBE} { @ = skboutput("a", args.skb, 65535, 0); }`,
    'fentry:vfs_read { _ = skboutput("a", (struct sk_buff *)args.file, 1500, 0); }',
    'fexit:vfs_read { _ = skboutput("a", (struct sk_buff *)args.buf, args.count, 7 + 7); }',
  ])("%s", (text) => {
    expect(errorsOf(text)).toEqual([]);
  });
});

describe("is refused", () => {
  it.each([
    ['begin { _ = skboutput("a", 1, 2, 3); }', "wrong-probe 1:13"],
    ['kprobe:vfs_read { _ = skboutput("a", (struct sk_buff *)arg0, 2, 3); }', "wrong-probe 1:23"],
    ['iter:task { _ = skboutput("a", (struct sk_buff *)1, 2, 3); }', "wrong-probe 1:17"],
    [`${PROBE} { _ = skboutput("a", args.skb, 1); }`, "argument-count 1:39"],
    [`${PROBE} { _ = skboutput("a", args.skb, 1, 0, 0); }`, "argument-count 1:39"],
    [`${PROBE} { _ = skboutput(comm, args.skb, 1, 0); }`, "literal-expected 1:49"],
    [`${PROBE} { _ = skboutput(5, args.skb, 1, 0); }`, "literal-expected 1:49"],
    [`${PROBE} { _ = skboutput("", args.skb, 1, 0); }`, "argument-range 1:49"],
    [`${PROBE} { _ = skboutput("a\\x00b", args.skb, 1, 0); }`, "argument-range 1:49"],
    [`${PROBE} { _ = skboutput("a", 5, 1, 0); }`, "argument-type 1:54"],
    [`${PROBE} { _ = skboutput("a", args.skb.len, 1, 0); }`, "argument-type 1:54"],
    [`${PROBE} { _ = skboutput("a", args.skb.dev, 1, 0); }`, "argument-type 1:54"],
    [`${PROBE} { _ = skboutput("a", int8, 1, 0); }`, "argument-type 1:54"],
    [`${PROBE} { @s = args.skb; _ = skboutput("a", @s, 1, 0); }`, "argument-type 1:69"],
    [`${PROBE} { _ = skboutput("a", (struct sk_buff *)5, 1, 0); }`, "argument-type 1:54"],
    [`${PROBE} { _ = skboutput("a", args.skb, "x", 0); }`, "integer-expected 1:64"],
    [`${PROBE} { _ = skboutput("a", args.skb, 0, 0); }`, "argument-range 1:64"],
    [`${PROBE} { _ = skboutput("a", args.skb, -1, 0); }`, "argument-range 1:64"],
    [`${PROBE} { _ = skboutput("a", args.skb, 1, args.skb.len); }`, "constant-expected 1:67"],
    [`${PROBE} { _ = skboutput("a", args.skb, 1, -1); }`, "argument-range 1:67"],
    [`${PROBE} { _ = skboutput("a", args.skb, 1, 65492); }`, "argument-range 1:67"],
  ])("%s", (text, expected) => {
    expect(errorsOf(text)[0]).toBe(expected);
  });

  it("in raw tracepoints whose arguments have no types", () => {
    const diags = new Diagnostics();
    const { features } = fakeFacts();
    const facts = fakeFacts({ features: { ...features, tpBtf: false } });
    compile(new Source("test.bt", `${PROBE} { _ = skboutput("a", (struct sk_buff *)arg0, 1, 0); }`), facts, diags);
    expect(diags.errors[0]).toMatchObject({ code: "wrong-probe", help: "it is there in: fentry, fexit" });
  });
});
