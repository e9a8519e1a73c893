/** Where the instructions of a function begin, for probes that are to be attached within it. */
import { instructionLength } from "./x86-instructions.ts";

const EM_X86_64 = 62;
const EM_AARCH64 = 183;

/** Whether an instruction begins at an offset of some code; undefined for other machines, and for bytes that are no code. */
export function beginsInstruction(machine: number, code: Uint8Array, offset: number): boolean | undefined {
  if (machine === EM_AARCH64) return offset % 4 === 0;
  if (machine !== EM_X86_64) return undefined;
  let at = 0;
  while (at < offset) {
    const length = instructionLength(code, at);
    if (length === undefined) return undefined;
    at += length;
  }
  return at === offset;
}
