/**
 * How long property tests of the compiler search. PROBEWRIGHT_SOAK=5000 runs so many cases from a random seed (printed with
 * a failure); without it a test run is short and always the same.
 */
const soak = Number(process.env.PROBEWRIGHT_SOAK ?? 0);

/** Cases to try where `usual` are enough in a test run. */
export function cases(usual: number): {
  numRuns: number;
  seed?: number;
  interruptAfterTimeLimit?: number;
  endOnFailure?: boolean;
} {
  // Below the time that a test may take: a failure shall be reported even where making it smaller would take hours.
  return soak > 0
    ? { numRuns: soak, endOnFailure: true }
    : { numRuns: usual, seed: 1, interruptAfterTimeLimit: 45_000 };
}
