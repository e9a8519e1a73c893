/**
 * The files that debug information is spread over, as the host hands them in: one with the program or beside it, the units that
 * were split off when it was compiled, and what several programs share.
 */
import { Abbreviations } from "./abbreviations.ts";
import type { Widths } from "./forms.ts";

export interface DebugFile {
  /** For messages. */
  path: string;
  /** The content of a section, unpacked. Undefined when there is none. Throws DwarfError when it cannot be unpacked. */
  section(name: string): Uint8Array | undefined;
}

export interface DebugFiles {
  main: DebugFile;
  /** What a tool moved into a file of its own because several programs have it (.gnu_debugaltlink). */
  supplement(): DebugFile | undefined;
  /** A file that a unit names as the one with its content, by its path or relative to the folder it was compiled in. */
  split(name: string, folder: string): DebugFile | undefined;
  /** All of these in one file. */
  package(): DebugFile | undefined;
}

const EMPTY = new Uint8Array(0);

/** The sections of one file that say what the others mean. Those that were split off have names of their own. */
export class Sections {
  readonly isSplit: boolean;
  readonly #file: DebugFile;
  readonly #known = new Map<string, Uint8Array>();
  readonly #abbreviations = new Map<string, Abbreviations>();

  constructor(file: DebugFile, isSplit: boolean) {
    this.#file = file;
    this.isSplit = isSplit;
  }

  /** A section, empty when there is none. */
  get(name: string): Uint8Array {
    const full = this.isSplit && !name.endsWith("_index") ? `${name}.dwo` : name;
    let found = this.#known.get(full);
    if (found === undefined) {
      found = this.#file.section(full) ?? EMPTY;
      this.#known.set(full, found);
    }
    return found;
  }

  /** The table at an offset, which units share. */
  abbreviations(offset: number, widths: Widths): Abbreviations {
    const key = `${offset} ${widths.version} ${widths.offsetSize} ${widths.addressSize}`;
    let found = this.#abbreviations.get(key);
    if (found === undefined) {
      found = new Abbreviations(this.get(".debug_abbrev"), offset, widths);
      this.#abbreviations.set(key, found);
    }
    return found;
  }
}
