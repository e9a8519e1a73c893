/**
 * Texts that are kept as numbers: of probes, and of the tables of errors, signals and system calls. As a number a text costs
 * nothing to compare, to store or to send; it is written out where it meets another text.
 */
import type { VReg } from "../ir/ir.ts";
import { type NameTableKind, nameTable } from "../name-tables.ts";
import { NAME_SIZE, type Named } from "../sema/types.ts";
import type { Lowering } from "./lowering.ts";
import type { Place } from "./place.ts";
import { stringLiteral } from "./strings.ts";

/** The number as it is kept: all that have no name of their own are one. */
export function tableNumber(l: Lowering, kind: NameTableKind, number: VReg): VReg {
  const count = nameTable(kind, l.facts.arch).names.length;
  return l.choose(
    "lt",
    number,
    { imm: BigInt(count) },
    () => number,
    () => l.b.const(count),
  );
}

/** The number that alone stands for a text; -1n if there is none, undefined if there are several. */
export function numberOf(l: Lowering, { kind }: Named, text: string): bigint | undefined {
  if (kind === "probe") return BigInt(l.unit.probes.find((probe) => probe.name === text)?.id ?? -1);
  const { names, other } = nameTable(kind, l.facts.arch);
  const first = [...names, other].indexOf(text);
  return names.indexOf(text, first + 1) < 0 && (text !== other || first === names.length) ? BigInt(first) : undefined;
}

/** Writes the text that a number stands for, padded. */
export function nameText(l: Lowering, { kind }: Named, number: VReg, to: Place, size: number): void {
  if (kind === "probe") {
    probeName(l, number, to, size);
    return;
  }
  const { map } = l.plan.nameTable(kind);
  const row = l.b.alu("mul", tableNumber(l, kind, l.reckoned(number)), { imm: BigInt(NAME_SIZE) });
  const from = { base: l.b.alu("add", l.mapValue(map, 0), row), offset: 0, space: "bpf" } as const;
  l.copy(from, to, Math.min(size, NAME_SIZE));
  if (size > NAME_SIZE) l.zero({ ...to, offset: to.offset + NAME_SIZE }, size - NAME_SIZE);
}

function probeName(l: Lowering, id: VReg, to: Place, size: number): void {
  const probes = l.unit.probes;
  if (probes.length === 1) {
    stringLiteral(l, probes[0]!.name, to, size, true);
    return;
  }
  l.zero(to, size);
  for (const probe of probes) {
    l.when("eq", id, { imm: BigInt(probe.id) }, () => stringLiteral(l, probe.name, to, size, false));
  }
}
