/** Errors of system calls in words, for messages. */
import { ERROR_MESSAGES } from "../../../compiler/errors.ts";

/** The message of an errno; the kernel returns it negative, so the sign does not matter. */
export function strerror(errno: bigint): string {
  const number = errno < 0n ? -errno : errno;
  return ERROR_MESSAGES[Number(number)] ?? `Unknown error ${number}`;
}

/** Why a call of node:fs or the like failed, in those words. */
export function reasonOf(error: unknown): string {
  const { errno, message } = error as NodeJS.ErrnoException;
  return errno === undefined ? message : strerror(BigInt(errno));
}
