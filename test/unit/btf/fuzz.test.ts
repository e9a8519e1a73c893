/** Damaged BTF: whatever a blob says, every question ends soon, in an answer or in a BtfError. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { Btf } from "../../../compiler/btf/btf.ts";
import { BtfError } from "../../../compiler/btf/types.ts";
import { at, BtfBuilder, bitsAt, INT_SIGNED } from "../../support/btf-builder.ts";

const ROUNDS = 3000;

function sample(): Uint8Array {
  const b = new BtfBuilder();
  const int = b.int("int", 4, INT_SIGNED);
  const ptr = b.ptr(0);
  const inner = b.union("", 8, [at(0, "a", int), at(0, "b", ptr)]);
  const array = b.array(inner, 3);
  const outer = b.struct("outer", 48, [at(0, "", inner), at(8, "list", array), bitsAt(256, 3, "few", int)]);
  b.enum("colour", { RED: 0, GREEN: 1 });
  b.enum64("wide", { WIDE: 1n << 40n });
  const callback = b.ptr(b.proto(int, [["self", b.ptr(outer)]]));
  b.typedef("callback_t", b.const(b.volatile(callback)));
  b.func("call", b.proto(0, [["f", callback]]));
  b.datasec(".data", 8, [[b.var("v", ptr), 0, 8]]);
  b.declTag("tag", outer, 1);
  b.tracepoint("event", [["self", b.restrict(b.ptr(b.typeTag("rcu", outer)))]]);
  b.fwd("later", "union");
  b.float("double", 8);
  return b.build();
}

/** Every question about every type; counts the answers. */
function interrogate(bytes: Uint8Array): number {
  let answers = 0;
  const ask = (question: () => unknown): void => {
    try {
      question();
      answers++;
    } catch (error) {
      if (!(error instanceof BtfError)) throw error;
    }
  };
  ask(() => {
    const btf = Btf.parse(bytes);
    for (const name of ["outer", "call", "event", "", "callback_t"]) {
      ask(() => btf.find(name));
      ask(() => btf.tracepoint(name)?.params);
      ask(() => btf.func(name));
    }
    for (const name of ["RED", "WIDE", "nothing"]) ask(() => btf.enumerator(name));
    for (const kind of ["struct", "func", "enum"] as const) ask(() => [...btf.named(kind)]);
    for (let id = 0; id <= btf.typeCount; id++) {
      ask(() => btf.type(id));
      ask(() => btf.resolve(id));
      ask(() => btf.sizeOf(id));
      ask(() => btf.pointee(id));
      ask(() => btf.field(id, "few"));
      ask(() => btf.fields(id));
      ask(() => btf.format(id, "x"));
      ask(() => btf.definition(id));
    }
  });
  return answers;
}

const good = sample();

it("an undamaged blob answers nearly everything", () => {
  const asked = 15 + 3 + 3 + 8 * (Btf.parse(good).typeCount + 1) + 1;
  // All but the questions about the id beyond the last one.
  expect(interrogate(good)).toBe(asked - 8);
});

it("survives changed bytes", () => {
  const edits = fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(edits, (changes) => {
      const bytes = good.slice();
      for (const [where, value] of changes) bytes[where] = value;
      interrogate(bytes);
    }),
    { numRuns: ROUNDS },
  );
});

it("survives small numbers in any word, which make cycles", () => {
  const words = (good.length >> 2) - 6;
  const edits = fc.array(fc.tuple(fc.nat(words - 1), fc.nat(40)), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(edits, (changes) => {
      const bytes = good.slice();
      const view = new DataView(bytes.buffer);
      for (const [word, value] of changes) view.setUint32(24 + word * 4, value, true);
      interrogate(bytes);
    }),
    { numRuns: ROUNDS },
  );
});

it("survives truncation at every byte", () => {
  for (let length = 0; length < good.length; length++) {
    expect(() => Btf.parse(good.subarray(0, length))).toThrow(BtfError);
  }
});

it("survives noise behind a valid header", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 16, maxLength: 400 }), (noise) => {
      const length = noise.length & ~3;
      const bytes = new Uint8Array(24 + length + 1);
      bytes.set(good.subarray(0, 24));
      bytes.set(noise.subarray(0, length), 24);
      const view = new DataView(bytes.buffer);
      view.setUint32(12, length, true);
      view.setUint32(16, length, true);
      view.setUint32(20, 1, true);
      interrogate(bytes);
    }),
    { numRuns: ROUNDS },
  );
});
