/**
 * What a program does when something goes wrong while it runs: it goes on with a value that is always the same, and says so.
 * A division by zero and an index outside of its array are always told; reads that fail, and keys that are not
 * there, only if the user asks for that.
 */
import type { HelperName } from "../asm/helpers.ts";
import type { Operand, VReg } from "../ir/ir.ts";
import type { Mishap } from "../program.ts";
import { int64 } from "../sema/types.ts";
import { PLAIN_EVENT_SIZE, sendFilled, sendPlain } from "./events.ts";
import type { Lowering } from "./lowering.ts";

/** Tells of a mistake of the script at the place that is being lowered. */
export function tell(l: Lowering, error: Mishap): void {
  if (l.b.span) sendPlain(l, { kind: "runtime_error", size: PLAIN_EVENT_SIZE, error, span: l.b.span });
}

/** Tells of a helper that has returned an error, if that is wanted. */
export function checkHelper(l: Lowering, helper: HelperName, result: VReg): void {
  if (!l.environment.tellsFailures || !l.b.span) return;
  l.when("slt", result, { imm: 0n }, () => tellFailure(l, helper, result));
}

/** Tells of a key that a lookup did not find, if that is wanted. */
export function tellMissing(l: Lowering, helper: HelperName = "map_lookup_elem"): void {
  if (l.environment.tellsFailures) tellFailure(l, helper, { imm: 0n });
}

function tellFailure(l: Lowering, helper: HelperName, code: Operand): void {
  const { span } = l.b;
  if (!span) return;
  const result = { offset: PLAIN_EVENT_SIZE, layout: l.plan.layout(int64) };
  const size = PLAIN_EVENT_SIZE + 8;
  sendFilled(l, { kind: "runtime_error", size, error: "helper", helper, result, span }, (record) => {
    l.b.store(record.base, record.offset + PLAIN_EVENT_SIZE, 8, code);
  });
}
