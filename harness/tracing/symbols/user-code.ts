/** Whether a program's values hold addresses in processes: then it has to be known what these have mapped. */
import type { CompiledProgram, EventField, EventLayout, ValueLayout } from "../../../compiler/program.ts";
import { unreachable } from "../../../compiler/unreachable.ts";

export function namesUserCode({ scriptMaps, events }: CompiledProgram): boolean {
  const inMaps = scriptMaps.some(({ key, value }) => (key !== undefined && hasUserCode(key)) || hasUserCode(value));
  return inMaps || events.some((event) => fieldsOf(event).some(({ layout }) => hasUserCode(layout)));
}

function hasUserCode(layout: ValueLayout): boolean {
  switch (layout.kind) {
    case "usym":
      return true;
    case "ustack":
      return layout.mode === "bpftrace" || layout.mode === "perf";
    case "tuple":
      return layout.elements.some((element) => hasUserCode(element.layout));
    case "record":
    case "struct":
      return layout.fields.some((field) => hasUserCode(field.layout));
    case "array":
      return hasUserCode(layout.element);
    default:
      return false;
  }
}

function fieldsOf(event: EventLayout): readonly EventField[] {
  switch (event.kind) {
    case "printf":
    case "errorf":
    case "warnf":
    case "system":
    case "cat":
    case "join":
      return event.args;
    case "print":
    case "print_map_value":
      return [event.value];
    case "print_map":
    case "clear_map":
    case "zero_map":
    case "unwatch":
    case "exit":
    case "time":
    case "runtime_error":
      return [];
    default:
      return unreachable(event, "event");
  }
}
