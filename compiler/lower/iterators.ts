/**
 * Iterators: the kernel runs a program for each object of a kind while somebody reads from the iterator. What the script says travels as it
 * does everywhere, through the ring buffer. To the reader goes a byte for each object: when it has read some, it
 * empties the buffer before it reads on, so that nothing is lost however many objects there are.
 */
import type { VReg } from "../ir/ir.ts";
import type { Lowering } from "./lowering.ts";

/** Words of the context: every iterator has these two first. */
const CONTEXT = { meta: 0, object: 8 } as const;

// if (!ctx->object) goto end; seq_write(ctx->meta->seq, "", 1)
export function enterObject(l: Lowering, end: number): void {
  const { b } = l;
  const found = b.newBlock();
  // Behind the last object comes a call without one.
  b.branch("ne", b.load(l.context, CONTEXT.object, 8), { imm: 0n }, found, end);
  b.enterSealed(found);
  const mark = l.slot(8, "mark");
  b.store(mark.base, 0, 8, { imm: 0n });
  b.call("seq_write", [reader(l), mark.base, { imm: 1n }]);
}

/** The kernel's object for whoever reads. */
function reader(l: Lowering): VReg {
  const btf = l.facts.btf()!;
  const { offset } = btf.field(btf.find("bpf_iter_meta", "struct")!, "seq")!;
  return l.b.load(l.b.load(l.context, CONTEXT.meta, 8), offset, 8);
}
