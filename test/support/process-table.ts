/** The array of a process as programs read it that follow its stacks. */
import { MAPPING } from "../../compiler/unwind-table.ts";
import type { CodeRange } from "../../harness/tracing/unwind/code-map.ts";

/** Its entries, behind the head that says how many they are. */
export function decodeRanges(bytes: Uint8Array): CodeRange[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const count = Number(view.getBigUint64(MAPPING.start, true));
  return Array.from({ length: count }, (_, i) => {
    const at = (i + 1) * MAPPING.size;
    return {
      start: view.getBigUint64(at + MAPPING.start, true),
      end: view.getBigUint64(at + MAPPING.end, true),
      base: view.getBigUint64(at + MAPPING.base, true),
      file: view.getUint32(at + MAPPING.file, true),
      rows: view.getUint32(at + MAPPING.rows, true),
    };
  });
}
