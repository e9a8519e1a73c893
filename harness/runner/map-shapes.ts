/** What the maps of compiled scripts hold, in the terms of the metric language, before anything has run. */
import type { CompiledProgram, ValueLayout } from "../../compiler/program.ts";
import type { MapShape, MapValueKind } from "../metrics/run-data.ts";

export function mapShapes({ scriptMaps }: CompiledProgram): MapShape[] {
  return scriptMaps.map(({ name, key, value }) => ({ name, kind: valueKind(value), keyed: key !== undefined }));
}

/** What has no numeric meaning is "other". */
export function valueKind({ kind }: ValueLayout): MapValueKind {
  switch (kind) {
    case "integer":
    case "boolean":
    case "enum":
      return "integer";
    case "count":
    case "sum":
    case "min":
    case "max":
    case "avg":
    case "stats":
    case "hist":
    case "lhist":
      return kind;
    default:
      return "other";
  }
}
