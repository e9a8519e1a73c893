/**
 * C has many spellings for one integer type (`unsigned long`, `long unsigned int`), and compilers disagree on which of
 * them they write into BTF. This finds the spellings to try for the one that a script or a format file uses.
 */
import type { BtfKind } from "./types.ts";

export interface Spelling {
  names: readonly string[];
  kinds: readonly BtfKind[];
}

const TAGGED: Readonly<Record<string, BtfKind>> = { struct: "struct", union: "union", enum: "enum" };
const QUALIFIERS = new Set(["const", "volatile", "restrict", "__restrict"]);

/** The words of an integer type, sorted, without the optional `int`; to its names as gcc and as clang write them. */
const INTEGERS: Readonly<Record<string, readonly string[]>> = {
  char: ["char"],
  "char signed": ["signed char"],
  "char unsigned": ["unsigned char"],
  short: ["short int", "short"],
  "short unsigned": ["short unsigned int", "unsigned short"],
  int: ["int"],
  unsigned: ["unsigned int"],
  long: ["long int", "long"],
  "long unsigned": ["long unsigned int", "unsigned long"],
  "long long": ["long long int", "long long"],
  "long long unsigned": ["long long unsigned int", "unsigned long long"],
  __int128: ["__int128"],
  "__int128 unsigned": ["__int128 unsigned", "unsigned __int128"],
  bool: ["_Bool", "bool"],
};

/** The BTF names and kinds that a C type name (without pointers and arrays) may have; undefined when it is none. */
export function readSpelling(text: string): Spelling | undefined {
  const words = text.split(/\s+/).filter((word) => word !== "" && !QUALIFIERS.has(word));
  if (!words.every((word) => /^[A-Za-z_]\w*$/.test(word))) return undefined;
  const [first, second] = words;
  if (first === undefined) return undefined;
  const tagged = TAGGED[first];
  if (tagged) return second !== undefined && words.length === 2 ? { names: [second], kinds: [tagged] } : undefined;
  const integer = INTEGERS[integerKey(words)];
  if (integer) return { names: integer, kinds: words.includes("bool") ? ["typedef", "int"] : ["int"] };
  return words.length === 1 ? { names: [first], kinds: ["typedef", "int", "float"] } : undefined;
}

function integerKey(words: readonly string[]): string {
  const sized = words.some((word) => word === "char" || word === "short" || word === "long" || word === "__int128");
  // `signed` says something only about char, `int` only where no other word gives the size.
  const telling = words.filter((word) => word !== "int" && (word !== "signed" || words.includes("char"))).sort();
  return telling.length === 0 && !sized ? "int" : telling.join(" ");
}
