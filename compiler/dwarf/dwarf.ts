/**
 * The debug information of a program (DWARF, versions 2 to 5). Programs have hundreds of megabytes of it, of which a
 * script needs some functions and a few types: opening it reads the headers of the units, and everything else happens when it
 * is asked for.
 */
import { addressTable, type Range, rangesOf } from "./addresses.ts";
import { At, Tag, UnitType } from "./constants.ts";
import { decodeFunction, entryOf, stripped } from "./decode.ts";
import type { Die } from "./die.ts";
import { type DebugFile, type DebugFiles, Sections } from "./files.ts";
import { nameFinder } from "./names.ts";
import { PackageIndex, type PackedUnit } from "./package.ts";
import { DwarfError, Reader } from "./reader.ts";
import type { DwarfFunction } from "./types.ts";
import { readHeaders, type Surroundings, Unit } from "./unit.ts";

const KINDS = {
  struct: [Tag.structure_type, Tag.class_type, Tag.interface_type],
  union: [Tag.union_type],
  enum: [Tag.enumeration_type],
  plain: [Tag.typedef, Tag.base_type, Tag.template_alias],
} as const;

export type TypeKind = keyof typeof KINDS;

export class Dwarf {
  readonly #files: DebugFiles;
  readonly #main: UnitSection;
  readonly #types: UnitSection;
  readonly #split = new Map<Unit, Unit | undefined>();
  readonly #splitFiles = new Map<DebugFile, SplitFile>();
  readonly #functions = new Map<number, DwarfFunction | undefined>();
  /** Where the functions of a unit are, by the addresses that they begin at. */
  readonly #entries = new Map<Unit, ReadonlyMap<number, number>>();
  readonly #named = new Map<string, Die | undefined>();
  #supplement: Dwarf | undefined | "unread" = "unread";
  #listed: readonly UnitRange[] | undefined;
  #own: readonly UnitRange[] | undefined;

  private constructor(files: DebugFiles) {
    this.#files = files;
    const sections = new Sections(files.main, false);
    this.#main = new UnitSection(sections, "info", (section) => this.#around(section));
    this.#types = new UnitSection(sections, "types", (section) => this.#around(section));
  }

  /**
   * Opens what the files have, which stay in use and must not change; undefined when they have none. Throws DwarfError when
   * it is malformed, as do all questions.
   */
  static open(files: DebugFiles): Dwarf | undefined {
    const dwarf = new Dwarf(files);
    return dwarf.ask(() => dwarf.#main.units.length > 0) ? dwarf : undefined;
  }

  /** What somebody wants to know; an error tells which file it is about. */
  ask<T>(question: () => T): T {
    try {
      return question();
    } catch (error) {
      if (error instanceof DwarfError) error.file ??= this.#files.main.path;
      throw error;
    }
  }

  /** The function that begins at an address of the file. */
  functionAt(address: number): DwarfFunction | undefined {
    if (!this.#functions.has(address)) this.#functions.set(address, this.#findFunction(address));
    return this.#functions.get(address);
  }

  /**
   * A type by its name in C: a struct, union or enum by its tag, anything else without one. What is only declared is found
   * where nothing is defined. `near` is an entry whose unit is to be looked through first.
   */
  findType(kind: TypeKind, name: string, near?: Die): Die | undefined {
    const own = near && this.#typeIn(near.unit, kind, name);
    if (own !== undefined && own.depth === 1) return own.die;
    const key = `${kind} ${name}`;
    if (!this.#named.has(key)) this.#named.set(key, this.#findType(kind, name));
    return this.#named.get(key) ?? own?.die;
  }

  /** The definition of a struct, union, class or enum that an entry only declares; the entry itself when there is none. */
  defined(die: Die): Die {
    const signed = die.has(At.signature) ? die.reference(At.signature) : undefined;
    if (signed) return signed;
    if (!die.flag(At.declaration)) return die;
    const kind = (Object.keys(KINDS) as TypeKind[]).find((each) =>
      (KINDS[each] as readonly number[]).includes(die.tag),
    );
    const name = die.name;
    if (kind === undefined || name === undefined) return die;
    return this.findType(kind, name, die) ?? die;
  }

  /** Of a type what lies below typedefs and qualifiers, and its definition. */
  resolve(die: Die | undefined): Die | undefined {
    const found = stripped(die);
    return found && this.defined(found);
  }

  /** All units with their content, which may be in another file. */
  *units(): Generator<Unit> {
    for (const unit of this.#main.units) if (!unit.isType) yield this.#full(unit);
  }

  // Functions

  #findFunction(address: number): DwarfFunction | undefined {
    for (const unit of this.#unitsAt(address)) {
      const full = this.#full(unit);
      let entries = this.#entries.get(full);
      if (!entries) {
        entries = functionsOf(full);
        this.#entries.set(full, entries);
      }
      const offset = entries.get(address);
      if (offset !== undefined) return decodeFunction(full.die(offset), address);
    }
    return undefined;
  }

  /** The unit that the table of addresses names, or else those that say so themselves: compilers need not write the table. */
  *#unitsAt(address: number): Generator<Unit> {
    const tried = new Set<Unit>();
    for (const list of [() => this.#listedRanges(), () => this.#ownRanges()]) {
      for (const { start, end, unit } of list()) {
        if (address < start || address >= end || tried.has(unit)) continue;
        tried.add(unit);
        yield unit;
      }
    }
  }

  #listedRanges(): readonly UnitRange[] {
    this.#listed ??= [...addressTable(this.#main.sections.get(".debug_aranges"))].flatMap(
      ({ unit: offset, ...range }) => {
        const unit = this.#main.beginningAt(offset);
        return unit ? [{ ...range, unit }] : [];
      },
    );
    return this.#listed;
  }

  #ownRanges(): readonly UnitRange[] {
    if (this.#own) return this.#own;
    const listed = new Set(this.#listedRanges().map(({ unit }) => unit));
    const units = this.#main.units.filter(
      (unit) => !listed.has(unit) && !unit.isType && unit.header.type !== UnitType.partial,
    );
    this.#own = units.flatMap((unit) => rangesOf(unit.root).map((range) => ({ ...range, unit })));
    return this.#own;
  }

  // Types

  #findType(kind: TypeKind, name: string): Die | undefined {
    let best: Found | undefined;
    const mayName = nameFinder(name);
    for (const full of this.units()) {
      if (!mayName(full)) continue;
      const found = this.#typeIn(full, kind, name);
      if (found && (best === undefined || isBetter(found, best))) best = found;
      if (best?.defined && best.depth === 1) return best.die;
    }
    for (const unit of this.#typeUnits()) {
      const found = mayName(unit) ? this.#typeIn(unit, kind, name) : undefined;
      if (found && (best === undefined || isBetter(found, best))) best = found;
    }
    return best?.die ?? this.#supplementary()?.findType(kind, name);
  }

