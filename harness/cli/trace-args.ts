/**
 * The command line of `trace`, which is bpftrace's own and follows getopt's rules: short options in clusters, values
 * attached or separate, options before and after the script, and everything behind `--` left to the script.
 */

import type { DumpStage } from "../../compiler/compile.ts";
import { nearest } from "../../compiler/diagnostics.ts";

export interface TraceArgs {
  mode: "run" | "list" | "format" | "help" | "version" | "info";
  script: { kind: "text"; text: string } | { kind: "file"; path: string } | { kind: "stdin" } | undefined;
  /** Of -l without a script: a pattern, or the name of a script's file. */
  search: string | undefined;
  /** Positional parameters, `$1` first. */
  parameters: string[];
  /** `--name=value` and `--flag` behind a `--`. */
  namedParameters: Record<string, string | true>;
  /** Of -c. */
  command: [string, ...string[]] | undefined;
  pid: number | undefined;
  /** Processes of --dwarf-pid. */
  unwound: number[];
  output: string | undefined;
  format: "text" | "json";
  buffering: Buffering;
  quiet: boolean;
  verbose: boolean;
  unsafe: boolean;
  dryRun: boolean;
  /** 0 none, 1 the usual, 2 those of failed helpers at run time as well. */
  warnings: 0 | 1 | 2;
  /** Benchmarks or tests of the script are run instead of tracing. */
  purpose: "trace" | "bench" | "test";
  /** Only probes with a matching name are run. */
  probeFilter: RegExp | undefined;
  /** A list of the kernel's traceable functions, in place of the kernel's own. */
  traceableFunctions: string | undefined;
  /** Folders of --debuginfo. */
  debugFolders: string[];
  /** Features of the kernel to do without. */
  withoutFeatures: Feature[];
  /** Stages to print instead of running. */
  emit: DumpStage[];
  /** Folders of -I, and headers of --include. */
  includePaths: string[];
  includes: string[];
}

/** Features that --no-feature turns off, by bpftrace's names. */
export const FEATURES = { kprobe_multi: "kprobeMulti", uprobe_multi: "uprobeMulti" } as const;
export type Feature = (typeof FEATURES)[keyof typeof FEATURES];

export type Buffering = "line" | "full" | "none";

/** A command line that makes no sense. */
export class UsageError extends Error {
  override readonly name = "UsageError";
  /** What to do. */
  readonly help: string | undefined;
  /** Nothing less than the whole usage would help. */
  readonly showUsage: boolean;

  constructor(message: string, { help, showUsage = false }: { help?: string; showUsage?: boolean } = {}) {
    super(message);
    this.help = help;
    this.showUsage = showUsage;
  }
}

/** Understands the arguments behind `trace`. Throws UsageError. */
export function parseTraceArgs(argv: readonly string[]): TraceArgs {
  const args: TraceArgs = {
    mode: "run",
    script: undefined,
    search: undefined,
    parameters: [],
    namedParameters: {},
    command: undefined,
    pid: undefined,
    unwound: [],
    output: undefined,
    format: "text",
    buffering: "line",
    quiet: false,
    verbose: false,
    unsafe: false,
    dryRun: false,
    warnings: 1,
    purpose: "trace",
    probeFilter: undefined,
    traceableFunctions: undefined,
    debugFolders: [],
    withoutFeatures: [],
    emit: [],
    includePaths: [],
    includes: [],
  };
  const { operands, behindDashes } = readOptions(argv, args);
  if (args.mode !== "run" && args.mode !== "format" && args.mode !== "list") return args;
  if (args.script === undefined && args.mode === "list") {
    args.search = operands.shift() ?? behindDashes.shift();
  } else if (args.script === undefined) {
    const path = operands.shift() ?? behindDashes.shift();
    if (path === undefined) {
      const help = "-e 'PROGRAM', a file name, or - for standard input";
      throw new UsageError("a script is needed", { help, showUsage: true });
    }
    args.script = path === "-" ? { kind: "stdin" } : { kind: "file", path };
  }
  args.parameters.push(...operands);
  for (const word of behindDashes) {
    if (word.startsWith("--")) nameParameter(args, word.slice(2));
    else args.parameters.push(word);
  }
  if (args.command !== undefined && args.pid !== undefined) throw new UsageError("-c and -p exclude each other");
  return args;
}

