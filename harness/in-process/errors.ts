/** What trace() and run() throw, apart from what the traced function itself throws. */

/** The request makes no sense, or what was measured cannot be trusted. The message says which, and what to do. */
export class TraceError extends Error {
  override readonly name: string = "TraceError";
}

/** This machine or this user lacks what tracing needs. */
export class TraceUnavailableError extends TraceError {
  override readonly name = "TraceUnavailableError";
  /** The remedy. */
  readonly help: string;

  constructor(reason: string, help: string, cause?: unknown) {
    super(`${reason}\n  help: ${help}`, { cause });
    this.help = help;
  }
}
