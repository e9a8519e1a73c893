/**
 * Which system calls are served by tracepoints of their own. One program on the raw tracepoint costs a call the least, but
 * runs for all other calls as well, which costs each of them nearly as much. So it is worth while for calls that a
 * program may make again and again and little else. Calls that open something, or begin something, are followed by those that
 * use it: a script that is about such calls only leaves the others alone. Where the raw tracepoint is in use
 * anyway, it serves all.
 */
import { type OwnTracepoint, once, type ResolvedProbe } from "./providers/provider.ts";

const FOLLOWED = new Set(
  "open openat openat2 creat socket socketpair accept accept4 connect bind listen mount umount"
    .split(" ")
    .concat("clone clone3 fork vfork execve execveat exit exit_group".split(" ")),
);

/** Gives probes on such calls their own tracepoints. `others` has the probes that can be served so. */
export function useOwnTracepoints(
  probes: readonly ResolvedProbe[],
  others: ReadonlyMap<ResolvedProbe, OwnTracepoint>,
): void {
  for (const direction of ["enter", "exit"] as const) {
    const served = probes.filter(
      ({ event, idle }) => !idle && event.kind === "syscall" && event.direction === direction,
    );
    if (served.length > MOST || !served.every((probe) => isFollowed(others.get(probe)))) continue;
    for (const probe of served) {
      const own = others.get(probe)!;
      probe.event = own.event;
      probe.arguments = once(own.arguments);
    }
  }
}

/** Each tracepoint takes a moment to attach, and a longer one to detach. */
const MOST = 4;

function isFollowed(own: OwnTracepoint | undefined): boolean {
  return own !== undefined && FOLLOWED.has(own.event.name.replace(/^sys_(enter|exit)_/, ""));
}
