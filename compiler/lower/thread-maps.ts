/**
 * Maps that a thread uses for itself: every key is `tid`, values are set, read and deleted, as in the measurement of a
 * latency. An entry of such a map is touched by one thread only, so deleting may leave it in place, marked as dead, for the
 * thread's next use: two stores instead of a removal, and no insertion the next time.
 */
import type { TypedScript } from "../sema/typed.ts";
import { isScalar } from "../sema/types.ts";
import type * as ast from "../syntax/ast.ts";
import { walk } from "../syntax/walk.ts";

/** Functions that take whole maps and leave the reading to the harness, which knows dead entries. */
const WHOLE_MAP_FUNCTIONS = new Set(["print", "clear", "zero"]);

/** Names of the maps that are used in this way and no other, and from which something is deleted. */
export function threadMaps(script: TypedScript): Set<string> {
  const deleted = new Set<string>();
  const excluded = new Set<string>();
  for (const info of script.maps.values()) {
    if (!info.keyed || info.declaration || !isScalar(info.value)) excluded.add(info.name);
  }
  for (const block of new Set(script.units.map((unit) => unit.block))) {
    const seen = new Set<ast.Node>();
    walk(block, (node) => {
      if (seen.has(node)) return;
      switch (node.kind) {
        case "call":
          visitCall(node, seen);
          return;
        case "assignment":
          if (node.operator !== "=" && node.target?.kind === "map-access") excluded.add(node.target.map.name);
          return;
        case "increment":
          if (node.target.kind === "map-access") excluded.add(node.target.map.name);
          return;
        case "map-access":
          if (!isTid(node.key)) excluded.add(node.map.name);
          seen.add(node.map);
          return;
        case "map":
          excluded.add(node.name);
          return;
        default:
          return;
      }
    });
  }
  for (const name of excluded) deleted.delete(name);
  return deleted;

  function visitCall({ callee, args }: ast.Call, seen: Set<ast.Node>): void {
    const [first, second] = args;
    if (callee.text === "delete") {
      if (first?.kind === "map-access") deleted.add(first.map.name);
      if (first?.kind === "map") deleted.add(first.name);
    }
    if (first?.kind !== "map") return;
    const byKey = (callee.text === "delete" || callee.text === "has_key") && second !== undefined && isTid(second);
    if (byKey || WHOLE_MAP_FUNCTIONS.has(callee.text)) seen.add(first);
  }
}

function isTid(node: ast.Call["args"][number]): boolean {
  return node.kind === "identifier" && node.name === "tid";
}
