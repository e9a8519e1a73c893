/** The tables of files that processes have mapped as code: each file is read once, however many processes have it. */
import { statSync } from "node:fs";
import { DwarfError } from "../../../compiler/dwarf/reader.ts";
import type { UnwindTable } from "../../../compiler/dwarf/unwind-table.ts";
import { ifReadable } from "../elf/debug-sections.ts";
import { ElfFile, imageReader, type Segment, withFile } from "../elf/file.ts";
import { VDSO, vdsoImage } from "../elf/vdso.ts";
import { type Mapping, reachablePath } from "../facts/processes.ts";
import { baseOf, type CodeRange } from "./code-map.ts";
import { readUnwindTable, unwindTableOfImage } from "./file-table.ts";
import type { ArrayStore } from "./map-of-arrays.ts";

/** Turns mappings of processes into ranges of code. */
export interface CodeSource {
  rangeOf(pid: number, mapping: Mapping): CodeRange;
  /** Makes all tables known to programs to which ranges refer. */
  flush(): void;
}

interface CodeFile {
  readonly segments: readonly Segment[];
  readonly file: number;
  readonly rows: number;
}

export class CodeFiles<T extends Disposable> implements CodeSource {
  readonly #store: ArrayStore<T>;
  readonly #warn: (message: string) => void;
  readonly #files = new Map<string, CodeFile | undefined>();
  #count = 0;
  #waiting: [number, T][] = [];

  /** `warn` is told of each damaged file once. */
  constructor(store: ArrayStore<T>, warn: (message: string) => void) {
    this.#store = store;
    this.#warn = warn;
  }

  rangeOf(pid: number, mapping: Mapping): CodeRange {
    const { start, end } = mapping;
    const found = this.#fileOf(pid, mapping);
    const base = found && baseOf(mapping, found.segments);
    if (base === undefined) return { start, end, base: 0n, file: 0, rows: 0 };
    return { start, end, base, file: found!.file, rows: found!.rows };
  }

  flush(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    try {
      this.#store.put(waiting);
    } finally {
      for (const [, array] of waiting) array[Symbol.dispose]();
    }
  }

  #fileOf(pid: number, mapping: Mapping): CodeFile | undefined {
    if (mapping.path === VDSO) return this.#known(VDSO, () => this.#readVdso());
    if (!mapping.path.startsWith("/")) return undefined;
    for (const path of pathsOf(pid, mapping)) {
      const key = identity(path);
      if (key !== undefined) return this.#known(key, () => this.#read(path, mapping.path));
    }
    return undefined;
  }

  #known(key: string, read: () => CodeFile | undefined): CodeFile | undefined {
    if (!this.#files.has(key)) this.#files.set(key, read());
    return this.#files.get(key);
  }

  #read(path: string, name: string): CodeFile | undefined {
    const segments = ifReadable(() => withFile(path, (read) => new ElfFile(read).segments));
    return segments && this.#add(segments, name, () => readUnwindTable(path));
  }

  #readVdso(): CodeFile | undefined {
    const image = vdsoImage();
    if (image === undefined) return undefined;
    return this.#add(new ElfFile(imageReader(image)).segments, VDSO, () => unwindTableOfImage(image, VDSO));
  }

  #add(segments: readonly Segment[], name: string, read: () => UnwindTable | undefined): CodeFile | undefined {
    const table = this.#intact(name, read);
    if (table === undefined) return undefined;
    if (this.#count === this.#store.room) {
      this.#warn(`there is no room for the unwinding table of ${name}: only ${this.#count} files can have one`);
      return undefined;
    }
    const file = this.#count++;
    this.#waiting.push([file, this.#store.create(table.cells)]);
    return { segments, file, rows: table.rows };
  }

  #intact(name: string, read: () => UnwindTable | undefined): UnwindTable | undefined {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof DwarfError)) throw error;
      error.file = name;
      this.#warn(error.sentence);
      return undefined;
    }
  }
}

/** Where the file can be opened: as what is mapped, whatever lies at its path by now, or by its path where that is not permitted. */
function pathsOf(pid: number, { start, end, path }: Mapping): string[] {
  return [`/proc/${pid}/map_files/${start.toString(16)}-${end.toString(16)}`, reachablePath(pid, path)];
}

/** What tells a file from all others, and from itself after a change. */
function identity(path: string): string | undefined {
  const stat = ifReadable(() => statSync(path, { bigint: true }));
  return stat && `${stat.dev} ${stat.ino} ${stat.size} ${stat.mtimeNs}`;
}
