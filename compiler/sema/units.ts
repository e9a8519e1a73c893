/** Which probes of a block are checked, and mostly lowered, as one. */
import type * as ast from "../syntax/ast.ts";
import { nodesOf } from "../syntax/nodes.ts";
import { Weights } from "../syntax/weight.ts";
import type { ContextNeeds, ResolvedProbe } from "./providers/provider.ts";
import type { Unit } from "./typed.ts";
import { typeName } from "./types.ts";

/** Probes of one block that offer the same arguments are checked, and mostly lowered, as one. */
export function splitIntoUnits(block: ast.Probe, probes: readonly ResolvedProbe[]): Unit[] {
  const fields = argumentFields(block);
  const groups = new Map<string, ResolvedProbe[]>();
  for (const probe of probes) {
    const key = `${probe.provider} ${signature(probe, fields)}`;
    const group = groups.get(key);
    if (group) group.push(probe);
    else groups.set(key, [probe]);
  }
  const weights = new Weights();
  return [...groups.values()].map((group) => ({
    block,
    probes: group,
    types: new Map(),
    variables: new Map(),
    weights,
  }));
}

function signature(probe: ResolvedProbe, fields: ReadonlySet<string> | "whole" | undefined): string {
  const { event } = probe;
  const kind =
    event.kind === "syscall" ? event.direction : event.kind === "iter" ? `iter ${event.iterator}` : event.kind;
  if (fields === undefined) return kind;
  // Types of one name may be others in another program.
  if (probe.event.kind === "uprobe") return `${kind} ${probe.event.path} ${argumentSignature(probe, fields)}`;
  return `${kind} ${argumentSignature(probe, fields)}`;
}

function argumentSignature(probe: ResolvedProbe, fields: ReadonlySet<string> | "whole"): string {
  if (fields === "whole") return `${probe.id}`;
  const args = probe.arguments();
  const parts = [...fields].map((name) => {
    const argument = args?.get(name);
    // A probe without the field is a unit of its own: the message names it.
    return argument ? `${name}:${typeName(argument.type)}:${JSON.stringify(argument.source)}` : `!${probe.id}`;
  });
  return parts.join(" ");
}

/** Names read as `args.name` in a block; "whole" when `args` stands alone; undefined when it does not occur. */
function argumentFields(block: ast.Probe): ReadonlySet<string> | "whole" | undefined {
  const uses = nodesOf(block, "identifier").filter(({ name }) => name === "args");
  if (uses.length === 0) return undefined;
  const reads = nodesOf(block, "field").filter(({ object }) => object.kind === "identifier" && object.name === "args");
  return reads.length < uses.length ? "whole" : new Set(reads.map(({ field }) => field.text));
}

/** How a block looks at its context: it decides which kind of program can serve it. */
export function contextNeeds(block: ast.Probe): ContextNeeds {
  const fields = argumentFields(block);
  const names = new Set(nodesOf(block, "identifier").map(({ name }) => name));
  for (const { callee } of nodesOf(block, "call")) names.add(callee.text);
  return {
    args: fields !== undefined,
    fields: fields === "whole" ? undefined : fields,
    ctx: names.has("ctx"),
    kernelStack: names.has("kstack"),
    loadAddress: names.has("uaddr"),
  };
}
