/** The clock of this machine. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Clock } from "./host.ts";

/** The longest time that a JavaScript timer can wait. */
const MAX_TIMER_MS = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => process.hrtime.bigint(),
  sleep: async (ms, signal) => {
    try {
      await sleep(Math.min(ms, MAX_TIMER_MS), undefined, { signal });
    } catch (error) {
      if (!signal?.aborted) throw error;
    }
  },
};
