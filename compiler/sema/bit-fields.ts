/** Which bytes are to be loaded for a bit-field. */
import type { Size } from "./types.ts";

/** The smallest aligned word in the struct that covers the bits, else an unaligned one. `start` counts bits. */
export function loadUnit(start: number, width: number, structSize: number): { offset: number; unit: Size } {
  for (const unit of [1, 2, 4, 8] as const) {
    const offset = Math.floor(start / 8 / unit) * unit;
    if (start + width <= (offset + unit) * 8 && offset + unit <= structSize) return { offset, unit };
  }
  const first = Math.floor(start / 8);
  const needed = Math.ceil((start + width) / 8) - first;
  const unit = ([2, 4, 8] as const).find((size) => size >= needed) ?? 8;
  return { offset: Math.max(0, Math.min(first, structSize - unit)), unit };
}
