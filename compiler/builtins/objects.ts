/** What the kernel tells about objects of its own: the path of a file, the cookie of a socket. They take typed pointers. */
import type { VReg } from "../ir/ir.ts";
import { isSince } from "../kernel-facts.ts";
import { value } from "../lower/expressions.ts";
import type { Lowering } from "../lower/lowering.ts";
import { memberPlace } from "../lower/members.ts";
import { checkHelper } from "../lower/runtime-errors.ts";
import type { Checker } from "../sema/check.ts";
import { sizeOf } from "../sema/layout.ts";
import { string, type Type, typeName, uint64, unknown } from "../sema/types.ts";
import type { Call, Expression } from "../syntax/ast.ts";
import type { Functions } from "./table.ts";

/** Probes whose arguments the verifier knows by their types. */
const TYPED = ["fentry", "fexit"];

/** A pointer to a struct of the kernel, or a member that is one. */
function checkObject(c: Checker, call: Call, structs: readonly string[], probes: readonly string[]): boolean {
  const node = c.expressionArg(call, 0);
  const name = `${call.callee.text}()`;
  if (!node || !c.onlyIn(call.span, `\`${name}\``, probes)) return false;
  const type = c.type(node);
  const object = type.kind === "pointer" ? type.to : type;
  if (object.kind === "struct" && structs.includes(object.shape.name)) return true;
  if (object.kind !== "unknown") {
    const message = `${name} takes a pointer to ${structs[0]}, not a value of type ${typeName(type)}`;
    c.error("argument-type", node.span, message);
  }
  return false;
}

function address(l: Lowering, node: Expression): VReg {
  if (l.type(node).kind === "pointer") return value(l, node);
  const found = node.kind === "field" ? memberPlace(l, node) : undefined;
  if (!found) throw new Error(`no object in a ${node.kind}`);
  return l.address(found.place);
}

export const objectFunctions: Functions = {
  path: {
    args: [1, 2],
    form: "path(file.f_path[, size])",
    check(c, call): Type {
      if (!checkObject(c, call, ["struct path"], TYPED)) return unknown;
      const most = c.settings.maxStrlen;
      const size = call.args.length > 1 ? c.constant(call.args[1], "the size") : BigInt(most);
      if (size === undefined) return unknown;
      if (size > 0n && size <= BigInt(most)) return string(Number(size));
      return c.error(
        "argument-range",
        call.args[1]!.span,
        `the size is a number from 1 to ${most}, as max_strlen says`,
      );
    },
    lower: {
      into(l, call, to, padded) {
        const object = address(l, call.args[0] as Expression);
        const size = sizeOf(l.type(call));
        if (padded) l.zero(to, size);
        else l.b.store(to.base, to.offset, 1, { imm: 0n });
        checkHelper(l, "d_path", l.b.call("d_path", [object, l.address(to), { imm: BigInt(size) }]));
      },
    },
  },
  socket_cookie: {
    args: [1, 1],
    form: "socket_cookie(sk)",
    check(c, call): Type {
      const probes = c.facts.features.tpBtf ? [...TYPED, "rawtracepoint"] : TYPED;
      if (!checkObject(c, call, ["struct sock", "struct sock_common"], probes)) return unknown;
      if (isSince(c.facts, 5, 12)) return uint64;
      const message = "this kernel does not number sockets for tracing";
      return c.error("kernel-feature", call.span, message, "it came with Linux 5.12");
    },
    lower: { value: (l, call) => l.b.call("get_socket_cookie", [address(l, call.args[0] as Expression)]) },
  },
};
