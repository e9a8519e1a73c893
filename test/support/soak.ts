/**
 * How long property tests of the compiler search. PROBEWRIGHT_SOAK=5000 runs so many cases from a random seed (printed with
 * a failure); without it a test run is short and always the same.
 */
const soak = Number(process.env.PROBEWRIGHT_SOAK ?? 0);

export const soaking = soak > 0;

/** Cases to try where `usual` are enough in a test run. */
export function cases(usual: number): { numRuns: number } {
  return { numRuns: soaking ? soak : usual };
}