/** Splits the argument of -c: at blanks, without quoting, as bpftrace does. */
export function splitCommand(command: string): [string, ...string[]] {
  const [program, ...rest] = command.split(" ").filter((word) => word !== "");
  if (program === undefined) throw new UsageError("-c needs a command");
  return [program, ...rest];
}

/** A row of the option table: `set` answers what the option changes. */
type Option = { names: readonly string[]; help: string } & (
  | { value?: undefined; set(args: TraceArgs): Partial<TraceArgs> }
  | { value: string; set(args: TraceArgs, value: string): Partial<TraceArgs> }
);

/** In the order of the help text. */
const OPTIONS: readonly Option[] = [
  {
    names: ["-e"],
    value: "PROGRAM",
    help: "execute this program",
    set: (_, text) => ({ script: { kind: "text", text } }),
  },
  {
    names: ["-l", "--list"],
    help: "list the probes that match a pattern, or that a script has; with -v their arguments, too",
    set: () => ({ mode: "list" }),
  },
  {
    names: ["-c", "--cmd"],
    value: "COMMAND",
    help: "run the command and trace until it ends; its process id is cpid",
    set: (_, command) => ({ command: splitCommand(command) }),
  },
  {
    names: ["-p", "--pid"],
    value: "PID",
    help: "trace this process only, until it ends",
    set: (_, pid) => ({ pid: parsePid(pid) }),
  },
  {
    names: ["--dwarf-pid"],
    value: "PID",
    help: "let dw_ustack unwind the stacks of this process, too; more than once for several",
    set: ({ unwound }, pid) => ({ unwound: [...unwound, parsePid(pid)] }),
  },
  {
    names: ["-o", "--output"],
    value: "FILE",
    help: "write the output into a file",
    set: (_, output) => ({ output }),
  },
  {
    names: ["-f"],
    value: "FORMAT",
    help: "format of the output: text, json",
    set: (_, format) => ({ format: parseFormat(format) }),
  },
  {
    names: ["-B"],
    value: "MODE",
    help: "buffering of the output: line, full, none",
    set: (_, mode) => ({ buffering: oneOf("-B", mode, ["line", "full", "none"] as const) }),
  },
  { names: ["-q", "--quiet"], help: "leave out messages", set: () => ({ quiet: true }) },
  { names: ["-v", "--verbose"], help: "say more", set: () => ({ verbose: true }) },
  {
    names: ["-k", "--warnings"],
    help: "warn when a helper fails at run time",
    set: ({ warnings }) => ({ warnings: warningLevel(warnings, 2) }),
  },
  {
    names: ["--no-warnings"],
    help: "no warnings",
    set: ({ warnings }) => ({ warnings: warningLevel(warnings, 0) }),
  },
  {
    names: ["-I"],
    value: "FOLDER",
    help: "look for headers in this folder first",
    set: ({ includePaths }, folder) => ({ includePaths: [...includePaths, folder] }),
  },
  {
    names: ["--include"],
    value: "HEADER",
    help: "include this header before the script",
    set: ({ includes }, header) => ({ includes: [...includes, header] }),
  },
  {
    names: ["--unsafe"],
    help: "permit what can change the system: system(), signal(), ...",
    set: () => ({ unsafe: true }),
  },
  {
    names: ["--dry-run"],
    help: "compile and have the kernel verify, attach nothing",
    set: () => ({ dryRun: true }),
  },
  {
    names: ["-d", "--emit", "--debug"],
    value: "STAGE",
    help: "print a stage of the compiler instead of running: tokens, ast, expanded, types, ir, ir-opt, asm, bytes, all",
    set: ({ emit }, stages) => ({ emit: [...emit, ...stages.split(",").flatMap(dumpStages)] }),
  },
  {
    names: ["--bench"],
    help: "run the script's bench probes, and say how long they take",
    set: () => ({ purpose: "bench" }),
  },
  { names: ["--test"], help: "run the script's test probes", set: () => ({ purpose: "test" }) },
  {
    names: ["--mode"],
    value: "MODE",
    help: "bench, test or format: the same as --bench, --test and --fmt",
    set(_, name) {
      const mode = oneOf("--mode", name, ["bench", "test", "format"] as const);
      return mode === "format" ? { mode } : { purpose: mode };
    },
  },
  { names: ["--fmt"], help: "print the formatted script instead of running it", set: () => ({ mode: "format" }) },
  {
    names: ["--probe-filter"],
    value: "REGEX",
    help: "run only probes whose name matches, and begin and end",
    set: (_, pattern) => ({ probeFilter: parseFilter(pattern) }),
  },
  {
    names: ["--usdt-file-activation"],
    help: "tell programs that their USDT probes are listened to: always done, by the kernel",
    set: () => ({}),
  },
  {
    names: ["--traceable-functions"],
    value: "FILE",
    help: "take the kernel's traceable functions from this list",
    set: (_, traceableFunctions) => ({ traceableFunctions }),
  },
  {
    names: ["--debuginfo"],
    value: "DIR[:DIR]",
    help: "look for debug information in these folders as well",
    set: ({ debugFolders }, folders) => ({ debugFolders: [...debugFolders, ...folders.split(":").filter(Boolean)] }),
  },
  {
    names: ["--no-feature"],
    value: "NAMES",
    help: `do without features of the kernel: ${Object.keys(FEATURES).join(", ")}`,
    set: ({ withoutFeatures }, names) => ({
      withoutFeatures: [...withoutFeatures, ...names.split(",").map(parseFeature)],
    }),
  },
  { names: ["--info"], help: "print what this kernel offers", set: () => ({ mode: "info" }) },
  { names: ["-V", "--version"], help: "print the version", set: () => ({ mode: "version" }) },
  { names: ["-h", "--help"], help: "print this help", set: () => ({ mode: "help" }) },
];

