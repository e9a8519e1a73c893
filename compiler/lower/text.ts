/** Work on strings that lie in the program's own memory. */
import { FunctionBuilder } from "../ir/builder.ts";
import { isImm, type Operand, type VReg } from "../ir/ir.ts";
import { sizeOf } from "../sema/layout.ts";
import { isNamed, NAME_SIZE } from "../sema/types.ts";
import type { Expression } from "../syntax/ast.ts";
import { value } from "./expressions.ts";
import type { Lowering } from "./lowering.ts";
import { place } from "./memory-values.ts";
import { nameText } from "./names.ts";
import type { Place } from "./place.ts";
import { countRounds } from "./rounds.ts";
import { checkHelper } from "./runtime-errors.ts";
import { readString } from "./strings.ts";

export interface Text {
  place: Place;
  /** Bytes. */
  size: number;
}

/** The string that an expression stands for, in memory that the program may read directly. */
export function stringIn(l: Lowering, node: Expression): Text {
  const type = l.type(node);
  if (type.kind === "pointer") {
    const size = l.environment.config.maxStrlen;
    const to = l.memory(size, "string");
    readString(l, {
      address: value(l, node),
      space: type.space === "user" ? "user" : "kernel",
      to,
      size,
      padded: true,
      showCut: false,
    });
    return { place: to, size };
  }
  if (isNamed(type)) {
    const to = l.memory(NAME_SIZE, type.kind);
    nameText(l, type, value(l, node), to, NAME_SIZE);
    return { place: to, size: NAME_SIZE };
  }
  const size = sizeOf(type);
  const found = place(l, node);
  if (found.space === "bpf" && !found.context) return { place: found, size };
  const to = l.memory(size, "string");
  l.copy(found, to, size);
  return { place: to, size };
}

/** The first bytes, at most `count`, of what an expression stands for or where it leads, in memory as above. */
export function bytesIn(l: Lowering, node: Expression, count: Operand): Text {
  const type = l.type(node);
  if (type.kind !== "pointer") return stringIn(l, node);
  const most = l.environment.config.maxStrlen;
  const size = typeof count === "object" ? Math.min(Number(count.imm), most) : most;
  const to = l.memory(size, "bytes");
  l.zero(to, size);
  const from = value(l, node);
  const helper = type.space === "user" ? "probe_read_user" : "probe_read_kernel";
  checkHelper(l, helper, l.b.call(helper, [l.address(to), atMost(l, count, size), from]));
  return { place: to, size };
}

function atMost(l: Lowering, count: Operand, most: number): Operand {
  if (typeof count === "object") return { imm: count.imm < BigInt(most) ? count.imm : BigInt(most) };
  const limit = { imm: BigInt(most) };
  return l.choose(
    "lt",
    count,
    limit,
    () => count,
    () => l.b.const(most),
  );
}

/** a[i] - b[i] at the first difference among the first `most` bytes, else 0. With `text` a NUL ends both. */
export function compareBytes(l: Lowering, a: Text, b: Text, most: Operand, text: boolean): VReg {
  const { b: ir } = l;
  const count = atMost(l, most, Math.min(a.size, b.size));
  const index = {};
  const result = {};
  const [head, body, same, next, different, equal, done] = ir.newBlocks(7);
  const baseA = l.address(a.place);
  const baseB = l.address(b.place);
  ir.write(index, ir.const(0));
  ir.jump(head);
  ir.enter(head);
  countRounds(l.facts, ir, {
    most: isImm(count) ? Number(count.imm) : Math.min(a.size, b.size),
    changed: [index],
    done: equal,
  });
  ir.branch("lt", ir.read(index), count, body, equal);
  ir.enterSealed(body);
  const byteA = l.tested(ir.load(ir.alu("add", baseA, ir.read(index)), 0, 1));
  const byteB = ir.load(ir.alu("add", baseB, ir.read(index)), 0, 1);
  ir.branch("eq", byteA, byteB, same, different);
  ir.enterSealed(same);
  if (text) ir.branch("eq", byteA, { imm: 0n }, equal, next);
  else ir.jump(next);
  ir.enterSealed(next);
  ir.write(index, ir.alu("add", ir.read(index), { imm: 1n }));
  ir.jump(head);
  ir.seal(head);
  ir.enterSealed(different);
  ir.write(result, ir.alu("sub", byteA, byteB));
  ir.jump(done);
  ir.enterSealed(equal);
  ir.write(result, ir.const(0));
  ir.jump(done);
  ir.enterSealed(done);
  return ir.read(result);
}

