/**
 * Packets for a file. The kernel copies a packet behind a header of ours into the ring of the CPU that it is on; the harness writes
 * it down. A program says how many bytes from the packet's beginning on, so those that are to be left out come with it.
 *
 *     copied = min(min(length, MAX - offset) + offset, skb->len)
 *     if (copied > offset) result = skb_output(skb, rings, copied << 32 | this CPU, header); if (result) refusals[result]++
 */

import type { VReg } from "../ir/ir.ts";
import { value } from "../lower/expressions.ts";
import type { Lowering } from "../lower/lowering.ts";
import { typedField } from "../lower/task.ts";
import { MAX_PACKET_BYTES, PACKET_HEADER } from "../program.ts";
import type { Checker } from "../sema/check.ts";
import { knownInteger, type Type, typeName, uint32, unknown } from "../sema/types.ts";
import type { Call, Expression } from "../syntax/ast.ts";
import type { Functions } from "./table.ts";

/** Probes whose arguments the verifier knows by their types. */
const TYPED = ["fentry", "fexit"];

const BPF_F_CURRENT_CPU = 0xffff_ffffn;
const EFAULT = 14;

export const packetFunctions: Functions = {
  skboutput: {
    args: [4, 4],
    form: "skboutput(path, packet, length, offset)",
    check(c, call): Type {
      const probes = c.facts.features.tpBtf ? [...TYPED, "rawtracepoint"] : TYPED;
      if (!c.onlyIn(call.span, "`skboutput()`", probes)) return unknown;
      checkPath(c, call);
      checkPacket(c, call);
      checkLength(c, call);
      checkOffset(c, call);
      return uint32;
    },
    lower: { value: send },
  },
};

function checkPath(c: Checker, call: Call): void {
  const [node] = call.args;
  const path = c.literal(node, "the path");
  if (path === "" || path?.includes("\0")) {
    c.error("argument-range", node!.span, "this is no path of a file", "name the file: `packets.pcap`");
  }
}

function checkPacket(c: Checker, call: Call): void {
  const node = c.expressionArg(call, 1);
  const type = node && c.type(node);
  if (!type || type.kind === "unknown") return;
  if (type.kind === "pointer" && type.to.kind === "struct" && type.to.shape.name === "struct sk_buff") {
    if (!isForeign(node)) return;
    const foreign = "the kernel takes a packet only as it has handed it to the probe";
    c.error("argument-type", node.span, foreign, "pass the argument itself: `args.skb`");
    return;
  }
  const message = `skboutput() takes a pointer to struct sk_buff, not a value of type ${typeName(type)}`;
  c.error("argument-type", node.span, message, "`trace -lv` shows which arguments a probe has");
}

/** Whether an address comes from where the verifier knows no types: what was kept in a map is just a number, as is one that was written down. */
function isForeign(node: Expression): boolean {
  if (node.kind === "cast") return isForeign(node.operand);
  return node.kind === "map" || node.kind === "map-access" || node.kind === "integer";
}

function checkLength(c: Checker, call: Call): void {
  const node = c.expressionArg(call, 2);
  const length = node && knownInteger(c.integer(node, "the length"));
  if (length === undefined || length > 0n) return;
  c.error("argument-range", node!.span, "the length is at least 1", "`args.skb.len` is that of the packet");
}

function checkOffset(c: Checker, call: Call): void {
  const node = call.args[3]!;
  const offset = c.constant(node, "the offset");
  if (offset === undefined || (offset >= 0n && offset < MAX_PACKET_BYTES)) return;
  c.error("argument-range", node.span, `the offset is a number from 0 to ${MAX_PACKET_BYTES - 1}`);
}

function send(l: Lowering, call: Call): VReg {
  const { b } = l;
  const [path, packet, length] = call.args as [Expression, Expression, Expression];
  const skb = value(l, packet);
  const wanted = value(l, length);
  const offset = Number(knownInteger(l.type(call.args[3] as Expression)));
  const { map, call: number } = l.plan.packets(literal(l.type(path)), offset);
  // Some tracepoints pass none.
  const result = l.choose(
    "ne",
    skb,
    { imm: 0n },
    () => {
      const whole = typedField(l, skb, "sk_buff", "len", 4);
      const upTo = b.alu("add", least(l, wanted, b.const(MAX_PACKET_BYTES - offset)), { imm: BigInt(offset) });
      const copied = least(l, upTo, whole);
      return l.choose(
        "gt",
        copied,
        { imm: BigInt(offset) },
        () => {
          const header = l.memory(PACKET_HEADER.size, "packet");
          const store = (at: number, size: 4 | 8, what: VReg) => b.store(header.base, header.offset + at, size, what);
          store(PACKET_HEADER.time, 8, b.call("ktime_get_boot_ns", []));
          store(PACKET_HEADER.length, 4, whole);
          store(PACKET_HEADER.copied, 4, copied);
          store(PACKET_HEADER.call, 8, b.const(number));
          const flags = b.alu("or", b.alu("lsh", copied, { imm: 32n }), { imm: BPF_F_CURRENT_CPU });
          const size = { imm: BigInt(PACKET_HEADER.size) };
          const sent = b.call("skb_output", [skb, l.mapReference(map), flags, l.address(header), size]);
          l.when("ne", sent, { imm: 0n }, () => l.countRefusal("packets", sent));
          return sent;
        },
        () => b.const(0),
      );
    },
    () => b.const(-EFAULT),
  );
  return b.extend(result, 4, false);
}

function least(l: Lowering, a: VReg, b: VReg): VReg {
  return l.choose(
    "lt",
    a,
    b,
    () => a,
    () => b,
  );
}

function literal(type: Type): string {
  if (type.kind !== "string" || type.value === undefined) throw new Error("the path was not checked");
  return type.value;
}
