/**
 * What a long script costs: a thousand lines, from the exec of the tracer to its end. In blocks of twenty lines bpftrace is measured
 * beside us; what it makes of a thousand lines in one block is too large for the kernel to load.
 */
import type { Benchmark } from "../benchmark.ts";
import { run } from "../process.ts";
import { interleave } from "../rounds.ts";
import { BPFTRACE, OURS, traceCommand, tracers, versionOf } from "../tools.ts";
import { compare } from "./compare.ts";

const LINES = 1000;
const ONE_LINE = "one line";
const BLOCK = 20;

/** Lines of a few kinds, of which each `i` gives one; those with `if` are more than bpftrace gets loaded. */
const PLAIN: readonly ((i: number) => string)[] = [
  (i) => `@[${i}] = count();`,
  (i) => `$v = tid + ${i};`,
  (i) => `@k["name", ${i}] = $v;`,
  (i) => `@h = hist(nsecs - ${i});`,
  (i) => `printf("%d %s\\n", ${i}, comm);`,
];
const BRANCHING: readonly ((i: number) => string)[] = [
  ...PLAIN,
  (i) => `if (pid % ${i + 2} == 1) { @b = sum(${i}); }`,
  (i) => `if (tid == ${i}) { if (pid == $v) { @g${i % 100} = nsecs; } else { @g${i % 100} = 1; } }`,
  (i) => `@t = pid > ${i} ? 1 : ${i};`,
];

function lines(kinds: readonly ((i: number) => string)[], from: number, to: number): string {
  return Array.from({ length: to - from }, (_, i) => kinds[(from + i) % kinds.length]!(from + i)).join("\n");
}

/** None of the blocks ever runs. */
const BLOCKS = Array.from({ length: LINES / BLOCK }, (_, i) => {
  return `interval:s:${1000 + i} {\n$v = tid;\n${lines(PLAIN, i * BLOCK, (i + 1) * BLOCK)}\n}\n`;
}).join("");
const ONE_BLOCK = `BEGIN {\n$v = tid;\n${lines(BRANCHING, 0, LINES)}\n}`;

export const compileLong: Benchmark = {
  name: "compile",
  title: "a script of a thousand lines, from start to exit",
  async run(context) {
    const repetitions = context.quick ? 5 : 15;
    const inBlocks = await interleave(
      tracers(context.tools).map(({ name, start }) => ({
        name,
        measure: () => run(traceCommand(start, `${BLOCKS}BEGIN { exit(); }`), context.signal),
      })),
      repetitions,
      context,
    );
    const compileOnly = (script: string) => traceCommand(context.tools.ours, script, "--emit=bytes");
    const inOne = await interleave(
      [
        { name: OURS, measure: () => run(compileOnly(ONE_BLOCK), context.signal) },
        { name: ONE_LINE, measure: () => run(compileOnly("BEGIN { exit(); }"), context.signal) },
      ],
      repetitions,
      context,
    );
    const started = inOne.get(ONE_LINE)!;
    const beyond = inOne.get(OURS)!.map(({ wallMs }, round) => ({ wallMs: wallMs - started[round]!.wallMs }));
    const { bpftrace } = context.tools;
    const common = { unit: "ms", rival: BPFTRACE, of: ({ wallMs }: { wallMs: number }) => wallMs } as const;
    return {
      rows: [
        compare(inBlocks, {
          ...{ ...common, what: `start to exit of ${LINES} lines in ${LINES / BLOCK} blocks` },
          version: bpftrace && versionOf(bpftrace),
          target: { kind: "ratio", max: 1, since: "0.27" },
        }),
        compare(inOne, {
          ...{ ...common, what: `compiling ${LINES} lines in one block, the whole process` },
        }),
        compare(new Map([[OURS, beyond]]), {
          ...{ ...common, what: `the same, beyond what a process with one line takes` },
          target: { kind: "value", max: 800 },
        }),
      ],
      details: [],
    };
  },
};
