/** Addresses of symbols, and symbols of addresses. */
import type { VReg } from "../ir/ir.ts";
import { isSince } from "../kernel-facts.ts";
import { operand, value } from "../lower/expressions.ts";
import type { Lowering } from "../lower/lowering.ts";
import { functionAddress, userSymbol } from "../lower/registers.ts";
import type { Checker } from "../sema/check.ts";
import { isUserCode } from "../sema/providers/provider.ts";
import { int64, integer, isIntegral, pointer, type Size, type Type, typeName, uint64, unknown } from "../sema/types.ts";
import type { Call, Expression } from "../syntax/ast.ts";
import type { Functions } from "./table.ts";

const USER_PROBES = ["uprobe", "uretprobe", "usdt"];

export const symbolFunctions: Functions = {
  ksym: {
    args: [1, 1],
    form: "ksym(address)",
    check: (c, call): Type => (checkAddress(c, call) ? { kind: "ksym" } : unknown),
    lower: { value: (l, call) => value(l, call.args[0] as Expression) },
  },
  usym: {
    args: [1, 1],
    form: "usym(address)",
    check: (c, call): Type => (checkAddress(c, call) ? { kind: "usym" } : unknown),
    lower: { into: (l, call, to) => userSymbol(l, value(l, call.args[0] as Expression), to) },
  },
  kaddr: {
    args: [1, 1],
    form: 'kaddr("symbol")',
    check(c, call): Type {
      const address = kernelAddress(c, call);
      return address === undefined ? unknown : { ...uint64, value: address };
    },
    // A constant, which the checker found.
    lower: { effect: () => {} },
  },
  percpu_kaddr: {
    args: [1, 2],
    form: 'percpu_kaddr("symbol"[, cpu])',
    check(c, call) {
      const found = kernelAddress(c, call);
      const cpu = c.expressionArg(call, 1);
      if (cpu) c.integer(cpu, "the CPU");
      if (found !== undefined && c.facts.kernelSymbol(OFFSETS) === undefined) {
        return c.error("kernel-feature", call.span, "this kernel does not say where its per-CPU variables are");
      }
      return uint64;
    },
    lower: { value: perCpuAddress },
  },
  uaddr: {
    args: [1, 1],
    form: 'uaddr("symbol")',
    check(c, call): Type {
      if (!c.onlyIn(call.span, "`uaddr()`", USER_PROBES)) return unknown;
      const name = c.literal(call.args[0], "the symbol");
      if (name === undefined) return pointer(int64, "user");
      return userVariable(c, call, name);
    },
    lower: { value: userAddress },
  },
};

/** The kernel's table of what is to be added to a per-CPU variable's address, for each CPU. */
const OFFSETS = "__per_cpu_offset";

function checkAddress(c: Checker, call: Call): boolean {
  const node = c.expressionArg(call, 0);
  const type = node && c.type(node);
  if (!type || isIntegral(type) || type.kind === "pointer") return true;
  c.error("argument-type", node.span, `${call.callee.text}() takes an address, not a value of type ${typeName(type)}`);
  return false;
}

function kernelAddress(c: Checker, call: Call): bigint | undefined {
  const name = c.literal(call.args[0], "the symbol");
  if (name === undefined) return undefined;
  const address = c.facts.kernelSymbol(name);
  if (address === undefined) {
    c.error("no-such-symbol", call.span, `Failed to resolve kernel symbol: ${name}`);
  }
  return address;
}

// cpu < possible ? symbol + __per_cpu_offset[cpu] : 0
function perCpuAddress(l: Lowering, call: Call): VReg {
  const { b, facts } = l;
  const [name, cpu] = call.args as [Expression, Expression | undefined];
  const type = l.type(name);
  const symbol = type.kind === "string" ? facts.kernelSymbol(type.value ?? "") : undefined;
  const given = cpu ? operand(l, cpu) : b.call("get_smp_processor_id", [], { pure: true });
  const index = typeof given === "object" ? b.const(given.imm) : given;
  return l.choose(
    "lt",
    index,
    { imm: BigInt(facts.possibleCpus) },
    () => {
      const table = b.const(BigInt.asIntN(64, facts.kernelSymbol(OFFSETS) ?? 0n));
      const entry = b.alu("add", table, b.alu("lsh", index, { imm: 3n }));
      const offset = l.read({ base: entry, offset: 0, space: "kernel" }, uint64);
      return b.alu("add", offset, { imm: BigInt.asIntN(64, symbol ?? 0n) });
    },
    () => b.const(0),
  );
}

/** The type of what the traced program has under a name: all that its file tells is the size. */
function userVariable(c: Checker, call: Call, name: string): Type {
  for (const { event } of c.unit.probes) {
    if (!isUserCode(event)) continue;
    const elf = c.facts.elfSymbols(event.path);
    const found = elf?.symbol(name);
    if (!found) return c.error("no-such-symbol", call.span, `Could not resolve symbol: ${event.path}:${name}`);
    // Since then the kernel tells at a function's return where it began.
    if (event.kind === "uprobe" && event.returns && elf?.relocated && !isSince(c.facts, 6, 6)) {
      const message = "this kernel does not tell uaddr() in a uretprobe";
      return c.error("kernel-feature", call.span, message, "it came with Linux 6.6");
    }
    const size: Size = found.size === 1 || found.size === 2 || found.size === 4 ? found.size : 8;
    return pointer(integer(size, true), "user");
  }
  return unknown;
}

/** The file's own address of the symbol, moved as far as the probed place was when the file was loaded. */
function userAddress(l: Lowering, call: Call): VReg {
  const { b, facts } = l;
  const { event } = l.probe;
  if (!isUserCode(event)) throw new Error("uaddr() outside of user code");
  const type = l.type(call.args[0] as Expression);
  const elf = facts.elfSymbols(event.path);
  const address = elf?.symbol(type.kind === "string" ? (type.value ?? "") : "")?.address ?? 0;
  if (!elf?.relocated) return b.const(address);
  // Of a USDT probe each place has a program to itself.
  const probed = event.kind === "usdt" ? event.places[0]!.address : event.address;
  return b.alu("add", functionAddress(l), { imm: BigInt(address - probed) });
}
