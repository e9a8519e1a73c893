/** The entry of `trace` alone, for the bundle that bin/probewright.js loads without anything of the other commands. */
import { internalError } from "./internal-error.ts";
import { trace } from "./trace.ts";

export { warmUp } from "./trace-warm-up.ts";

/** Runs the command with the arguments behind `trace`, and leaves its exit code to the process. */
export async function main(argv: readonly string[]): Promise<void> {
  try {
    process.exitCode = await trace(argv);
  } catch (error) {
    process.exitCode = internalError(error);
  }
}
