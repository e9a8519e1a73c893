/**
 * Events: what a program tells the harness while it runs. A record is reserved in the ring buffer, filled in place and
 * submitted; strings are read straight into it. A record that finds no room is counted as lost.
 */

import type { Operand } from "../ir/ir.ts";
import type { EventField, EventLayout } from "../program.ts";
import { alignOf, sizeOf } from "../sema/layout.ts";
import { isScalar, type Type } from "../sema/types.ts";
import type { Expression } from "../syntax/ast.ts";
import { operand } from "./expressions.ts";
import type { Lowering } from "./lowering.ts";
import { into } from "./memory-values.ts";
import { at, type Place } from "./place.ts";
import { hasSideEffects } from "./side-effects.ts";

/** Every record begins with the index of its layout. */
const HEADER = 8;

/** An argument of an event: an expression, stored as a value of a type. */
export interface EventArgument {
  node: Expression;
  type: Type;
}

/** Lays arguments out, hands their fields to `layout`, and sends the event. */
export function sendEvent(
  l: Lowering,
  args: readonly EventArgument[],
  layout: (fields: EventField[], size: number) => EventLayout,
): void {
  let size = HEADER;
  const fields = args.map(({ type }): EventField => {
    const align = alignOf(type);
    size = Math.ceil(size / align) * align;
    const offset = size;
    size += sizeOf(type);
    return { offset, layout: l.plan.layout(type) };
  });
  size = Math.ceil(size / 8) * 8;
  // Scalars are computed before the record is reserved: they may contain control flow, and the ring is held for less long.
  // Everything else is written straight into it, unless an argument changes something that another one reads.
  const ordered = args.some(({ node }) => hasSideEffects(node));
  const values = args.map(({ node, type }) => {
    if (isScalar(type)) return { scalar: operand(l, node) };
    if (!ordered) return undefined;
    const memory = l.memory(sizeOf(type), "argument");
    into(l, node, memory, type, true);
    return { memory };
  });
  const index = l.plan.event(layout(fields, size));
  record(l, size, index, (place) => {
    for (const [i, { node, type }] of args.entries()) {
      const target = at(place, fields[i]!.offset);
      const value = values[i];
      if (value?.scalar !== undefined) l.write(target, type, value.scalar);
      else if (value?.memory) l.copy(value.memory, target, sizeOf(type));
      else into(l, node, target, type, type.kind === "tuple" || type.kind === "record");
    }
  });
}

/** An event without fields. */
export function sendPlain(l: Lowering, layout: EventLayout): void {
  record(l, layout.size, l.plan.event(layout), () => {});
}

/** An event whose fields `fill` writes into the record. */
export function sendFilled(l: Lowering, layout: EventLayout, fill: (record: Place) => void): void {
  record(l, layout.size, l.plan.event(layout), fill);
}

export const PLAIN_EVENT_SIZE = HEADER;

// r = reserve(events, size); if (r) { *r = index; ...; submit(r) } else lost++
function record(l: Lowering, size: number, index: number, fill: (place: Place) => void): void {
  const ring = l.mapReference(l.plan.ringBuffer);
  const noFlags: Operand = { imm: 0n };
  const reserved = l.b.call("ringbuf_reserve", [ring, { imm: BigInt(size) }, noFlags]);
  l.when(
    "ne",
    reserved,
    { imm: 0n },
    () => {
      l.b.store(reserved, 0, 8, { imm: BigInt(index) });
      fill({ base: reserved, offset: 0, space: "bpf" });
      l.b.emit({ op: "call", dst: undefined, helper: "ringbuf_submit", args: [reserved, noFlags], pure: false });
    },
    () => l.countFailure("lostEvents"),
  );
}
