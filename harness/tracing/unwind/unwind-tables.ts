/**
 * The tables by which programs follow the stacks of processes: of those that somebody asks for, and of all that these start. What a
 * process maps later is written down when the kernel tells of it; a program finds the old table until the new one takes its place.
 */
import type { Mapping } from "../facts/processes.ts";
import type { MappingEvent } from "../symbols/mapping-events.ts";
import type { CodeSource } from "./code-files.ts";
import { encodeRanges } from "./code-map.ts";
import type { ArrayStore } from "./map-of-arrays.ts";

/** Processes that have ended keep their tables, since it may only be their first thread that has. Of so many the older half is forgotten. */
const MAX_GONE = 512;

export interface UnwindTablesOptions<T> {
  readonly processes: ArrayStore<T>;
  readonly code: CodeSource;
  /** All mappings of a process, none if it is gone. */
  readonly mappingsOf: (pid: number) => readonly Mapping[];
  /** The kernel's own number of a process; throws for one that is gone. */
  readonly kernelPid: (pid: number) => number;
  /** Whether a program has met code that a process's array does not name, since this was asked last. */
  readonly takeMark: (array: T) => boolean;
  readonly warn: (message: string) => void;
}

/** An array of the kernel, which forked processes share until one of them changes. */
interface Table<T> {
  readonly array: T;
  readonly bytes: Uint8Array;
  users: number;
}

interface Followed<T> {
  /** Its kernel's number. */
  readonly key: number;
  table: Table<T> | undefined;
  /** Programs have a table of it. */
  seen: boolean;
}

export class UnwindTables<T extends Disposable> {
  readonly #options: UnwindTablesOptions<T>;
  readonly #followed = new Map<number, Followed<T>>();
  /** Those of them that have ended, oldest first. */
  readonly #gone = new Set<number>();
  /** Those of them whose table programs do not see yet. */
  readonly #unseen = new Set<Followed<T>>();
  #toldFull = false;

  constructor(options: UnwindTablesOptions<T>) {
    this.#options = options;
  }

  /** Writes the table of a process, and from now on those of what it starts. Throws what `kernelPid` throws. */
  follow(pid: number): void {
    if (!this.#followed.has(pid)) this.#add(pid, this.#options.kernelPid(pid), undefined);
    this.#write([pid]);
  }

  /** Takes in what the kernel tells of, which must be in the order of time. */
  hear(events: readonly MappingEvent[]): void {
    const changed = new Set<number>();
    for (const event of events) {
      switch (event.kind) {
        case "fork":
          // Whoever had the number before is gone.
          this.#forget([event.pid]);
          if (this.#fork(event.pid, event.parent) && changed.has(event.parent)) changed.add(event.pid);
          break;
        case "map":
        case "exec":
          changed.add(event.pid);
          break;
        case "exit":
          if (this.#followed.has(event.pid)) this.#noteEnd(event.pid);
      }
    }
    this.#write(changed);
  }

  /** Reads anew what processes have mapped that run code of which programs were not told: the kernel tells of no memory that becomes code later. */
  lookAgain(): void {
    const marked = new Map<Table<T>, boolean>();
    const pids: number[] = [];
    for (const [pid, { table }] of this.#followed) {
      if (!table || this.#gone.has(pid)) continue;
      if (!marked.has(table)) marked.set(table, this.#options.takeMark(table.array));
      if (marked.get(table)) pids.push(pid);
    }
    if (pids.length > 0) this.#write(pids);
  }

  close(): void {
    for (const process of this.#followed.values()) release(process);
    this.#followed.clear();
  }

  /** A child begins with the memory of its parent. */
  #fork(pid: number, parent: number): boolean {
    const from = this.#followed.get(parent);
    const key = from && this.#keyOf(pid);
    return key !== undefined && this.#add(pid, key, from?.table);
  }

  /** Undefined for a child that is gone by now. */
  #keyOf(pid: number): number | undefined {
    try {
      return this.#options.kernelPid(pid);
    } catch {
      return undefined;
    }
  }

  /** False if there is no room for one more. */
  #add(pid: number, key: number, table: Table<T> | undefined): boolean {
    const { room } = this.#options.processes;
    if (this.#followed.size === room) this.#forgetOlder();
    if (this.#followed.size === room) {
      if (!this.#toldFull) this.#options.warn(`stacks of more than ${room} processes cannot be unwound at a time`);
      this.#toldFull = true;
      return false;
    }
    const process: Followed<T> = { key, table, seen: false };
    this.#followed.set(pid, process);
    if (table) {
      table.users++;
      this.#unseen.add(process);
    }
    return true;
  }

  #noteEnd(pid: number): void {
    this.#gone.add(pid);
    if (this.#gone.size >= MAX_GONE) this.#forgetOlder();
  }

  #forgetOlder(): void {
    this.#forget([...this.#gone].slice(0, Math.ceil(this.#gone.size / 2)));
  }

  #forget(pids: readonly number[]): void {
    const keys: number[] = [];
    for (const pid of pids) {
      const process = this.#followed.get(pid);
      if (process === undefined) continue;
      this.#followed.delete(pid);
      this.#gone.delete(pid);
      this.#unseen.delete(process);
      if (process.seen) keys.push(process.key);
      release(process);
    }
    this.#options.processes.remove(keys);
  }

  /** Reads anew what processes have mapped, and shows programs all that is new. */
  #write(pids: Iterable<number>): void {
    for (const pid of pids) {
      const process = this.#followed.get(pid);
      if (process) this.#read(pid, process);
    }
    this.#options.code.flush();
    this.#options.processes.put([...this.#unseen].map(({ key, table }) => [key, table!.array]));
    for (const process of this.#unseen) process.seen = true;
    this.#unseen.clear();
  }

  #read(pid: number, process: Followed<T>): void {
    const { mappingsOf, code, processes } = this.#options;
    const mappings = mappingsOf(pid).filter(({ executable }) => executable);
    // It has ended: whatever is still to be said of it is about what it had.
    if (mappings.length === 0) return;
    const bytes = encodeRanges(mappings.map((mapping) => code.rangeOf(pid, mapping)));
    if (process.table && Buffer.compare(process.table.bytes, bytes) === 0) return;
    const table = { array: processes.create(bytes), bytes, users: 1 };
    release(process);
    process.table = table;
    this.#unseen.add(process);
  }
}

function release<T extends Disposable>(process: Followed<T>): void {
  const { table } = process;
  process.table = undefined;
  if (table && --table.users === 0) table.array[Symbol.dispose]();
}
