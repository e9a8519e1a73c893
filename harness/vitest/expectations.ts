/** What a count may be: a number, or a range in words. And whether what is not mentioned is permitted. */

/** A range of counts, both ends included. Made by atMost, atLeast, between and any. */
export class Range {
  readonly min: number;
  readonly max: number;

  constructor(min: number, max: number) {
    for (const bound of [min, max]) {
      const whole = Number.isSafeInteger(bound) || bound === Number.POSITIVE_INFINITY;
      if (!whole || bound < 0) throw new RangeError(`a count is a whole number from 0 on, not ${bound}`);
    }
    if (min > max) throw new RangeError(`no count is at least ${min} and at most ${max}`);
    this.min = min;
    this.max = max;
  }

  toString(): string {
    if (this.min === this.max) return String(this.min);
    if (this.max === Number.POSITIVE_INFINITY) return this.min === 0 ? "any number" : `at least ${this.min}`;
    return this.min === 0 ? `at most ${this.max}` : `${this.min} to ${this.max}`;
  }
}

/** Up to `count`, none included. */
export const atMost = (count: number): Range => new Range(0, count);
/** `count` or more. */
export const atLeast = (count: number): Range => new Range(count, Number.POSITIVE_INFINITY);
/** From `min` to `max`, both included. */
export const between = (min: number, max: number): Range => new Range(min, max);
/** Any number, none included: for what an `exactly` would forbid otherwise. */
export const any = (): Range => new Range(0, Number.POSITIVE_INFINITY);

export function rangeOf(expected: number | Range): Range {
  return expected instanceof Range ? expected : new Range(expected, expected);
}

/** Marks an expectation as complete: nothing but what it mentions may happen. Made by exactly. */
export class Exactly<T> {
  readonly expected: T;

  constructor(expected: T) {
    this.expected = expected;
  }
}

/** This and nothing else: `exactly({ openat: 1, close: 1 })`, `exactly(["config.json"])`. */
export const exactly = <const T>(expected: T): Exactly<T> => new Exactly(expected);

/** An expectation without its mark, and whether it had one. */
export function unwrap<T>(expected: T | Exactly<T>): { expected: T; complete: boolean } {
  return expected instanceof Exactly
    ? { expected: expected.expected, complete: true }
    : { expected: expected as T, complete: false };
}
