/**
 * Whom and what we can compare with on this machine. Nothing here is needed to run the benchmark: what is missing is
 * named once, and the rows that need it are left out or stay without a verdict.
 */
import { execFileSync } from "node:child_process";
import { accessSync, constants, existsSync, readdirSync } from "node:fs";
import { delimiter, join } from "node:path";
import type { Command } from "./process.ts";

export interface Tools {
  /** Our own tracer, as users start it. What to trace follows, in bpftrace's options. */
  ours: Command;
  bpftrace: Command | undefined;
  /** Folder of the C sources. */
  programs: string;
  /** A C compiler. */
  cc: string | undefined;
  /** A compiler of C to eBPF. */
  clang: string | undefined;
  /** Whether a C program can be linked with libbpf. */
  libbpf: boolean;
  /** Tells what the kernel has loaded. */
  bpftool: string | undefined;
}

/** `BPFTRACE` names the one to compare with, where it is not the one on the PATH: a command, such as `chroot /sid bpftrace`. */
export function findTools(root: string, env: Readonly<Record<string, string | undefined>> = process.env): Tools {
  const named = env.BPFTRACE?.trim().split(/\s+/) ?? [];
  const [bpftrace, ...options] = named[0] ? named : [findCommand(/^bpftrace$/)];
  return {
    ours: [process.execPath, join(root, "bin/probewright.js"), "trace"],
    bpftrace: bpftrace === undefined ? undefined : [bpftrace, ...options.filter((part) => part !== undefined)],
    programs: join(root, "bench/programs"),
    cc: findCommand(/^cc$/) ?? findCommand(/^gcc$/),
    clang: findCommand(/^clang(-\d+)?$/),
    libbpf: existsSync("/usr/include/bpf/libbpf.h"),
    bpftool: findCommand(/^bpftool$/),
  };
}

/** What is not installed, and what the comparison lacks for it. */
export function missing({ bpftrace, cc, clang, libbpf, bpftool }: Tools): string[] {
  return [
    bpftrace ? "" : "no bpftrace: nothing to compare with, and no target that is a ratio can be judged",
    cc ? "" : "no C compiler: the cost per event is not measured",
    clang ? "" : "no clang: no comparison with hand-written C",
    libbpf ? "" : "no libbpf headers (libbpf-dev): no comparison with hand-written C",
    bpftool ? "" : "no bpftool: executed instructions are not counted",
  ].filter((text) => text !== "");
}

/** The command that traces by a script. Both tracers understand the same options. */
export function traceCommand(start: Command, script: string, ...options: string[]): Command {
  return [...start, ...options, "-e", script];
}

/** We and, where it is installed, bpftrace, by the names that the results call them. */
export function tracers({ ours, bpftrace }: Tools): { name: string; start: Command }[] {
  return [{ name: OURS, start: ours }, ...(bpftrace ? [{ name: BPFTRACE, start: bpftrace }] : [])];
}

export const OURS = "probewright";
export const BPFTRACE = "bpftrace";

/** The first line that a program says about its version. */
export function versionOf([program, ...args]: Command): string {
  return execFileSync(program, [...args, "--version"], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] })
    .trim()
    .split("\n")[0]!;
}

/** The program on the PATH whose name matches; of several, the one with the highest number at its end. */
function findCommand(name: RegExp): string | undefined {
  const found = (process.env.PATH ?? "").split(delimiter).flatMap((folder) => {
    try {
      return readdirSync(folder)
        .filter((file) => name.test(file) && executable(join(folder, file)))
        .map((file) => ({ path: join(folder, file), version: Number(/\d+$/.exec(file)?.[0] ?? 0) }));
    } catch {
      return []; // a PATH may name folders that are not there
    }
  });
  return found.sort((a, b) => b.version - a.version)[0]?.path;
}

function executable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
