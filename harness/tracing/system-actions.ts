/** What a script may ask of the system: run a command, show a file. */
import { closeSync, openSync, readSync } from "node:fs";
import type { ByteString } from "./bytestring.ts";

/** Runs a command with the shell and answers what it printed; its complaints go where ours go. Waits for its end. */
export function runShell(command: ByteString): ByteString {
  // a module that few scripts need, and costly to load
  const { spawnSync } = process.getBuiltinModule("node:child_process");
  const { stdout } = spawnSync("/bin/sh", ["-c", Buffer.from(command, "latin1").toString("utf8")], {
    stdio: ["inherit", "pipe", "inherit"],
    maxBuffer: Number.POSITIVE_INFINITY,
  });
  return stdout.toString("latin1");
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
