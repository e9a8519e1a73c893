/** The types that checking found, for --emit=types. */
import type { TypedScript } from "./typed.ts";
import { typeName } from "./types.ts";

export function printTypes(script: TypedScript): string {
  const lines: string[] = [];
  for (const map of script.maps.values()) {
    const key = map.keyed ? `[${typeName(map.key)}]` : "";
    lines.push(`${map.name}${key}: ${typeName(map.value)}`);
  }
  for (const unit of script.units) {
    const names = unit.probes.map((probe) => probe.name);
    const more = names.length > 3 ? ` and ${names.length - 3} more` : "";
    lines.push(`${names.slice(0, 3).join(", ")}${more}`);
    for (const variable of new Set(unit.variables.values())) {
      lines.push(`  ${variable.name}: ${typeName(variable.type)}`);
    }
  }
  return `${lines.join("\n")}\n`;
}
