/** The processor's registers as a program finds them in its context, and addresses made of them. */
import type { VReg } from "../ir/ir.ts";
import { type RegisterFile, registerFile } from "../registers.ts";
import type { Lowering } from "./lowering.ts";
import type { Place } from "./place.ts";
import { visibleTask } from "./task.ts";

export function registers(l: Lowering): RegisterFile {
  return registerFile(l.facts.arch);
}

/** A register of what was interrupted: the context begins with them. */
export function register(l: Lowering, name: string): VReg {
  return l.b.load(l.context, registers(l).offsets[name]!, 8, { invariant: true });
}

/**
 * Where the traced function begins, or (for probes inside of one) the probed instruction. At a return the registers
 * know nothing of it any more.
 */
export function functionAddress(l: Lowering): VReg {
  const { event } = l.probe;
  const atEntry = event.kind === "usdt" || ((event.kind === "uprobe" || event.kind === "kprobe") && !event.returns);
  if (atEntry) return register(l, registers(l).instruction);
  return l.b.call("get_func_ip", [l.context], { pure: true });
}

/** An address and the process in which it is one. */
export function userSymbol(l: Lowering, address: VReg, to: Place): void {
  l.b.store(to.base, to.offset, 8, address);
  l.b.store(to.base, to.offset + 8, 8, visibleTask(l).process);
}
