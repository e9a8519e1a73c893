/**
 * What `trace --info` prints: what scripts may count on here, in bpftrace's words. Whatever the kernel offers was tried; sessions of
 * kprobes are not made use of, wherever they are offered.
 */
import { machine, release, type, version } from "node:os";
import type { KernelFacts } from "../../compiler/kernel-facts.ts";
import { ProgType } from "../../native/index.ts";
import type { Prober } from "../tracing/facts/features.ts";
import { packageVersion } from "../version.ts";

export function kernelInfo(facts: KernelFacts, prober: Prober): string {
  const { features } = facts;
  // One of the functions on whose entry it is permitted.
  const closing = facts.btf()?.func("filp_close")?.id;
  const tasks = facts.btf()?.func("bpf_iter_task")?.id;
  const moduleBtf = facts.modules().some((module) => facts.btf(module) !== undefined);
  return [
    section("System", { OS: `${type()} ${release()} ${version()}`, Arch: machine() }),
    section("Build", {
      version: packageVersion(),
      "libdw (DWARF support)": true,
      "dwunwind (DWARF stack unwinding)": facts.arch === "x64" && features.loop && features.currentTaskBtf,
    }),
    section("Kernel helpers", {
      dpath: closing !== undefined && prober.helperOnEntry("d_path", closing) === "yes",
      get_func_ip: prober.helper("get_func_ip", ProgType.KPROBE) === "yes",
      get_tai_ns: features.ktimeTai,
      lookup_percpu_elem: features.lookupPercpuElem,
      loop: features.loop,
    }),
    section("Kernel features", {
      btf: facts.btf() !== undefined,
      "module btf": moduleBtf,
      tp_btf: features.tpBtf,
      ringbuf: features.ringbuf,
    }),
    section("Probe types", {
      kprobe_multi: features.kprobeMulti,
      kprobe_session: false,
      uprobe_multi: features.uprobeMulti,
      iter: tasks !== undefined && prober.iterator(tasks) === "yes",
    }),
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
