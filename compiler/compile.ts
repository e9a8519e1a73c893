/** The whole pipeline, one stage a line. */
import { disassemble } from "./asm/disassemble.ts";
import { SLOT_BYTES } from "./asm/opcodes.ts";
import { compileIr } from "./backend/compile-ir.ts";
import { generateDiagnostic } from "./backend/errors.ts";
import { isBuiltin } from "./builtins/index.ts";
import { Diagnostics } from "./diagnostics.ts";
import { DwarfError } from "./dwarf/reader.ts";
import { expand } from "./expand/expand.ts";
import { resolveImports } from "./expand/imports.ts";
import type { FileHost } from "./file-host.ts";
import { type IrProgram, partsOf } from "./ir/ir.ts";
import { printProgram } from "./ir/print.ts";
import type { KernelFacts } from "./kernel-facts.ts";
import { MAX_PARTS, PART_SIZE } from "./lower/parts.ts";
import { Plan } from "./lower/plan.ts";
import { lowerPrograms } from "./lower/programs.ts";
import { hasSwitch, keepsTree } from "./lower/scope.ts";
import { callsExit } from "./lower/side-effects.ts";
import { ValueTooLarge } from "./lower/too-large.ts";
import { optimise } from "./opt/optimise.ts";
import { type CompiledProgram, codeOf, type Program, type ScopeFilter } from "./program.ts";
import { check } from "./sema/check.ts";
import { readConfig, type ScriptConfig } from "./sema/config.ts";
import { Names } from "./sema/names.ts";
import { printTypes } from "./sema/print-types.ts";
import { type ResolvedBlock, resolveProbes } from "./sema/probes.ts";
import type { TypedScript } from "./sema/typed.ts";
import { contextNeeds } from "./sema/units.ts";
import type { Source, Span } from "./source.ts";
import type { Script } from "./syntax/ast.ts";
import { parse } from "./syntax/parser.ts";
import { printTokens } from "./syntax/print-tokens.ts";
import { print } from "./syntax/printer.ts";

export interface CompileOptions {
  scope?: ScopeFilter;
  /** How in_workload() tells the workload's tasks, where that differs from `scope` (a script that watches the system). */
  workload?: ScopeFilter;
  /** Positional parameters: `$1`, `$2`, ... */
  parameters?: readonly string[];
  /** Named parameters for getopt(): a string, or true for a flag. */
  namedParameters?: Readonly<Record<string, string | true>>;
  /** Allows builtins that can change the system: system(), signal(), override(), ... */
  unsafe?: boolean;
  /** BPFTRACE_* settings from the environment, without the prefix and in lower case; they win over the script's config. */
  environment?: Readonly<Record<string, string>>;
  /** Process of -p: only its events count. */
  targetPid?: number;
  /** The program of -c: like -p it stands for the binary that an attach point leaves out. */
  command?: string | undefined;
  /** The session will be given one process to attach to (-p, -c). */
  oneProcess?: boolean;
  /** Whether there is a process whose id `cpid` is; without one a script that asks for it is told so. */
  hasCommand?: boolean;
  /** Benchmarks and tests of the script are run instead of tracing. */
  mode?: "trace" | "bench" | "test";
  /** Probes whose name it refuses are checked, and not run; begin and end are no business of it. */
  probeFilter?: (name: string) => boolean;
  /** Entries of a map that has no declared size, by map name: a run that overflowed is repeated with more. */
  maxEntries?: Readonly<Record<string, number>>;
  /** Receives the text of each stage that --emit asks for. */
  dump?: (stage: DumpStage, text: () => string) => void;
  /** Opens the files that a script imports and includes; without it, it can have none. */
  files?: FileHost;
  /** Headers that are included before the script's own C definitions: `name.h`, or `<name.h>`. */
  includes?: readonly string[];
  /** Tells, while the script runs, of reads that fail and of keys that are not in their map. */
  tellFailures?: boolean;
  /** For tests: divides programs that are not large at all. */
  partSize?: number;
  /** For tests: leaves the optimiser out. */
  optimise?: boolean;
}

export type DumpStage = "tokens" | "ast" | "expanded" | "types" | "ir" | "ir-opt" | "asm" | "bytes";

/** Compiles a script; undefined when there were errors, which are in `diags` then. */
export function compile(
  source: Source,
  facts: KernelFacts,
  diags: Diagnostics,
  options: CompileOptions = {},
): CompiledProgram | undefined {
  return reported(source, diags, () => compileScript(source, facts, diags, options));
}

