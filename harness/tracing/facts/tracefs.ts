/**
 * Tracepoints as tracefs lists them. It need not be mounted, and is closed to ordinary users: both are ordinary
 * situations, and each has its own remedy.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { TracepointFormat } from "../../../compiler/kernel-facts.ts";
import { CapabilityError, errnoOf } from "./capability-error.ts";
import { parseFormat } from "./format.ts";

/** The second one is where it was before Linux 4.1, and where debugfs still shows it. */
const MOUNTS = ["/sys/kernel/tracing", "/sys/kernel/debug/tracing"];

const MOUNT_TRACEFS = "mount -t tracefs none /sys/kernel/tracing";
const AS_ROOT = "run as root, or let your group in: mount -o remount,mode=750,gid=<group> /sys/kernel/tracing";

/** Where tracefs is mounted below `root`. Throws CapabilityError when it is not, or not for us. */
export function findTracefs(root = "/"): string {
  let denied: unknown;
  let missing: unknown;
  for (const mount of MOUNTS) {
    try {
      const directory = join(root, mount);
      readdirSync(join(directory, "events"));
      return directory;
    } catch (error) {
      if (errnoOf(error) === "EACCES" || errnoOf(error) === "EPERM") denied ??= error;
      else missing ??= error;
    }
  }
  if (denied !== undefined) throw new CapabilityError("tracepoints may not be read", AS_ROOT, denied);
  throw new CapabilityError("tracefs is not mounted", `run as root: ${MOUNT_TRACEFS}`, missing);
}

/** All tracepoints as `category:name`, in the kernel's order. Throws CapabilityError. */
export function readTracepoints(tracefs: string): string[] {
  const list = readList(join(tracefs, "available_events"));
  if (list === undefined) return walkEvents(join(tracefs, "events"));
  return list.split("\n").filter((line) => line !== "");
}

function walkEvents(events: string): string[] {
  const subdirectories = (path: string): string[] =>
    readdirSync(path, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name);
  return subdirectories(events).flatMap((category) =>
    subdirectories(join(events, category)).map((name) => `${category}:${name}`),
  );
}

/** One tracepoint's format; undefined when there is no such tracepoint. Throws CapabilityError. */
export function readFormat(tracefs: string, category: string, name: string): TracepointFormat | undefined {
  // A name from a script must not lead out of the directory.
  if (!/^[\w-]+$/.test(category) || !/^[\w-]+$/.test(name)) return undefined;
  const text = readList(join(tracefs, "events", category, name, "format"));
  return text === undefined ? undefined : parseFormat(text);
}

function readList(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const code = errnoOf(error);
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw new CapabilityError("tracepoints may not be read", AS_ROOT, error);
  }
}
