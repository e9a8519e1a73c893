/** toSpawnNothing: no process was started. */
import { shortList, subject, traceOf } from "./received.ts";
import type { MatcherResult } from "./syscalls.ts";

export function toSpawnNothing(received: unknown): MatcherResult {
  const trace = traceOf(received, "toSpawnNothing");
  const { started, programs } = trace.processes;
  const executed = Object.values(programs).reduce((sum, count) => sum + count, 0);
  // A command begins by being executed.
  const pass = started === 0 && executed <= (trace.kind === "command" ? 1 : 0);
  const names = Object.entries(programs).map(([path, count]) => (count === 1 ? path : `${path} (${count} times)`));
  const processes = started === 1 ? "1 process" : `${started} processes`;
  return {
    pass,
    message: () =>
      pass
        ? `${subject(trace)} was expected to start a process, but it started none`
        : `${subject(trace)} was expected to start no process, but it started ${processes}; programs executed: ${shortList(names) || "none"}`,
  };
}
