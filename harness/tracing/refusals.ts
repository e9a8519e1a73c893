/** Why the kernel refused to change a map or to take a packet, in words: what is missing, and what helps. */

import type { OwnMap } from "../../compiler/program.ts";
import { plural } from "../plural.ts";
import { strerror } from "./symbols/strerror.ts";

/** Updates that the kernel refused for one reason: of script maps that had room, or of the program's own; packets for a file. */
export type Refusal = { errno: number; count: number } & ({ of: "maps" | OwnMap } | { of: "file"; path: string });

/** Of a script's map with that error it is said by name. */
const E2BIG = 7;
/** The same of a ring. */
const ENOSPC = 28;
const ENOMEM = 12;
/** By which the kernel says that a map is locked by what the program has interrupted; since 6.15 in several ways. */
const LOCKED: ReadonlySet<number> = new Set([16, 35, 110]);

type Reason = "full" | "memory" | "locked" | "other";

/** What was lost, for one and for many. */
type Lost = readonly [one: string, many: string];

const UPDATES: Lost = ["update of maps was lost", "updates of maps were lost"];
const ENTRIES: Lost = ["entry of maps was lost", "entries of maps were lost"];
const STACKS: Lost = ["stack was lost", "stacks were lost"];
const PACKETS: Lost = ["packet was lost", "packets were lost"];
const PROCESSES: Lost = ["process was not followed", "processes were not followed"];

/** For each reason what was lost, why, unless the error alone says that, and what helps. */
const WORDS: Readonly<
  Record<"maps" | OwnMap, Readonly<Record<Reason, readonly [lost: Lost, why: string | undefined, help: string]>>>
> = {
  maps: {
    full: [UPDATES, "there was no room", "give the maps more entries"],
    memory: [
      ENTRIES,
      "the kernel had no memory for them at that moment",
      "give the maps fewer entries, so that they have all their memory from the start, or the tracer's cgroup more memory",
    ],
    locked: [
      UPDATES,
      "their probes had interrupted another update of the same map",
      "let probes that interrupt others count in maps of their own",
    ],
    other: [UPDATES, undefined, "change the map less often, or in fewer probes"],
  },
  stacks: {
    full: [
      STACKS,
      "there was no room for so many different ones",
      "take fewer frames of each, such as kstack(5), or look at fewer events",
    ],
    memory: [
      STACKS,
      "the kernel had no memory for them at that moment",
      "give the tracer's cgroup more memory, or take fewer frames of each",
    ],
    locked: [
      STACKS,
      "their probes had interrupted another one that was keeping a stack",
      "take no stacks in probes that interrupt others",
    ],
    other: [STACKS, undefined, "take stacks less often, or in fewer probes"],
  },
  processes: {
    full: [PROCESSES, "there were too many at a time", "start fewer processes at a time"],
    memory: [PROCESSES, "the kernel had no memory to note them at that moment", "give the tracer's cgroup more memory"],
    locked: [PROCESSES, "their start had interrupted that of others", "start fewer processes at a time"],
    other: [PROCESSES, undefined, "start fewer processes at a time"],
  },
  packets: {
    full: [
      PACKETS,
      "they come faster than can be written",
      "give them more room with `config = { perf_rb_pages = 8192 }`, or take fewer bytes of each",
    ],
    memory: [PACKETS, "the kernel had no memory for them at that moment", "give the tracer's cgroup more memory"],
    locked: [PACKETS, "their probes had interrupted others that were taking packets", "take packets in fewer probes"],
    other: [PACKETS, undefined, "take packets in fewer probes"],
  },
};

export function describeRefusal(refusal: Refusal): { message: string; help: string } {
  const { errno, count } = refusal;
  if (refusal.of === "file") {
    const what = plural(count, "packet was not written", "packets were not written");
    const help = "what is in the file is whole, but not all: take fewer packets, or write them elsewhere";
    return { message: `${what} to ${refusal.path}: ${strerror(BigInt(errno))}`, help };
  }
  const [lost, why = strerror(BigInt(errno)), help] = WORDS[refusal.of][reasonOf(errno)];
  return { message: `${plural(count, ...lost)}: ${why}`, help };
}

function reasonOf(errno: number): Reason {
  if (errno === E2BIG || errno === ENOSPC) return "full";
  if (errno === ENOMEM) return "memory";
  return LOCKED.has(errno) ? "locked" : "other";
}
