/** Our end of a child's pipe as a Node stream. */
import { Socket } from "node:net";
import type { Readable, Writable } from "node:stream";
import type { Fd } from "./fd.ts";

/** Hands a pipe's reading end over to a stream, which closes it at the end of the data or when it is destroyed. */
export function readable(fd: Fd): Readable {
  return new Socket({ fd: fd.take(), readable: true, writable: false });
}

/** Hands a pipe's writing end over to a stream, which closes it after `end`. */
export function writable(fd: Fd): Writable {
  return new Socket({ fd: fd.take(), readable: false, writable: true });
}
