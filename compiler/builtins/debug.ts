/** debugf(): a line in the kernel's own trace buffer (`trace_pipe`), written at once by the program itself. */
import { type FormatPiece, type FormatSpec, parseFormat } from "../format-string.ts";
import type { VReg } from "../ir/ir.ts";
import { isSince } from "../kernel-facts.ts";
import { value } from "../lower/expressions.ts";
import type { Lowering } from "../lower/lowering.ts";
import { into } from "../lower/memory-values.ts";
import { stringLiteral } from "../lower/strings.ts";
import type { Checker } from "../sema/check.ts";
import { sizeOf } from "../sema/layout.ts";
import { isIntegral, isNamed, isText, NAME_SIZE, string, type Type, typeName, voidType } from "../sema/types.ts";
import type { Call, Expression } from "../syntax/ast.ts";
import { checkFormat } from "./output.ts";
import type { Functions } from "./table.ts";

/** The helper takes two arguments for the format and three for values. */
const MOST_VALUES = 3;

/** What the kernel's formatting understands of ours, and what it takes. */
const TAKES: Readonly<Record<string, "number" | "string">> = {
  ...{ d: "number", i: "number", u: "number", x: "number", p: "number" },
  s: "string",
};

const FLAGS = [
  ["left", "-"],
  ["zero", "0"],
  ["sign", "+"],
  ["space", " "],
] as const;

export const debugFunctions: Functions = {
  debugf: {
    args: [1, 1 + 64],
    form: 'debugf("format", ...)',
    check(c, call) {
      const message = "The debugf() builtin is not recommended for production use.";
      c.warn("debugf", call.span, `${message} For more information see bpf_trace_printk in bpf-helpers(7).`);
      const format = checkFormat(c, call);
      if (format !== undefined) checkKernelFormat(c, call, format);
      return voidType;
    },
    lower: {
      effect(l, call) {
        const [format, ...values] = call.args as Expression[];
        const type = l.type(format!);
        const pieces = parseFormat(type.kind === "string" ? (type.value ?? "") : "");
        const types = values.map((node) => l.type(node));
        const args = values.map((node) => (isText(l.type(node)) ? textAddress(l, node) : value(l, node)));
        const text = kernelFormat(pieces, types);
        const size = text.length + 1;
        const place = l.memory(size, "the format");
        stringLiteral(l, text, place, size, true);
        l.b.call("trace_printk", [l.address(place), { imm: BigInt(size) }, ...args]);
      },
    },
  },
};

function checkKernelFormat(c: Checker, call: Call, format: string): void {
  const [node, ...values] = call.args as Expression[];
  const specs = parseFormat(format).filter((piece) => typeof piece !== "string");
  const bad = (message: string, help?: string) => c.error("format-conversion", node!.span, message, help);
  const old = !isSince(c.facts, 5, 13);
  const tooOld = (what: string) =>
    c.error("kernel-feature", node!.span, `this kernel's formatting knows no ${what}`, "it came with Linux 5.13");
  if (old && specs.filter(({ conversion }) => conversion === "s").length > 1) tooOld("second `%s`");
  if (old && format.includes("%%")) tooOld("`%%`");
  if (values.length > MOST_VALUES) bad(`cannot use more than ${MOST_VALUES} conversion specifiers`);
  if (/[^\t\n\v\f\r -~]/.test(format)) bad("the kernel prints ASCII only", "print other text with printf()");
  for (const [i, spec] of specs.entries()) {
    const takes = TAKES[spec.conversion];
    if (!takes) {
      bad(`Invalid format specifier for \`debugf\`: ${spec.conversion}`, "the kernel knows %d, %u, %x, %p and %s");
    } else if (spec.width === "*" || spec.precision !== undefined || spec.flags.alternate) {
      bad(`the kernel does not understand \`${spec.text}\``, "give a width as a number, and no precision");
    } else {
      const type = values[i] && c.type(values[i]);
      if (old && hasField(spec)) tooOld(`\`${spec.text}\``);
      if (type && type.kind !== "unknown" && (takes === "string") !== isText(type)) {
        c.error("format-type", values[i]!.span, `\`${spec.text}\` does not take a value of type ${typeName(type)}`);
      }
    }
  }
}

/** Whether a value is printed in some other way than the usual. */
function hasField({ width, flags }: FormatSpec): boolean {
  return width !== undefined || FLAGS.some(([flag]) => flags[flag]);
}

/** The format as the kernel wants it: it must be told which values have 64 bits, and hides the addresses of a plain %p. */
function kernelFormat(pieces: readonly FormatPiece[], types: readonly Type[]): string {
  let next = 0;
  const conversion = (spec: FormatSpec) => {
    const type = types[next++]!;
    const length = isIntegral(type) && sizeOf(type) < 8 ? "" : "ll";
    const field = `${FLAGS.map(([flag, text]) => (spec.flags[flag] ? text : "")).join("")}${spec.width ?? ""}`;
    if (isText(type)) return `%${field}s`;
    return spec.conversion === "p" ? `0x%${field}llx` : `%${field}${length}${spec.conversion}`;
  };
  return pieces.map((piece) => (typeof piece === "string" ? piece.replaceAll("%", "%%") : conversion(piece))).join("");
}

/** A string that was cut has no NUL of its own. */
function textAddress(l: Lowering, node: Expression): VReg {
  const type = l.type(node);
  const size = isNamed(type) ? NAME_SIZE : sizeOf(type) + 1;
  const place = l.memory(size, "text");
  into(l, node, place, string(size), true);
  return l.address(place);
}
