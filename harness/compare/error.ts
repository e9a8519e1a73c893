/** Why there is no comparison: what is said, what to do about it, and the exit code. */
import type { ProcessOutput } from "../runner/problems.ts";

export class CompareError extends Error {
  override readonly name = "CompareError";
  readonly exitCode: number;
  readonly help: string | undefined;
  /** What the process at fault printed. */
  readonly output: ProcessOutput | undefined;

  constructor(
    message: string,
    exitCode: number,
    more: { help?: string; output?: ProcessOutput | undefined; cause?: unknown } = {},
  ) {
    super(message, { cause: more.cause });
    this.exitCode = exitCode;
    this.help = more.help;
    this.output = more.output;
  }
}

/** The user has interrupted, and everything is cleaned up. */
export class InterruptedError extends Error {
  override readonly name = "InterruptedError";
}