/** bpftrace's options for what is not to be had here, and what is instead. */
const REFUSED: Readonly<Record<string, string>> = {
  "--aot": "run the script itself: it is compiled in milliseconds",
  "--emit-elf": "--emit asm prints the programs, and --emit bytes their bytes",
  "--emit-llvm": "--emit ir and --emit ir-opt print the programs before and after the optimiser",
  "--verify-llvm-ir": "--dry-run has the kernel verify the programs",
};

const HELP_COLUMN = 25;

/** The help text. */
export function traceUsage(): string {
  const rows = OPTIONS.map(({ names, value, help }) => {
    const left = `    ${names.join(", ")}${value === undefined ? "" : ` ${value}`}`;
    return left.length < HELP_COLUMN ? left.padEnd(HELP_COLUMN) + help : `${left}\n${" ".repeat(HELP_COLUMN)}${help}`;
  });
  return `probewright trace - runs a bpftrace program

USAGE:
    probewright trace [options] FILE [parameter...]
    probewright trace [options] - [parameter...]
    probewright trace [options] -e 'PROGRAM' [parameter...]
    probewright trace -l [options] [PATTERN | FILE | -e 'PROGRAM']
    named parameters of the script (--name=value) stand behind a --

OPTIONS:
${rows.join("\n")}

EXAMPLES:
    probewright trace -e 'tracepoint:syscalls:sys_enter_openat { printf("%s %s\\n", comm, str(args.filename)); }'
    probewright trace -e 'tracepoint:raw_syscalls:sys_enter { @[comm] = count(); }' -c 'make -s'
    probewright trace -lv 'tracepoint:sched:*,struct task_struct'
`;
}

/** Applies the options among the arguments and answers the others. */
function readOptions(argv: readonly string[], args: TraceArgs): { operands: string[]; behindDashes: string[] } {
  const operands: string[] = [];
  const words = [...argv];
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    if (word === "--") return { operands, behindDashes: words };
    if (word.startsWith("--")) longOption(word, words, args);
    else if (word.startsWith("-") && word !== "-") shortOptions(word.slice(1), words, args);
    else operands.push(word);
  }
  return { operands, behindDashes: [] };
}

function longOption(text: string, words: string[], args: TraceArgs): void {
  const equals = text.indexOf("=");
  const name = equals < 0 ? text : text.slice(0, equals);
  const option = optionNamed(name);
  if (option.value !== undefined) {
    Object.assign(args, option.set(args, equals < 0 ? nextWord(name, words) : text.slice(equals + 1)));
  } else {
    if (equals >= 0) throw new UsageError(`${name} takes no value`);
    Object.assign(args, option.set(args));
  }
}

