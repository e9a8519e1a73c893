/**
 * What a test suite pays for each script that it traces with, inside one process that has done so before: compiling,
 * loading and attaching, stage by stage. The compiler's stages are told apart by the hook that --emit uses.
 */
import { performance } from "node:perf_hooks";
import { setImmediate } from "node:timers/promises";
import { compile } from "../../compiler/compile.ts";
import { Diagnostics, renderDiagnostics } from "../../compiler/diagnostics.ts";
import { Source } from "../../compiler/source.ts";
import { hostFacts } from "../../harness/tracing/facts/host-facts.ts";
import { loadSession } from "../../harness/tracing/session.ts";
import type { Benchmark } from "../benchmark.ts";
import { ProcessError } from "../process.ts";
import { summarise } from "../statistics.ts";

const SCRIPT = `tracepoint:syscalls:sys_enter_openat { @opens[comm, str(args.filename)] = count(); }
tracepoint:syscalls:sys_enter_read { @start[tid] = nsecs; }
tracepoint:syscalls:sys_exit_read /@start[tid]/ {
  $ns = nsecs - @start[tid];
  @read_ns[comm] = hist($ns);
  @bytes = sum(args.ret > 0 ? args.ret : 0);
  if ($ns > 10000000) { printf("%s: a read of %d ms\\n", comm, $ns / 1000000); }
  delete(@start[tid]);
}
interval:s:60 { print(@opens); clear(@opens); }
`;

/** What the hook is called after, and what that stage is. */
const COMPILER_STAGES = {
  ast: "parse",
  types: "resolve and check",
  ir: "plan and lower",
  "ir-opt": "optimise",
  asm: "generate code",
} as const;

/** In their order; the target is for all up to and with the attaching. */
const STAGES = [...Object.values(COMPILER_STAGES), "load", "attach", "detach and close"];
const AFTERWARDS = "detach and close";

export const inProcess: Benchmark = {
  name: "in-process",
  title: "compile, load and attach a script of ten lines in a warm process",
  async run({ quick, progress, signal }) {
    const facts = hostFacts();
    const cold = measure(facts);
    const warm: Map<string, number>[] = [];
    const [warmup, count] = quick ? [5, 10] : [20, 50];
    for (let i = 0; i < warmup + count; i++) {
      await setImmediate(); // lets Ctrl-C through
      signal.throwIfAborted();
      progress(`repetition ${i + 1} of ${warmup + count}`);
      const stages = measure(facts);
      if (i >= warmup) warm.push(stages);
    }
    const cells = (name: string, of: (stages: ReadonlyMap<string, number>) => number): string[] => {
      const { median, mad } = summarise(warm.map(of));
      return [name, median.toFixed(2), mad.toFixed(2), of(cold).toFixed(2)];
    };
    return {
      rows: [
        {
          what: "compile, load and attach ten lines, warm",
          unit: "ms",
          ours: summarise(warm.map(untilAttached)),
          rival: undefined,
          target: { kind: "value", max: 25 },
        },
      ],
      details: [
        {
          title: "stages of compiling, loading and attaching ten lines",
          columns: ["", "warm ms", "±", "first time ms"],
          rows: [
            ...STAGES.map((stage) => cells(stage, (stages) => stages.get(stage)!)),
            cells("until attached", untilAttached),
          ],
        },
      ],
    };
  },
};

/** Milliseconds by stage, of one script's life. */
function measure(facts: ReturnType<typeof hostFacts>): Map<string, number> {
  const stages = new Map<string, number>();
  let before = performance.now();
  const lap = (stage: string): void => {
    const now = performance.now();
    stages.set(stage, now - before);
    before = now;
  };
  const diags = new Diagnostics();
  const compiled = compile(new Source("ten lines", SCRIPT), facts, diags, {
    dump: (stage) => stage in COMPILER_STAGES && lap(COMPILER_STAGES[stage as keyof typeof COMPILER_STAGES]),
  });
  if (compiled === undefined) throw new ProcessError(renderDiagnostics(diags.errors));
  const session = loadSession(compiled);
  try {
    lap("load");
    session.start();
    lap("attach");
  } finally {
    session.close();
  }
  lap(AFTERWARDS);
  return stages;
}

function untilAttached(stages: ReadonlyMap<string, number>): number {
  return STAGES.filter((stage) => stage !== AFTERWARDS).reduce((sum, stage) => sum + stages.get(stage)!, 0);
}
