/**
 * Where a function's arguments are when it begins. What the debug information says of that moment is taken as it is said; where it
 * says nothing, the rules of the ABI tell, provided that the function was not given rules of its own. If neither does, the
 * argument cannot be had, and it is said why: no value is better than a wrong one.
 */
import { DWARF_REGISTERS } from "../registers.ts";
import { C_LANGUAGES, CallingConvention, RUST } from "./constants.ts";
import { decodeType } from "./decode.ts";
import type { Dwarf } from "./dwarf.ts";
import { type EntryLocation, type EntryRegisters, locationAtEntry } from "./locations.ts";
import { type Arch, type Passing, passingOf } from "./passing.ts";
import type { DwarfFunction, DwarfParameter } from "./types.ts";

export type ArgumentPlace =
  /** In registers by their names, a word in each. */
  | { in: "registers"; registers: readonly string[] }
  /** In memory, from where a register points to; `indirect` if a pointer to the value is there. */
  | { in: "memory"; register: string; offset: number; indirect: boolean }
  | { in: "nowhere"; why: string };

export interface PlacedParameter {
  parameter: DwarfParameter;
  place: ArgumentPlace;
}

interface Machine extends EntryRegisters {
  /** Names by DWARF's numbers; undefined for those of floating point and others. */
  names: readonly string[];
  /** Of the registers for integers, in order. */
  integers: readonly string[];
  floats: number;
  stackName: string;
  /** Values that fill two registers begin at one with an even number. */
  evenPairs: boolean;
  /** A pointer to the place for the result comes before the arguments. */
  resultFirst: boolean;
}

const MACHINES: Readonly<Record<Arch, Machine>> = {
  x64: {
    names: DWARF_REGISTERS.x64,
    integers: ["di", "si", "dx", "cx", "r8", "r9"],
    arguments: new Set([5, 4, 1, 2, 8, 9]),
    floats: 8,
    stack: 7,
    stackName: "sp",
    stackBelowCaller: 8,
    evenPairs: false,
    resultFirst: true,
  },
  arm64: {
    names: DWARF_REGISTERS.arm64,
    integers: DWARF_REGISTERS.arm64.slice(0, 8),
    arguments: new Set([0, 1, 2, 3, 4, 5, 6, 7]),
    floats: 8,
    stack: 31,
    stackName: "sp",
    stackBelowCaller: 0,
    evenPairs: true,
    resultFirst: false,
  },
};

const FLOATING = "it is passed in a register for floating point, which programs cannot read";
const LEFT_OUT = "the compiler has left it out";
const EMPTY = "it has no content";
const UNUSUAL = "the compiler passes it in a way of its own";

/** `symbol` is what the function is called in the table of symbols. */
export function placeArguments(dwarf: Dwarf, fn: DwarfFunction, symbol: string, arch: Arch): PlacedParameter[] {
  const machine = MACHINES[arch];
  const said = fn.parameters.map(({ die, dropped }): EntryLocation => {
    return dropped ? { at: "nowhere" } : locationAtEntry(fn.die, die, fn.entry, machine);
  });
  const expected = expectedPlaces(dwarf, fn, symbol, arch, said);
  // Of what is empty only its address is ever told.
  const told = said.map((location, i) => (isEmpty(expected[i]!) ? expected[i] : toldPlace(location, machine)));
  const departs = told.some((place, i) => place !== undefined && !agree(place, expected[i]!));
  return fn.parameters.map((parameter, i) => {
    const place = told[i] ?? (departs ? nowhere(UNUSUAL) : guessed(said[i]!, expected[i]!, fn, parameter));
    return { parameter, place };
  });
}

function nowhere(why: string): ArgumentPlace {
  return { in: "nowhere", why };
}

/** By the rules, unless a function that nobody else can call was changed so that it does without the argument. */
function guessed(
  said: EntryLocation,
  expected: ArgumentPlace,
  { external }: DwarfFunction,
  { dropped }: DwarfParameter,
): ArgumentPlace {
  if (dropped) return nowhere(LEFT_OUT);
  if (said.at === "frame" || external) return expected;
  return nowhere(LEFT_OUT);
}

/** What the debug information says outright. */
function toldPlace(said: EntryLocation, machine: Machine): ArgumentPlace | undefined {
  switch (said.at) {
    case "registers": {
      const words = said.pieces.every(
        ({ size }, i) => size === undefined || size === 8 || i === said.pieces.length - 1,
      );
      if (!words) return undefined;
      const registers = said.pieces.map(({ register }) => machine.names[register]);
      const named = registers.filter((name) => name !== undefined);
      return named.length < registers.length ? nowhere(FLOATING) : { in: "registers", registers: named };
    }
    case "stack":
      if (said.offset < 0) return undefined;
      return onStack(machine, said.offset);
    case "memory": {
      const register = machine.names[said.register];
      return register === undefined ? undefined : { in: "memory", register, offset: said.offset, indirect: false };
    }
    default:
      return undefined;
  }
}

