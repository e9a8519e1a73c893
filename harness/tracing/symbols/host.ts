/** The resolver of the running host. Each source is read when it is first asked. */
import { readFileSync } from "node:fs";
import { Clock as ClockId } from "../../../native/index.ts";
import type { ByteString } from "../bytestring.ts";
import type { Clock } from "../decode.ts";
import { SymbolTable } from "../facts/kallsyms.ts";
import { toRealTime } from "../host-constants.ts";
import { localZone, type Zone } from "../output/timezone.ts";
import { cgroupHierarchies, cgroupPath } from "./cgroup-paths.ts";
import type { Resolver } from "./resolver.ts";
import { UserNames } from "./users.ts";

/** What depends on the session: its stack maps and the processes it traces. */
export type SessionSymbols = Pick<Resolver, "stack" | "userSymbol">;

export function hostResolver({ stack, userSymbol }: SessionSymbols): Resolver {
  const symbols = once(() => SymbolTable.read("/proc/kallsyms"));
  const users = once(() => new UserNames(readFileSync("/etc/passwd", "latin1")));
  const zone = once(localZone);
  const toReal: Readonly<Record<Clock, () => bigint>> = {
    boot: once(() => toRealTime(ClockId.BOOTTIME)),
    monotonic: once(() => toRealTime(ClockId.MONOTONIC)),
    realtime: () => 0n,
  };
  return {
    stack,
    userSymbol,
    kernelSymbol: (address) => symbols().resolve(address),
    username: (uid) => users().name(uid),
    cgroupPath: (id, filter): ByteString =>
      cgroupPath(cgroupHierarchies(readFileSync("/proc/self/mounts", "utf8")), id, filter),
    realTime: (ns, clock) => ns + toReal[clock](),
    get zone(): Zone {
      return zone();
    },
  };
}

function once<T>(make: () => T): () => T {
  let made: { value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
