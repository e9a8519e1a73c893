/**
 * A file for packets. It is opened as whoever started the trace would have it: through sudo it belongs to the caller, nobody
 * else may read it, and a link is not followed, since the path is in a script and root could write anywhere.
 */
import { closeSync, constants, fchownSync, fstatSync, ftruncateSync, openSync, writeSync } from "node:fs";
import { type Owner, sudoOwner } from "../../sudo-owner.ts";
import type { ByteString } from "../bytestring.ts";
import { reasonOf } from "../symbols/strerror.ts";
import { pcapHeader } from "./pcap.ts";

/** A file for packets cannot be written. */
export class CaptureError extends Error {
  override readonly name = "CaptureError";
  readonly path: string;
  /** Such as EACCES. */
  readonly code: string;

  constructor(path: string, { code = "", reason }: { code?: string | undefined; reason: string }) {
    super(`cannot write packets to '${path}': ${reason}`);
    this.path = path;
    this.code = code;
  }
}

/** Files that are being written, by their numbers: two who write to the same one would destroy each other's records. */
const WRITTEN = new Set<string>();

export class CaptureFile {
  /** For messages. */
  readonly path: string;
  readonly #fd: number;
  readonly #identity: string;
  /** Bytes that were written. */
  #length = 0;
  /** To be written. */
  #due: Uint8Array[] = [];
  #failure: { errno: number; count: number } | undefined;

  /** Opens the file, or makes it, and begins it. Throws CaptureError. */
  constructor(path: ByteString, owner: Owner | undefined = sudoOwner()) {
    const bytes = Buffer.from(path, "latin1");
    this.path = bytes.toString("utf8");
    this.#fd = openFor(bytes, this.path, owner);
    const { dev, ino } = fstatSync(this.#fd);
    this.#identity = `${dev}:${ino}`;
    try {
      if (WRITTEN.has(this.#identity)) {
        throw new CaptureError(this.path, { code: "EBUSY", reason: "packets are written to it already" });
      }
      this.#begin();
      WRITTEN.add(this.#identity);
    } catch (error) {
      closeSync(this.#fd);
      throw error;
    }
  }

  /** Takes a record; it is written with the next `flush`. */
  add(record: Uint8Array): void {
    this.#due.push(record);
  }

  flush(): void {
    const due = this.#due;
    if (due.length === 0) return;
    this.#due = [];
    if (this.#failure) {
      this.#failure.count += due.length;
      return;
    }
    const start = this.#length;
    try {
      this.#write(Buffer.concat(due));
    } catch (error) {
      const errno = Math.abs((error as NodeJS.ErrnoException).errno ?? 0);
      this.#failure = { errno, count: this.#keepWhole(due, start) };
    }
  }

  /** Records that could not be written, and why. After the first there are no others, so that the file has no holes. */
  get failure(): { errno: number; count: number } | undefined {
    return this.#failure;
  }

  /** Back to a file without packets. */
  restart(): void {
    this.#due = [];
    this.#failure = undefined;
    this.#begin();
  }

  close(): void {
    WRITTEN.delete(this.#identity);
    closeSync(this.#fd);
  }

  #begin(): void {
    try {
      ftruncateSync(this.#fd, 0);
      this.#length = 0;
      this.#write(pcapHeader());
    } catch (error) {
      throw failed(this.path, error);
    }
  }

  #write(bytes: Uint8Array): void {
    for (let done = 0; done < bytes.length; ) {
      const written = writeSync(this.#fd, bytes, done, bytes.length - done, this.#length);
      done += written;
      this.#length += written;
    }
  }

  /** Cuts off the record in which writing ended, and answers how many are missing of those that should be there from `start` on. */
  #keepWhole(records: readonly Uint8Array[], start: number): number {
    let missing = records.length;
    let end = start;
    for (const { length } of records) {
      if (end + length > this.#length) break;
      end += length;
      missing--;
    }
    ftruncateSync(this.#fd, end);
    this.#length = end;
    return missing;
  }
}

function openFor(path: Uint8Array, shown: string, owner: Owner | undefined): number {
  const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK } = constants;
  try {
    const fd = openSync(path as Buffer, O_WRONLY | O_CREAT | O_EXCL, 0o600);
    if (owner) fchownSync(fd, owner.uid, owner.gid);
    return fd;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw failed(shown, error);
  }
  try {
    // Without a reader a pipe would make us wait.
    const fd = openSync(path as Buffer, O_WRONLY | O_NOFOLLOW | O_NONBLOCK);
    if (fstatSync(fd).isFile()) return fd;
    closeSync(fd);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ELOOP")
      throw new CaptureError(shown, { code, reason: "it is a symbolic link, and those are not followed" });
    if (code !== "ENXIO") throw failed(shown, error);
  }
  throw new CaptureError(shown, { reason: "it is no regular file" });
}

function failed(path: string, error: unknown): CaptureError {
  return new CaptureError(path, { code: (error as NodeJS.ErrnoException).code, reason: reasonOf(error) });
}
