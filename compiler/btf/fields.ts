/**
 * Members of structs and unions as a program reaches them: members of anonymous structs and unions belong to the
 * struct around them, and a bit-field becomes a load with a shift.
 */
import type { Btf } from "./btf.ts";
import { type BtfComposite, BtfError, type BtfField, type BtfMember, type BtfType, type TypeId } from "./types.ts";

/** No struct of a real kernel has so many; structs that contain themselves do. */
const MAX_FIELDS = 65_536;
/** Anonymous structs within anonymous structs. */
const MAX_DEPTH = 64;

/** The member `name` of the struct or union `id`, undefined when there is none or `id` is something else. */
export function fieldOf(btf: Btf, id: TypeId, name: string): BtfField | undefined {
  if (name === "") return undefined;
  const seen = new Set<TypeId>();
  function search(type: BtfType, base: number, depth: number): BtfField | undefined {
    if (!isComposite(type) || seen.has(type.id)) return undefined;
    if (depth > MAX_DEPTH) throw new BtfError(`BTF type ${id} is nested too deeply`);
    seen.add(type.id);
    for (const member of type.members) {
      if (member.name === name) return toField(btf, type, member, base);
    }
    for (const member of type.members) {
      if (member.name !== "") continue;
      const found = search(btf.resolve(member.type), base + byteOffset(type, member), depth + 1);
      if (found) return found;
    }
    return undefined;
  }
  return search(btf.resolve(id), 0, 0);
}

/** All named members of the struct or union `id`. Throws BtfError when it contains itself. */
export function fieldsOf(btf: Btf, id: TypeId): BtfField[] {
  const fields: BtfField[] = [];
  let parts = 0;
  function collect(type: BtfType, base: number, depth: number): void {
    if (!isComposite(type)) return;
    for (const member of type.members) {
      if (++parts > MAX_FIELDS || depth > MAX_DEPTH) throw new BtfError(`BTF type ${id} contains itself`);
      if (member.name !== "") fields.push(toField(btf, type, member, base));
      else collect(btf.resolve(member.type), base + byteOffset(type, member), depth + 1);
    }
  }
  collect(btf.resolve(id), 0, 0);
  return fields;
}

function isComposite(type: BtfType): type is BtfComposite {
  return type.kind === "struct" || type.kind === "union";
}

/** `base` is the offset, in bytes, of `parent` in the struct that was asked about. */
function toField(btf: Btf, parent: BtfComposite, member: BtfMember, base: number): BtfField {
  const { name, type } = member;
  const width = bitWidth(btf, member);
  if (width === 0) {
    const offset = byteOffset(parent, member);
    const size = btf.sizeOf(type) ?? 0;
    checkInside(parent, member, (offset + size) * 8);
    return { name, type, offset: base + offset, size, bits: undefined };
  }
  checkInside(parent, member, member.bitOffset + width);
  const unit = loadUnit(member.bitOffset, width, parent.size);
  const bits = { offset: member.bitOffset - unit.offset * 8, size: width };
  return { name, type, offset: base + unit.offset, size: unit.size, bits };
}

function byteOffset(parent: BtfComposite, member: BtfMember): number {
  if (member.bitOffset % 8 !== 0)
    throw new BtfError(`BTF member "${member.name}" of type ${parent.id} starts within a byte`);
  return member.bitOffset / 8;
}

function checkInside(parent: BtfComposite, member: BtfMember, endBit: number): void {
  if (endBit > parent.size * 8)
    throw new BtfError(`BTF member "${member.name}" of type ${parent.id} ends outside its ${parent.size} bytes`);
}

/** Bits of a bit-field, 0 for an ordinary member. Old BTF keeps the width in an integer type of its own. */
function bitWidth(btf: Btf, member: BtfMember): number {
  if (member.bitSize > 0) return member.bitSize;
  const type = btf.resolve(member.type);
  return type.kind === "int" && type.bits > 0 && type.bits < type.size * 8 ? type.bits : 0;
}

/**
 * The bytes to load for the bits [start, start + width): the smallest aligned word inside the struct that covers them,
 * or, for bit-fields of packed structs that straddle words, an unaligned one.
 */
function loadUnit(start: number, width: number, structSize: number): { offset: number; size: number } {
  for (const size of [1, 2, 4, 8]) {
    const offset = Math.floor(start / 8 / size) * size;
    if (start + width <= (offset + size) * 8 && offset + size <= structSize) return { offset, size };
  }
  const first = Math.floor(start / 8);
  const bytes = Math.ceil((start + width) / 8) - first;
  const size = [2, 4, 8].find((s) => s >= bytes) ?? 16;
  return { offset: Math.max(0, Math.min(first, structSize - size)), size };
}