/** Debug information that is damaged is no fault of the script's, and its place is wherever it is asked for. */
function reported<T>(source: Source, diags: Diagnostics, stages: () => T): T | undefined {
  try {
    return stages();
  } catch (error) {
    if (!(error instanceof DwarfError)) throw error;
    const span = { source, start: 0, end: source.text.length };
    diags.error("debug-information", span, error.sentence, { elsewhere: true });
    return undefined;
  }
}

function compileScript(
  source: Source,
  facts: KernelFacts,
  diags: Diagnostics,
  options: CompileOptions,
): CompiledProgram | undefined {
  const { dump = () => {}, parameters = [], namedParameters = {}, scope = "system", workload = scope } = options;
  const resolved = resolveScript(source, facts, diags, options);
  if (!resolved) return undefined;
  const { script, blocks, config, names, macros } = resolved;

  const settings = {
    maxStrlen: config.maxStrlen,
    unsafe: options.unsafe ?? false,
    parameters,
    namedParameters,
    config,
    names,
    macros,
  };
  const typed = check(script, blocks, facts, settings, diags);
  dump("types", () => printTypes(typed));
  if (diags.hasErrors) return undefined;

  const context = { facts, config, options, scope, workload, whole: script.span };
  return generateFitting(typed, context, options.partSize ?? PART_SIZE, diags);
}

/** A script whose probes are known, and nothing of what they do. */
export interface ResolvedScript {
  script: Script;
  blocks: ResolvedBlock[];
  config: ScriptConfig;
  names: Names;
  /** Names of the script's macros. */
  macros: string[];
}

/** The stages until it is known what a script attaches to; undefined when there were errors, which are in `diags` then. */
export function resolve(
  source: Source,
  facts: KernelFacts,
  diags: Diagnostics,
  options: CompileOptions = {},
): ResolvedScript | undefined {
  const resolved = reported(source, diags, () => resolveScript(source, facts, diags, options));
  return diags.hasErrors ? undefined : resolved;
}

/** What is wrong with attach points is in `diags`, and their blocks are left out: the others can be checked all the same. */
function resolveScript(
  source: Source,
  facts: KernelFacts,
  diags: Diagnostics,
  options: CompileOptions,
): ResolvedScript | undefined {
  const { dump = () => {}, parameters = [], files, includes = [] } = options;
  dump("tokens", () => printTokens(source));
  const written = parse(source, diags);
  dump("ast", () => JSON.stringify(written, (key, value) => (key === "span" ? undefined : jsonValue(value)), 2));
  if (diags.hasErrors) return undefined;

  const whole = resolveImports(written, files, diags);
  const names = Names.read(whole.definitions, { facts, files, includes, diags });
  const script = expand(whole, { defines: names.definitions.defines, isBuiltin, diags });
  dump("expanded", () => print(script));
  if (diags.hasErrors) return undefined;

  const config = readConfig(script.config, options.environment ?? {}, script.span, { facts, diags });
  const { unsafe = false, targetPid, command, mode = "trace", probeFilter = () => true } = options;
  const blocks = resolveProbes(script.probes, contextNeeds, {
    facts,
    diags,
    parameters,
    missingProbes: config.missingProbes,
    maxProbes: config.maxProbes,
    unsafe,
    targetPid,
    hasProcess: options.oneProcess === true || (options.scope ?? "system") !== "system",
    command,
    mode,
    probeFilter,
  });
  return { script, blocks, config, names, macros: whole.macros.map(({ name }) => name.text) };
}

/**
 * Objects up to this size live on the stack, larger ones in per-CPU memory, which costs a little more. A script that needs
 * more stack than there is gets by with less of it.
 */
const ON_STACK_LIMITS: readonly [number, ...number[]] = [64, 16, 0];

/** The parts of a large program are made smaller until none of their jumps is too far, and until the kernel takes them. */
const SMALLEST_PART = 1000;

interface GenerationContext {
  facts: KernelFacts;
  config: ScriptConfig;
  options: CompileOptions;
  scope: ScopeFilter;
  workload: ScopeFilter;
  whole: Span;
}

interface Generation extends GenerationContext {
  stackLimit: number;
  partSize: number;
}

