/** Compiled programs made by hand, for tests of what comes after the compiler. */
import { assemble } from "../../compiler/asm/assemble.ts";
import type { Instruction } from "../../compiler/asm/instructions.ts";
import type { AttachTarget, CompiledProgram, KernelMap, Program, ProgramType } from "../../compiler/program.ts";
import { Source, span } from "../../compiler/source.ts";

/** A program with the given parts; what is left out is empty. */
export function compiled(parts: Partial<CompiledProgram> = {}): CompiledProgram {
  return {
    maps: [],
    programs: [],
    scriptMaps: [],
    events: [],
    ringBuffer: undefined,
    health: undefined,
    scopeTree: undefined,
    scopeSwitch: undefined,
    unwind: undefined,
    packets: undefined,
    ...parts,
    config: {
      license: "GPL",
      printMapsOnExit: true,
      stackMode: "bpftrace",
      missingProbes: "error",
      maxCatBytes: 10240,
      cppDemangle: true,
      strTruncTrailer: "..",
      logSize: 1_000_000,
      ringPages: 0,
      ...parts.config,
    },
  };
}

const TYPES: Partial<Record<AttachTarget["kind"], ProgramType>> = {
  begin: "raw_tracepoint",
  end: "raw_tracepoint",
  raw_tracepoint: "raw_tracepoint",
  tracepoint: "tracepoint",
  interval: "perf_event",
  profile: "perf_event",
  perf_counter: "perf_event",
};

/** Assembles a program; its script is one line an instruction, so that line n + 1 of the source is instruction n. */
export function program(
  attach: AttachTarget,
  instructions: readonly Instruction[],
  more: Partial<Pick<Program, "name" | "type" | "probes">> = {},
): Program {
  const source = new Source("test.bt", instructions.map((insn) => insn.kind).join("\n"));
  const assembled = assemble(
    instructions.map((insn, i) => {
      const start = source.text.split("\n").slice(0, i).join("\n").length + (i > 0 ? 1 : 0);
      return { ...insn, span: span(source, start, start + insn.kind.length) };
    }),
  );
  if (!assembled.ok) throw new Error(assembled.error.code);
  return {
    name: attach.kind,
    probes: [attach.kind],
    type: TYPES[attach.kind] ?? "kprobe",
    attach,
    code: assembled.code,
    relocations: assembled.relocations,
    lines: assembled.lines,
    ...more,
  };
}

export const RING: KernelMap = { name: "ring", type: "ringbuf", keySize: 0, valueSize: 0, maxEntries: 4096, flags: 0 };

/** A one-entry array that is mapped into the process, where scalars live. */
export function globals(valueSize: number, name = "globals"): KernelMap {
  const BPF_F_MMAPABLE = 1 << 10;
  return { name, type: "array", keySize: 4, valueSize, maxEntries: 1, flags: BPF_F_MMAPABLE };
}

export function hash(name: string, more: Partial<KernelMap> = {}): KernelMap {
  return { name, type: "hash", keySize: 8, valueSize: 8, maxEntries: 1024, flags: 0, ...more };
}
