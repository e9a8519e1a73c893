/** The C programs of the benchmark, compiled into its temporary folder: the loop that is traced, and the rivals by hand. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Context } from "./benchmark.ts";
import { type Command, ProcessError } from "./process.ts";

export interface Loop {
  /** Its executable. */
  program: string;
  command: Command;
  /** Understands what the loop has printed, among the output of others: how many calls it made, and what one took. */
  read(stdout: string): { calls: number; nsPerCall: number };
}

/** What the loop prints when it begins. */
export const LOOPING = "loop\n";

export interface Rivals {
  /** A tracer made of the named programs, which runs a command and prints the sum of a map's values as map `@`. */
  tracer(map: string, programs: readonly string[], command: readonly string[]): Command;
  /** The same for whatever runs until it is interrupted; `executable` is where uprobes go. */
  attached(map: string, programs: readonly string[], executable: string): Command;
}

interface Batches {
  calls: number;
  /** How many batches, if not the usual number; and microseconds between them. */
  count?: number;
  pause?: number;
}

/**
 * What the loop does again and again, and how often in a batch: some hundred microseconds' worth. The opens are few at a time, so that
 * whoever prints each of them comes along.
 */
export const OPERATIONS = {
  getppid: { calls: 2000 },
  open: { calls: 100, count: 100, pause: 5000 },
  read: { calls: 2000 },
  switch: { calls: 100 },
  call: { calls: 200 },
} as const satisfies Record<string, Batches>;
export type Operation = keyof typeof OPERATIONS;

export async function buildLoop(
  cc: string,
  { tools, folder, signal, quick }: Context,
): Promise<(operation: Operation) => Loop> {
  const program = join(folder, "loop");
  await compile(cc, ["-O2", "-o", program, join(tools.programs, "loop.c")], signal);
  return (operation) => {
    const { calls, count = quick ? 200 : 400, pause = 0 }: Batches = OPERATIONS[operation];
    return {
      program,
      command: [program, operation, String(count), String(calls), String(pause)],
      read(stdout) {
        const found = /^loop (\d+) ([\d.]+)$/m.exec(stdout);
        if (found === null) throw new ProcessError(`${program} was not run to its end:\n${stdout}`);
        return { calls: Number(found[1]), nsPerCall: Number(found[2]) };
      },
    };
  };
}

/** Undefined without clang or libbpf. */
export async function buildRivals(cc: string, { tools, folder, signal }: Context): Promise<Rivals | undefined> {
  const { clang, libbpf, programs } = tools;
  if (clang === undefined || !libbpf) return undefined;
  const object = join(folder, "rivals.bpf.o");
  const loader = join(folder, "load");
  const { define, triplet } = TARGETS[process.arch === "arm64" ? "arm64" : "x64"];
  // where Debian keeps <asm/types.h>, which clang does not look for when it compiles for another machine
  const headers = `-I/usr/include/${triplet}`;
  const source = join(programs, "rivals.bpf.c");
  await compile(clang, ["-O2", "-g", "-target", "bpf", `-D${define}`, headers, "-c", source, "-o", object], signal);
  await compile(cc, ["-O2", "-o", loader, join(programs, "load.c"), "-lbpf"], signal);
  return {
    tracer: (map, names, command) => [loader, object, map, ...names, "--", ...command],
    attached: (map, names, executable) => [loader, "--wait", object, map, ...names, "--", executable],
  };
}

const TARGETS = {
  x64: { define: "__TARGET_ARCH_x86", triplet: "x86_64-linux-gnu" },
  arm64: { define: "__TARGET_ARCH_arm64", triplet: "aarch64-linux-gnu" },
} as const;

/** Throws ProcessError with what the compiler said. */
async function compile(compiler: string, args: readonly string[], signal: AbortSignal): Promise<void> {
  try {
    await promisify(execFile)(compiler, args, { signal });
  } catch (error) {
    signal.throwIfAborted();
    throw new ProcessError(`${compiler} ${args.join(" ")}\n${(error as { stderr?: string }).stderr ?? error}`);
  }
}
