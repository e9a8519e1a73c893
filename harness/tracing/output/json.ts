/**
 * The JSON output of bpftrace 0.27: one object a line on standard output. Numbers that a double cannot hold are strings.
 *
 * bpftrace writes bytes outside ASCII as `\uffffffc3`, which no reader can turn back. Here UTF-8 stays UTF-8, and a byte that
 * is none becomes the four characters `\xff`.
 */
import type { Severity } from "../../../compiler/diagnostics.ts";
import type { FormatPiece } from "../../../compiler/format-string.ts";
import type { Span } from "../../../compiler/source.ts";
import { unreachable } from "../../../compiler/unreachable.ts";
import { type ByteString, fromText, toBytes, toText } from "../bytestring.ts";
import type { Printable, PrintableMap, SeriesPoint } from "../printable.ts";
import { strerror } from "../symbols/strerror.ts";
import type { HistogramRow } from "./histogram.ts";
import { keyText } from "./printable-text.ts";
import { formatPrintf } from "./printf.ts";
import { headline } from "./remark.ts";
import {
  type BenchmarkResult,
  type OutputSink,
  type OutputStreams,
  place,
  RUNTIME_ERRORS,
  type RuntimeError,
  type TestResult,
} from "./sink.ts";
import { formatTimestamp } from "./strftime.ts";
import { UTC } from "./timezone.ts";

export class JsonOutput implements OutputSink {
  readonly #streams: OutputStreams;

  constructor(streams: OutputStreams) {
    this.#streams = streams;
  }

  attachedProbes(count: number): void {
    this.#line(`{"type": "attached_probes", "count": ${count}, "data": {"probes": ${count}}}`);
  }

  printf(format: readonly FormatPiece[], args: readonly Printable[]): void {
    this.#data("printf", string(formatPrintf(format, args)));
  }

  message(severity: Severity, span: Span, format: readonly FormatPiece[], args: readonly Printable[]): void {
    const type = severity === "error" ? "errorf" : "warnf";
    this.#line(`{"type": "${type}", "msg": ${string(formatPrintf(format, args))}, ${position(span)}}`);
  }

  value(value: Printable): void {
    this.#data("value", json(value));
  }

  map({ name, category, keyed, entries }: PrintableMap): void {
    // Only an empty map of averages or stats is told.
    if (entries.length === 0 && category !== "stats") return;
    const [first] = entries;
    const content = keyed || first === undefined ? object(entries) : json(first.value);
    this.#data(category, `{${string(name)}: ${content}}`);
  }

  time(text: ByteString): void {
    this.#data("time", string(text));
  }

  join(text: ByteString): void {
    this.#data("join", string(text));
  }

  cat(content: ByteString): void {
    this.#data("cat", string(content));
  }

  system(output: ByteString): void {
    this.#data("syscall", string(output));
  }

  lostEvents(count: number): void {
    this.#line(`{"type": "lost_events", "count": ${count}, "data": {"events": ${count}}}`);
  }

  runtimeError(failure: RuntimeError): void {
    const { span } = failure;
    if (failure.error !== "helper") {
      this.#line(`{"type": "runtime_error", "msg": ${string(RUNTIME_ERRORS[failure.error])}, ${position(span)}}`);
      return;
    }
    const { helper, result } = failure;
    const message = string(strerror(BigInt(result)));
    this.#line(
      `{"type": "helper_error", "msg": ${message}, "helper": ${string(helper)}, "retcode": ${result}, ${position(span)}}`,
    );
  }

  benchmark(names: readonly string[], results: readonly BenchmarkResult[]): void {
    const { averageNs, iterations } = results.at(-1)!;
    const name = string(fromText(names[results.length - 1]!));
    this.#data("benchmark_result", `{${name}: {"average": ${averageNs}, "iters": ${iterations}}}`);
  }

  test(names: readonly string[], results: readonly TestResult[]): void {
    const { durationNs, passed, output } = results.at(-1)!;
    const name = string(fromText(names[results.length - 1]!));
    const result = `{"duration": ${durationNs}, "passed": ${passed}, "output": ${string(output)}}`;
    this.#data("test_result", `{${name}: ${result}}`);
  }

  remark(severity: Severity, text: string): void {
    this.#streams.err(toBytes(fromText(headline(severity, text))));
  }

  end(): void {}

  #data(type: string, data: string): void {
    this.#line(`{"type": "${type}", "data": ${data}}`);
  }

  #line(text: string): void {
    this.#streams.out(Buffer.from(`${text}\n`, "utf8"));
  }
}

function json(value: Printable): string {
  switch (value.kind) {
    case "integer":
    case "symbolic":
      return number(value.value);
    case "boolean":
      return String(value.value);
    case "none":
      return "null";
    case "text":
      return string(value.bytes);
    case "buffer":
      // bpftrace's bytes are signed.
      return `[${Array.from(value.bytes, (byte) => (byte.charCodeAt(0) << 24) >> 24).join(",")}]`;
    case "tuple":
    case "array":
      return `[${value.elements.map(json).join(",")}]`;
    case "record":
      return `{${value.fields.map((f) => `${string(f.name)}: ${json(f.value)}`).join(", ")}}`;
    case "histogram":
      return `[${value.rows.map(bucket).join(",")}]`;
    case "series":
      return `[${value.points.flatMap(point).join(",")}]`;
    default:
      return unreachable(value, "printable");
  }
}

/** The keys are texts, without the spaces in them. */
function object(entries: PrintableMap["entries"]): string {
  const members = entries.map(({ key, value }) => {
    const name = key === undefined ? "" : keyText(key).replaceAll(" ", "");
    return `${string(name)}: ${json(value)}`;
  });
  return `{${members.join(", ")}}`;
}

/** Unlike the half-open intervals of the text output, these include their upper bound. */
function bucket({ low, high, count }: HistogramRow): string {
  const min = low === undefined ? "" : `"min": ${number(low.value)}, `;
  const max = high === undefined ? "" : `"max": ${number(high.value - 1n)}, `;
  return `{${min}${max}"count": ${count}}`;
}

/** Times are in UTC. Intervals without a value are left out. */
function point({ startNs, value }: SeriesPoint): string[] {
  if (value === undefined) return [];
  const start = formatTimestamp("%Y-%m-%d %H:%M:%S.%k", startNs, UTC);
  return [`{"interval_start":"${start}","value":${number(value)}}`];
}

function number(value: bigint): string {
  const text = value.toString();
  return BigInt(Number(value)) === value ? text : `"${text}"`;
}

function string(bytes: ByteString): string {
  // Control characters above U+007F need no escape in JSON, but might reach a terminal.
  const escaped = toText(bytes).replace(/["\\\x00-\x1f\x7f-\x9f]/g, (character) => {
    return SHORT_ESCAPES[character] ?? `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
  return `"${escaped}"`;
}

const SHORT_ESCAPES: Readonly<Record<string, string>> = {
  '"': '\\"',
  "\\": "\\\\",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
};

/** The members that say where in the script something happened. */
function position(span: Span): string {
  const { file, start } = place(span);
  return `"filename": ${JSON.stringify(file)}, "line": ${start.line}, "col": ${start.column}`;
}
