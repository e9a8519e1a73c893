/** Members of structs, records, tuples and arrays, and what pointers lead to. */
import type { VReg } from "../ir/ir.ts";
import { placed, sizeOf } from "../sema/layout.ts";
import { addressSpaceOf } from "../sema/probes.ts";
import { integer, type StructField, type Type } from "../sema/types.ts";
import type * as ast from "../syntax/ast.ts";
import { argumentPlace, argumentValue } from "./args.ts";
import { value } from "./expressions.ts";
import type { Lowering } from "./lowering.ts";
import { place } from "./memory-values.ts";
import { at, type Place, untyped } from "./place.ts";
import { tell } from "./runtime-errors.ts";

/** The place that a pointer expression leads to, or an address given as a number. */
export function pointed(l: Lowering, node: ast.Expression): Place {
  const type = l.type(node);
  if (type.kind === "integer") return { base: value(l, node), offset: 0, space: addressSpaceOf(l.probe.event) };
  if (type.kind !== "pointer") throw new Error("only pointers lead somewhere");
  if (isIteratorContext(l, node)) return { base: l.context, offset: 0, space: "bpf", context: true };
  if (isTyped(l, node)) {
    const object: Place = { base: value(l, node), offset: 0, space: "bpf", typed: true };
    return l.program.context === "iterator" ? { ...object, nullable: true } : object;
  }
  // What leads to the program's own memory is read like the kernel's: nobody knows where it ends, nor if it is there.
  return { base: value(l, node), offset: 0, space: type.space === "user" ? "user" : "kernel" };
}

/** What an iterator's program gets is read from the context itself; as a value it is the address of that in the kernel. */
function isIteratorContext(l: Lowering, node: ast.Expression): boolean {
  return l.program.context === "iterator" && node.kind === "identifier" && node.name === "ctx";
}

/**
 * Whether the verifier knows what a pointer leads to: what an iterator hands over, an argument of a raw tracepoint, the
 * current task, or a plain member of such an object. Loads through it need no helper; a bad address reads as 0.
 */
function isTyped(l: Lowering, node: ast.Expression): boolean {
  const type = l.type(node);
  if (l.program.type !== "tracing" || type.kind !== "pointer" || type.marked) return false;
  if (type.to.kind !== "struct" || !type.to.shape.name.startsWith("struct ")) return false;
  if (node.kind === "identifier") return node.name === "curtask" && l.facts.features.currentTaskBtf;
  if (node.kind !== "field") return false;
  const object = l.type(node.object);
  if (isIteratorContext(l, node.object)) return true;
  if (object.kind === "args") return l.probe.arguments()?.get(node.field.text)?.source.from === "raw";
  return object.kind === "pointer" && isDirectMember(object.to, node.field.text) && isTyped(l, node.object);
}

function isDirectMember(type: Type, name: string): boolean {
  return type.kind === "struct" && type.shape.field(name)?.direct === true;
}

type Member = ast.FieldAccess | ast.IndexAccess | ast.TupleAccess;

export function member(l: Lowering, node: Member): VReg {
  if (node.kind === "field" && l.type(node.object).kind === "args") return argumentValue(l, node.field.text);
  const found = memberPlace(l, node);
  if (!found) throw new Error(`no place for a ${node.kind}`);
  l.b.span = node.span;
  if (found.field?.bits) return bitField(l, untyped(found.place), found.field);
  return l.readOwn(found.field?.direct ? found.place : untyped(found.place), l.type(node));
}

function bitField(l: Lowering, from: Place, field: StructField): VReg {
  const { offset, size, unit } = field.bits!;
  const word = l.read(from, integer(unit, false));
  // Up to the top and down again. The language takes all bit-fields as unsigned, as bpftrace does.
  const up = l.b.alu("lsh", word, { imm: BigInt(64 - offset - size) });
  return l.b.alu("rsh", up, { imm: BigInt(64 - size) });
}

export function memberPlace(l: Lowering, node: Member): { place: Place; field?: StructField } | undefined {
  const object = l.type(node.object);
  switch (node.kind) {
    case "field": {
      if (object.kind === "args") {
        const found = argumentPlace(l, node.field.text);
        return found && { place: found };
      }
      const base = object.kind === "pointer" ? pointed(l, node.object) : untyped(place(l, node.object));
      const target = object.kind === "pointer" ? object.to : object;
      if (target.kind === "struct") {
        const field = target.shape.field(node.field.text)!;
        return { place: at(base, field.offset), field };
      }
      if (target.kind === "record") {
        const index = target.fields.findIndex((f) => f.name === node.field.text);
        return { place: at(base, placed(target.fields.map((f) => f.type)).offsets[index]!) };
      }
      throw new Error(`no fields in ${target.kind}`);
    }
    case "tuple-access": {
      if (object.kind !== "tuple") throw new Error("no tuple");
      return { place: at(place(l, node.object), placed(object.elements).offsets[node.index]!) };
    }
    case "index": {
      const base = object.kind === "pointer" ? untyped(pointed(l, node.object)) : place(l, node.object);
      const element = l.type(node);
      const index = l.type(node.index);
      if (object.kind === "tuple") {
        const position = index.kind === "integer" ? Number(index.value ?? 0n) : 0;
        return { place: at(base, placed(object.elements).offsets[position]!) };
      }
      const size = Math.max(1, sizeOf(element));
      if (index.kind === "integer" && index.value !== undefined) return { place: at(base, Number(index.value) * size) };
      const position = l.reckoned(value(l, node.index));
      l.b.span = node.span;
      return { place: elementPlace(l, base, object, position, size) };
    }
  }
}

/** An element whose index is known at run time only; outside of an array in the program's memory the first one is read. */
function elementPlace(l: Lowering, base: Place, object: Type, index: VReg, size: number): Place {
  if (base.space !== "bpf") {
    if (object.kind === "array" && object.count > 0) {
      l.when("ge", index, { imm: BigInt(object.count) }, () => tell(l, "out-of-bounds"));
    }
    const scaled = size === 1 ? index : l.b.alu("mul", index, { imm: BigInt(size) });
    return { base: l.b.alu("add", l.address(base), scaled), offset: 0, space: base.space };
  }
  let local = base;
  const count = object.kind === "array" ? object.count : sizeOf(object);
  if (base.context) {
    local = l.memory(count * size, "elements");
    l.copy(base, local, count * size);
  }
  const bounded = l.choose(
    "lt",
    index,
    { imm: BigInt(count) },
    () => index,
    () => {
      tell(l, "out-of-bounds");
      return l.b.const(0);
    },
  );
  const scaled = size === 1 ? bounded : l.b.alu("mul", bounded, { imm: BigInt(size) });
  return { base: l.b.alu("add", l.address(local), scaled), offset: 0, space: "bpf" };
}
