/** Running single passes of the optimiser on IR that is written as text. */
import { expect } from "vitest";
import type { IrFunction } from "../../compiler/ir/ir.ts";
import { printFunction } from "../../compiler/ir/print.ts";
import { verifyFunction } from "../../compiler/ir/verify.ts";
import { parseFunction } from "./ir-text.ts";

type Run = (fn: IrFunction) => unknown;

/** Functions that test IR may refer to by index. */
const FUNCTIONS = 3;

/** What the passes, one after the other, make of a function: its lines without heading, slots and the entry's label. */
export function after(passes: Run | readonly Run[], text: string): string[] {
  const fn = parseFunction(text);
  verifyFunction(fn, FUNCTIONS);
  for (const pass of [passes].flat()) {
    pass(fn);
    verifyFunction(fn, FUNCTIONS);
  }
  return body(fn);
}

/** Checks the result line by line; both texts may be indented at will, and separate lines by `;`. */
export function expectPass(passes: Run | readonly Run[], before: string, expected: string): void {
  expect(after(passes, lines(before).join("\n"))).toEqual(lines(expected));
}

function body(fn: IrFunction): string[] {
  return lines(printFunction(fn)).filter((line) => !/^(fn |slot s|b0:)/.test(line));
}

function lines(text: string): string[] {
  return text
    .split(/[;\n]/)
    .map((line) => line.trim())
    .filter((line) => line !== "");
}
