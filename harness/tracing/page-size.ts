/** How large the pages of memory are, in which rings are measured. */
import { closeSync, openSync, readSync } from "node:fs";

/** Bytes of a page of memory: AT_PAGESZ of what the kernel told us when we started. */
export function pageSize(): number {
  const AT_PAGESZ = 6n;
  const bytes = Buffer.alloc(4096);
  const file = openSync("/proc/self/auxv", "r");
  const length = readSync(file, bytes);
  closeSync(file);
  for (let at = 0; at + 16 <= length; at += 16) {
    if (bytes.readBigUInt64LE(at) === AT_PAGESZ) return Number(bytes.readBigUInt64LE(at + 8));
  }
  return 4096;
}
