/** A cgroup v2 folder for one test. */
import { existsSync, mkdirSync, readFileSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";

/** Where cgroup v2 is mounted, or undefined. */
export const CGROUP2: string | undefined = readFileSync("/proc/self/mounts", "utf8")
  .split("\n")
  .map((line) => line.split(" "))
  .find(([, , type]) => type === "cgroup2")?.[1];

export interface TestCgroup {
  /** The folder. */
  path: string;
  /** As /proc/PID/cgroup has it. */
  name: string;
  remove(): Promise<void>;
}

let made = 0;

export function makeCgroup(): TestCgroup {
  if (CGROUP2 === undefined) throw new Error("cgroup v2 is not mounted");
  const name = `probewright-test-${process.pid}-${++made}`;
  const path = join(CGROUP2, name);
  mkdirSync(path);
  // a process that has ended leaves its cgroup a little later
  const remove = async (): Promise<void> => {
    for (let attempt = 0; attempt < 100 && existsSync(path); attempt++) {
      try {
        return rmdirSync(path);
      } catch {
        await setTimeout(10);
      }
    }
    if (existsSync(path)) throw new Error(`${path} is still in use`);
  };
  return { path, name: `/${name}`, remove };
}
