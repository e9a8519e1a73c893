/** All benchmarks, in the order in which they run: the one inside this process last, since it leaves its heap behind. */
import type { Benchmark } from "../benchmark.ts";
import { attachAll } from "./attach-all.ts";
import { compileLong } from "./compile.ts";
import { inProcess } from "./in-process.ts";
import { memory } from "./memory.ts";
import { perEvent } from "./per-event.ts";
import { scripts } from "./scripts.ts";
import { startUp } from "./start-up.ts";

export const BENCHMARKS: readonly Benchmark[] = [startUp, compileLong, attachAll, perEvent, scripts, memory, inProcess];
