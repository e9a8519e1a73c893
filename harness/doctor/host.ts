/**
 * The machine as the doctor sees it. The checks read files and ask the kernel through this interface only, so that
 * tests can give them any machine.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { AddonError, enableStats, gettid, perfEventOpen, SysError } from "../../native/index.ts";
import { type Hierarchy, writableParent } from "../runner/cgroups.ts";
import { hostProcesses } from "../runner/processes.ts";
import { errnoOf } from "../tracing/facts/capability-error.ts";
import { type Answer, kernelProber, type Prober } from "../tracing/facts/features.ts";
import { type HostFacts, hostFacts } from "../tracing/facts/host-facts.ts";

export interface DoctorHost {
  /** Text of a file of /proc, /sys, /etc or /run; undefined when it is not there or not for us. */
  read(path: string): string | undefined;
  /** Names in a directory; none when it is not there. */
  list(path: string): string[];
  readonly facts: HostFacts;
  /** Why the native addon cannot be loaded, undefined when it can. Without it nothing below can be asked. */
  addonProblem(): string | undefined;
  readonly prober: Prober;
  /** "yes", or the errno's symbol, for opening a perf event that counts this process. */
  perfEvent(type: number, config: number): string;
  /** Whether the kernel's BPF statistics can be switched on. */
  bpfStatistics(): Answer;
  /** Where a scope's cgroups can be made, undefined when nowhere. */
  cgroupParent(hierarchy: Hierarchy): string | undefined;
}

/** The machine that we run on. */
export function realHost(): DoctorHost {
  return {
    ...filesBelow("/"),
    facts: hostFacts(),
    addonProblem() {
      try {
        gettid();
        return undefined;
      } catch (error) {
        if (error instanceof AddonError) return error.message;
        throw error;
      }
    },
    prober: kernelProber,
    perfEvent(type, config) {
      try {
        perfEventOpen({ type, config, pid: 0, name: "doctor" }).close();
        return "yes";
      } catch (error) {
        if (error instanceof SysError) return error.code;
        throw error;
      }
    },
    bpfStatistics() {
      try {
        enableStats().close();
        return "yes";
      } catch (error) {
        if (error instanceof SysError) return error.code === "EPERM" ? "denied" : "no";
        throw error;
      }
    },
    cgroupParent: (hierarchy) => {
      const parent = writableParent({ hierarchy, table: hostProcesses });
      return parent && resolve(parent);
    },
  };
}

/** Files of a tree that looks like the root of a file system. */
export function filesBelow(root: string): Pick<DoctorHost, "read" | "list"> {
  return {
    read: (path) => unlessAbsent(() => readFileSync(join(root, path), "utf8").trim()),
    list: (path) => unlessAbsent(() => readdirSync(join(root, path))) ?? [],
  };
}

function unlessAbsent<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    // Whatever keeps a file from being read, it tells us nothing; the checks say what that means.
    if (errnoOf(error) === undefined) throw error;
    return undefined;
  }
}
