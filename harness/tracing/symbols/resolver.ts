/**
 * What decoded values cannot say by themselves: names of addresses, users, cgroups, and the time of day. The printers
 * ask through this interface; the host answers in the tool, a table in tests.
 */
import type { StackMode } from "../../../compiler/program.ts";
import type { ByteString } from "../bytestring.ts";
import type { Clock } from "../decode.ts";
import type { Zone } from "../output/timezone.ts";

export interface SymbolPlace {
  readonly name: ByteString;
  /** Bytes behind the symbol's start. */
  readonly offset: number;
}

export interface UserSymbolPlace extends SymbolPlace {
  /** Path of the program or library. */
  readonly object: ByteString;
}

/** An address, or, where the kernel was asked for build ids, a place in a file. */
export type StackFrame = bigint | { readonly buildId: ByteString; readonly offset: bigint };

export interface Resolver {
  kernelSymbol(address: bigint): SymbolPlace | undefined;
  userSymbol(address: bigint, pid: number): UserSymbolPlace | undefined;
  /** The frames of a stack, innermost first. `map` is the stack map's index in the compiled program. */
  stack(map: number, id: bigint, mode: StackMode): readonly StackFrame[];
  username(uid: bigint): ByteString | undefined;
  /** `hierarchy:/path`, several joined by commas, of the hierarchies whose name matches `filter`; empty if there is none. */
  cgroupPath(id: bigint, filter: ByteString): ByteString;
  /** A reading of a kernel clock as nanoseconds since 1970 UTC. */
  realTime(ns: bigint, clock: Clock): bigint;
  readonly zone: Zone;
}
