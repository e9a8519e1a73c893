/** How values of the types lie in memory: sizes, alignments, and the layouts by which the harness decodes them. */
import { histBuckets, lhistBuckets } from "../histogram.ts";
import type { StackMode, ValueLayout } from "../program.ts";
import type { Aggregate, Named, Type } from "./types.ts";

/** Bytes that a value occupies in memory, padding included. */
export function sizeOf(type: Type): number {
  switch (type.kind) {
    case "unknown":
    case "void":
      return 0;
    case "integer":
    case "enum":
    case "string":
    case "float":
      return type.size;
    case "boolean":
      return 1;
    case "buffer":
      return type.size + 4;
    case "array":
      return sizeOf(type.element) * type.count;
    case "tuple":
      return placed(type.elements).size;
    case "record":
      return placed(type.fields.map((f) => f.type)).size;
    case "struct":
      return type.shape.size;
    case "usym":
    case "kstack":
    case "ustack":
    case "min":
    case "max":
    case "avg":
    case "stats":
      return 16;
    case "inet":
      return 24;
    case "mac":
      return 6;
    case "hist":
    case "lhist":
    case "tseries":
      throw new Error(`${type.kind} has no size of its own`);
    default:
      return 8;
  }
}

export function alignOf(type: Type): number {
  switch (type.kind) {
    case "integer":
    case "enum":
      return type.size;
    case "boolean":
    case "string":
    case "float":
    case "mac":
    case "struct":
      return 1;
    case "buffer":
      return 4;
    case "array":
      return alignOf(type.element);
    case "tuple":
      return Math.max(1, ...type.elements.map(alignOf));
    case "record":
      return Math.max(1, ...type.fields.map((f) => alignOf(f.type)));
    default:
      return 8;
  }
}

/** Offsets of elements laid one after the other, each at its alignment. */
export function placed(types: readonly Type[]): { offsets: number[]; size: number } {
  let offset = 0;
  let align = 1;
  const offsets = types.map((type) => {
    const a = alignOf(type);
    align = Math.max(align, a);
    offset = Math.ceil(offset / a) * a;
    const at = offset;
    offset += sizeOf(type);
    return at;
  });
  return { offsets, size: Math.ceil(offset / align) * align };
}

/** What the harness needs to decode a value. Layouts that refer to maps or probes are completed by the planner. */
export interface LayoutContext {
  namesOf(kind: Named["kind"]): { names: [number: number, name: string][]; other?: string };
  stackMap(stack: { mode: StackMode; limit: number }): number;
}

export function layoutOf(type: Type, context: LayoutContext): ValueLayout {
  switch (type.kind) {
    case "integer":
      return { kind: "integer", size: type.size, signed: type.signed };
    case "boolean":
      return { kind: "boolean", size: 1 };
    case "string":
      return { kind: "string", size: type.size, chars: type.chars };
    case "float":
      return { kind: "none", size: type.size };
    case "buffer":
      return { kind: "buffer", size: type.size + 4 };
    case "pointer":
      return { kind: "pointer", size: 8 };
    case "array":
      return { kind: "array", size: sizeOf(type), element: layoutOf(type.element, context), count: type.count };
    case "tuple": {
      const { offsets, size } = placed(type.elements);
      const elements = type.elements.map((e, i) => ({ offset: offsets[i]!, layout: layoutOf(e, context) }));
      return { kind: "tuple", size, elements };
    }
    case "record": {
      const { offsets, size } = placed(type.fields.map((f) => f.type));
      const fields = type.fields.map((f, i) => ({
        name: f.name,
        offset: offsets[i]!,
        layout: layoutOf(f.type, context),
      }));
      return { kind: "record", size, fields };
    }
    case "struct": {
      const fields = type.shape.fields().map((f) => ({
        name: f.name,
        offset: f.offset,
        layout: layoutOf(f.type, context),
        ...(f.bits ? { bits: { offset: f.bits.offset, size: f.bits.size } } : {}),
      }));
      return { kind: "struct", size: type.shape.size, name: type.shape.name, fields };
    }
    case "enum":
      return {
        kind: "enum",
        size: type.size,
        signed: type.signed,
        name: type.name,
        values: type.values.map((v) => [v.value.toString(), v.name]),
      };
    case "probe":
    case "strerror":
    case "signal_name":
    case "syscall_name":
      return { kind: "name", size: 8, ...context.namesOf(type.kind) };
    case "ksym":
      return { kind: "ksym", size: 8 };
    case "usym":
      return { kind: "usym", size: 16 };
    case "kstack":
    case "ustack":
      return { kind: type.kind, size: 16, map: context.stackMap(type), mode: type.mode, limit: type.limit };
    case "timestamp":
      return { kind: "timestamp", size: 8, format: type.format, clock: type.clock };
    case "inet":
      return { kind: "inet", size: 24 };
    case "mac":
      return { kind: "mac", size: 6 };
    case "cgroup_path":
      return { kind: "cgroup_path", size: 8, filter: type.filter };
    case "username":
      return { kind: "username", size: 8 };
    case "count":
      return { kind: "count", size: 8 };
    case "sum":
      return { kind: "sum", size: 8, signed: type.signed };
    case "min":
    case "max":
    case "avg":
    case "stats":
      return { kind: type.kind, size: 16, signed: type.signed };
    case "hist":
      return { kind: "hist", size: aggregateSize(type), bits: type.bits };
    case "lhist":
      return { kind: "lhist", size: aggregateSize(type), min: type.min, max: type.max, step: type.step };
    case "tseries":
      return { ...type, size: 24 };
    case "args":
    case "unknown":
    case "void":
      throw new Error(`a value of type ${type.kind} has no layout`);
  }
}

/** Bytes of one CPU's copy of an aggregate; of a time series, those of one interval. */
export function aggregateSize(type: Aggregate): number {
  switch (type.kind) {
    case "count":
    case "sum":
      return 8;
    case "min":
    case "max":
    case "avg":
    case "stats":
      return 16;
    case "hist":
      return histBuckets(type.bits) * 8;
    case "lhist":
      return lhistBuckets(type.min, type.max, type.step) * 8;
    case "tseries":
      return 24;
  }
}
