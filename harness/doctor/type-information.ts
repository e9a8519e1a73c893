/** The kernel's type information, if it has any that can be used; one finding says what is wrong with it, no more. */
import type { Btf } from "../../compiler/btf/btf.ts";
import { BtfError } from "../../compiler/btf/types.ts";
import { SysError } from "../../native/index.ts";
import type { DoctorHost } from "./host.ts";

/** The type information, or why it cannot be used; undefined for a kernel without. */
export function lookAtBtf({ facts }: Pick<DoctorHost, "facts">): Btf | BtfError | SysError | undefined {
  try {
    return facts.btf();
  } catch (error) {
    if (error instanceof BtfError || error instanceof SysError) return error;
    throw error;
  }
}

function usable(host: Pick<DoctorHost, "facts">): Btf | undefined {
  const btf = lookAtBtf(host);
  return btf instanceof Error ? undefined : btf;
}

/** A type that a tp_btf program can attach to. */
export function tracepointType(host: Pick<DoctorHost, "facts">): number | undefined {
  return usable(host)?.tracepoint("sys_enter")?.id;
}

/** A function that the kernel has for being attached to. */
export function testFunction(host: Pick<DoctorHost, "facts">): number | undefined {
  return usable(host)?.func("bpf_fentry_test1")?.id;
}
