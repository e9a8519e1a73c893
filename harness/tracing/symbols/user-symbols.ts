/**
 * Names of addresses in processes. Where a process has mapped what is asked from a record of mappings, which knows of
 * processes that are gone, and else from /proc; the symbols come from the files. Each file is read once.
 */
import { type ByteString, fromText } from "../bytestring.ts";
import { imageReader } from "../elf/file.ts";
import { VDSO, vdsoImage } from "../elf/vdso.ts";
import { reachablePath, readMappings } from "../facts/processes.ts";
import { MemoryMap } from "./memory-map.ts";
import { ObjectSymbols } from "./object-symbols.ts";
import { PerfMap } from "./perf-map.ts";
import type { UserSymbolPlace } from "./resolver.ts";

/** Knows the memory of processes. */
export interface MappingRecord {
  mapOf(pid: number): MemoryMap | undefined;
}

export class UserSymbols {
  readonly #recorded: MappingRecord["mapOf"];
  readonly #demangle: (name: string) => string | undefined;
  readonly #objects = new Map<string, ObjectSymbols | undefined>();
  /** Memory as it was when a process was first asked about that the record does not know. */
  readonly #maps = new Map<number, MemoryMap>();
  readonly #names = new Map<string, ByteString>();
  readonly #perfMaps = new Map<number, PerfMap | undefined>();

  /** `recorded` is asked before /proc; `demangle` for a better name than that in the file. */
  constructor(
    recorded: MappingRecord["mapOf"] = () => undefined,
    demangle: (name: string) => string | undefined = () => undefined,
  ) {
    this.#recorded = recorded;
    this.#demangle = demangle;
  }

  /** The symbol that covers an address; undefined where there is none. */
  find(address: bigint, pid: number): UserSymbolPlace | undefined {
    const range = this.#range(address, pid);
    const file = range?.path.startsWith("/") ? range.path : undefined;
    if (range && (file !== undefined || range.path === VDSO)) {
      const object = range.path === VDSO ? this.#vdso() : this.#object(file!, pid);
      const found = object?.atFileOffset(Number(address - range.start + range.offset));
      if (found) {
        return { name: this.#nameOf(found.name), offset: found.offset, object: fromText(range.path) };
      }
    }
    return this.#generated(address, pid);
  }

  /** A name is made readable once, however often its symbol is printed. */
  #nameOf(symbol: string): ByteString {
    let name = this.#names.get(symbol);
    if (name === undefined) {
      name = fromText(this.#demangle(symbol) ?? symbol);
      this.#names.set(symbol, name);
    }
    return name;
  }

  #range(address: bigint, pid: number) {
    const recorded = this.#recorded(pid)?.find(address);
    if (recorded) return recorded;
    let map = this.#maps.get(pid);
    const known = map?.find(address);
    if (known) return known;
    // Memory that was mapped since the last look, or a first look.
    const mappings = readMappings(pid);
    if (mappings.length === 0) return undefined;
    map = new MemoryMap(mappings);
    this.#maps.set(pid, map);
    return map.find(address);
  }

  #object(path: string, pid: number): ObjectSymbols | undefined {
    const reachable = reachablePath(pid, path);
    if (!this.#objects.has(reachable)) this.#objects.set(reachable, ObjectSymbols.open(reachable));
    return this.#objects.get(reachable);
  }

  #vdso(): ObjectSymbols | undefined {
    if (!this.#objects.has(VDSO)) {
      const image = vdsoImage();
      this.#objects.set(VDSO, image && ObjectSymbols.read(imageReader(image)));
    }
    return this.#objects.get(VDSO);
  }

  /** Code that was made at run time has the names that its maker wrote down. */
  #generated(address: bigint, pid: number): UserSymbolPlace | undefined {
    if (!this.#perfMaps.has(pid)) this.#perfMaps.set(pid, PerfMap.open(pid));
    const map = this.#perfMaps.get(pid);
    const found = map?.find(address);
    return found && { ...found, object: map!.path };
  }
}
