/**
 * Texts that are kept as numbers: of probes, and of the tables of errors, signals and system calls. As a number a text costs
 * nothing to compare, to store or to send; it is written out where it meets another text.
 */
import type { VReg } from "../ir/ir.ts";
import { gaps, type NameTable, type NameTableKind, nameTable } from "../name-tables.ts";
import { NAME_SIZE, type Named } from "../sema/types.ts";
import type { Lowering } from "./lowering.ts";
import type { Place } from "./place.ts";
import { stringLiteral } from "./strings.ts";

/** The number as it is kept: all that have no name are one, so that equal texts are equal numbers. */
export function tableNumber(l: Lowering, kind: NameTableKind, number: VReg): VReg {
  const table = nameTable(kind, l.facts.arch);
  let kept = rowNumber(l, table, number);
  for (const { start, length, nameless } of gaps(table)) {
    // if (kept - start < length && (nameless >> (kept - start)) & 1) kept = names.length
    const all = kept;
    const at = l.b.alu("sub", all, { imm: BigInt(start) });
    const named = () => all;
    const isNameless = () => l.b.alu("and", l.b.alu("rsh", l.b.const(BigInt.asIntN(64, nameless)), at), { imm: 1n });
    const inGap = () => l.choose("ne", isNameless(), { imm: 0n }, () => l.b.const(table.names.length), named);
    kept = l.choose("lt", at, { imm: BigInt(length) }, inGap, named);
  }
  return kept;
}

/** The row of a table that has the text of a number: all numbers behind the last share one. */
function rowNumber(l: Lowering, { names }: NameTable, number: VReg): VReg {
  const count = names.length;
  return l.choose(
    "lt",
    number,
    { imm: BigInt(count) },
    () => number,
    () => l.b.const(count),
  );
}

/** The number that stands for a text; -1n if there is none. */
export function numberOf(l: Lowering, { kind }: Named, text: string): bigint {
  if (kind === "probe") return BigInt(l.unit.probes.find((probe) => probe.name === text)?.id ?? -1);
  const { names, other } = nameTable(kind, l.facts.arch);
  return BigInt(text === other ? names.length : names.indexOf(text));
}

/** Writes the text that a number stands for, padded. */
export function nameText(l: Lowering, { kind }: Named, number: VReg, to: Place, size: number): void {
  if (kind === "probe") {
    probeName(l, number, to, size);
    return;
  }
  const { map } = l.plan.nameTable(kind);
  const row = l.b.alu("mul", rowNumber(l, nameTable(kind, l.facts.arch), l.reckoned(number)), {
    imm: BigInt(NAME_SIZE),
  });
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
