/**
 * Scripts that people could have written, and what becomes of them in bad hands: words and lines that are lost, doubled or
 * exchanged, numbers that are too large, brackets that do not match, halves of two scripts. Most of it is no script any more; the
 * rest gets deep into the compiler.
 */
import { readdirSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { SCRIPTS } from "../unit/syntax/scripts.ts";
import { blocksOf } from "./markdown.ts";

/** The scripts of the shipped presets and scenarios, and those of the documentation. */
export function realScripts(): string[] {
  const yaml = ["scenarios", "scenarios/presets"].flatMap((folder) =>
    readdirSync(folder)
      .filter((file) => file.endsWith(".yml"))
      .flatMap((file) => blockScalars(readFileSync(`${folder}/${file}`, "utf8"))),
  );
  const shown = blocksOf(readFileSync("docs/language.md", "utf8"))
    .filter(({ language }) => language === "bpftrace")
    .map(({ text }) => text);
  return [...SCRIPTS, ...yaml, ...shown];
}

/** Every `bpftrace: |` of a YAML file. */
function blockScalars(yaml: string): string[] {
  return [...yaml.matchAll(/^( *)(?:- )?bpftrace: \|\n((?:\1 {2,}.*\n|\n)+)/gm)].map(([, , text]) => text!);
}

/** Spaces, strings, names, numbers, and single characters. */
function wordsOf(text: string): string[] {
  return text.match(/\s+|"(?:\\.|[^"\\\n])*"|[$@]?\w+|[^\w\s]/g) ?? [];
}

const EXTREMES = [
  ..."0 -1 1 63 64 0x7fffffff 2147483648 4294967295 4294967296 9223372036854775807 9223372036854775808".split(" "),
  ..."18446744073709551615 18446744073709551616 99999999999999999999999999 1e18 1e30 0x 08 1_0_ 1000000000d".split(" "),
];
const BRACKETS = [..."(){}[]"];
const STRANGE = [
  ..."; , . -> .. / * & ! ~ - + ++ -- = == += <<= ? : && || # \\ \" ' \0 é /* */ // $ @ _ @x @x[1] $x $1 $# pid comm".split(
    " ",
  ),
  ..."(uint8) (int32) (struct task_struct*) (string) (uint8[8]) sizeof( typeof( comptime return; break; exit(); let".split(
    " ",
  ),
  ..."if while for unroll macro config struct enum begin end count() hist( print( printf( str( buf( delete(".split(" "),
];

type Kind = "space" | "string" | "variable" | "map" | "number" | "name" | "mark";

function kindOf(word: string): Kind {
  if (/^\s/.test(word)) return "space";
  if (word.length > 1 && word.startsWith('"')) return "string";
  if (/^\$\w/.test(word)) return "variable";
  if (/^@/.test(word)) return "map";
  if (/^\d/.test(word)) return "number";
  return /^\w/.test(word) ? "name" : "mark";
}

interface Edit {
  how: "remove" | "double" | "swap" | "extreme" | "bracket" | "strange" | "kin" | "lines";
  at: number;
  other: number;
  length: number;
}

const edit: fc.Arbitrary<Edit> = fc.record({
  how: fc.constantFrom("remove", "double", "swap", "extreme", "bracket", "strange", "kin", "kin", "kin", "lines"),
  at: fc.nat(1e6),
  other: fc.nat(1e6),
  length: fc.integer({ min: 1, max: 4 }),
});

/** `donor` lends words: a name takes the place of a name, a number of a number. */
function apply(text: string, { how, at, other, length }: Edit, donor: readonly string[]): string {
  if (how === "lines") {
    const lines = text.split("\n");
    const [from, to] = [at % lines.length, other % lines.length];
    const taken = lines.splice(from, length);
    if (length !== 2) lines.splice(to, 0, ...taken);
    if (length === 3) lines.splice(from, 0, ...taken);
    return lines.join("\n");
  }
  const words = wordsOf(text);
  if (words.length === 0) return text;
  const place = at % words.length;
  switch (how) {
    case "remove":
      words.splice(place, length);
      break;
    case "double":
      words.splice(place, 0, ...words.slice(place, place + length));
      break;
    case "swap": {
      const second = other % words.length;
      [words[place], words[second]] = [words[second]!, words[place]!];
      break;
    }
    case "extreme": {
      const numbers = words.flatMap((word, i) => (kindOf(word) === "number" ? [i] : []));
      const target = numbers[at % Math.max(1, numbers.length)] ?? place;
      words[target] = EXTREMES[other % EXTREMES.length]!;
      break;
    }
    case "bracket":
      words.splice(place, length % 2, BRACKETS[other % BRACKETS.length]!);
      break;
    case "strange":
      words.splice(place, length % 2, STRANGE[other % STRANGE.length]!);
      break;
    case "kin": {
      const kind = kindOf(words[place]!);
      const kin = donor.filter((word) => kindOf(word) === kind);
      if (kin.length > 0) words[place] = kin[other % kin.length]!;
      break;
    }
  }
  return words.join("");
}

/** One of the scripts, damaged in a few places, perhaps grown together with another one. */
export function mutated(scripts: readonly string[]): fc.Arbitrary<string> {
  const script = fc.constantFrom(...scripts);
  const edits = fc.array(edit, { minLength: 1, maxLength: 5 });
  const cut = fc.option(fc.tuple(fc.nat(100), fc.nat(100)), { freq: 5 });
  return fc.tuple(script, script, cut, edits).map(([text, second, parts, list]) => {
    const whole = parts ? part(text, 0, parts[0]) + part(second, parts[1], 100) : text;
    const donor = wordsOf(second);
    return list.reduce((before, one) => apply(before, one, donor), whole);
  });
}

/** The lines between two hundredths of a text. */
function part(text: string, from: number, to: number): string {
  const lines = text.split("\n");
  return lines.slice(Math.floor((from * lines.length) / 100), Math.ceil((to * lines.length) / 100)).join("\n");
}
