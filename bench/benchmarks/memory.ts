/** Peak memory while there is something to trace: a map to fill and lines to print. */
import type { Benchmark } from "../benchmark.ts";
import { run } from "../process.ts";
import { interleave } from "../rounds.ts";
import { BPFTRACE, traceCommand, tracers } from "../tools.ts";
import { compare } from "./compare.ts";

/** In the spelling that bpftrace understood from its beginnings. */
const SCRIPT = `
  tracepoint:syscalls:sys_enter_openat { printf("%s %s\\n", comm, str(args->filename)); @opens[comm] = count(); }
`;
const COMMAND = "/bin/ls -R /etc";

export const memory: Benchmark = {
  name: "memory",
  title: "peak memory of a trace that prints",
  async run(context) {
    const contestants = tracers(context.tools).map(({ name, start }) => ({
      name,
      measure: () => run(traceCommand(start, SCRIPT, "-c", COMMAND), context.signal),
    }));
    const measured = await interleave(contestants, context.quick ? 3 : 9, context);
    return {
      rows: [
        compare(measured, {
          ...{ what: `peak memory of printing all opens of ${COMMAND}`, unit: "MiB", rival: BPFTRACE },
          target: { kind: "ratio", max: 1 },
          of: ({ maxRssMiB }) => maxRssMiB,
        }),
      ],
      details: [],
    };
  },
};
