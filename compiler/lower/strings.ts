/** Strings: literals, reading from memory that may fault, comparing. A string in a slot or a map is padded with zeros. */
import type { Operand, VReg } from "../ir/ir.ts";
import { sizeOf } from "../sema/layout.ts";
import { isNamed, NAME_SIZE, type Size, type Type } from "../sema/types.ts";
import type { Expression } from "../syntax/ast.ts";
import { builtinOf, value } from "./expressions.ts";
import { type Lowering, pieces } from "./lowering.ts";
import { place } from "./memory-values.ts";
import { nameText, numberOf } from "./names.ts";
import { at, type Place } from "./place.ts";
import { countRounds } from "./rounds.ts";
import { checkHelper } from "./runtime-errors.ts";
import { hasSideEffects } from "./side-effects.ts";
import { MAX_LITERAL_BYTES } from "./too-large.ts";

/** Writes a literal (one character a byte), cut to the place's size; with `padded` all of the place. */
export function stringLiteral(l: Lowering, text: string, to: Place, size: number, padded: boolean): void {
  l.limit("this text", text.length, MAX_LITERAL_BYTES);
  const bytes = Uint8Array.from({ length: Math.min(size, text.length + 1) }, (_, i) => text.charCodeAt(i) || 0);
  for (const [offset, step] of pieces(to.offset, bytes.length)) {
    l.b.store(to.base, to.offset + offset, step, { imm: BigInt.asIntN(64, littleEndian(bytes, offset, step)) });
  }
  if (padded && bytes.length < size) l.zero(at(to, bytes.length), size - bytes.length);
}

function littleEndian(bytes: Uint8Array, offset: number, size: number): bigint {
  let word = 0n;
  for (let i = size - 1; i >= 0; i--) word = (word << 8n) | BigInt(bytes[offset + i] ?? 0);
  return word;
}

export interface ReadString {
  address: VReg;
  space: "user" | "kernel";
  to: Place;
  /** Bytes of the place. */
  size: number;
  /** Every byte of the place is written. */
  padded: boolean;
  /** A shorter length that is known only at run time, the terminating NUL included. */
  limit?: Operand;
  /** A string that does not fit fills the whole place, without a NUL: that is how it is known to have been cut. */
  showCut: boolean;
}

/** Reads a NUL-terminated string from memory that may fault; what cannot be read is the empty string. */
export function readString(l: Lowering, { address, space, to, size, padded, limit, showCut }: ReadString): void {
  const { b } = l;
  const helper = space === "user" ? "probe_read_user_str" : "probe_read_kernel_str";
  const target = l.address(to);
  const { head = size } = to;
  const zeroFirst = padded && (head < size || size <= PADDED_FIRST || !to.slack || leavesRest(l));
  if (zeroFirst) l.zero(to, Math.min(head, size));
  else if (!padded) b.store(to.base, to.offset, 1, { imm: 0n });
  const read = b.call(helper, [target, limit ?? { imm: BigInt(size) }, address]);
  checkHelper(l, helper, read);
  if (padded && (!zeroFirst || head < size)) {
    // n = read > size ? 0 : read; memset(to + n, 0, size - n)
    const length = l.choose(
      "le",
      read,
      { imm: BigInt(size) },
      () => read,
      () => b.const(0),
    );
    const fill = (): void => l.clear(b.alu("add", target, length), b.alu("sub", b.const(size), length));
    if (zeroFirst) l.when("gt", length, { imm: BigInt(head) }, fill);
    else fill();
  }
  if (!showCut) return;
  // The helper ends what it cuts with a NUL; the byte that belongs there tells whether it did.
  l.when("eq", read, { imm: BigInt(size) }, () => {
    const last = space === "user" ? "probe_read_user" : "probe_read_kernel";
    b.call(last, [l.address(at(to, size - 1)), { imm: 1n }, b.add(address, size - 1)]);
  });
}

/** Up to this size the whole place is always zeroed before the string is read. */
const PADDED_FIRST = 64;

/** Before 5.11 the kernel copied whole words, and with the end of a string some of what lies behind it. */
function leavesRest({ facts }: Lowering): boolean {
  const [major, minor] = facts.version;
  return major > 5 || (major === 5 && minor >= 11);
}

/** 1 if two strings are equal, else 0. */
export function stringsEqual(l: Lowering, left: Expression, right: Expression): VReg {
  const a = l.type(left);
  const b = l.type(right);
  if (a.kind === "string" && a.value !== undefined && b.kind === "string" && b.value !== undefined) {
    return l.b.const(a.value === b.value ? 1 : 0);
  }
  if (b.kind === "string" && b.value !== undefined) return equalsLiteral(l, left, a, untilEnd(b.value));
  if (a.kind === "string" && a.value !== undefined) return equalsLiteral(l, right, b, untilEnd(a.value));
  if (isNamed(a) && a.kind === b.kind) return l.b.compare("eq", value(l, left), value(l, right));
  return equalInMemory(l, local(l, left, a), sizeInMemory(a), local(l, right, b), sizeInMemory(b));
}

/** What counts of a text: all until its first NUL. */
function untilEnd(text: string): string {
  return text.split("\0", 1)[0]!;
}

