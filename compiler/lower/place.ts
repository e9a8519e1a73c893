/** A place in memory: where a value lies or is to be written. */
import type { VReg } from "../ir/ir.ts";

export interface Place {
  base: VReg;
  /** Bytes, added to the base. */
  offset: number;
  /**
   * `bpf` memory is read and written directly: stack, map values, records, and the context's own words. The others are
   * read through a helper.
   */
  space: "bpf" | "kernel" | "user";
  /** The context: it is read directly, but no address inside it may be formed. */
  context?: true;
}

export function at(place: Place, offset: number): Place {
  return offset === 0 ? place : { ...place, offset: place.offset + offset };
}
