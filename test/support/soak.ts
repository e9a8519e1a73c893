/**
 * How long property tests of the compiler search. PROBEWRIGHT_SOAK=5000 runs so many cases from a random seed (printed with
 * a failure); without it a test run is short and always the same.
 */
const soak = Number(process.env.PROBEWRIGHT_SOAK ?? 0);

/** Cases to try where `usual` are enough in a test run. */
export function cases(usual: number): { numRuns: number; seed?: number } {
  return soak > 0 ? { numRuns: soak } : { numRuns: usual, seed: 1 };
}
