/** Why the kernel refused to change a map that had room, in words: what is missing from the numbers, and what helps. */
import { strerror } from "./symbols/strerror.ts";

/** Updates of script maps that the kernel refused for one reason. */
export interface Refusal {
  errno: number;
  count: number;
}

const ENOMEM = 12;
/** By which the kernel says that a map is locked by what the program has interrupted; since 6.15 in several ways. */
const LOCKED: ReadonlySet<number> = new Set([16, 35, 110]);

export function describeRefusal({ errno, count }: Refusal): { message: string; help: string } {
  if (errno === ENOMEM) {
    return {
      message: `${count} entries of maps were lost: the kernel had no memory for them at that moment`,
      help: "give the maps fewer entries, so that they have all their memory from the start, or the tracer's cgroup more memory",
    };
  }
  const message = `${count} updates of maps were lost`;
  if (LOCKED.has(errno)) {
    return {
      message: `${message}: their probes had interrupted another update of the same map`,
      help: "let probes that interrupt others count in maps of their own",
    };
  }
  return {
    message: `${message}: ${strerror(BigInt(errno))}`,
    help: "change the map less often, or in fewer probes",
  };
}
