/** A map of the kernel whose entries are arrays: they are filled first, and then put in, so that programs never see one half done. */
import {
  type MapFd,
  MappedArray,
  mapDelete,
  mapDeleteBatch,
  mapUpdate,
  mapUpdateBatch,
  SysError,
} from "../../../native/index.ts";
import { createInnerArray } from "../kernel-maps.ts";

/** What is made of arrays in one map. `T` stands for an array that can be put in. */
export interface ArrayStore<T> {
  /** How many entries the map has room for. */
  readonly room: number;
  /** Makes an array. Whoever has it closes it; what was put in stays. */
  create(values: Uint8Array): T;
  /** Puts arrays in, each in the place of what was there. */
  put(entries: readonly (readonly [key: number, array: T])[]): void;
  /** Takes out what was put in. */
  remove(keys: readonly number[]): void;
}

export class MapOfArrays implements ArrayStore<MapFd> {
  readonly #map: MapFd;
  readonly #valueSize: number;
  #batches = true;

  constructor(map: MapFd, valueSize: number) {
    this.#map = map;
    this.#valueSize = valueSize;
  }

  get room(): number {
    return this.#map.maxEntries;
  }

  create(values: Uint8Array): MapFd {
    const array = createInnerArray("unwind", this.#valueSize, values.length / this.#valueSize);
    try {
      using memory = new MappedArray(array);
      memory.bytes.set(values);
      return array;
    } catch (error) {
      array.close();
      throw error;
    }
  }

  /** All at once where the kernel can: it waits each time until no program can see what was there before. */
  put(entries: readonly (readonly [key: number, array: MapFd])[]): void {
    const keys = entries.map(([key]) => key);
    const values = entries.map(([, array]) => array.value);
    const count = entries.length;
    if (count > 1 && this.#asBatch(() => mapUpdateBatch(this.#map, words(keys), words(values), count))) return;
    for (const [key, array] of entries) mapUpdate(this.#map, words([key]), words([array.value]));
  }

  remove(keys: readonly number[]): void {
    if (keys.length > 1 && this.#asBatch(() => mapDeleteBatch(this.#map, words(keys), keys.length))) return;
    for (const key of keys) mapDelete(this.#map, words([key]));
  }

  #asBatch(call: () => void): boolean {
    if (!this.#batches) return false;
    try {
      call();
      return true;
    } catch (error) {
      if (!(error instanceof SysError) || !NO_BATCHES.has(error.code)) throw error;
      this.#batches = false;
      return false;
    }
  }
}

/** How kernels before 5.16 say that maps of arrays have no batches. */
const NO_BATCHES: ReadonlySet<string> = new Set(["ENOTSUPP", "EOPNOTSUPP", "EINVAL"]);

function words(numbers: readonly number[]): Uint8Array {
  return new Uint8Array(Uint32Array.from(numbers).buffer);
}
