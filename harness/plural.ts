/** Numbers of things, in messages and reports: `1 run`, `1,200 runs`. */
import { formatValue } from "./metrics/format.ts";

/** `noun` may have words behind it, for which `many` is written out: `1 event was lost`, `2 events were lost`. */
export function plural(count: number | bigint, noun: string, many = `${noun}s`): string {
  return `${formatValue(count, "count")} ${Number(count) === 1 ? noun : many}`;
}
