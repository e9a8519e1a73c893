/** Why the kernel refused to change a map, in words: what is missing from the numbers, and what helps. */

import type { OwnMap } from "../../compiler/program.ts";
import { plural } from "../plural.ts";
import { strerror } from "./symbols/strerror.ts";

/** Updates that the kernel refused for one reason: of script maps that had room, or of the program's own. */
export interface Refusal {
  of: "maps" | OwnMap;
  errno: number;
  count: number;
}

/** Of a script's map with that error it is said by name. */
const E2BIG = 7;
const ENOMEM = 12;
/** By which the kernel says that a map is locked by what the program has interrupted; since 6.15 in several ways. */
const LOCKED: ReadonlySet<number> = new Set([16, 35, 110]);

type Reason = "full" | "memory" | "locked" | "other";

/** What was lost, for one and for many. */
type Lost = readonly [one: string, many: string];

const UPDATES: Lost = ["update of maps was lost", "updates of maps were lost"];
const ENTRIES: Lost = ["entry of maps was lost", "entries of maps were lost"];
const STACKS: Lost = ["stack was lost", "stacks were lost"];
const PROCESSES: Lost = ["process was not followed", "processes were not followed"];

/** For each reason what was lost, why, unless the error alone says that, and what helps. */
const WORDS: Readonly<
  Record<Refusal["of"], Readonly<Record<Reason, readonly [lost: Lost, why: string | undefined, help: string]>>>
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
};

export function describeRefusal({ of, errno, count }: Refusal): { message: string; help: string } {
  const reason = reasonOf(errno);
  const [lost, why = strerror(BigInt(errno)), help] = WORDS[of][reason];
  return { message: `${plural(count, ...lost)}: ${why}`, help };
}

function reasonOf(errno: number): Reason {
  if (errno === E2BIG) return "full";
  if (errno === ENOMEM) return "memory";
  return LOCKED.has(errno) ? "locked" : "other";
}
