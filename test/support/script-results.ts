/** Brings what a compiled script left in its maps and sent as events into the form of the tree-walking oracle. */
import type { CompiledProgram, EventField } from "../../compiler/program.ts";
import { combine, type Value as Decoded, decode } from "../../harness/tracing/decode.ts";
import type { MapSnapshot } from "../../harness/tracing/maps.ts";
import { decodeMap } from "../../harness/tracing/snapshot.ts";
import type { EvalResult } from "./ast-eval.ts";
import { keyText, type Value } from "./eval-values.ts";

export function resultOf(
  program: CompiledProgram,
  snapshots: readonly MapSnapshot[],
  records: readonly Uint8Array[],
): EvalResult {
  const maps: EvalResult["maps"] = {};
  for (const snapshot of snapshots) {
    const { entries } = decodeMap(snapshot);
    if (entries.length === 0) continue;
    maps[snapshot.map.name] = Object.fromEntries(
      entries.map(({ key, value }) => [key === undefined ? "" : keyText(plain(key)), aggregateOrPlain(value)]),
    );
  }
  return { maps, events: records.flatMap((bytes) => eventOf(program, bytes)) };
}

function eventOf(program: CompiledProgram, bytes: Uint8Array): unknown[][] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const event = program.events[Number(view.getBigUint64(0, true))]!;
  const read = ({ offset, layout }: EventField) => plain(combine(layout, [decode(layout, view, offset)]));
  const optional = (field: EventField | undefined) => (field ? [read(field)] : []);
  switch (event.kind) {
    case "printf":
      return [[event.format, ...event.args.map(read)]];
    case "print":
      return [["print", read(event.value)]];
    case "print_map_value":
      return [["print", read(event.value)]];
    case "print_map":
      return [["print", program.scriptMaps[event.map]!.name, ...optional(event.top), ...optional(event.div)]];
    case "clear_map":
    case "zero_map":
      return [[event.kind.slice(0, -"_map".length), program.scriptMaps[event.map]!.name]];
    default:
      return [];
  }
}

function plain(value: Decoded): Value {
  switch (value.kind) {
    case "integer":
    case "enum":
      return BigInt.asIntN(64, value.value);
    case "boolean":
      return value.value;
    case "string":
      return value.bytes;
    case "buffer":
      return value.bytes;
    case "name":
      return value.name;
    case "timestamp":
      return BigInt.asIntN(64, value.ns);
    case "tuple":
    case "array":
      return value.elements.map(plain);
    case "record":
      return Object.fromEntries(value.fields.map((field) => [field.name, plain(field.value)]));
    default:
      throw new Error(`a ${value.kind} is not for the oracle`);
  }
}

function aggregateOrPlain(value: Decoded): unknown {
  switch (value.kind) {
    case "count":
      return { count: BigInt.asIntN(64, value.value) };
    case "sum":
      return { sum: BigInt.asIntN(64, value.value) };
    case "min":
    case "max":
      return { best: BigInt.asIntN(64, value.value) };
    case "avg":
    case "stats":
      return { count: value.count, total: BigInt.asIntN(64, value.total) };
    case "hist":
    case "lhist":
      return Object.fromEntries(value.buckets.flatMap((n, i) => (n === 0n ? [] : [[i, n]])));
    case "tseries":
      return Object.fromEntries(
        value.points.flatMap((point, i) => {
          return point.value === undefined ? [] : [[value.points.length - 1 - i, BigInt.asIntN(64, point.value)]];
        }),
      );
    default:
      return plain(value);
  }
}
