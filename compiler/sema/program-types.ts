/** The types of the programs that a block's probes are in, by their names: what `struct foo` means where the program's code runs. */
import type { Die } from "../dwarf/die.ts";
import type { Dwarf, TypeKind } from "../dwarf/dwarf.ts";
import type { KernelFacts } from "../kernel-facts.ts";
import { typeFromDwarf } from "./dwarf-types.ts";
import type { ResolvedProbe } from "./providers/provider.ts";
import type { Type } from "./types.ts";

export interface ProgramTypes {
  type(tag: "struct" | "union" | "enum" | undefined, name: string): Type | undefined;
}

/** Undefined for probes that are in no program. */
export function programTypes(probes: readonly ResolvedProbe[], facts: KernelFacts): ProgramTypes | undefined {
  const places = new Map<string, number>();
  for (const { event } of probes) {
    if (event.kind !== "uprobe") return undefined;
    if (!places.has(event.path)) places.set(event.path, event.address);
  }
  if (places.size === 0) return undefined;
  return {
    type(tag, name) {
      for (const [path, address] of places) {
        const dwarf = facts.debugInfo(path);
        const type = dwarf?.ask(() => {
          const found = find(dwarf, tag, name, dwarf.functionAt(address)?.die);
          return found && typeFromDwarf(dwarf, found);
        });
        if (type) return type;
      }
      return undefined;
    },
  };
}

/** A struct may also be named without its tag. The probed function's own unit is looked through first. */
function find(dwarf: Dwarf, tag: "struct" | "union" | "enum" | undefined, name: string, near: Die | undefined) {
  const kinds: readonly TypeKind[] = tag === undefined ? ["plain", "struct", "union", "enum"] : [tag];
  for (const kind of kinds) {
    const found = dwarf.findType(kind, name, near);
    if (found) return found;
  }
  return undefined;
}
