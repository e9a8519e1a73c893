/**
 * Whether the arguments that a block reads are there at the places of its USDT probes. One that is nowhere is a mistake;
 * where only some places lack it, it is 0 there, of which the author should know.
 */
import type { Diagnostics } from "../diagnostics.ts";
import type { Span } from "../source.ts";
import type { Probe } from "../syntax/ast.ts";
import { walk } from "../syntax/walk.ts";
import type { Unit } from "./typed.ts";
import type { UsdtArgument } from "./usdt-descriptor.ts";

export function checkUsdtArguments(units: readonly Unit[], diags: Diagnostics): void {
  for (const unit of units) {
    if (unit.probes[0]?.event.kind !== "usdt") continue;
    for (const [index, span] of argumentsRead(unit.block)) checkArgument(unit, index, span, diags);
  }
}

function checkArgument({ probes }: Unit, index: number, span: Span, diags: Diagnostics): void {
  const problems = probes.flatMap(({ name, event }) =>
    event.kind === "usdt" ? event.places.map((place) => problem(name, place.arguments(), index)) : [],
  );
  const found = problems.filter((each) => each !== undefined);
  const [first] = found;
  if (first === undefined) return;
  if (found.length === problems.length) {
    const others = new Set(found).size > 1 ? ", and the others do not have it either" : "";
    diags.error("argument-index", span, `${first}${others}`);
  } else {
    const message = `\`arg${index}\` is 0 at ${found.length} of ${problems.length} places: ${first}`;
    diags.warning("argument-index", span, message, { help: "name the probes that have it, or test `probe`" });
  }
}

function problem(probe: string, list: readonly UsdtArgument[], index: number): string | undefined {
  const argument = list[index];
  if (!argument) return `${probe} has ${count(list.length)}, no \`arg${index}\``;
  return argument.source.from === "nowhere"
    ? `\`arg${index}\` of ${probe} cannot be read: ${argument.source.reason}`
    : undefined;
}

function count(n: number): string {
  return n === 1 ? "1 argument" : `${n || "no"} arguments`;
}

/** The numbers of the arguments that a block reads, each where it does so first. */
export function argumentsRead(block: Probe): Map<number, Span> {
  const found = new Map<number, Span>();
  walk(block, (node) => {
    const [, digits] = node.kind === "identifier" ? (/^arg(\d+)$/.exec(node.name) ?? []) : [];
    if (digits !== undefined && !found.has(Number(digits))) found.set(Number(digits), node.span);
  });
  return found;
}
