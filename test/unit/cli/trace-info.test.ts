import { expect, it } from "vitest";
import { Btf } from "../../../compiler/btf/btf.ts";
import type { KernelFacts } from "../../../compiler/kernel-facts.ts";
import { kernelInfo } from "../../../harness/cli/trace-info.ts";
import type { Answer, Prober } from "../../../harness/tracing/facts/features.ts";
import { BtfBuilder } from "../../support/btf-builder.ts";
import { fakeFacts } from "../../support/fake-facts.ts";

const prober = (answer: Answer): Prober => ({
  helper: () => answer,
  helperOnEntry: () => answer,
  program: () => answer,
  map: () => answer,
  instructions: () => answer,
  callsBesideTailCalls: () => answer,
  fentry: () => answer,
  iterator: () => answer,
  multiLink: () => answer,
});

it.each<[string, string, Answer]>([
  ["get_func_ip: yes", "get_func_ip: no", "yes"],
  ["get_func_ip: no", "get_func_ip: yes", "no"],
  ["get_func_ip: no", "get_func_ip: yes", "denied"],
])("%s, not %s, where the kernel says %s", (row, other, answer) => {
  const lines = kernelInfo(fakeFacts(), prober(answer)).split("\n");
  expect(lines).toContain(`  ${row}`);
  expect(lines).not.toContain(`  ${other}`);
});

it.each<[string, string, Answer]>([
  ["yes", "filp_close", "yes"],
  ["no", "filp_close", "no"],
  ["no", "filp_close", "denied"],
  ["no", "filp_open", "yes"],
])("dpath: %s, where there is %s and the kernel says %s", (row, name, answer) => {
  expect(kernelInfo(kernelWith(name), prober(answer))).toContain(`  dpath: ${row}\n`);
});

it.each<[string, string, Answer]>([
  ["yes", "bpf_iter_task", "yes"],
  ["no", "bpf_iter_task", "no"],
  ["no", "bpf_iter_map", "yes"],
])("iter: %s, where there is %s and the kernel says %s", (row, name, answer) => {
  expect(kernelInfo(kernelWith(name), prober(answer))).toContain(`  iter: ${row}\n`);
});

function kernelWith(name: string): KernelFacts {
  const b = new BtfBuilder();
  b.func(name, b.proto(b.int("int", 4), []));
  return fakeFacts({ btf: Btf.parse(b.build()) });
}

it.each<[string, Parameters<typeof fakeFacts>[0]]>([
  ["loop: no", { features: { loop: false } }],
  ["loop: yes", {}],
  ["lookup_percpu_elem: no", { features: { lookupPercpuElem: false } }],
  ["get_tai_ns: no", { features: { ktimeTai: false } }],
  ["uprobe_multi: no", { features: { uprobeMulti: false } }],
  ["btf: no", { btf: undefined }],
  ["btf: yes", {}],
  ["dwunwind (DWARF stack unwinding): yes", {}],
  ["dwunwind (DWARF stack unwinding): no", { arch: "arm64" }],
  ["dwunwind (DWARF stack unwinding): no", { features: { loop: false } }],
])("%s", (row, kernel) => {
  expect(kernelInfo(fakeFacts(kernel), prober("yes")).split("\n")).toContain(`  ${row}`);
});
