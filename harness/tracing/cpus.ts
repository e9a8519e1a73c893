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
      const bounds = /^(\d+)(?:-(\d+))?$/.exec(range);
      const first = Number(bounds?.[1]);
      const last = Number(bounds?.[2] ?? bounds?.[1]);
      if (!(last >= first)) throw new Error(`not a list of CPUs: ${list}`);
      return Array.from({ length: last - first + 1 }, (_, i) => first + i);
    });
}
