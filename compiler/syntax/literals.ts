/**
 * What number and string literals mean. The lexer reads them with these functions, and the printer uses the same
 * ones to decide whether a literal's spelling still says what the tree says.
 */

import { isRawByte, RAW_BYTE } from "../source.ts";

export interface LiteralProblem {
  code: "bad-number" | "number-too-large" | "unknown-escape";
  message: string;
  help: string | undefined;
}

const MAX_INTEGER = (1n << 64n) - 1n;

/** A duration suffix multiplies into nanoseconds; the suffixes of C have no effect. */
const SUFFIXES: ReadonlyMap<string, bigint> = new Map([
  ["", 1n],
  ["ns", 1n],
  ["us", 1_000n],
  ["ms", 1_000_000n],
  ["s", 1_000_000_000n],
  ["m", 60_000_000_000n],
  ["h", 3_600_000_000_000n],
  ["d", 86_400_000_000_000n],
]);
const C_SUFFIX = /^(?:u(?:l|ll)?|l|ll|lu|llu)$/i;
const HEXADECIMAL = /^0[xX]([0-9a-fA-F_]*)([g-zG-Z]\w*)?$/;
const DECIMAL = /^([0-9][0-9_]*)(?:[eE]([0-9][0-9_]*))?([a-zA-Z]\w*)?$/;

const problem = (code: LiteralProblem["code"], message: string, help?: string): LiteralProblem => ({
  code,
  message,
  help,
});

/**
 * The value (0 .. 2^64-1) of an integer literal, which is a digit and all letters, digits and underscores after it:
 * decimal, octal (`0755`), hexadecimal, `2e6`, underscores, suffixes of C, durations in nanoseconds.
 */
export function readInteger(text: string): bigint | LiteralProblem {
  if (text.length <= 15 && isPlainDecimal(text)) return BigInt(Number(text));
  return isHexadecimal(text) ? readHexadecimal(text) : readDecimal(text);
}

function isPlainDecimal(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c < 0x30 || c > 0x39) return false;
  }
  return text.length === 1 || text.charCodeAt(0) !== 0x30;
}

function isHexadecimal(text: string): boolean {
  return text[0] === "0" && (text[1] === "x" || text[1] === "X");
}

function readHexadecimal(text: string): bigint | LiteralProblem {
  const match = HEXADECIMAL.exec(text);
  const digits = match?.[1] ?? "";
  if (digits.replaceAll("_", "") === "") {
    return problem("bad-number", `\`${text}\` has no hexadecimal digits`, "write a number such as `0x1f`");
  }
  const suffix = match?.[2] ?? "";
  if (suffix !== "" && !C_SUFFIX.test(suffix)) return badSuffix(suffix);
  return finish(text, digits, (clean) => BigInt(`0x${clean}`), 1n);
}

function readDecimal(text: string): bigint | LiteralProblem {
  const [, digits = "", exponent, suffix = ""] = DECIMAL.exec(text) ?? [];
  const factor = SUFFIXES.get(suffix) ?? (C_SUFFIX.test(suffix) ? 1n : undefined);
  if (factor === undefined) return badSuffix(suffix);
  if (exponent !== undefined) return readScientific(text, digits, exponent, factor);
  const octal = digits.length > 1 && digits.startsWith("0");
  if (octal && /[89]/.test(digits)) {
    return problem("bad-number", `\`${text}\` starts with 0, which makes it octal`, "leave out the leading 0");
  }
  return finish(text, digits, (clean) => BigInt(octal ? `0o${clean}` : clean), factor);
}

function readScientific(text: string, digits: string, exponent: string, factor: bigint): bigint | LiteralProblem {
  if (!/^[1-9]$/.test(digits)) {
    return problem(
      "bad-number",
      `one digit from 1 to 9 has to stand before the exponent of \`${text}\``,
      "write the number in full; underscores may separate its digits",
    );
  }
  // 10^20 is already more than 64 bits; a bound keeps an absurd exponent from costing time.
  const power = Math.min(Number(exponent.replaceAll("_", "")), 20);
  return finish(text, exponent, () => BigInt(digits) * 10n ** BigInt(power), factor);
}

function finish(
  text: string,
  digits: string,
  read: (clean: string) => bigint,
  factor: bigint,
): bigint | LiteralProblem {
  if (digits.endsWith("_")) {
    return problem("bad-number", `\`${text}\` has an underscore behind its last digit`, "leave out the underscore");
  }
  const clean = digits.replaceAll("_", "").replace(/^0+(?=.)/, "");
  // Twenty-two octal digits are the longest spelling of a 64-bit number.
  const value = clean.length > 22 ? MAX_INTEGER + 1n : read(clean) * factor;
  if (value <= MAX_INTEGER) return value;
  return problem("number-too-large", `\`${text}\` does not fit into 64 bits`, `the largest number is ${MAX_INTEGER}`);
}