function shortOptions(cluster: string, words: string[], args: TraceArgs): void {
  for (let i = 0; i < cluster.length; i++) {
    const name = `-${cluster[i]}`;
    const option = optionNamed(name);
    if (option.value !== undefined) {
      Object.assign(args, option.set(args, cluster.slice(i + 1) || nextWord(name, words)));
      return;
    }
    Object.assign(args, option.set(args));
  }
}

function nextWord(option: string, words: string[]): string {
  const value = words.shift();
  if (value === undefined) throw new UsageError(`${option} needs a value`);
  return value;
}

function optionNamed(name: string): Option {
  const option = OPTIONS.find(({ names }) => names.includes(name));
  if (option !== undefined) return option;
  if (Object.hasOwn(REFUSED, name)) throw new UsageError(`there is no ${name} here`, { help: REFUSED[name] });
  const near = nearest(
    name,
    OPTIONS.flatMap(({ names }) => names),
  );
  const help = near ? `did you mean ${near}?` : "parameters of the script that look like options stand behind a --";
  throw new UsageError(`unknown option ${name}`, { help, showUsage: true });
}

function nameParameter(args: TraceArgs, text: string): void {
  const equals = text.indexOf("=");
  const name = equals < 0 ? text : text.slice(0, equals);
  if (name === "") throw new UsageError(`a parameter without a name: --${text}`);
  args.namedParameters[name] = equals < 0 ? true : text.slice(equals + 1);
}

function warningLevel(now: TraceArgs["warnings"], wanted: 0 | 2): 0 | 2 {
  if (now !== 1 && now !== wanted) throw new UsageError("-k and --no-warnings exclude each other");
  return wanted;
}

function oneOf<T extends string>(option: string, value: string, choices: readonly T[]): T {
  const found = choices.find((choice) => choice === value);
  if (found === undefined) throw new UsageError(`${option} must be ${choices.join(" or ")}, not ${value}`);
  return found;
}

const FORMATS = ["text", "json"] as const;

function parseFormat(name: string): TraceArgs["format"] {
  const format = FORMATS.find((known) => known === name);
  if (format === undefined)
    throw new UsageError(`Invalid output format "${name}"`, { help: `valid formats: ${FORMATS.join(", ")}` });
  return format;
}

function parseFilter(pattern: string): RegExp {
  try {
    return new RegExp(pattern);
  } catch (error) {
    throw new UsageError(`Invalid --probe-filter regex '${pattern}': ${(error as Error).message}`);
  }
}

function parseFeature(name: string): Feature {
  if (Object.hasOwn(FEATURES, name)) return FEATURES[name as keyof typeof FEATURES];
  throw new UsageError(`--no-feature knows no feature "${name}"`, {
    help: `one of ${Object.keys(FEATURES).join(", ")}`,
  });
}

/** The largest process id that any kernel can have is 2^22. */
const MAX_PID = 0x400000;

function parsePid(text: string): number {
  const [number] = /^(0x[\da-f]+|\d+)/i.exec(text) ?? [];
  if (number === undefined) throw new UsageError(`Failed to parse pid: invalid integer: ${text}`);
  if (number !== text) throw new UsageError(`Failed to parse pid: invalid trailing bytes: ${text}`);
  const pid = Number(number);
  if (pid < 1 || pid > MAX_PID) throw new UsageError(`Pid out of range: ${text}`);
  return pid;
}

const STAGES: readonly DumpStage[] = ["tokens", "ast", "expanded", "types", "ir", "ir-opt", "asm", "bytes"];
/** bpftrace's names for what we call otherwise. */
const STAGE_ALIASES: Readonly<Record<string, DumpStage>> = {
  parse: "ast",
  codegen: "ir",
  "codegen-opt": "ir-opt",
  dis: "asm",
};

function dumpStages(name: string): DumpStage[] {
  if (name === "all") return [...STAGES];
  const stage = STAGES.find((known) => known === name) ?? STAGE_ALIASES[name];
  if (stage === undefined)
    throw new UsageError(`unknown stage "${name}"`, { help: `one of ${STAGES.join(", ")}, all` });
  return [stage];
}
