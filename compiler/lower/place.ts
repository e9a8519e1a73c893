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
  /** The context, or a kernel object: it is read directly, but no address inside it may be handed to a helper. */
  context?: true;
  /** Behind the place lies at least as much accessible memory again, so that the verifier need not see that a tail ends in it. */
  slack?: true;
  /** Of a padded string that ends within so many bytes only these need be written. */
  head?: number;
  /** A kernel object behind a typed pointer: its plain members are loaded directly, everything else goes through a helper. */
  typed?: true;
  /** The base is a typed pointer that may be null for all that the verifier knows, and lets nobody add to such a one. */
  nullable?: true;
}

/** A kernel object without the verifier's trust. */
export function untyped(place: Place): Place {
  if (!place.typed) return place;
  const { typed: _, ...rest } = place;
  return { ...rest, space: "kernel" };
}

export function at(place: Place, offset: number): Place {
  if (offset === 0 && place.head === undefined) return place;
  const { head: _, ...rest } = place;
  return { ...rest, offset: place.offset + offset };
}
