/** Which CPUs are running now: events that are bound to a CPU are opened on each of them. */
import { readFileSync } from "node:fs";

export function onlineCpus(): number[] {
  return parseCpuList(readFileSync("/sys/devices/system/cpu/online", "utf8"));
}

/** The CPUs in a list such as `0-3,8`, ascending. */
export function parseCpuList(list: string): number[] {
  return list
    .trim()
    .split(",")
    .flatMap((range) => {
      const [first, last = first] = range.split("-").map(Number);
      if (first === undefined || last === undefined || !(last >= first)) throw new Error(`not a list of CPUs: ${list}`);
      return Array.from({ length: last - first + 1 }, (_, i) => first + i);
    });
}
