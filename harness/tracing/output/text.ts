/** The text output of bpftrace 0.27: data on standard output, remarks on standard error. */
import type { Severity } from "../../../compiler/diagnostics.ts";
import type { FormatPiece } from "../../../compiler/format-string.ts";
import { type Span, ways } from "../../../compiler/source.ts";
import { type ByteString, escapeControls, fromText, toBytes } from "../bytestring.ts";
import type { Printable, PrintableMap } from "../printable.ts";
import { strerror } from "../symbols/strerror.ts";
import { benchmarkText, testText } from "./on-demand.ts";
import { type Guard, keyText, printableText } from "./printable-text.ts";
import { formatPrintf } from "./printf.ts";
import { excerpt, headline, location, remark, SEVERITY } from "./remark.ts";
import {
  type BenchmarkResult,
  type OutputSink,
  type OutputStreams,
  RUNTIME_ERRORS,
  type RuntimeError,
  type TestResult,
} from "./sink.ts";

/** Which streams are terminals. There, control characters in data are escaped; elsewhere bytes pass as they are. */
export interface Terminals {
  readonly out: boolean;
  readonly err: boolean;
}

const E2BIG = 7;
const ENOENT = 2;

export class TextOutput implements OutputSink {
  readonly #streams: OutputStreams;
  readonly #guardOut: Guard;
  readonly #guardErr: Guard;

  constructor(streams: OutputStreams, terminals: Terminals) {
    this.#streams = streams;
    this.#guardOut = terminals.out ? escapeControls : asIs;
    this.#guardErr = terminals.err ? escapeControls : asIs;
  }

  attachedProbes(count: number): void {
    this.#err(`Attached ${count} ${count === 1 ? "probe" : "probes"}\n`);
  }

  printf(format: readonly FormatPiece[], args: readonly Printable[]): void {
    this.#out(formatPrintf(format, args, this.#guardOut));
  }

  message(severity: Severity, span: Span, format: readonly FormatPiece[], args: readonly Printable[]): void {
    const text = formatPrintf(format, args, this.#guardErr).replace(/\n$/, "");
    const from = ways(span).map((way) => remark(severity, way.span, `${way.what} from`));
    this.#err(`${fromText(location(span))}: ${SEVERITY[severity]}: ${text}\n${fromText(from.join(""))}`);
  }

  value(value: Printable): void {
    this.#out(`${this.#guardOut(printableText(value))}\n`);
  }

  map({ name, entries }: PrintableMap): void {
    let text = "";
    for (const { key, value } of entries) {
      const label = name + (key === undefined ? "" : `[${this.#guardOut(keyText(key))}]`);
      // A diagram stands below its label; both are followed by the line break that ends the entry.
      const isDiagram = value.kind === "histogram" || value.kind === "series";
      text += `${label}:${isDiagram ? "\n" : " "}${this.#guardOut(printableText(value))}\n`;
    }
    if (text !== "") this.#out(text);
  }

  time(text: ByteString): void {
    this.#out(text);
  }

  join(text: ByteString): void {
    this.#out(`${this.#guardOut(text)}\n`);
  }

  cat(content: ByteString): void {
    this.#out(this.#guardOut(content));
  }

  system(output: ByteString): void {
    this.#out(`${this.#guardOut(output)}\n`);
  }

  lostEvents(count: number): void {
    this.#err(`Lost ${count} events\n`);
  }

  runtimeError(failure: RuntimeError): void {
    const { span } = failure;
    if (failure.error !== "helper") {
      this.#err(fromText(headline("warning", RUNTIME_ERRORS[failure.error], span) + excerpt(span)));
      return;
    }
    const { helper, result } = failure;
    const head = headline("warning", explain(helper, result), span);
    this.#err(fromText(`${head}Additional Info - helper: ${helper}, retcode: ${result}\n${excerpt(span)}`));
  }

  benchmark(names: readonly string[], results: readonly BenchmarkResult[]): void {
    this.#out(benchmarkText(names, results));
  }

  test(names: readonly string[], results: readonly TestResult[]): void {
    this.#out(testText(names, results));
  }

  remark(severity: Severity, text: string): void {
    this.#err(fromText(headline(severity, text)));
  }

  end(): void {
    this.#out("\n\n");
  }

  #out(bytes: ByteString): void {
    if (bytes !== "") this.#streams.out(toBytes(bytes));
  }

  #err(bytes: ByteString): void {
    this.#streams.err(toBytes(bytes));
  }
}

const asIs: Guard = (bytes) => bytes;

const LOOKUPS: ReadonlySet<string> = new Set(["map_lookup_elem", "map_lookup_percpu_elem"]);

function explain(helper: string, result: number): string {
  if (helper === "map_update_elem" && result === -E2BIG) {
    return "Map full; can't update element. Try more room: max_map_keys, or a declaration such as `let @a = hash(5000)`";
  }
  if (helper === "map_delete_elem" && result === -ENOENT) return "Can't delete map element because it does not exist.";
  // A lookup has no error number, only an answer or none.
  if (LOOKUPS.has(helper)) return "Can't lookup map element because it does not exist.";
  return strerror(BigInt(result));
}
