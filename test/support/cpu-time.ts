/** The time that something takes of the processor: on a busy machine it passes more slowly than that of the clock. */

/** Milliseconds that `run` has spent in this process. */
export function cpuMs(run: () => void): number {
  const before = process.cpuUsage();
  run();
  return process.cpuUsage(before).user / 1000;
}
