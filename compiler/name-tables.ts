/** Numbers that stand for a text, and the texts: errors, signals, system calls. */
import { ERROR_MESSAGES } from "./errors.ts";
import type { KernelFacts } from "./kernel-facts.ts";
import { signalTexts } from "./signals.ts";
import { manualName, syscalls } from "./syscalls.ts";

export type NameTableKind = "strerror" | "signal_name" | "syscall_name";

export interface NameTable {
  /** By number. */
  names: readonly string[];
  /** Of all numbers behind the last. */
  other: string;
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
