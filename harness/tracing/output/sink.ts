/**
 * Where a session's output goes. The events of a running script call these methods in order; a text and a JSON
 * implementation print what bpftrace 0.27 prints, on the stream where it prints it.
 */
import type { Severity } from "../../../compiler/diagnostics.ts";
import type { FormatPiece } from "../../../compiler/format-string.ts";
import type { Mishap } from "../../../compiler/program.ts";
import type { Position, Span } from "../../../compiler/source.ts";
import { outermost } from "../../../compiler/source.ts";
import type { ByteString } from "../bytestring.ts";
import type { Printable, PrintableMap } from "../printable.ts";

/** The two streams of a process. A call takes all bytes or throws. */
export interface OutputStreams {
  out(bytes: Uint8Array): void;
  err(bytes: Uint8Array): void;
}

/** What went wrong while the script ran. */
export type RuntimeError =
  | { readonly error: Mishap; readonly span: Span }
  | {
      readonly error: "helper";
      /** The helper function of the kernel that failed, for instance `map_update_elem`. */
      readonly helper: string;
      /** Negative errno; 0 from a lookup that found nothing. */
      readonly result: number;
      readonly span: Span;
    };

/** What a mistake of the script leads to, in words. */
export const RUNTIME_ERRORS: Readonly<Record<Mishap, string>> = {
  "division-by-zero":
    "Divide or modulo by 0 detected. This can lead to unexpected results. 1 is being used as the result.",
  "no-command": "No child command (`-c`); cpid is zero",
  "no-unwind-data": "No DWARF unwind data available for this process. Use -p or --dwarf-pid to specify target PIDs.",
  "no-process": "No such process; comm(pid) is N/A",
  "out-of-bounds": "Array access out of bounds. This can lead to unexpected results.",
};

/** A benchmark of the script that was run. */
export interface BenchmarkResult {
  readonly averageNs: number;
  readonly iterations: number;
}

/** A test of the script that was run. */
export interface TestResult {
  readonly durationNs: number;
  readonly passed: boolean;
  /** What it printed. */
  readonly output: ByteString;
}

export interface OutputSink {
  attachedProbes(count: number): void;
  printf(format: readonly FormatPiece[], args: readonly Printable[]): void;
  /** errorf() and warnf() of the script. */
  message(severity: Severity, span: Span, format: readonly FormatPiece[], args: readonly Printable[]): void;
  /** print() of something that is no map. */
  value(value: Printable): void;
  map(map: PrintableMap): void;
  /** time(): the formatted time. */
  time(text: ByteString): void;
  join(text: ByteString): void;
  /** cat(): the content of the file. */
  cat(content: ByteString): void;
  /** system(): what the command printed. */
  system(output: ByteString): void;
  lostEvents(count: number): void;
  runtimeError(error: RuntimeError): void;
  /** The last one of these results is new; there will be one for each name. */
  benchmark(names: readonly string[], results: readonly BenchmarkResult[]): void;
  test(names: readonly string[], results: readonly TestResult[]): void;
  /** A remark of the tool itself. */
  remark(severity: Severity, text: string): void;
  /** Tracing is over; what follows are the maps. */
  end(): void;
}

/** Where a span lies in the file that the user edits. */
export function place(span: Span): { file: string; start: Position; end: Position } {
  const outer = outermost(span);
  const { source } = outer;
  return { file: source.name, start: source.position(outer.start), end: source.position(outer.end) };
}
