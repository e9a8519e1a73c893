/**
 * Older kernels by what they can do. A script compiled as of one of them takes the ways around what is missing there, which newer
 * kernels run just as well: so these ways are tested wherever the tests run.
 */
import type { Features, KernelFacts } from "../../compiler/kernel-facts.ts";
import { isAtLeast } from "../../harness/tracing/facts/version.ts";

export type Release = readonly [major: number, minor: number];

/** The release from which on a kernel has it, where it was not left out. */
const SINCE: Readonly<Record<keyof Features, Release>> = {
  tpBtf: [5, 5],
  ringbuf: [5, 8],
  loop: [5, 17],
  forEachMapElem: [5, 13],
  currentTaskBtf: [5, 11],
  ktimeBoot: [5, 8],
  ktimeTai: [6, 1],
  ancestorCgroupId: [5, 15],
  nsPidTgid: [5, 7],
  lookupPercpuElem: [5, 19],
  atomicFetch: [5, 12],
  mayGoto: [6, 9],
  cpuV4: [6, 6],
  callsBesideTailCalls: process.arch === "arm64" ? [6, 0] : [5, 10],
  kprobe: [4, 1],
  fentry: [5, 5],
  uprobeMulti: [6, 6],
  kprobeMulti: [5, 18],
  attachCookie: [5, 15],
  overrideReturn: [4, 16],
  writeUser: [4, 8],
};

/** Each lacks something that the next one has and that there is a way around. */
export const OLD_RELEASES: readonly Release[] = [
  [5, 10],
  [5, 15],
  [6, 1],
  [6, 12],
];

/** The same machine with a kernel of that release, or its own where that is older. */
export function asOf(facts: KernelFacts, release: Release): KernelFacts {
  if (!isAtLeast(facts.version, release)) return facts;
  const version = [...release, 0] as const;
  const missing = (Object.keys(SINCE) as (keyof Features)[]).filter((name) => !isAtLeast(version, SINCE[name]));
  const without = Object.fromEntries(missing.map((name) => [name, { value: false }]));
  return Object.create(facts, {
    version: { value: version },
    features: { value: Object.create(facts.features, without) },
  });
}
