/**
 * The log of a step. The runner takes lines in it for commands, and much of what we print was made by a workload; so it
 * is printed between a command that stops the runner from listening and a random word that makes it listen again.
 */
import { randomUUID } from "node:crypto";
import { writeAll } from "../cli/write-all.ts";

/** Where the log goes. */
export type LogWriter = (bytes: Uint8Array | string) => void;

const toStandardOutput: LogWriter = (bytes) => writeAll(1, bytes);

/** Runs `body`, during which nothing that is written can be a command. */
export async function withoutCommands<T>(
  body: (write: LogWriter) => Promise<T>,
  write: LogWriter = toStandardOutput,
  token: string = randomUUID(),
): Promise<T> {
  let atLineStart = true;
  write(`::stop-commands::${token}\n`);
  try {
    return await body((bytes) => {
      if (bytes.length === 0) return;
      const last = bytes.at(-1);
      atLineStart = last === "\n" || last === "\n".charCodeAt(0);
      write(bytes);
    });
  } finally {
    // The word must stand at the beginning of a line.
    write(`${atLineStart ? "" : "\n"}::${token}::\n`);
  }
}
