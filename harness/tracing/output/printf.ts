/**
 * printf of a script. Conversions, flags, widths and precisions mean what they mean in C; an integer is first cut down
 * to the type that the length modifier names (`%d` is an int, whatever was passed). As in bpftrace, %s prints values
 * of every type, and %r, %rx and %rh print buffers. Lengths count bytes.
 *
 * bpftrace 0.27 itself ignores precisions and the space flag and puts zeros before a minus sign; here C wins.
 */
import type {
  Conversion,
  FieldSize,
  FormatPiece,
  FormatSpec,
  LengthModifier,
} from "../../../compiler/format-string.ts";
import { isSupported, MAX_FIELD_SIZE } from "../../../compiler/format-string.ts";
import type { ByteString } from "../bytestring.ts";
import type { Printable } from "../printable.ts";
import { gfpFlags } from "./gfp-flags.ts";
import { bufferText, type Guard, printableText } from "./printable-text.ts";

/**
 * Puts arguments into a format. `guard` is applied to what arguments contribute, not to the format itself, which the
 * author of the script wrote. The checker has matched arguments and conversions; a mismatch here throws.
 */
export function formatPrintf(
  pieces: readonly FormatPiece[],
  args: readonly Printable[],
  guard: Guard = (bytes) => bytes,
): ByteString {
  let text = "";
  let next = 0;
  const take = (): Printable => {
    const arg = args[next++];
    if (arg === undefined) throw new Error(`the format takes more than its ${args.length} arguments`);
    return arg;
  };
  for (const piece of pieces) text += typeof piece === "string" ? piece : convert(piece, take, guard);
  if (next !== args.length) throw new Error(`the format takes ${next} arguments, not ${args.length}`);
  return text;
}

/** A conversion with its sizes known. */
interface Field {
  spec: FormatSpec;
  left: boolean;
  width: number;
  precision: number | undefined;
}

function convert(spec: FormatSpec, take: () => Printable, guard: Guard): ByteString {
  const { conversion } = spec;
  if (!isSupported(conversion)) throw new Error(`there is no conversion ${spec.text}`);
  const width = size(spec.width, take) ?? 0;
  const precision = size(spec.precision, take);
  // A negative width from an argument means the - flag; a negative precision means none.
  const field: Field = {
    spec,
    left: spec.flags.left || width < 0,
    width: Math.abs(width),
    precision: precision !== undefined && precision < 0 ? undefined : precision,
  };
  return CONVERSIONS[conversion](field, take(), guard);
}

function size(written: FieldSize, take: () => Printable): number | undefined {
  if (written !== "*") return written;
  const number = Number(BigInt.asIntN(32, numberOf(take())));
  return Math.max(-MAX_FIELD_SIZE, Math.min(MAX_FIELD_SIZE, number));
}

type Convert = (field: Field, arg: Printable, guard: Guard) => ByteString;

const CONVERSIONS: Readonly<Record<Conversion, Convert>> = {
  d: signed,
  i: signed,
  u: unsigned((n) => n.toString()),
  o: unsigned((n) => n.toString(8)),
  x: unsigned((n) => n.toString(16), "0x"),
  X: unsigned((n) => n.toString(16).toUpperCase(), "0X"),
  c: (field, arg, guard) => pad(field, guard(String.fromCharCode(Number(BigInt.asUintN(8, numberOf(arg)))))),
  p: (field, arg) => {
    const address = BigInt.asUintN(64, numberOf(arg));
    return pad(field, address === 0n ? "0" : `0x${address.toString(16)}`);
  },
  s: (field, arg, guard) => pad(field, guard(printableText(arg).slice(0, field.precision))),
  r: buffer("mixed"),
  rx: buffer("escaped"),
  rh: buffer("spaced"),
  gr: (field, arg) => pad(field, gfpFlags(BigInt.asUintN(64, numberOf(arg))), " "),
};

const BITS: Readonly<Record<LengthModifier, number>> = {
  hh: 8,
  h: 16,
  "": 32,
  L: 32,
  l: 64,
  ll: 64,
  j: 64,
  z: 64,
  t: 64,
};

function signed(field: Field, arg: Printable): ByteString {
  const { flags, length } = field.spec;
  const value = BigInt.asIntN(BITS[length], numberOf(arg));
  const sign = value < 0n ? "-" : flags.sign ? "+" : flags.space ? " " : "";
  return padNumber(field, sign, (value < 0n ? -value : value).toString());
}

function unsigned(digitsOf: (n: bigint) => string, prefix = ""): Convert {
  return (field, arg) => {
    const { flags, length, conversion } = field.spec;
    const value = BigInt.asUintN(BITS[length], numberOf(arg));
    const digits = digitsOf(value);
    // # makes an octal number begin with 0, and marks a hexadecimal one that is not 0.
    if (flags.alternate && conversion === "o" && value !== 0n) return padNumber(field, "", `0${digits}`);
    return padNumber(field, flags.alternate && value !== 0n ? prefix : "", digits);
  };
}

/** Zeros from the precision or, without one, from the 0 flag; they stand behind the sign or prefix. */
function padNumber(field: Field, prefix: string, digits: string): ByteString {
  const { spec, left, width, precision } = field;
  if (precision === undefined) {
    const zeros = spec.flags.zero && !left ? width - prefix.length : 0;
    return pad(field, prefix + digits.padStart(zeros, "0"), " ");
  }
  // Precision 0 makes nothing of a zero, but # wants to see one in an octal number.
  const vanishes = precision === 0 && digits === "0" && !(spec.flags.alternate && spec.conversion === "o");
  return pad(field, prefix + (vanishes ? "" : digits.padStart(precision, "0")), " ");
}

function buffer(style: "mixed" | "escaped" | "spaced"): Convert {
  return (field, arg, guard) =>
    pad(field, arg.kind === "buffer" ? bufferText(arg.bytes, style) : guard(printableText(arg)));
}

/** To the left with spaces, to the right with spaces or, as bpftrace has it for any text, with zeros. */
function pad({ spec, left, width }: Field, text: ByteString, filler = spec.flags.zero ? "0" : " "): ByteString {
  return left ? text.padEnd(width, " ") : text.padStart(width, filler);
}

function numberOf(arg: Printable): bigint {
  switch (arg.kind) {
    case "integer":
    case "symbolic":
      return arg.value;
    case "boolean":
      return arg.value ? 1n : 0n;
    default:
      throw new Error(`a ${arg.kind} is no number`);
  }
}
