/** Kernel maps for the interpreter: what programs see of them, and what tests read afterwards. */
import type { KernelMap, KernelMapType } from "../../compiler/program.ts";
import { Fault, Pointer, Region, readNumber } from "./memory.ts";

export const E2BIG = -7n;
export const ENOENT = -2n;
export const EEXIST = -17n;
export const EINVAL = -22n;

const UNWRITTEN = 0xa5;

const ANY = 0n;
const NOEXIST = 1n;
const EXIST = 2n;

const perCpu: ReadonlySet<KernelMapType> = new Set(["percpu_hash", "percpu_array", "lru_percpu_hash"]);
const arrays: ReadonlySet<KernelMapType> = new Set(["array", "percpu_array", "prog_array"]);

/** Records of a ring buffer, in the order in which they were submitted. */
export interface Submitted {
  map: number;
  bytes: Uint8Array;
}

export class FakeMap {
  readonly spec: KernelMap;
  /** What a register that refers to the map points to. */
  readonly handle: Region;
  readonly cpus: number;
  /** What every update answers in place of doing anything: a negative error number. */
  refusal: bigint | undefined;
  /** Values by key in hex; one region for each CPU, or a single one. */
  readonly #entries = new Map<string, { key: Uint8Array; copies: Region[] }>();
  /** Bytes of a ring buffer that reservations and records take. */
  #used = 0;

  constructor(spec: KernelMap, cpus: number) {
    this.spec = spec;
    this.cpus = cpus;
    this.handle = new Region("map", spec.name, new Uint8Array(0));
    if (!arrays.has(spec.type)) return;
    for (let i = 0; i < Number(spec.maxEntries); i++) this.#create(number32(i), i === 0 ? spec.initial : undefined);
  }

  get isArray(): boolean {
    return arrays.has(this.spec.type);
  }

  /** The value's address for the program, as bpf_map_lookup_elem gives it. */
  lookup(key: Uint8Array, cpu: number): Pointer {
    const copies = this.#entries.get(hex(key))?.copies;
    return new Pointer(copies?.[copies.length === 1 ? 0 : cpu], 0n, { tested: false });
  }

  update(key: Uint8Array, value: Uint8Array, flags: bigint, cpu: number): bigint {
    if (this.refusal !== undefined) return this.refusal;
    if (flags !== ANY && flags !== NOEXIST && flags !== EXIST) return EINVAL;
    const known = this.#entries.get(hex(key));
    if (this.isArray && !known) return E2BIG;
    if (known && flags === NOEXIST) return EEXIST;
    if (!known && flags === EXIST) return ENOENT;
    if (!known && this.#entries.size >= Number(this.spec.maxEntries)) {
      if (!this.spec.type.startsWith("lru")) return E2BIG;
      this.#entries.delete(this.#entries.keys().next().value!);
    }
    // A hash's update puts a new element in place, so that addresses found before keep the old one.
    const copies = known && this.isArray ? known.copies : this.#create(key).copies;
    const target = copies[copies.length === 1 ? 0 : cpu]!;
    target.bytes.set(value);
    return 0n;
  }

  delete(key: Uint8Array): bigint {
    if (this.isArray) return EINVAL;
    return this.#entries.delete(hex(key)) ? 0n : ENOENT;
  }

  /** The only value of a one-entry array, which programs address directly. */
  directValue(): Region {
    if (this.spec.type !== "array" || this.spec.maxEntries !== 1) {
      throw new Fault(`the value of ${this.spec.name} cannot be addressed directly`);
    }
    return this.#entries.get(hex(number32(0)))!.copies[0]!;
  }

  /** Room for a record, or null. */
  reserve(size: number): Pointer {
    const limit = this.spec.maxEntries === "auto" ? 65_536 : this.spec.maxEntries;
    const needed = Math.ceil((size + 8) / 8) * 8;
    if (this.#used + needed > limit) return new Pointer(undefined, 0n, { tested: false });
    this.#used += needed;
    // The kernel does not clear records. What the program leaves unwritten (behind the end of a string) holds something
    // that no reader takes for a value.
    return new Pointer(
      new Region("record", `record of ${this.spec.name}`, new Uint8Array(size).fill(UNWRITTEN), { written: false }),
      0n,
      {
        tested: false,
      },
    );
  }

  /** Makes room again, as a reader does. */
  drain(): void {
    this.#used = 0;
  }

  // For tests

  /** All keys, in order of insertion. */
  keys(): Uint8Array[] {
    return [...this.#entries.values()].map(({ key }) => key);
  }

  /** The value for a key, one copy for each CPU in per-CPU maps; undefined when there is none. */
  values(key: Uint8Array): Uint8Array[] | undefined {
    return this.#entries.get(hex(key))?.copies.map(({ bytes }) => bytes);
  }

  /** Key and value as unsigned numbers; per-CPU copies are added up. For maps whose keys and values are integers. */
  numbers(): Map<bigint, bigint> {
    return new Map(
      [...this.#entries.values()].map(({ key, copies }) => [
        BigInt.asUintN(64, readNumber(key, 0, key.length)),
        copies.reduce((sum, { bytes }) => BigInt.asUintN(64, sum + readNumber(bytes, 0, bytes.length)), 0n),
      ]),
    );
  }

  #create(key: Uint8Array, initial?: Uint8Array): { key: Uint8Array; copies: Region[] } {
    const count = perCpu.has(this.spec.type) ? this.cpus : 1;
    const copies = Array.from({ length: count }, () => {
      const bytes = new Uint8Array(this.spec.valueSize);
      if (initial) bytes.set(initial);
      return new Region("map value", `a value of ${this.spec.name}`, bytes);
    });
    const entry = { key: key.slice(), copies };
    this.#entries.set(hex(key), entry);
    return entry;
  }
}

export function number32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}

export function number64(value: bigint): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt.asUintN(64, value), true);
  return bytes;
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