function badSuffix(suffix: string): LiteralProblem {
  if (/^e$/i.test(suffix)) {
    return problem("bad-number", "an exponent needs digits, and no sign", "all numbers are integers: `2e3` is 2000");
  }
  if (/^b[01]/i.test(suffix)) return problem("bad-number", "there are no binary numbers", "write it as hexadecimal");
  return problem("bad-number", `\`${suffix}\` is no suffix of a number`, "durations end in ns, us, ms, s, m, h or d");
}

export interface EscapeProblem extends LiteralProblem {
  /** Where the escape stands, as offsets in the text that was read. */
  start: number;
  end: number;
}

/** One character, `n` or `t` for instance, behind a backslash. */
const SIMPLE_ESCAPES: ReadonlyMap<string, string> = new Map([
  ["n", "\n"],
  ["t", "\t"],
  ["r", "\r"],
  ['"', '"'],
  ["\\", "\\"],
]);

/**
 * The bytes (one character each, 0-255) of a string literal's inside: UTF-8 text with the escapes
 * `\n \t \r \\ \" \0 \12 \123 \x1 \x1f`.
 */
export function readString(inside: string): { value: string; problems: EscapeProblem[] } {
  const problems: EscapeProblem[] = [];
  if (isPlainAscii(inside)) return { value: inside, problems };
  let value = "";
  let i = 0;
  while (i < inside.length) {
    if (inside[i] === "\\") {
      const { result, end } = readEscape(inside, i);
      if (typeof result === "string") value += result;
      else problems.push({ ...result, start: i, end });
      i = end;
    } else {
      const codePoint = inside.codePointAt(i) ?? 0;
      value += utf8(codePoint);
      i += codePoint > 0xffff ? 2 : 1;
    }
  }
  return { value, problems };
}

function isPlainAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c === 0x5c || c > 0x7f) return false;
  }
  return true;
}

function readEscape(text: string, start: number): { result: string | LiteralProblem; end: number } {
  const next = text[start + 1] ?? "";
  const simple = SIMPLE_ESCAPES.get(next);
  if (simple !== undefined) return { result: simple, end: start + 2 };
  const number = /[0-7]{1,3}|[xX][0-9a-fA-F]{1,2}/y;
  number.lastIndex = start + 1;
  const digits = number.exec(text)?.[0];
  if (digits === undefined) return unknownEscape(text, start);
  const end = start + 1 + digits.length;
  const byte = /^x/i.test(digits) ? Number.parseInt(digits.slice(1), 16) : Number.parseInt(digits, 8);
  if (byte > 255) {
    return { result: problem("unknown-escape", `\`\\${digits}\` is more than a byte`, "the largest is `\\377`"), end };
  }
  return { result: String.fromCharCode(byte), end };
}

function unknownEscape(text: string, start: number): { result: LiteralProblem; end: number } {
  const character = String.fromCodePoint(text.codePointAt(start + 1) ?? 0x5c);
  const help = /x/i.test(character)
    ? "one or two hexadecimal digits follow `\\x`"
    : 'there are \\n \\t \\r \\\\ \\" \\0nn and \\xnn; a backslash itself is written `\\\\`';
  return {
    result: problem("unknown-escape", `\`\\${character}\` is no escape sequence`, help),
    end: Math.min(text.length, start + 1 + character.length),
  };
}

/** The UTF-8 bytes of a code point, one character each; half of a surrogate pair that is no raw byte becomes U+FFFD. */
function utf8(codePoint: number): string {
  if (isRawByte(codePoint)) return String.fromCharCode(codePoint - RAW_BYTE);
  const c = codePoint >= 0xd800 && codePoint <= 0xdfff ? 0xfffd : codePoint;
  if (c < 0x80) return String.fromCharCode(c);
  if (c < 0x800) return String.fromCharCode(0xc0 | (c >> 6), 0x80 | (c & 0x3f));
  if (c < 0x10000) return String.fromCharCode(0xe0 | (c >> 12), 0x80 | ((c >> 6) & 0x3f), 0x80 | (c & 0x3f));
  return String.fromCharCode(0xf0 | (c >> 18), 0x80 | ((c >> 12) & 0x3f), 0x80 | ((c >> 6) & 0x3f), 0x80 | (c & 0x3f));
}

/** A string literal, with its quotes, whose bytes are those of `value`. */
export function writeString(value: string): string {
  let text = "";
  for (let i = 0; i < value.length; i++) {
    const c = value.charCodeAt(i);
    const named = ESCAPED.get(c);
    if (named !== undefined) text += named;
    else if (c >= 0x20 && c < 0x7f) text += value[i];
    else text += `\\x${c.toString(16).padStart(2, "0")}`;
  }
  return `"${text}"`;
}

const ESCAPED: ReadonlyMap<number, string> = new Map(
  [...SIMPLE_ESCAPES].map(([letter, character]) => [character.charCodeAt(0), `\\${letter}`]),
);