  /** Units for one type each. */
  *#typeUnits(): Generator<Unit> {
    yield* this.#types.units;
    yield* this.#main.units.filter(({ isType }) => isType);
    for (const file of this.#splitFiles.values()) yield* file.typeUnits();
  }

  /** The best in a unit: one that is defined, and in as few others as possible. */
  #typeIn(unit: Unit, kind: TypeKind, name: string): Found | undefined {
    const tags: readonly number[] = KINDS[kind];
    let best: Found | undefined;
    unit.scan((offset, tag, depth) => {
      if (!tags.includes(tag)) return false;
      const die = unit.die(offset);
      if (die.text(At.name) !== name) return false;
      const found = { die, depth, defined: !die.flag(At.declaration) };
      if (best === undefined || isBetter(found, best)) best = found;
      return found.defined && depth === 1;
    });
    return best;
  }

  // Other files

  #supplementary(): Dwarf | undefined {
    if (this.#supplement === "unread") {
      const file = this.#files.supplement();
      this.#supplement = file && new Dwarf({ ...NO_FILES, main: file });
    }
    return this.#supplement;
  }

  /** The content of a unit that was split off; the unit itself where it has its own, or where the other is not to be had. */
  #full(unit: Unit): Unit {
    if (!this.#split.has(unit)) this.#split.set(unit, this.#findSplit(unit));
    return this.#split.get(unit) ?? unit;
  }

  #findSplit(skeleton: Unit): Unit | undefined {
    const { root, header } = skeleton;
    const name = root.text(At.dwo_name) ?? root.text(At.GNU_dwo_name);
    if (name === undefined) return undefined;
    const id = header.splitId ?? root.big(At.GNU_dwo_id, false);
    if (id === undefined) return undefined;
    const packed = this.#packed();
    const place = packed?.index(".debug_cu_index")?.find(id);
    if (packed && place?.info !== undefined) {
      return packed.info.unitWith(place.info, { contributions: place, skeleton });
    }
    const file = this.#files.split(name, root.text(At.comp_dir) ?? "");
    if (!file) return undefined;
    const { info } = this.#splitFile(file);
    const found = info.units.find((unit) => splitIdOf(unit) === id && !unit.isType);
    return found && info.unitWith(found.header.offset, { skeleton });
  }

  #packed(): SplitFile | undefined {
    const file = this.#files.package();
    return file && this.#splitFile(file);
  }

  #splitFile(file: DebugFile): SplitFile {
    let found = this.#splitFiles.get(file);
    if (!found) {
      found = new SplitFile(file, (section) => this.#around(section));
      this.#splitFiles.set(file, found);
    }
    return found;
  }

  #around(section: UnitSection): Surroundings {
    return {
      unitAt: (offset) => section.covering(offset),
      signed: (signature) => this.#signed(signature),
      supplementDie: (offset) => this.#sure().#main.covering(offset).die(offset),
      supplementText: (offset) => new Reader(this.#sure().#main.sections.get(".debug_str"), offset).text(),
      supplementTexts: () => {
        const found = this.#supplementary();
        return found ? found.#main.sections.get(".debug_str") : new Uint8Array(0);
      },
    };
  }

  #sure(): Dwarf {
    const found = this.#supplementary();
    if (!found) throw new DwarfError("the file that several programs share is not there");
    return found;
  }

  #signed(signature: bigint): Die | undefined {
    const packed = this.#packed()?.typeUnit(signature);
    if (packed) return packed.die(packed.header.typeOffset);
    const sections = [this.#main, this.#types];
    for (const { info, types } of this.#splitFiles.values()) sections.push(info, types);
    for (const section of sections) {
      const unit = section.signed(signature);
      if (unit) return unit.die(unit.header.typeOffset);
    }
    return undefined;
  }
}

