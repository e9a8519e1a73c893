/** Just enough of ELF to find the instruction that every start of a program executes. */
import { readFileSync, realpathSync } from "node:fs";

const PT_LOAD = 1;

/** The file behind `path` and the file offset of its entry point. */
export function entryOf(path: string): { path: string; offset: bigint } {
  const file = realpathSync(path);
  const bytes = readFileSync(file);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const entry = view.getBigUint64(24, true);
  const table = Number(view.getBigUint64(32, true));
  const [size, count] = [view.getUint16(54, true), view.getUint16(56, true)];
  for (let at = table; at < table + size * count; at += size) {
    if (view.getUint32(at, true) !== PT_LOAD) continue;
    const offset = view.getBigUint64(at + 8, true);
    const address = view.getBigUint64(at + 16, true);
    if (entry >= address && entry < address + view.getBigUint64(at + 32, true)) {
      return { path: file, offset: entry - address + offset };
    }
  }
  throw new Error(`${file} has no entry point`);
}
