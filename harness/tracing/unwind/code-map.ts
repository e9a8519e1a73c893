/** What a process has mapped as code, in the form in which programs look an address up (compiler/unwind-table.ts). */
import { MAPPING } from "../../../compiler/unwind-table.ts";
import type { Segment } from "../elf/file.ts";
import type { Mapping } from "../facts/processes.ts";

export interface CodeRange {
  start: bigint;
  end: bigint;
  /** The address in memory of what has the address 0 in the file. */
  base: bigint;
  /** The number of the file's table. */
  file: number;
  /** 0 without a table. */
  rows: number;
}

/** Programs find an entry by so many halvings. */
export const MAX_RANGES = 4095;

/** Of a mapping of a file with these segments, where its addresses begin to count; undefined if it shows none of them. */
export function baseOf({ start, end, offset }: Mapping, segments: readonly Segment[]): bigint | undefined {
  const [from, to] = [Number(offset), Number(offset + end - start)];
  // The pages at which two segments meet are mapped with both.
  const shown = segments
    .map((segment) => ({
      segment,
      bytes: Math.min(to, segment.offset + segment.fileSize) - Math.max(from, segment.offset),
    }))
    .filter(({ bytes }) => bytes > 0)
    .sort((a, b) => Number(b.segment.executable) - Number(a.segment.executable) || b.bytes - a.bytes)[0]?.segment;
  return shown && BigInt.asUintN(64, start - offset + BigInt(shown.offset) - BigInt(shown.address));
}

/** The entries of a process's array. Of too many ranges those without a table are left out first. */
export function encodeRanges(ranges: readonly CodeRange[]): Uint8Array {
  const kept = joined([...ranges].sort(byStart));
  const chosen = kept.length <= MAX_RANGES ? kept : [...kept].sort(byUse).slice(0, MAX_RANGES).sort(byStart);
  const bytes = new Uint8Array((chosen.length + 1) * MAPPING.size);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(MAPPING.start, BigInt(chosen.length), true);
  chosen.forEach(({ start, end, base, file, rows }, i) => {
    const at = (i + 1) * MAPPING.size;
    view.setBigUint64(at + MAPPING.start, start, true);
    view.setBigUint64(at + MAPPING.end, end, true);
    view.setBigUint64(at + MAPPING.base, base, true);
    view.setUint32(at + MAPPING.file, file, true);
    view.setUint32(at + MAPPING.rows, rows, true);
  });
  return bytes;
}

/** Takes the mark out of the head of a process's array, entry 0, that a program leaves there which has met code of none of the others. */
export function takeMark(head: Uint8Array): boolean {
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  if (view.getBigUint64(MAPPING.end, true) === 0n) return false;
  view.setBigUint64(MAPPING.end, 0n, true);
  return true;
}

/** Neighbours of which nothing is known are one: what is compiled at run time lies in many pieces. */
function joined(ranges: readonly CodeRange[]): CodeRange[] {
  const result: CodeRange[] = [];
  for (const range of ranges) {
    const last = result.at(-1);
    if (last && last.end === range.start && last.rows === 0 && range.rows === 0) last.end = range.end;
    else result.push({ ...range });
  }
  return result;
}

function byStart(a: CodeRange, b: CodeRange): number {
  return a.start < b.start ? -1 : 1;
}

function byUse(a: CodeRange, b: CodeRange): number {
  return Number(b.rows > 0) - Number(a.rows > 0);
}
