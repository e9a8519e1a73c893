/**
 * Why a system call failed, in a form that a program can branch on and a person can read: the operation by the name
 * its manual page uses, the errno both as a number and as a symbol, and the objects that the call was about.
 */
import { getSystemErrorMap } from "node:util";

/**
 * Errno values that Node's table lacks: those libuv does not know, and ENOTSUPP, which leaks out of bpf(2); and two that
 * libuv thinks are about sockets.
 */
const LINUX_ERRNOS: Readonly<Record<number, readonly [string, string]>> = {
  8: ["ENOEXEC", "executable format not recognised"],
  10: ["ECHILD", "no such child process"],
  33: ["EDOM", "argument outside the domain"],
  35: ["EDEADLK", "would deadlock"],
  37: ["ENOLCK", "no locks available"],
  42: ["ENOMSG", "no message of the desired type"],
  43: ["EIDRM", "identifier removed"],
  62: ["ETIME", "timer expired"],
  74: ["EBADMSG", "bad message"],
  76: ["ENOTUNIQ", "name not unique"],
  77: ["EBADFD", "file descriptor in a bad state"],
  87: ["EUSERS", "too many users"],
  95: ["EOPNOTSUPP", "operation not supported"],
  110: ["ETIMEDOUT", "timed out"],
  115: ["EINPROGRESS", "operation in progress"],
  116: ["ESTALE", "stale file handle"],
  117: ["EUCLEAN", "structure needs cleaning"],
  122: ["EDQUOT", "disk quota exceeded"],
  524: ["ENOTSUPP", "operation not supported by this kernel"],
};

function describeErrno(errno: number): readonly [code: string, text: string] {
  return LINUX_ERRNOS[errno] ?? getSystemErrorMap().get(-errno) ?? [`errno ${errno}`, "unknown error"];
}

/** What a failed call was about, such as `{ program: "enter", log: 65536 }`; printed in this order. */
export type ErrorObject = Readonly<Record<string, string | number | bigint>>;

/** A system call that failed. The message reads `BPF_PROG_LOAD failed: EPERM (operation not permitted) for program foo`. */
export class SysError extends Error {
  override readonly name: string = "SysError";
  /** The call, as its manual page names it: `BPF_MAP_CREATE`, `perf_event_open`, `setuid`. */
  readonly operation: string;
  /** Positive, as in errno(3). */
  readonly errno: number;
  /** The symbol of `errno`, such as `EPERM`. */
  readonly code: string;
  readonly object: ErrorObject;

  constructor(operation: string, errno: number, object: ErrorObject = {}) {
    const [code, text] = describeErrno(errno);
    const about = Object.entries(object).map(([name, value]) => `${name} ${value}`);
    super(`${operation} failed: ${code} (${text})${about.length > 0 ? ` for ${about.join(", ")}` : ""}`);
    this.operation = operation;
    this.errno = errno;
    this.code = code;
    this.object = object;
  }
}

/** BPF_PROG_LOAD or BPF_BTF_LOAD that failed, with what the verifier wrote; `log` is empty when none was asked for. */
export class LoadError extends SysError {
  override readonly name = "LoadError";
  readonly log: string;

  constructor(operation: string, errno: number, log: string, object: ErrorObject = {}) {
    super(operation, errno, object);
    this.log = log;
  }
}

/** Passes a non-negative result on; a negative one is -errno and becomes a SysError. */
export function check(result: number, operation: string, object?: ErrorObject): number {
  if (result < 0) throw new SysError(operation, -result, object);
  return result;
}

/** For calls where ENOENT is an answer and not a failure: true when found, false on ENOENT, SysError otherwise. */
export function checkFound(result: number, operation: string, object?: ErrorObject): boolean {
  if (result === -ENOENT) return false;
  check(result, operation, object);
  return true;
}

export const ENOENT = 2;
