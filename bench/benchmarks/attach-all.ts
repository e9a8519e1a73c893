/** Hundreds of probes at once: compiled, attached, a command that does nothing, detached. */
import type { Benchmark } from "../benchmark.ts";
import { run } from "../process.ts";
import { interleave } from "../rounds.ts";
import { BPFTRACE, OURS, traceCommand, tracers } from "../tools.ts";
import { compare } from "./compare.ts";

const SCRIPT = "tracepoint:syscalls:sys_enter_* { @ = count(); }";

export const attachAll: Benchmark = {
  name: "attach-all",
  title: `start to exit of ${SCRIPT} around /bin/true`,
  async run(context) {
    const [many, few] = context.quick ? [3, 1] : [9, 3];
    const contestants = tracers(context.tools).map(({ name, start }) => ({
      name,
      rounds: name === OURS ? many : few,
      measure: () => run(traceCommand(start, SCRIPT, "-c", "/bin/true"), context.signal),
    }));
    const measured = await interleave(contestants, many, context);
    return {
      rows: [
        compare(measured, {
          ...{ what: `attach and detach ${SCRIPT}`, unit: "ms", rival: BPFTRACE },
          target: { kind: "ratio", max: 0.03 },
          of: ({ wallMs }) => wallMs,
        }),
      ],
      details: [],
    };
  },
};
