/** Ends an exhaustive switch: the compiler proves that it is never reached, and a hole in the types throws. */
export function unreachable(value: never, what = "case"): never {
  throw new Error(`unreachable ${what}: ${JSON.stringify(value)}`);
}
