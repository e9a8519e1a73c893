/** What a script may ask of the system: run a command, show a file. */
import { closeSync, openSync, readSync } from "node:fs";
import type { ByteString } from "./bytestring.ts";

export interface ShellResult {
  readonly output: ByteString;
  /** Why the command did not do what it should, if so. */
  readonly failure: string | undefined;
}

/** Runs a command with the shell; its complaints go where ours go. Waits for its end. */
export function runShell(command: ByteString): ShellResult {
  // a module that few scripts need, and costly to load
  const { spawnSync } = process.getBuiltinModule("node:child_process");
  const { stdout, status, signal } = spawnSync("/bin/sh", ["-c", Buffer.from(command, "latin1").toString("utf8")], {
    stdio: ["inherit", "pipe", "inherit"],
    maxBuffer: Number.POSITIVE_INFINITY,
  });
  const failure = signal ? `command was ended by ${signal}` : status ? `command exited with code ${status}` : undefined;
  return { output: stdout.toString("latin1"), failure };
}

/** The first `limit` bytes of a file. Throws what node:fs throws. */
export function catFile(path: Uint8Array, limit: number): ByteString {
  const fd = openSync(Buffer.from(path), "r");
  try {
    const bytes = Buffer.alloc(limit);
    let length = 0;
    // files of /proc answer in pieces
    for (let n = -1; n !== 0 && length < limit; length += n) n = readSync(fd, bytes, length, limit - length, null);
    return bytes.toString("latin1", 0, length);
  } finally {
    closeSync(fd);
  }
}
