/** What `trace --info` prints: the features that scripts may count on here, in bpftrace's words. */
import { arch, release, type, version } from "node:os";
import type { KernelFacts } from "../../compiler/kernel-facts.ts";
import { packageVersion } from "../version.ts";

export function kernelInfo(facts: KernelFacts): string {
  const { features } = facts;
  return [
    section("System", { OS: `${type()} ${release()} ${version()}`, Arch: arch() }),
    section("Build", {
      version: packageVersion(),
      "libdw (DWARF support)": false,
      "dwunwind (DWARF stack unwinding)": false,
    }),
    section("Kernel helpers", {
      get_tai_ns: features.ktimeTai,
      lookup_percpu_elem: features.lookupPercpuElem,
      loop: features.loop,
    }),
    section("Kernel features", { btf: facts.btf() !== undefined, tp_btf: features.tpBtf, ringbuf: features.ringbuf }),
    section("Probe types", { kprobe_multi: features.kprobeMulti, uprobe_multi: features.uprobeMulti }),
  ].join("\n");
}

function section(title: string, rows: Readonly<Record<string, string | boolean>>): string {
  const lines = Object.entries(rows).map(
    ([name, value]) => `  ${name}: ${typeof value === "string" ? value : yesNo(value)}\n`,
  );
  return `${title}\n${lines.join("")}`;
}

function yesNo(value: boolean): string {
  return value ? "yes" : "no";
}