/** `offset` counts from the end of the caller's stack. */
function onStack({ stackName, stackBelowCaller }: Machine, offset: number, indirect = false): ArgumentPlace {
  return { in: "memory", register: stackName, offset: stackBelowCaller + offset, indirect };
}

function isEmpty(place: ArgumentPlace): boolean {
  return place.in === "nowhere" && place.why === EMPTY;
}

function agree(a: ArgumentPlace, b: ArgumentPlace): boolean {
  if (b.in === "nowhere") return a.in === "nowhere" || b.why !== FLOATING;
  return JSON.stringify(a) === JSON.stringify(b);
}

/** Where the ABI puts the arguments. */
function expectedPlaces(
  dwarf: Dwarf,
  fn: DwarfFunction,
  symbol: string,
  arch: Arch,
  said: readonly EntryLocation[],
): ArgumentPlace[] {
  const machine = MACHINES[arch];
  const { language, convention, parameters } = fn;
  // Copies that the compiler has made for some callers have a dot in their name, and rules of their own.
  const hasOwnRules = convention === CallingConvention.nocall || symbol.includes(".");
  const followsC = C_LANGUAGES.has(language);
  if (hasOwnRules || (!followsC && language !== RUST)) return parameters.map(() => nowhere(UNUSUAL));
  const missing = parameters.some(({ dropped, isArtificial }) => dropped && !isArtificial);
  if (missing) return parameters.map(() => nowhere(LEFT_OUT));
  const next = new Registers(machine);
  let lost: string | undefined;
  const result = passingOf(dwarf, fn.returns, arch);
  const inMemory = result.by === "reference" || (result.by === "stack" && !result.onTop);
  if (fn.returns && machine.resultFirst && inMemory) next.integer();
  if (!followsC && fn.returns && !isScalar(dwarf, fn.returns)) lost = UNUSUAL;
  return parameters.map((parameter, i): ArgumentPlace => {
    if (parameter.dropped) return nowhere(LEFT_OUT);
    if (lost !== undefined) return nowhere(lost);
    const location = said[i]!;
    const byReference = location.at === "frame" && location.byReference;
    const passing: Passing = byReference ? { by: "reference" } : passingOf(dwarf, parameter.type, arch);
    if (!followsC && !isScalar(dwarf, parameter.type)) lost = UNUSUAL;
    else if (passing.by === "unknown") lost = `how \`${parameter.name}\` is passed is not known: ${passing.why}`;
    return lost === undefined ? next.place(passing) : nowhere(lost);
  });
}

function isScalar(dwarf: Dwarf, type: DwarfParameter["type"]): boolean {
  const { kind } = decodeType(dwarf.resolve(type));
  return kind === "integer" || kind === "boolean" || kind === "enum" || kind === "pointer" || kind === "float";
}

/** Hands registers and the stack out, argument by argument. */
class Registers {
  readonly #machine: Machine;
  #integers = 0;
  #floats = 0;
  #stack = 0;

  constructor(machine: Machine) {
    this.#machine = machine;
  }

  integer(): string | undefined {
    return this.#machine.integers[this.#integers++];
  }

  place(passing: Passing): ArgumentPlace {
    switch (passing.by) {
      case "nothing":
        return nowhere(EMPTY);
      case "reference": {
        const register = this.integer();
        if (register !== undefined) return { in: "memory", register, offset: 0, indirect: false };
        return this.#onStack(8, 8, true);
      }
      case "stack":
        return this.#onStack(passing.size, passing.align);
      case "words":
        return this.#words(passing);
      case "unknown":
        return nowhere(passing.why);
    }
  }

  /** All words of a value in registers, or none. */
  #words({ words, size, align }: Passing & { by: "words" }): ArgumentPlace {
    const { integers, floats, evenPairs } = this.#machine;
    const integerWords = words.filter((word) => word === "integer").length;
    const floatWords = words.length - integerWords;
    if (evenPairs && integerWords > 0 && align === 16) this.#integers += this.#integers % 2;
    const fits = this.#integers + integerWords <= integers.length && this.#floats + floatWords <= floats;
    if (!fits) {
      // On arm64 what comes behind goes on the stack as well.
      if (evenPairs && integerWords > 0) this.#integers = integers.length;
      if (evenPairs && floatWords > 0) this.#floats = floats;
      return this.#onStack(size, align);
    }
    const taken = integers.slice(this.#integers, this.#integers + integerWords);
    this.#integers += integerWords;
    this.#floats += floatWords;
    return floatWords > 0 ? nowhere(FLOATING) : { in: "registers", registers: taken };
  }

  #onStack(size: number, align: number, indirect = false): ArgumentPlace {
    const unit = Math.max(8, Math.min(16, align));
    const start = Math.ceil(this.#stack / unit) * unit;
    this.#stack = start + Math.ceil(size / 8) * 8;
    return onStack(this.#machine, start, indirect);
  }
}
