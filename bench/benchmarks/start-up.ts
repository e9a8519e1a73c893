/** The least that a tracer can do, from its exec to its end: what every use of the command line pays. */
import type { Benchmark } from "../benchmark.ts";
import { run } from "../process.ts";
import { interleave } from "../rounds.ts";
import { median } from "../statistics.ts";
import { BPFTRACE, traceCommand, tracers } from "../tools.ts";
import { compare } from "./compare.ts";

const SCRIPT = "BEGIN { exit(); }";
/** What no program in Node can undercut. */
const BARE_NODE = "node, an empty script";

export const startUp: Benchmark = {
  name: "start-up",
  title: `start to exit of ${SCRIPT}`,
  async run(context) {
    const contestants = tracers(context.tools).map(({ name, start }) => ({
      name,
      measure: () => run(traceCommand(start, SCRIPT), context.signal),
    }));
    const bare = [process.execPath, "-e", ""] as const;
    const measured = await interleave(
      [...contestants, { name: BARE_NODE, measure: () => run(bare, context.signal) }],
      context.quick ? 5 : 21,
      context,
    );
    const rival = BPFTRACE;
    return {
      rows: [
        compare(measured, {
          ...{ what: `start to exit of ${SCRIPT}`, unit: "ms", rival },
          target: { kind: "ratio", max: 0.6 },
          of: ({ wallMs }) => wallMs,
        }),
        compare(measured, {
          ...{ what: `peak memory of ${SCRIPT}`, unit: "MiB", rival },
          target: { kind: "ratio", max: 1 },
          of: ({ maxRssMiB }) => maxRssMiB,
        }),
      ],
      details: [
        {
          title: `start to exit of ${SCRIPT}`,
          columns: ["", "wall ms", "CPU ms", "peak MiB"],
          rows: [...measured].map(([name, runs]) => [
            name,
            median(runs.map(({ wallMs }) => wallMs)).toFixed(1),
            median(runs.map(({ cpuMs }) => cpuMs)).toFixed(1),
            median(runs.map(({ maxRssMiB }) => maxRssMiB)).toFixed(1),
          ]),
        },
      ],
    };
  },
};
