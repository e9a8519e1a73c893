/** The limits of eBPF that a script can hit, in words. */
import type { AssembleError } from "../asm/assemble.ts";
import type { Diagnostic } from "../diagnostics.ts";
import type { Span } from "../source.ts";
import { unreachable } from "../unreachable.ts";

export type GenerateError =
  | AssembleError
  | { code: "calls-too-deep"; frames: number; limit: number; span: Span | undefined }
  | { code: "too-many-parts"; parts: number; limit: number; span: Span | undefined }
  | { code: "too-many-maps"; maps: number; limit: number; span: Span | undefined }
  | {
      code: "stack-overflow";
      /** Bytes, for the deepest chain of calls. */
      used: number;
      limit: number;
      /** What lies on the stack, largest first. */
      contents: { note: string; size: number }[];
      /** Where the script asked for the largest piece. */
      span: Span | undefined;
    };

/** The error as the user sees it; `fallback` is shown where no instruction can be blamed. */
export function generateDiagnostic(error: GenerateError, fallback: Span): Diagnostic {
  return { code: error.code, severity: "error", span: error.span ?? fallback, ...describe(error) };
}

function describe(error: GenerateError): { message: string; help: string } {
  switch (error.code) {
    case "stack-overflow": {
      const largest = error.contents.slice(0, 3).map(({ note, size }) => `${note} (${size} bytes)`);
      return {
        message: `this needs ${error.used} bytes of stack, and the kernel gives a program ${error.limit}`,
        help: `use shorter strings or fewer values at once; the largest are: ${largest.join(", ")}`,
      };
    }
    case "calls-too-deep":
      return {
        message: `loops are nested ${error.frames - 1} deep here, and the kernel runs at most ${error.limit - 1} within each other`,
        help: "run inner loops in one, or divide the script into several probes",
      };
    case "too-many-parts":
      return {
        message: `what this probe does becomes ${error.parts} programs, and the kernel runs at most ${error.limit} one behind the other`,
        help: "divide the script into several probes",
      };
    case "too-many-maps":
      return {
        message: `one loop or expression uses ${error.maps} maps, and the kernel lets a program use ${error.limit}`,
        help: "use fewer maps here: a key of several parts makes one of many, as in `@x[1, pid]`",
      };
    case "jump-too-far":
      return {
        message: `a jump over ${Math.abs(error.distance)} instructions is farther than this kernel's instructions reach`,
        help: "divide the script into several probes or loops",
      };
    case "program-too-long":
      return {
        message: `the program has ${error.slots} instructions, and the kernel takes ${error.limit}`,
        help: "divide the script into several probes or loops",
      };
    default:
      return unreachable(error);
  }
}
