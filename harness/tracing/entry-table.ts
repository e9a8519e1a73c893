/**
 * Entries that programs keep in mapped memory, in front of a hash. They are read and changed while programs run: a place that is
 * being taken or given back is seen as it was before or after.
 */
import { BUSY, type EntryTable } from "../../compiler/program.ts";

/** Calls `visit` with the key and the value of every place that is taken: copies of them, of the sizes that are asked for. */
export function forEachPlace(
  bytes: Uint8Array,
  table: EntryTable,
  { keySize, valueSize }: { keySize: number; valueSize: number },
  visit: (key: Uint8Array, value: Uint8Array) => void,
): void {
  const view = viewOf(bytes);
  for (const at of takenPlaces(view, table)) {
    const mark = view.getBigUint64(at, true);
    if (mark === BUSY && table.present === undefined) continue;
    const key = table.key === undefined ? integer(mark - 1n, keySize) : copy(bytes, at + table.key, keySize);
    const value = copy(bytes, at + table.value, valueSize);
    // Meanwhile it may have become another key's place.
    if (view.getBigUint64(at, true) === mark) visit(key, value);
  }
}

/** Takes all keys out: gives their places back, or says that they are not there. */
export function clearTable(bytes: Uint8Array, table: EntryTable): void {
  const view = viewOf(bytes);
  for (const at of takenPlaces(view, table)) view.setBigUint64(at + (table.present ?? 0), 0n, true);
}

/** Sets all values to zero. */
export function zeroTable(bytes: Uint8Array, table: EntryTable): void {
  for (const at of takenPlaces(viewOf(bytes), table)) bytes.fill(0, at + table.value, at + table.placeSize);
}

/** Those of keys that are in the map. */
function* takenPlaces(view: DataView, table: EntryTable): Iterable<number> {
  const { offset, stride, copies, places, placeSize, present = 0 } = table;
  for (let copy = 0; copy < copies; copy++) {
    const start = offset + copy * stride;
    for (let at = start; at < start + places * placeSize; at += placeSize) {
      if (view.getBigUint64(at + present, true) !== 0n) yield at;
    }
  }
}

function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}

function copy(bytes: Uint8Array, at: number, size: number): Uint8Array {
  return bytes.slice(at, at + size);
}

function integer(value: bigint, size: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, value, true);
  return bytes.subarray(0, size);
}
