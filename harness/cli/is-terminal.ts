/** Whether a descriptor is a terminal. Node's own answer comes with its streams and sockets, so it is asked last. */
import { fstatSync } from "node:fs";
import { createRequire } from "node:module";

export function isTerminal(fd: number): boolean {
  try {
    if (!fstatSync(fd).isCharacterDevice()) return false;
  } catch {
    return false; // closed
  }
  const { isatty } = createRequire(import.meta.filename)("node:tty") as typeof import("node:tty");
  return isatty(fd);
}
