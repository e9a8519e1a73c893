/**
 * Names of code that was made at run time. Runtimes write them to /tmp/perf-PID.map when they are asked to (node:
 * --perf-basic-prof), a line for each function: address, size, name. The file grows as long as the process runs.
 */
import { readFileSync, statSync } from "node:fs";
import type { ByteString } from "../bytestring.ts";
import type { SymbolPlace } from "./resolver.ts";

interface Entry {
  start: bigint;
  end: bigint;
  name: ByteString;
}

export class PerfMap {
  readonly path: string;
  /** Ascending; of code that was replaced the newest remains. */
  #entries: readonly Entry[] = [];
  #size = -1;

  private constructor(path: string) {
    this.path = path;
  }

  /** The map of a process; undefined when it has none. */
  static open(pid: number): PerfMap | undefined {
    const map = new PerfMap(`/tmp/perf-${pid}.map`);
    return map.#refresh() ? map : undefined;
  }

  find(address: bigint): SymbolPlace | undefined {
    const found = this.#lookup(address) ?? (this.#refresh() ? this.#lookup(address) : undefined);
    return found && { name: found.name, offset: Number(address - found.start) };
  }

  #lookup(address: bigint): Entry | undefined {
    let low = 0;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#entries[middle]!.start <= address) low = middle + 1;
      else high = middle;
    }
    const entry = this.#entries[low - 1];
    return entry && address < entry.end ? entry : undefined;
  }

  /** Reads the file again if it has changed; false when nothing new was to be had. */
  #refresh(): boolean {
    try {
      const { size } = statSync(this.path);
      if (size === this.#size) return false;
      this.#size = size;
      this.#entries = parsePerfMap(readFileSync(this.path, "latin1"));
      return true;
    } catch {
      return false;
    }
  }
}

function parsePerfMap(text: ByteString): Entry[] {
  const byStart = new Map<bigint, Entry>();
  for (const [, address, size, name] of text.matchAll(/^(?:0x)?([0-9a-f]+) (?:0x)?([0-9a-f]+) (.*)$/gim)) {
    const start = BigInt(`0x${address}`);
    byStart.set(start, { start, end: start + BigInt(`0x${size}`), name: name! });
  }
  return [...byStart.values()].sort((a, b) => (a.start < b.start ? -1 : 1));
}
