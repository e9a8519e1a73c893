/** What a process has where in its memory, as it was mapped bit by bit: later mappings cover earlier ones. */
import type { Mapping } from "../facts/processes.ts";

export type MappedRange = Pick<Mapping, "start" | "end" | "offset" | "path">;

export class MemoryMap {
  /** In the order in which they were made. */
  readonly #ranges: MappedRange[];

  constructor(ranges: readonly MappedRange[] = []) {
    this.#ranges = [...ranges];
  }

  add(range: MappedRange): void {
    // A range that is mapped again, as loaders do to protect it, needs no place of its own.
    const last = this.#ranges.at(-1);
    if (last && last.start === range.start && last.end === range.end) this.#ranges.pop();
    this.#ranges.push(range);
  }

  copy(): MemoryMap {
    return new MemoryMap(this.#ranges);
  }

  find(address: bigint): MappedRange | undefined {
    return this.#ranges.findLast(({ start, end }) => address >= start && address < end);
  }
}