type UnitRange = Range & { unit: Unit };

interface Found {
  die: Die;
  depth: number;
  defined: boolean;
}

function isBetter(a: Found, b: Found): boolean {
  return a.defined === b.defined ? a.depth < b.depth : a.defined;
}

function splitIdOf(unit: Unit): bigint | undefined {
  return unit.header.splitId ?? unit.root.big(At.GNU_dwo_id, false);
}

function functionsOf(unit: Unit): Map<number, number> {
  const found = new Map<number, number>();
  unit.scan((offset, tag) => {
    const entry = tag === Tag.subprogram ? entryOf(unit.die(offset)) : undefined;
    if (entry !== undefined && !found.has(entry)) found.set(entry, offset);
    return false;
  });
  return found;
}

const NO_FILES = { supplement: () => undefined, split: () => undefined, package: () => undefined };

/** The units of one section, whose headers are read when one of them is needed. */
class UnitSection {
  readonly sections: Sections;
  readonly #kind: "info" | "types";
  readonly #around: Surroundings;
  #units: readonly Unit[] | undefined;
  #byOffset: Map<number, Unit> | undefined;
  #bySignature: Map<bigint, Unit> | undefined;

  constructor(sections: Sections, kind: "info" | "types", around: (section: UnitSection) => Surroundings) {
    this.sections = sections;
    this.#kind = kind;
    this.#around = around(this);
  }

  get units(): readonly Unit[] {
    if (this.#units) return this.#units;
    const { sections } = this;
    const bytes = sections.get(`.debug_${this.#kind}`);
    const place = { sections, bytes, around: this.#around };
    this.#units = [...readHeaders(bytes, this.#kind)].map((header) => new Unit(header, place));
    return this.#units;
  }

  beginningAt(offset: number): Unit | undefined {
    this.#byOffset ??= new Map(this.units.map((unit) => [unit.header.offset, unit]));
    return this.#byOffset.get(offset);
  }

  /** The same unit with what another file knows of it, in which references lead to such units. */
  unitWith(offset: number, more: Partial<Pick<Unit, "contributions" | "skeleton">>): Unit | undefined {
    const unit = this.beginningAt(offset);
    return unit && new Unit(unit.header, { ...unit, ...more, contributions: more.contributions ?? unit.contributions });
  }

  /** Throws DwarfError when no unit lies there. */
  covering(offset: number): Unit {
    const { units } = this;
    let low = 0;
    let high = units.length;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (units[middle]!.header.offset <= offset) low = middle;
      else high = middle;
    }
    const unit = units[low];
    if (!unit || offset < unit.header.offset || offset >= unit.header.end) {
      throw new DwarfError(`no unit lies at 0x${offset.toString(16)}`);
    }
    return unit;
  }

  signed(signature: bigint): Unit | undefined {
    if (!this.#bySignature) {
      this.#bySignature = new Map();
      for (const unit of this.units) {
        if (unit.header.signature !== undefined) this.#bySignature.set(unit.header.signature, unit);
      }
    }
    return this.#bySignature.get(signature);
  }
}

/** A file of units that were split off: those of one other file, or a package of many. */
class SplitFile {
  readonly info: UnitSection;
  readonly types: UnitSection;
  readonly #indices = new Map<string, PackageIndex | undefined>();

  constructor(file: DebugFile, around: (section: UnitSection) => Surroundings) {
    const sections = new Sections(file, true);
    this.info = new UnitSection(sections, "info", around);
    this.types = new UnitSection(sections, "types", around);
  }

  index(name: ".debug_cu_index" | ".debug_tu_index"): PackageIndex | undefined {
    if (!this.#indices.has(name)) this.#indices.set(name, PackageIndex.read(this.info.sections.get(name)));
    return this.#indices.get(name);
  }

  typeUnit(signature: bigint): Unit | undefined {
    const place = this.index(".debug_tu_index")?.find(signature);
    return place && this.#packedType(place);
  }

  *typeUnits(): Generator<Unit> {
    const index = this.index(".debug_tu_index");
    if (!index) {
      yield* this.types.units;
      yield* this.info.units.filter(({ isType }) => isType);
      return;
    }
    for (const place of index.all()) {
      const unit = this.#packedType(place);
      if (unit) yield unit;
    }
  }

  #packedType(place: PackedUnit): Unit | undefined {
    if (place.info !== undefined) return this.info.unitWith(place.info, { contributions: place });
    return place.types === undefined ? undefined : this.types.unitWith(place.types, { contributions: place });
  }
}
