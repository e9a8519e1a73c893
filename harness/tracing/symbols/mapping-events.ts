/** The kernel's records of mappings, execs and forks, as perf events deliver them. */
import type { MappedRange } from "./memory-map.ts";

export type MappingEvent = { time: bigint } & (
  | { kind: "map"; pid: number; range: MappedRange }
  | { kind: "exec"; pid: number }
  /** A new process, not a thread. */
  | { kind: "fork"; pid: number; parent: number }
  /** The process, with its last thread or its first one. */
  | { kind: "exit"; pid: number }
);

/** enum perf_event_type */
const PERF_RECORD_COMM = 3;
const PERF_RECORD_EXIT = 4;
const PERF_RECORD_FORK = 7;
const PERF_RECORD_MMAP2 = 10;
const MISC_COMM_EXEC = 1 << 13;

/** perf_event_header */
const TYPE = 0;
const MISC = 4;
const HEADER_BYTES = 8;
/** The time stands at the end of each record, as sample_id_all asks for. */
const TRAILER_BYTES = 8;

/** Reads one record whole; undefined for those that do not matter. */
export function parseMappingEvent(record: DataView): MappingEvent | undefined {
  const end = record.byteLength - TRAILER_BYTES;
  if (end < HEADER_BYTES + 8) return undefined;
  const time = record.getBigUint64(end, true);
  const pid = record.getUint32(HEADER_BYTES, true);
  switch (record.getUint32(TYPE, true)) {
    case PERF_RECORD_MMAP2:
      return { kind: "map", time, pid, range: rangeOf(record, end) };
    case PERF_RECORD_COMM:
      return record.getUint16(MISC, true) & MISC_COMM_EXEC ? { kind: "exec", time, pid } : undefined;
    case PERF_RECORD_FORK: {
      const parent = record.getUint32(HEADER_BYTES + 4, true);
      return parent === pid ? undefined : { kind: "fork", time, pid, parent };
    }
    case PERF_RECORD_EXIT: {
      const thread = record.getUint32(HEADER_BYTES + 8, true);
      return thread === pid ? { kind: "exit", time, pid } : undefined;
    }
    default:
      return undefined;
  }
}

// u32 pid, tid; u64 address, length, offset; u32 major, minor; u64 inode, generation; u32 protection, flags; name
const ADDRESS = HEADER_BYTES + 8;
const NAME = ADDRESS + 24 + 24 + 8;

function rangeOf(record: DataView, end: number): MappedRange {
  const start = record.getBigUint64(ADDRESS, true);
  const name = new Uint8Array(record.buffer, record.byteOffset + NAME, Math.max(0, end - NAME));
  const nul = name.indexOf(0);
  return {
    start,
    end: start + record.getBigUint64(ADDRESS + 8, true),
    offset: record.getBigUint64(ADDRESS + 16, true),
    path: new TextDecoder().decode(nul < 0 ? name : name.subarray(0, nul)),
  };
}
