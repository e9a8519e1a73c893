/**
 * Takes the packets that programs send out of the kernel and writes them to files: each CPU has a ring, in which the kernel puts them behind
 * each other. A packet that finds no room is counted by the program that sent it.
 */
import type { PacketPlan } from "../../../compiler/program.ts";
import {
  Clock,
  type Fd,
  type MapFd,
  mapUpdate,
  PerfRing,
  PerfSoftware,
  PerfType,
  Poller,
  perfEventOpen,
} from "../../../native/index.ts";
import { onlineCpus } from "../cpus.ts";
import { toRealTime } from "../host-constants.ts";
import { packetRingBytes } from "../kernel-maps.ts";
import { pageSize } from "../page-size.ts";
import type { Refusal } from "../refusals.ts";
import { CaptureFile } from "./capture-file.ts";
import { type CapturedPacket, parsePacket } from "./packet-record.ts";
import { pcapRecord } from "./pcap.ts";

/** PERF_SAMPLE_RAW */
const SAMPLE_RAW = 1n << 10n;

export class PacketCapture {
  readonly #calls: PacketPlan["calls"];
  readonly #files = new Map<string, CaptureFile>();
  readonly #events: Fd[] = [];
  readonly #rings: PerfRing[] = [];
  #pollers: Poller[] = [];
  #first: NodeJS.Immediate | undefined;
  readonly #sinceBoot = toRealTime(Clock.BOOTTIME);

  private constructor(calls: PacketPlan["calls"]) {
    this.#calls = calls;
  }

  /**
   * Begins all files, and gives programs the rings through `map`; `pages` as the setting says. Throws CaptureError for a file, SysError for what the kernel does
   * not permit; nothing stays open then.
   */
  static open(calls: PacketPlan["calls"], map: MapFd, pages: number): PacketCapture {
    const capture = new PacketCapture(calls);
    try {
      capture.#openFiles();
      capture.#openRings(map, pages);
      return capture;
    } catch (error) {
      capture.close();
      throw error;
    }
  }

  /** Writes down what has come, in the order of time. */
  drain(): void {
    const packets: CapturedPacket[] = [];
    for (const ring of this.#rings) {
      ring.drain((view, offset, length) => {
        const packet = parsePacket(new DataView(view.buffer, view.byteOffset + offset, length));
        if (packet) packets.push(packet);
      });
    }
    packets.sort((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0));
    for (const { time, length, call, bytes } of packets) {
      const { path, offset } = this.#calls[call]!;
      const packet = { time: time + this.#sinceBoot, length: length - offset, bytes: bytes.subarray(offset) };
      this.#files.get(path)!.add(pcapRecord(packet));
    }
    for (const file of this.#files.values()) file.flush();
  }

  /** Calls back from the event loop when there is something to drain; undefined stops that. */
  onReadable(callback: (() => void) | undefined): void {
    for (const poller of this.#pollers) poller.close();
    clearImmediate(this.#first);
    this.#pollers = callback ? this.#events.map((event) => new Poller(event, callback)) : [];
    // The event loop begins to watch with its next round, and what has come until then does not wake it.
    this.#first = callback && setImmediate(callback);
  }

  /** Packets that came and could not be written. */
  unwritten(): Refusal[] {
    return [...this.#files.values()].flatMap(({ path, failure }): Refusal[] =>
      failure ? [{ of: "file", path, ...failure }] : [],
    );
  }

  /** Files without packets, as in the beginning. What is waiting is to be drained before. */
  restart(): void {
    for (const file of this.#files.values()) file.restart();
  }

  close(): void {
    this.onReadable(undefined);
    for (const ring of this.#rings) ring.close();
    for (const event of this.#events) event.close();
    for (const file of this.#files.values()) file.close();
    this.#files.clear();
  }

  #openFiles(): void {
    for (const { path } of this.#calls) {
      if (!this.#files.has(path)) this.#files.set(path, new CaptureFile(path));
    }
  }

  #openRings(map: MapFd, pages: number): void {
    const cpus = onlineCpus();
    const page = pageSize();
    const bytes = packetRingBytes(pages, cpus.length, page);
    for (const cpu of cpus) {
      const event = perfEventOpen({ ...OUTPUT, cpu });
      this.#events.push(event);
      this.#rings.push(new PerfRing(event, bytes, page));
      mapUpdate(map, new Uint8Array(Uint32Array.of(cpu).buffer), new Uint8Array(Uint32Array.of(event.value).buffer));
    }
  }
}

const OUTPUT = {
  type: PerfType.SOFTWARE,
  config: PerfSoftware.BPF_OUTPUT,
  sampleType: SAMPLE_RAW,
  samplePeriod: 1,
  wakeupEvents: 1,
  name: "packets",
} as const;
