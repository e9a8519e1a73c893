/** The small library that the kernel maps into every process by itself: ours is as good as another's. */
import { closeSync, openSync, readSync } from "node:fs";
import { readMappings } from "../facts/processes.ts";

/** How /proc names it. */
export const VDSO = "[vdso]";

/** Its bytes; undefined where the kernel maps none. */
export function vdsoImage(): Uint8Array | undefined {
  const range = readMappings(process.pid).find(({ path }) => path === VDSO);
  if (range === undefined) return undefined;
  const bytes = new Uint8Array(Number(range.end - range.start));
  const memory = openSync("/proc/self/mem", "r");
  try {
    readSync(memory, bytes, 0, bytes.length, Number(range.start));
  } finally {
    closeSync(memory);
  }
  return bytes;
}
