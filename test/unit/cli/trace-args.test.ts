import { describe, expect, it } from "vitest";
import {
  parseTraceArgs,
  splitCommand,
  type TraceArgs,
  traceUsage,
  UsageError,
} from "../../../harness/cli/trace-args.ts";

const RUN = { script: { kind: "text", text: "P" } } as const;

describe("parseTraceArgs", () => {
  it.each<{ argv: string[]; expected: Partial<TraceArgs> }>([
    { argv: ["-e", "P"], expected: RUN },
    { argv: ["-eP"], expected: RUN },
    { argv: ["script.bt"], expected: { script: { kind: "file", path: "script.bt" } } },
    { argv: ["-"], expected: { script: { kind: "stdin" } } },
    { argv: ["--", "script.bt"], expected: { script: { kind: "file", path: "script.bt" } } },
    { argv: ["-e", "P", "one", "two"], expected: { ...RUN, parameters: ["one", "two"] } },
    { argv: ["script.bt", "one"], expected: { script: { kind: "file", path: "script.bt" }, parameters: ["one"] } },
    { argv: ["script.bt", "-q", "one", "-v"], expected: { quiet: true, verbose: true, parameters: ["one"] } },
    { argv: ["-qvke", "P"], expected: { ...RUN, quiet: true, verbose: true, warnings: 2 } },
    {
      argv: ["-e", "P", "--", "--n=5", "--flag", "-x", "y", "--empty="],
      expected: {
        ...RUN,
        namedParameters: { n: "5", flag: true, empty: "" },
        parameters: ["-x", "y"],
      },
    },
    { argv: ["-e", "P", "--", "--a=b=c"], expected: { namedParameters: { a: "b=c" } } },
    { argv: ["-c", "ls  -l /", "-e", "P"], expected: { ...RUN, command: ["ls", "-l", "/"] } },
    { argv: ["--cmd=true", "-e", "P"], expected: { command: ["true"] } },
    { argv: ["-p", "12", "-e", "P"], expected: { pid: 12 } },
    { argv: ["-p", "0x10", "-e", "P"], expected: { pid: 16 } },
    { argv: ["--pid=12", "-e", "P"], expected: { pid: 12 } },
    { argv: ["-e", "P"], expected: { unwound: [] } },
    { argv: ["--dwarf-pid=12", "-p7", "--dwarf-pid", "0x10", "-e", "P"], expected: { unwound: [12, 16], pid: 7 } },
    {
      argv: ["-o", "out", "-f", "json", "-B", "full", "-e", "P"],
      expected: {
        output: "out",
        format: "json",
        buffering: "full",
      },
    },
    {
      argv: ["--no-warnings", "--unsafe", "--dry-run", "-e", "P"],
      expected: { warnings: 0, unsafe: true, dryRun: true },
    },
    { argv: ["--emit=ir,asm", "--emit", "ast", "-e", "P"], expected: { emit: ["ir", "asm", "ast"] } },
    { argv: ["-d", "codegen-opt", "-e", "P"], expected: { emit: ["ir-opt"] } },
    {
      argv: ["-d", "all", "-e", "P"],
      expected: { emit: ["tokens", "ast", "expanded", "types", "ir", "ir-opt", "asm", "bytes"] },
    },
    { argv: ["--probe-filter", "^a|b$", "-e", "P"], expected: { probeFilter: /^a|b$/ } },
    { argv: ["--traceable-functions", "list", "-e", "P"], expected: { traceableFunctions: "list" } },
    {
      argv: ["--no-feature", "kprobe_multi,uprobe_multi", "-e", "P"],
      expected: { withoutFeatures: ["kprobeMulti", "uprobeMulti"] },
    },
    { argv: ["-l"], expected: { mode: "list", search: undefined, script: undefined } },
    { argv: ["--list", "t:*"], expected: { mode: "list", search: "t:*", parameters: [] } },
    { argv: ["t:*", "-lv"], expected: { mode: "list", search: "t:*", verbose: true } },
    { argv: ["-l", "--", "t:*"], expected: { mode: "list", search: "t:*" } },
    { argv: ["-l", "x.bt", "one", "-p", "7"], expected: { search: "x.bt", parameters: ["one"], pid: 7 } },
    { argv: ["-l", "-e", "P", "one"], expected: { ...RUN, mode: "list", search: undefined, parameters: ["one"] } },
    { argv: ["--mode", "bench", "-e", "P"], expected: { purpose: "bench" } },
    { argv: ["--mode=format", "-e", "P"], expected: { ...RUN, mode: "format" } },
    { argv: ["--fmt", "script.bt"], expected: { mode: "format", script: { kind: "file", path: "script.bt" } } },
    { argv: ["-h"], expected: { mode: "help" } },
    { argv: ["--version"], expected: { mode: "version" } },
    { argv: ["--info"], expected: { mode: "info" } },
  ])("$argv", ({ argv, expected }) => {
    expect(parseTraceArgs(argv)).toMatchObject(expected);
  });

  it.each([
    { argv: [], message: "a script is needed" },
    { argv: ["-q"], message: "a script is needed" },
    { argv: ["-e"], message: "-e needs a value" },
    { argv: ["--pid"], message: "--pid needs a value" },
    { argv: ["-e", "P", "--quiet=yes"], message: "--quiet takes no value" },
    { argv: ["--verbsoe", "-e", "P"], message: "unknown option --verbsoe" },
    { argv: ["-e", "P", "--threshold=5"], message: "unknown option --threshold" },
    { argv: ["-Z", "-e", "P"], message: "unknown option -Z" },
    { argv: ["-c", "ls", "-p", "1", "-e", "P"], message: "-c and -p exclude each other" },
    { argv: ["-c", "  ", "-e", "P"], message: "-c needs a command" },
    { argv: ["-p", "0", "-e", "P"], message: "Pid out of range: 0" },
    { argv: ["-p", "-5", "-e", "P"], message: "Failed to parse pid: invalid integer: -5" },
    { argv: ["-p", "", "-e", "P"], message: "Failed to parse pid: invalid integer: " },
    { argv: ["-p", "4194305", "-e", "P"], message: "Pid out of range: 4194305" },
    { argv: ["-p", "1x", "-e", "P"], message: "Failed to parse pid: invalid trailing bytes: 1x" },
    { argv: ["--dwarf-pid", "0", "-e", "P"], message: "Pid out of range: 0" },
    { argv: ["--dwarf-pid", "-e", "P"], message: "Failed to parse pid: invalid integer: -e" },
    { argv: ["-p", "0x", "-e", "P"], message: "Failed to parse pid: invalid trailing bytes: 0x" },
    { argv: ["-f", "xml", "-e", "P"], message: 'Invalid output format "xml"' },
    { argv: ["-B", "page", "-e", "P"], message: "-B must be line or full or none" },
    { argv: ["-k", "--no-warnings", "-e", "P"], message: "-k and --no-warnings exclude each other" },
    { argv: ["--no-warnings", "-k", "-e", "P"], message: "-k and --no-warnings exclude each other" },
    { argv: ["--emit", "llvm", "-e", "P"], message: 'unknown stage "llvm"' },
    { argv: ["-e", "P", "--", "--=5"], message: "a parameter without a name" },
    { argv: ["--probe-filter", "[", "-e", "P"], message: "Invalid --probe-filter regex '[': " },
    { argv: ["--no-feature", "sound", "-e", "P"], message: '--no-feature knows no feature "sound"' },
    { argv: ["--mode", "codegen", "-e", "P"], message: "--mode must be bench or test or format, not codegen" },
    { argv: ["-e", "P", "--aot", "x"], message: "there is no --aot here" },
    { argv: ["--emit-llvm=x", "-e", "P"], message: "there is no --emit-llvm here" },
    { argv: ["--fmt"], message: "a script is needed" },
    { argv: ["--list=t:*"], message: "--list takes no value" },
    { argv: ["-lt:*"], message: "unknown option -t" },
  ])("refuses $argv", ({ argv, message }) => {
    expect(() => parseTraceArgs(argv)).toThrow(UsageError);
    expect(() => parseTraceArgs(argv)).toThrow(message);
  });

  it.each([
    { argv: ["--verbsoe", "-e", "P"], help: "did you mean --verbose?", showUsage: true },
    {
      argv: ["-e", "P", "--n=5"],
      help: "parameters of the script that look like options stand behind a --",
      showUsage: true,
    },
    { argv: [], help: "-e 'PROGRAM', a file name, or - for standard input", showUsage: true },
    { argv: ["--aot", "x"], help: "run the script itself: it is compiled in milliseconds", showUsage: false },
    { argv: ["-f", "xml", "-e", "P"], help: "valid formats: text, json", showUsage: false },
  ])("says what to do: $argv", ({ argv, help, showUsage }) => {
    expect(() => parseTraceArgs(argv)).toThrow(expect.objectContaining({ help, showUsage }));
  });
});

describe("splitCommand", () => {
  it("knows no quotes, as in bpftrace", () => {
    expect(splitCommand("sh -c 'echo hi'")).toEqual(["sh", "-c", "'echo", "hi'"]);
  });
});

describe("traceUsage", () => {
  it("names every option", () => {
    for (const option of ["-e", "-c, --cmd", "--dry-run", "-d, --emit", "--no-warnings"]) {
      expect(traceUsage()).toContain(option);
    }
  });
});
