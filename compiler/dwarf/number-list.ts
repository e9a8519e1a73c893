/** Numbers of 32 bits, one behind the other: what there are millions of has no objects of its own. */

export class NumberList {
  values: Int32Array;
  length = 0;

  /** Memory that is only expected costs nothing until it is written to. */
  constructor(expected = 256) {
    this.values = new Int32Array(expected);
  }

  push(value: number): void {
    if (this.length === this.values.length) this.#grow(this.length + 1);
    this.values[this.length++] = value;
  }

  pushAll(values: Int32Array): void {
    if (this.length + values.length > this.values.length) this.#grow(this.length + values.length);
    this.values.set(values, this.length);
    this.length += values.length;
  }

  /** Unsigned. */
  at(index: number): number {
    return this.values[index]! >>> 0;
  }

  #grow(needed: number): void {
    const larger = new Int32Array(Math.max(needed, this.values.length * 2));
    larger.set(this.values);
    this.values = larger;
  }
}
