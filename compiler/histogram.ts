/**
 * The bucket layouts of hist() and lhist(), in one place: the code generator emits what these functions describe, the
 * harness reads maps by them, and the tests hold the two together.
 *
 * hist(n, k) keeps k extra bits of resolution: values below 2^k have a bucket each, above that every power of two is
 * divided into 2^k equal buckets. Bucket 0 holds the negative numbers, bucket 1 the zeros.
 */

/** Number of buckets of hist(n, bits): negative numbers, 2^bits exact ones, and 2^bits for each further power of two. */
export function histBuckets(bits: number): number {
  return 1 + (1 << bits) * (64 - bits);
}

/** The bucket of a signed 64-bit value. */
export function histBucket(value: bigint, bits: number): number {
  if (value < 0n) return 0;
  const exact = 1n << BigInt(bits);
  if (value < exact) return 1 + Number(value);
  const log2 = value.toString(2).length - 1;
  const shift = log2 - bits;
  // The top `bits` bits below the leading one choose the bucket within its power of two.
  const mantissa = Number((value >> BigInt(shift)) & (exact - 1n));
  return 1 + ((shift + 1) << bits) + mantissa;
}

/** The half-open range [low, high) of a bucket; the bucket of negative numbers has no low bound. */
export function histRange(bucket: number, bits: number): { low: bigint | undefined; high: bigint } {
  if (bucket === 0) return { low: undefined, high: 0n };
  const index = bucket - 1;
  const exact = 1 << bits;
  if (index < exact) return { low: BigInt(index), high: BigInt(index) + 1n };
  const shift = BigInt((index >> bits) - 1);
  const low = BigInt(exact + (index & (exact - 1))) << shift;
  return { low, high: low + (1n << shift) };
}

/** Number of buckets of lhist(n, min, max, step): one below, one above, and one for each whole step between. */
export function lhistBuckets(min: number, max: number, step: number): number {
  return Math.floor((max - min) / step) + 2;
}

/** Where the last bucket of lhist() begins: a part of a step that is left before max belongs to it. */
export function lhistLimit(min: number, max: number, step: number): number {
  return min + Math.floor((max - min) / step) * step;
}

/** The half-open range [low, high) of an lhist bucket; the outer two are open to one side. */
export function lhistRange(
  bucket: number,
  min: number,
  max: number,
  step: number,
): { low: number | undefined; high: number | undefined } {
  const last = lhistBuckets(min, max, step) - 1;
  if (bucket === 0) return { low: undefined, high: min };
  if (bucket === last) return { low: lhistLimit(min, max, step), high: undefined };
  return { low: min + (bucket - 1) * step, high: min + bucket * step };
}
