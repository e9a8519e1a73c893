/** What is said of a bug of our own. */
import { ExitCode } from "./exit-code.ts";
import { writeAll } from "./write-all.ts";

export function internalError(error: unknown): number {
  writeAll(2, `probewright: internal error, please report it\n${error instanceof Error ? error.stack : error}\n`);
  return ExitCode.invalidMeasurement;
}
