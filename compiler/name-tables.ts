/** Numbers that stand for a text, and the texts: errors, signals, system calls. No two numbers have the same name. */
import { ERROR_MESSAGES } from "./errors.ts";
import type { KernelFacts } from "./kernel-facts.ts";
import { signalTexts } from "./signals.ts";
import { manualName, syscalls } from "./syscalls.ts";

export type NameTableKind = "strerror" | "signal_name" | "syscall_name";

export interface NameTable {
  /** By number. */
  names: readonly string[];
  /** Of all numbers that have no name, between the others and behind the last. */
  other: string;
}

/** A stretch of at most 64 numbers, with a bit for each that has no name. */
export interface Gap {
  start: number;
  length: number;
  nameless: bigint;
}

export function nameTable(kind: NameTableKind, arch: KernelFacts["arch"]): NameTable {
  switch (kind) {
    case "strerror":
      return complete(ERROR_MESSAGES, "Unknown error");
    case "signal_name":
      return complete(signalTexts(), "N/A");
    case "syscall_name": {
      const names: string[] = [];
      for (const [name, number] of syscalls(arch)) names[number] = manualName(name);
      return complete(names, "Unknown syscall");
    }
  }
}

function complete(names: readonly (string | undefined)[], other: string): NameTable {
  return { names: Array.from(names, (name) => name ?? other), other };
}

const WORD_BITS = 64;

/** Where numbers between the others have no name, in as few stretches as there can be. */
export function gaps({ names, other }: NameTable): Gap[] {
  const found: Gap[] = [];
  for (const [number, name] of names.entries()) {
    if (name !== other) continue;
    let gap = found.at(-1);
    if (!gap || number - gap.start >= WORD_BITS) {
      gap = { start: number, length: 0, nameless: 0n };
      found.push(gap);
    }
    gap.length = number - gap.start + 1;
    gap.nameless |= 1n << BigInt(number - gap.start);
  }
  return found;
}