/**
 * Where `needle` begins in `haystack`, or -1. Each position is looked at by a call of a function of its own, so that the
 * verifier checks one position and not their product.
 *
 *     frame = { haystack, needle, result }; bpf_loop(size, at_position, &frame, 0)
 */
export function findString(l: Lowering, haystack: Text, needle: Text): VReg {
  const { b } = l;
  const index = l.functions.length;
  l.functions.push(atPosition(l, `${l.program.name.slice(0, 8)}_find${index}`, haystack.size, needle.size));
  const frame = b.slot(24, "search");
  b.store(b.slotAddress(frame), 0, 8, l.address(haystack.place));
  b.store(b.slotAddress(frame), 8, 8, l.address(needle.place));
  b.store(b.slotAddress(frame), 16, 8, { imm: -1n });
  const callback = b.define((dst) => ({ op: "func", dst, index }));
  b.call("loop", [{ imm: BigInt(haystack.size) }, callback, b.slotAddress(frame), { imm: 0n }]);
  const found = b.load(b.slotAddress(frame), 16, 8);
  l.settle(frame, 24);
  return found;
}

/*
 * int at_position(i, frame) {
 *   for (j = 0; j < size(needle) && needle[j]; j++) {
 *     if (i + j >= size(haystack)) return 1;
 *     if (haystack[i + j] != needle[j]) return haystack[i + j] == 0;
 *   }
 *   frame->result = i; return 1;
 * }
 */
function atPosition({ facts }: Lowering, name: string, haystackSize: number, needleSize: number): FunctionBuilder {
  const b = new FunctionBuilder(name, 4);
  const [position, frame] = b.function.params as [VReg, VReg];
  const offset = {};
  const [head, body, more, inside, unequal, next, found, goOn, stop] = b.newBlocks(9);
  const haystack = b.load(frame, 0, 8);
  const needle = b.load(frame, 8, 8);
  b.write(offset, b.const(0));
  b.jump(head);
  b.enter(head);
  countRounds(facts, b, { most: needleSize, changed: [offset], done: found });
  b.branch("lt", b.read(offset), { imm: BigInt(needleSize) }, body, found);
  b.enterSealed(body);
  const wanted = forget(b, b.load(b.alu("add", needle, b.read(offset)), 0, 1));
  b.branch("eq", wanted, { imm: 0n }, found, more);
  b.enterSealed(more);
  // The bound that follows is one of this byte: learnt of the position, it would make every byte a case of its own.
  const at = forget(b, b.alu("add", position, b.read(offset)));
  b.branch("lt", at, { imm: BigInt(haystackSize) }, inside, stop);
  b.enterSealed(inside);
  const byte = b.load(b.alu("add", haystack, at), 0, 1);
  b.branch("eq", byte, wanted, next, unequal);
  b.enterSealed(next);
  b.write(offset, b.alu("add", b.read(offset), { imm: 1n }));
  b.jump(head);
  b.seal(head);
  b.enterSealed(unequal);
  b.branch("eq", byte, { imm: 0n }, stop, goOn);
  b.enterSealed(found);
  b.store(frame, 16, 8, position);
  b.jump(stop);
  b.enterSealed(goOn);
  b.exit({ imm: 0n });
  b.enterSealed(stop);
  b.exit({ imm: 1n });
  return b;
}

/** The verifier goes through the loop byte by byte, and would keep every text apart that it knows. */
function forget(b: FunctionBuilder, src: VReg): VReg {
  return b.define((dst) => ({ op: "forget", dst, src }));
}
