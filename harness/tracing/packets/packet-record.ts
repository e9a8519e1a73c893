/** What a perf event's ring has of a packet: the kernel's header, that of the program, and the packet's first bytes. */
import { PACKET_HEADER } from "../../../compiler/program.ts";

export interface CapturedPacket {
  /** CLOCK_BOOTTIME, ns. */
  time: bigint;
  /** Of the whole packet. */
  length: number;
  /** Number of the call that has sent it. */
  call: number;
  /** From the packet's beginning on. */
  bytes: Uint8Array;
}

/** enum perf_event_type */
const PERF_RECORD_SAMPLE = 9;
/** perf_event_header, and the u32 size of what follows. */
const START = 8 + 4;

/** Reads one record whole; undefined for what is no packet. The packet's bytes are a copy. */
export function parsePacket(record: DataView): CapturedPacket | undefined {
  if (record.getUint32(0, true) !== PERF_RECORD_SAMPLE) return undefined;
  const from = START + PACKET_HEADER.size;
  const bytes = new Uint8Array(record.buffer, record.byteOffset + from);
  return {
    time: record.getBigUint64(START + PACKET_HEADER.time, true),
    length: record.getUint32(START + PACKET_HEADER.length, true),
    call: record.getUint32(START + PACKET_HEADER.call, true),
    bytes: bytes.slice(0, record.getUint32(START + PACKET_HEADER.copied, true)),
  };
}
