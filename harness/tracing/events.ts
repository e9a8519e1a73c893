/**
 * What a running script sends through the ring buffer, decoded and handed on in its order: output to the sink, actions
 * to whoever runs the session.
 */
import { parseFormat } from "../../compiler/format-string.ts";
import type { CompiledProgram, EventField, EventLayout } from "../../compiler/program.ts";
import { unreachable } from "../../compiler/unreachable.ts";
import type { ByteString } from "./bytestring.ts";
import { DecodeError, decode, type Value } from "./decode.ts";
import { formatPrintf } from "./output/printf.ts";
import type { OutputSink } from "./output/sink.ts";
import { strftime } from "./output/strftime.ts";
import { type Presentation, type Printable, present } from "./printable.ts";
import type { MapSelection } from "./snapshot.ts";

/** What a script can ask for besides printing. Maps are indices into the program's script maps. */
export interface EventHandlers {
  exit(code: number): void;
  printMap(map: number, selection: MapSelection): void;
  clearMap(map: number): void;
  zeroMap(map: number): void;
  unwatch(address: bigint): void;
  /** Runs a shell command; its output belongs into the sink. */
  system(command: ByteString): void;
  /** Shows the beginning of a file; its content belongs into the sink. */
  cat(path: ByteString): void;
}

export interface EventOptions {
  readonly sink: OutputSink;
  readonly handlers: EventHandlers;
  readonly presentation: Presentation;
  /** Seconds since 1970 UTC, for time(). */
  readonly now: () => number;
  /** False drops what warnf() prints. */
  readonly warnings: boolean;
}

/** Takes one record of the ring buffer. The bytes are read before it returns. Throws DecodeError. */
export type RecordConsumer = (view: DataView, offset: number, length: number) => void;

/** The consumer for the events of one program. */
export function eventConsumer(program: CompiledProgram, options: EventOptions): RecordConsumer {
  const consumers = program.events.map((layout, id) => ({ layout, id, consume: consumer(layout, options) }));
  return (view, offset, length) => {
    const record = new DataView(view.buffer, view.byteOffset + offset, length);
    if (length < EVENT_ID_SIZE) throw new DecodeError(`a record of ${length} bytes has no room for an event's number`);
    const id = record.getBigUint64(0, true);
    const event = id < BigInt(consumers.length) ? consumers[Number(id)] : undefined;
    if (event === undefined) throw new DecodeError(`a record of an unknown event, ${id} of ${consumers.length}`);
    if (length < event.layout.size) {
      throw new DecodeError(
        `a record of ${length} bytes, but event ${id} (${event.layout.kind}) has ${event.layout.size}`,
      );
    }
    event.consume(record);
  };
}

const EVENT_ID_SIZE = 8;

/** Everything that does not depend on the record is done here, once. */
function consumer(layout: EventLayout, options: EventOptions): (record: DataView) => void {
  const { sink, handlers, presentation } = options;
  const decoded = (field: EventField, record: DataView): Value => decode(field.layout, record, field.offset);
  const shown = (field: EventField, record: DataView): Printable => present(decoded(field, record), presentation);
  const shownAll = (fields: readonly EventField[], record: DataView) => fields.map((field) => shown(field, record));
  const numberIn = (field: EventField | undefined, record: DataView): number =>
    field === undefined ? 0 : integerOf(decoded(field, record));

  switch (layout.kind) {
    case "printf": {
      const format = parseFormat(layout.format);
      return (record) => sink.printf(format, shownAll(layout.args, record));
    }
    case "errorf":
    case "warnf": {
      if (layout.kind === "warnf" && !options.warnings) return () => {};
      const severity = layout.kind === "errorf" ? "error" : "warning";
      const format = parseFormat(layout.format);
      return (record) => sink.message(severity, layout.span, format, shownAll(layout.args, record));
    }
    case "system": {
      const format = parseFormat(layout.format);
      return (record) => handlers.system(formatPrintf(format, shownAll(layout.args, record)));
    }
    case "cat": {
      const format = parseFormat(layout.format);
      return (record) => handlers.cat(formatPrintf(format, shownAll(layout.args, record)));
    }
    case "print":
    case "print_map_value":
      return (record) => sink.value(shown(layout.value, record));
    case "print_map":
      return (record) =>
        handlers.printMap(layout.map, {
          top: numberIn(layout.top, record),
          divisor: numberIn(layout.div, record),
        });
    case "clear_map":
      return () => handlers.clearMap(layout.map);
    case "zero_map":
      return () => handlers.zeroMap(layout.map);
    case "unwatch":
      return (record) => handlers.unwatch(BigInt.asUintN(64, wholeOf(decoded(layout.address, record))));
    case "exit":
      // What exit(2) leaves of it for a parent to see.
      return (record) => handlers.exit(numberIn(layout.code, record) & 0xff);
    case "time":
      return () => sink.time(strftime(layout.format, options.now(), presentation.resolver.zone));
    case "join":
      return (record) => sink.join(joined(shownAll(layout.args, record), layout.separator));
    case "runtime_error": {
      const { span } = layout;
      if (!options.warnings) return () => {};
      if (layout.error !== "helper") return () => sink.runtimeError({ error: layout.error, span });
      const { error, helper, result } = layout;
      return (record) => sink.runtimeError({ error, helper, result: numberIn(result, record), span });
    }
    default:
      return unreachable(layout, "event");
  }
}

function integerOf(value: Value): number {
  return Number(wholeOf(value));
}

function wholeOf(value: Value): bigint {
  if (value.kind !== "integer") throw new DecodeError(`a ${value.kind} where a number was expected`);
  return value.value;
}

/** An argument list ends with its first empty string: those behind it were not there. */
function joined(args: readonly Printable[], separator: ByteString): ByteString {
  const texts = args.map((arg) => (arg.kind === "text" ? arg.bytes : ""));
  const end = texts.indexOf("");
  return (end < 0 ? texts : texts.slice(0, end)).join(separator);
}
