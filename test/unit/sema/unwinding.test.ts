/** Stacks without frame pointers: what dw_ustack takes and gives, and where it is refused. */
import { expect, it } from "vitest";
import { compile } from "../../../compiler/compile.ts";
import { Diagnostics } from "../../../compiler/diagnostics.ts";
import { Source } from "../../../compiler/source.ts";
import { MAPPING, ROW } from "../../../compiler/unwind-table.ts";
import { type FakeKernel, fakeFacts } from "../../support/fake-facts.ts";

const NEW = { features: { loop: true } };

function compiled(text: string, kernel: Partial<FakeKernel> = NEW) {
  const diags = new Diagnostics();
  const program = compile(new Source("test.bt", text), fakeFacts(kernel), diags);
  return {
    program,
    messages: [...diags.warnings, ...diags.errors].map(
      ({ code, severity, message }) => `${severity} ${code}: ${message}`,
    ),
  };
}

it("asks for arrays of mappings by process and of cells by file", () => {
  const { program, messages } = compiled("uprobe:/bin/example:main { @[dw_ustack] = count(); }");
  expect(messages).toEqual([]);
  const { processes, files } = program!.unwind!;
  expect(program!.maps[processes]).toMatchObject({
    type: "hash_of_maps",
    keySize: 4,
    inner: { valueSize: MAPPING.size },
  });
  expect(program!.maps[files]).toMatchObject({ type: "array_of_maps", keySize: 4, inner: { valueSize: ROW.size } });
});

it("asks for none where stacks are followed by frame pointers", () => {
  expect(compiled("uprobe:/bin/example:main { @[ustack] = count(); }").program!.unwind).toBeUndefined();
});

it.each([
  "@[dw_ustack()] = count()",
  "@[dw_ustack(5)] = count()",
  "@[dw_ustack(perf)] = count()",
  "@[dw_ustack(raw, 0)] = count()",
  "@[dw_ustack] = 1; @[ustack] = 2",
  "$a = ustack(perf, 3); $a = dw_ustack(perf, 3)",
  'printf("%s", dw_ustack); print(dw_ustack(1024)); print(len(dw_ustack))',
  'if (dw_ustack == dw_ustack) { print("same") }',
])("takes %s", (body) => {
  expect(compiled(`profile:hz:99 { ${body} }`).messages).toEqual([]);
});

it.each<[body: string, message: string, kernel?: Partial<FakeKernel>]>([
  ["dw_ustack(build_id)", "error stack-mode: 'build_id' stack mode can only be used for ustack"],
  ["dw_ustack(perv)", "error stack-mode: `perv` is no stack mode: valid values are bpftrace, perf, raw, build_id"],
  ["dw_ustack(-1)", "error stack-limit: dw_ustack([int limit]): limit cannot be negative, -1 given"],
  ["dw_ustack(1025)", "error stack-limit: dw_ustack([int limit]): limit shouldn't exceed 1024, 1025 given"],
  ["dw_ustack(1, 2)", "error argument-type: Expected stack mode as first argument"],
  ["dw_ustack", "error unsupported: dw_ustack() is there on x86-64 only", { ...NEW, arch: "arm64" }],
  [
    "dw_ustack",
    "error kernel-feature: this kernel cannot follow stacks without frame pointers",
    { version: [5, 15, 0], features: { loop: false, mayGoto: false } },
  ],
  [
    "dw_ustack",
    "error kernel-feature: dw_ustack() needs the kernel's type information (BTF)",
    { features: { currentTaskBtf: false } },
  ],
])("refuses %s: %s", (call, message, kernel) => {
  expect(compiled(`profile:hz:99 { print(${call}) }`, kernel).messages).toContain(message);
});

it("can be switched off", () => {
  const script = "config = { unstable_dw_ustack = error } profile:hz:99 { print(dw_ustack) }";
  const message = "error unstable-feature: dw_ustack() is switched off by the setting `unstable_dw_ustack`";
  expect(compiled(script).messages).toEqual([message]);
});

it("falls back to raw addresses where stacks are to be build ids", () => {
  const script = "config = { stack_mode = build_id } profile:hz:99 { @[dw_ustack] = 1 }";
  const warning = "warning stack-mode: 'build_id' stack mode can only be used for ustack. Falling back to 'raw' mode.";
  expect(compiled(script).messages).toEqual([warning]);
});

it("says that stacks of different shapes are of different types", () => {
  const { messages } = compiled("profile:hz:99 { @[dw_ustack(3)] = 1; @[ustack(perf)] = 1 }");
  expect(messages).toEqual([
    "error map-key: Argument mismatch for @: trying to access with arguments: 'ustack_perf_127' when map expects arguments: 'ustack_bpftrace_3'",
  ]);
});