/** Byte code with as much on the stack, and in parts as large, as the kernel's limits permit. */
function generateFitting(
  typed: TypedScript,
  context: GenerationContext,
  largestPart: number,
  diags: Diagnostics,
): CompiledProgram | undefined {
  let [stackLimit, ...lower] = ON_STACK_LIMITS;
  for (let partSize = largestPart; ; ) {
    const attempt = new Diagnostics();
    const program = generate(typed, { ...context, stackLimit, partSize }, attempt);
    if (program) return { ...program, smaller: () => generateSmaller(program, typed, context, partSize) };
    const codes = new Set(attempt.errors.map(({ code }) => code));
    if (codes.has("stack-overflow") && lower.length > 0) [stackLimit, ...lower] = lower as [number, ...number[]];
    else if (codes.has("jump-too-far") && partSize > SMALLEST_PART) partSize /= 2;
    else {
      for (const item of attempt.items) diags.add(item);
      return undefined;
    }
  }
}

/** What there is to say was said the first time; a size that changes nothing is passed over. */
function generateSmaller(
  { programs }: CompiledProgram,
  typed: TypedScript,
  context: GenerationContext,
  partSize: number,
): CompiledProgram | undefined {
  const parts = programs.flatMap(codeOf).length;
  for (let size = partSize / 2; size >= SMALLEST_PART / 2; size /= 2) {
    const program = generateFitting(typed, context, size, new Diagnostics());
    if (program && program.programs.flatMap(codeOf).length > parts) return program;
  }
  return undefined;
}

/** Byte code for a checked script. */
function generate(typed: TypedScript, generation: Generation, diags: Diagnostics): CompiledProgram | undefined {
  const { facts, config, options, scope, workload, stackLimit, partSize, whole } = generation;
  const { dump = () => {} } = options;
  const probes = typed.units.flatMap((unit) => unit.probes);
  const plan = new Plan(typed, facts, {
    maxEntries: config.maxMapKeys,
    entriesOf: options.maxEntries ?? {},
    scopeTree: keepsTree(scope) || keepsTree(workload),
    scopeSwitch: hasSwitch(scope) || hasSwitch(workload),
    probeNames: () => probes.map((probe) => [probe.id, probe.name]),
  });
  const environment = {
    facts,
    plan,
    config,
    workload,
    stackLimit,
    partSize,
    tellsFailures: options.tellFailures ?? false,
    exits: typed.units.some(({ block }) => callsExit(block)),
    hasCommand: options.hasCommand ?? true,
    oneTarget: options.targetPid !== undefined,
    oneProcess: options.oneProcess ?? false,
  };
  let lowered: IrProgram[];
  try {
    lowered = lowerPrograms(typed, environment, scope);
  } catch (error) {
    if (!(error instanceof ValueTooLarge)) throw error;
    diags.error("value-too-large", error.span ?? whole, error.message);
    return undefined;
  }
  const frozen = plan.freeze();
  dump("ir", () => lowered.map((program) => printProgram(program)).join("\n"));
  if (options.optimise ?? true) for (const program of lowered) optimise(program);
  dump("ir-opt", () => lowered.map((program) => printProgram(program)).join("\n"));

  const programs = lowered.flatMap((program): Program[] => {
    const all = partsOf(program);
    if (all.length > MAX_PARTS) {
      const span = all[MAX_PARTS]![0]!.blocks[0]!.end.span;
      const error = { code: "too-many-parts", parts: all.length, limit: MAX_PARTS, span } as const;
      diags.add(generateDiagnostic(error, whole));
      return [];
    }
    const parts = all.flatMap((functions) => {
      const generated = compileIr({ functions }, facts.features);
      if (generated.ok) return [generated];
      diags.add(generateDiagnostic(generated.error, whole));
      return [];
    });
    const [code, ...rest] = parts.map(({ code, relocations, lines, btf }) => ({ code, relocations, lines, btf }));
    if (!code) return [];
    const { name, type, attach, probes: served, further } = program;
    return [{ name, type, attach, probes: served, ...code, further: further && { map: further.map, parts: rest } }];
  });
  if (diags.hasErrors) return undefined;
  const codes = programs.flatMap((program) => codeOf(program).map(({ code }) => ({ name: program.name, code })));
  dump("asm", () => codes.map(({ name, code }) => `${name}:\n${disassemble(code)}`).join("\n"));
  dump("bytes", () => codes.map(({ name, code }) => `${name}: ${hex(code)}`).join("\n"));
  return { ...frozen, programs, events: plan.events, config };
}

function jsonValue(value: unknown): unknown {
  return typeof value === "bigint" ? value.toString() : value;
}

/** Byte code in hexadecimal digits, an instruction at a time. */
function hex(code: Uint8Array): string {
  const view = new DataView(code.buffer, code.byteOffset, code.byteLength);
  let text = "";
  for (let at = 0; at < code.length; at += SLOT_BYTES) {
    text += view
      .getBigUint64(at)
      .toString(16)
      .padStart(2 * SLOT_BYTES, "0");
  }
  return text;
}