function equalsLiteral(l: Lowering, node: Expression, type: Type, text: string): VReg {
  if (isNamed(type)) return l.b.compare("eq", value(l, node), { imm: numberOf(l, type, text) });
  const size = sizeInMemory(type);
  // A literal that is longer than the string can be is never equal to it.
  if (text.length > size) {
    if (hasSideEffects(node)) local(l, node, type);
    return l.b.const(0);
  }
  const from = local(l, node, type);
  const bytes = Uint8Array.from({ length: Math.min(size, text.length + 1) }, (_, i) => text.charCodeAt(i) || 0);
  return allEqual(l, pieces(from.offset, bytes.length), ([offset, step]) => {
    const loaded = l.b.load(from.base, from.offset + offset, step);
    return [loaded, { imm: BigInt.asIntN(64, littleEndian(bytes, offset, step)) }];
  });
}

function equalInMemory(l: Lowering, a: Place, sizeA: number, b: Place, sizeB: number): VReg {
  const shorter = Math.min(sizeA, sizeB);
  const longer = sizeA > sizeB ? a : b;
  const words = pieces([a.offset, b.offset], shorter);
  if (words.length <= UNROLLED_COMPARISON) {
    const tail: [number, Size][] = sizeA === sizeB ? [] : [[shorter, 1]];
    return allEqual(l, [...words, ...tail], ([offset, step]) => {
      if (offset === shorter) return [l.b.load(longer.base, longer.offset + offset, 1), { imm: 0n }];
      return [l.b.load(a.base, a.offset + offset, step), l.b.load(b.base, b.offset + offset, step)];
    });
  }
  return equalByLoop(l, a, b, shorter, sizeA === sizeB ? undefined : longer);
}

/** Above so many words a loop compares byte by byte; strings mostly differ or end early. */
const UNROLLED_COMPARISON = 16;

// for (i = 0; i < n; i++) { if (a[i] != b[i]) return 0; if (a[i] == 0) return 1; } return longer ? longer[n] == 0 : 1;
function equalByLoop(l: Lowering, a: Place, b: Place, size: number, longer: Place | undefined): VReg {
  const { b: ir } = l;
  const index = {};
  const result = {};
  const head = ir.newBlock();
  const body = ir.newBlock();
  const same = ir.newBlock();
  const next = ir.newBlock();
  const equal = ir.newBlock();
  const different = ir.newBlock();
  const finished = ir.newBlock();
  const done = ir.newBlock();
  const baseA = l.address(a);
  const baseB = l.address(b);
  ir.write(index, ir.const(0));
  ir.jump(head);
  ir.enter(head);
  countRounds(l.facts, ir, { most: size, changed: [index], done: finished });
  ir.branch("lt", ir.read(index), { imm: BigInt(size) }, body, finished);
  ir.enterSealed(body);
  const byteA = l.tested(ir.load(ir.alu("add", baseA, ir.read(index)), 0, 1));
  const byteB = ir.load(ir.alu("add", baseB, ir.read(index)), 0, 1);
  ir.branch("eq", byteA, byteB, same, different);
  ir.enterSealed(same);
  ir.branch("eq", byteA, { imm: 0n }, equal, next);
  ir.enterSealed(next);
  ir.write(index, ir.alu("add", ir.read(index), { imm: 1n }));
  ir.jump(head);
  ir.seal(head);
  ir.enterSealed(finished);
  if (longer) ir.branch("eq", l.tested(ir.load(longer.base, longer.offset + size, 1)), { imm: 0n }, equal, different);
  else ir.jump(equal);
  ir.enterSealed(equal);
  ir.write(result, ir.const(1));
  ir.jump(done);
  ir.enterSealed(different);
  ir.write(result, ir.const(0));
  ir.jump(done);
  ir.enterSealed(done);
  return ir.read(result);
}

/** 1 if all pairs are equal; stops at the first that is not. */
function allEqual<T>(l: Lowering, items: readonly T[], pair: (item: T) => [VReg, VReg | { imm: bigint }]): VReg {
  const { b } = l;
  const result = {};
  const different = b.newBlock();
  const done = b.newBlock();
  for (const item of items) {
    const next = b.newBlock();
    const [left, right] = pair(item);
    b.branch("eq", l.tested(left), right, next, different);
    b.enterSealed(next);
  }
  b.write(result, b.const(1));
  b.jump(done);
  b.enterSealed(different);
  b.write(result, b.const(0));
  b.jump(done);
  b.enterSealed(done);
  return b.read(result);
}

function sizeInMemory(type: Type): number {
  return isNamed(type) ? NAME_SIZE : sizeOf(type);
}

/** The string in memory of the program, copied there if it is elsewhere. */
export function local(l: Lowering, node: Expression, type: Type): Place {
  if (isNamed(type)) {
    const to = l.memory(NAME_SIZE, type.kind);
    nameText(l, type, value(l, node), to, NAME_SIZE);
    return to;
  }
  const builtin = builtinOf(node);
  const found = (builtin && "into" in builtin ? builtin.inPlace?.(l) : undefined) ?? place(l, node);
  if (found.space === "bpf") return found;
  const memory = l.memory(sizeOf(type), "string");
  l.copy(found, memory, sizeOf(type));
  return memory;
}
