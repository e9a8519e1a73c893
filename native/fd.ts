/**
 * Ownership of file descriptors. A kernel object lives exactly as long as one Fd says so: programs detach and maps
 * vanish when their last descriptor closes, which makes a leaked or twice-closed number a wrong measurement rather
 * than a mere nuisance.
 */
import { binding } from "./addon.ts";
import { type ErrorObject, SysError } from "./errors.ts";

const open = new Set<Fd>();

/** One open file descriptor and the only one who may close it. Works with `using`. */
export class Fd {
  /** What the descriptor is, for error messages and leak reports: `map @start`, `link sys_enter`. */
  readonly label: string;
  #value: number;

  /** Takes ownership of `value`, an open descriptor of this process. */
  constructor(value: number, label: string) {
    if (!Number.isInteger(value) || value < 0) throw new RangeError(`not a file descriptor: ${value} (${label})`);
    this.#value = value;
    this.label = label;
    open.add(this);
    binding().closeAtEnd(value, true);
  }

  get closed(): boolean {
    return this.#value < 0;
  }

  /** The number, for passing to a system call. Throws SysError EBADF once closed, so that a reused number is never hit. */
  get value(): number {
    if (this.#value < 0) throw new SysError("use of a closed descriptor", EBADF, { descriptor: this.label });
    return this.#value;
  }

  /** Hands the descriptor over to somebody else, a stream for instance, who must close it from now on. */
  take(): number {
    const value = this.value;
    this.#value = -1;
    open.delete(this);
    binding().closeAtEnd(value, false);
    return value;
  }

  /** Closes the descriptor; closing again does nothing. */
  close(): void {
    if (this.closed) return;
    binding().close(this.take());
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** Every Fd of this thread that is still open, oldest first; the leak tests compare this. */
export function openFds(): readonly Fd[] {
  return [...open];
}

/** Owns the result of a call that returns a descriptor or -errno. */
export function adopt(result: number, operation: string, label: string, object?: ErrorObject): Fd {
  if (result < 0) throw new SysError(operation, -result, object);
  return new Fd(result, label);
}

const EBADF = 9;
