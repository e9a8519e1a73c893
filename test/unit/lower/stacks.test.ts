/** Where the kernel leaves a function's caller out of a process's stack, the program puts it in. */
import { expect, it } from "vitest";
import { compile } from "../../../compiler/compile.ts";
import { Diagnostics } from "../../../compiler/diagnostics.ts";
import { Source } from "../../../compiler/source.ts";
import { type FakeKernel, fakeFacts } from "../../support/fake-facts.ts";

/** The numbers of bytes for which the script's programs ask the kernel for stacks. */
function sizes(text: string, kernel: Partial<FakeKernel>): number[] {
  const diags = new Diagnostics();
  let asm = "";
  compile(new Source("test.bt", text), fakeFacts(kernel), diags, {
    dump: (stage, dumped) => {
      if (stage === "asm") asm += dumped();
    },
  });
  expect(diags.errors).toEqual([]);
  return [...asm.matchAll(/r3 = (\d+)\n(?:.*r[14] = .*\n)*.*call bpf_get_stack#67/g)].map(([, size]) => Number(size));
}

const OLD = { version: [6, 11, 0] } as const;

it.each<[asked: number[], text: string, kernel: Partial<FakeKernel>, why: string]>([
  [[16], "uprobe:/bin/example:main { @ = ustack(3); }", OLD, "one frame less, for the caller's"],
  [[24], "uprobe:/bin/example:main { @ = ustack(3); }", { version: [6, 12, 0] }, "the kernel knows it"],
  [[24], "uprobe:/bin/example:main { @ = ustack(3); }", { ...OLD, arch: "arm64" }, "it is not on the stack"],
  [[24], "uprobe:/bin/example:main+4 { @ = ustack(3); }", OLD, "the frame may be there"],
  [[24], "uretprobe:/bin/example:main { @ = ustack(3); }", OLD, "the caller is where it is"],
  [[8], "uprobe:/bin/example:main { @ = ustack(1); }", OLD, "nobody asks for it"],
  [[24], "uprobe:/bin/example:main { @ = kstack(3); }", OLD, "another stack"],
  [[24, 16], "uprobe:/bin/example:main+4, uprobe:/bin/example:main { @ = ustack(3); }", OLD, "two programs"],
])("%j bytes for `%s`", (asked, text, kernel) => {
  expect(sizes(text, kernel)).toEqual(asked);
});
