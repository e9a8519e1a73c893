/** The exit codes that every command keeps to. */
export const ExitCode = {
  /** Everything passed. */
  ok: 0,
  /** A regression or a failed assertion. */
  regression: 1,
  /** A command line, scenario or script that makes no sense. */
  invalidInput: 2,
  /** This machine lacks a capability. */
  lacksCapability: 3,
  /** A measurement that is invalid or inconclusive. */
  invalidMeasurement: 4,
  /** Ctrl-C. */
  interrupted: 130,
} as const;
