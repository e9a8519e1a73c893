/** Standard output and error without the machinery of a stream: what is said is said at once; nobody listening is no error. */
import { writeSync } from "node:fs";

/** Writes everything to a descriptor, waiting where one that does not block has no room. Answers what kept it from that. */
export function writeAll(fd: number, message: string | Uint8Array): NodeJS.ErrnoException | undefined {
  const bytes = typeof message === "string" ? Buffer.from(message) : message;
  for (let done = 0; done < bytes.length; ) {
    try {
      done += writeSync(fd, bytes, done);
    } catch (error) {
      const failure = error as NodeJS.ErrnoException;
      if (failure.code !== "EAGAIN") return failure;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY_MS);
    }
  }
  return undefined;
}

const RETRY_MS = 1;
