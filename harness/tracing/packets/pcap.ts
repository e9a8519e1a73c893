/** The format of capture files that tcpdump and Wireshark read: pcap, with times in nanoseconds. */

/** A packet as a file has it. */
export interface PcapPacket {
  /** Nanoseconds since 1970. */
  time: bigint;
  /** Bytes of the packet, of which `bytes` are the first. */
  length: number;
  bytes: Uint8Array;
}

const MAGIC = 0xa1b2_3c4d;
const VERSION = [2, 4] as const;
/** The most that a record may have, as those write it who take packets whole. */
const SNAPSHOT = 262_144;
/** LINKTYPE_RAW: packets begin with the header of IP. */
const RAW = 101;
const SECOND = 1_000_000_000n;

export function pcapHeader(): Uint8Array {
  const view = new DataView(new ArrayBuffer(24));
  view.setUint32(0, MAGIC, true);
  view.setUint16(4, VERSION[0], true);
  view.setUint16(6, VERSION[1], true);
  // Eight bytes of zeros: the time zone and the accuracy, which nobody fills in.
  view.setUint32(16, SNAPSHOT, true);
  view.setUint32(20, RAW, true);
  return new Uint8Array(view.buffer);
}

export function pcapRecord({ time, length, bytes }: PcapPacket): Uint8Array {
  const record = new Uint8Array(16 + bytes.length);
  const view = new DataView(record.buffer);
  view.setUint32(0, Number(time / SECOND), true);
  view.setUint32(4, Number(time % SECOND), true);
  view.setUint32(8, bytes.length, true);
  view.setUint32(12, length, true);
  record.set(bytes, 16);
  return record;
}
