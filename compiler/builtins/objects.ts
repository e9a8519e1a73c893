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
const TYPED = ["fentry", "fexit", "iter"];

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

/** What a helper says of an object; 0 where there is none. */
function ask(l: Lowering, node: Expression, helper: (address: VReg) => VReg): VReg {
  const found = node.kind === "field" && l.type(node).kind !== "pointer" ? memberPlace(l, node)?.place : undefined;
  const { base, offset } = found ?? { base: value(l, node), offset: 0 };
  const call = (): VReg => helper(l.b.add(base, offset));
  if (l.program.context !== "iterator") return call();
  return l.choose("ne", base, { imm: 0n }, call, () => l.b.const(0));
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
        const size = sizeOf(l.type(call));
        if (padded) l.zero(to, size);
        else l.b.store(to.base, to.offset, 1, { imm: 0n });
        const told = ask(l, call.args[0] as Expression, (object) =>
          l.b.call("d_path", [object, l.address(to), { imm: BigInt(size) }]),
        );
        checkHelper(l, "d_path", told);
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
    lower: { value: (l, call) => ask(l, call.args[0] as Expression, (sk) => l.b.call("get_socket_cookie", [sk])) },
  },
};
