/** The command line of the benchmark. */
import { parseArgs } from "node:util";
import { nearest } from "../compiler/diagnostics.ts";
import type { Benchmark } from "./benchmark.ts";

export interface Options {
  help: boolean;
  quick: boolean;
  /** Where to write the results as JSON. */
  json: string | undefined;
  /** Decides the order of the measurements. */
  seed: number;
  benchmarks: readonly Benchmark[];
}

/** A command line that makes no sense. */
export class OptionError extends Error {
  override readonly name = "OptionError";
}

/** Understands the arguments; without names all benchmarks are meant. Throws OptionError. */
export function parseOptions(argv: readonly string[], all: readonly Benchmark[], randomSeed: () => number): Options {
  const { values, positionals } = parse(argv);
  return {
    help: values.help ?? false,
    quick: values.quick ?? false,
    json: values.json,
    seed: values.seed === undefined ? randomSeed() : parseSeed(values.seed),
    benchmarks: positionals.length === 0 ? all : select(all, positionals),
  };
}

export function usage(all: readonly Benchmark[]): string {
  const width = Math.max(...all.map(({ name }) => name.length));
  const list = all.map(({ name, title }) => `    ${name.padEnd(width)}  ${title}`);
  return `npm run bench -- [options] [benchmark...]

Compares probewright with bpftrace and with hand-written C on this machine. Run it as root, on a machine that is otherwise idle.

    --quick      few repetitions: for a look, not for a verdict
    --json FILE  write all measurements into a file
    --seed N     repeat the order of an earlier run

Benchmarks:
${list.join("\n")}

Exit codes: 0 all targets are met, 1 one is missed, 2 wrong usage, 3 nothing missed, but not all could be judged,
4 a measurement failed.
`;
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        help: { type: "boolean", short: "h" },
        quick: { type: "boolean" },
        json: { type: "string" },
        seed: { type: "string" },
      },
    });
  } catch (error) {
    throw new OptionError((error as Error).message);
  }
}

function parseSeed(text: string): number {
  const seed = Number(text);
  if (!/^\d+$/.test(text) || seed > 0xffff_ffff) throw new OptionError(`--seed takes a number below 2^32, not ${text}`);
  return seed;
}

/** The named ones, in the order of all. */
function select(all: readonly Benchmark[], names: readonly string[]): Benchmark[] {
  const known = all.map(({ name }) => name);
  for (const name of names) {
    if (known.includes(name)) continue;
    const near = nearest(name, known);
    throw new OptionError(`no benchmark ${name}: ${near ? `did you mean ${near}?` : `there are ${known.join(", ")}`}`);
  }
  return all.filter(({ name }) => names.includes(name));
}
