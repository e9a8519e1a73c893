/**
 * Finds records by name without making a JavaScript string of every name in the blob: a chained hash table over the
 * bytes, built when the first name is asked for.
 */
import { encodeName, hashName, type StringTable } from "./strings.ts";

export class NameIndex {
  readonly #words: Uint32Array;
  readonly #strings: StringTable;
  readonly #positions: Int32Array;
  /** Bucket to entry number plus one, and entry to the next one of its bucket, likewise. */
  readonly #heads: Int32Array;
  readonly #next: Int32Array;

  /** `positions` are the places in `words` that hold the offset of a name. */
  constructor(words: Uint32Array, strings: StringTable, positions: Int32Array) {
    this.#words = words;
    this.#strings = strings;
    this.#positions = positions;
    this.#heads = new Int32Array(1 << (33 - Math.clz32(positions.length)));
    this.#next = new Int32Array(positions.length);
    const mask = this.#heads.length - 1;
    // Backwards, so that each chain lists its entries in the order of the blob.
    for (let entry = positions.length - 1; entry >= 0; entry--) {
      const bucket = strings.hash(words[positions[entry]!]!) & mask;
      this.#next[entry] = this.#heads[bucket]!;
      this.#heads[bucket] = entry + 1;
    }
  }

  /** The positions that carry `name`, in the order of the blob. */
  find(name: string): number[] {
    const found: number[] = [];
    const bytes = encodeName(name);
    const mask = this.#heads.length - 1;
    for (let entry = this.#heads[hashName(bytes) & mask]!; entry !== 0; entry = this.#next[entry - 1]!) {
      const position = this.#positions[entry - 1]!;
      if (this.#strings.equals(this.#words[position]!, bytes)) found.push(position);
    }
    return found;
  }
}
