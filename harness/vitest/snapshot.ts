/** toMatchSyscallSnapshot: the counts of system calls in the test file's snapshots. */
import { Snapshots } from "vitest";
import { TraceError } from "../in-process/errors.ts";
import { traceOf } from "./received.ts";
import { deliberate, doubtful, type MatcherResult } from "./syscalls.ts";

type SnapshotState = ThisParameterType<typeof Snapshots.toMatchSnapshot>;

export function toMatchSyscallSnapshot(this: SnapshotState, received: unknown, hint?: string): MatcherResult {
  const trace = traceOf(received, "toMatchSyscallSnapshot");
  const unclear = doubtful(trace);
  if (unclear.length > 0)
    throw new TraceError(`it cannot be said who made ${unclear.join(", ")}: ${trace.unattributed?.reason}`);
  return Snapshots.toMatchSnapshot.call(this, { ...deliberate(trace) }, hint);
}
