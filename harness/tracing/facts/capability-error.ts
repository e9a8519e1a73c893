/**
 * What this machine, or this user, does not let us have: the failed call, in words a person understands, with the
 * command that would change it.
 */
import { SysError } from "../../../native/index.ts";

export class CapabilityError extends SysError {
  override readonly name = "CapabilityError";
  /** What to do about it. */
  readonly help: string;

  /** `cause` is what the failing call threw, an error of node:fs or a SysError, if it was a call that failed. */
  constructor(what: string, help: string, cause?: unknown) {
    const { operation, errno, object } =
      cause === undefined ? { operation: what, errno: ENOTSUP, object: {} } : describe(cause);
    super(operation, errno, object);
    this.message = cause === undefined ? what : `${what}: ${this.message}`;
    this.cause = cause;
    this.help = help;
  }
}

const ENOTSUP = 95;

function describe(cause: unknown): Pick<SysError, "operation" | "errno" | "object"> {
  if (cause instanceof SysError) return cause;
  const { syscall = "", errno, path } = cause as NodeJS.ErrnoException;
  // Anything without an errno is a bug of ours, not a lack of the machine's.
  if (errno === undefined) throw cause;
  return { operation: syscall, errno: Math.abs(errno), object: path === undefined ? {} : { path } };
}

/** The symbol of a failed call's errno, undefined for other errors. */
export function errnoOf(error: unknown): string | undefined {
  return error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
}
