/** The whole pipeline, one stage a line. */
import type { Diagnostics } from "./diagnostics.ts";
import type { KernelFacts } from "./kernel-facts.ts";
import type { CompiledProgram, ScopeFilter } from "./program.ts";
import type { Source } from "./source.ts";

export interface CompileOptions {
  scope?: ScopeFilter;
  /** Positional parameters: `$1`, `$2`, ... */
  parameters?: readonly string[];
  /** Named parameters for getopt(): a string, or true for a flag. */
  namedParameters?: Readonly<Record<string, string | true>>;
  /** Allows builtins that can change the system: system(), signal(), override(), ... */
  unsafe?: boolean;
  /** BPFTRACE_* settings from the environment, without the prefix and in lower case; they win over the script's config. */
  environment?: Readonly<Record<string, string>>;
  /** Process of -p: uprobes are attached to it only. */
  targetPid?: number;
  /** Entries of a map that has no declared size, by map name: a run that overflowed is repeated with more. */
  maxEntries?: Readonly<Record<string, number>>;
  /** Receives the text of each stage that --emit asks for. */
  dump?: (stage: DumpStage, text: () => string) => void;
  /** For tests: leaves the optimiser out. */
  optimise?: boolean;
}

export type DumpStage = "tokens" | "ast" | "types" | "ir" | "ir-opt" | "asm" | "bytes";

/** Compiles a script; undefined when there were errors, which are in `diags` then. */
export type Compile = (
  source: Source,
  facts: KernelFacts,
  diags: Diagnostics,
  options?: CompileOptions,
) => CompiledProgram | undefined;
