/**
 * Which open descriptors serve the runtime itself and not the program: the eventfds and pipes by which libuv wakes its
 * loops, and the channel to the parent process, over which a test runner's worker reports. What is read from and written to
 * them happens whenever it happens, and is nobody's doing.
 */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";

/** Whether a descriptor, now open, serves the runtime. One that is closed by now does not. */
export function servesRuntime(descriptor: number): boolean {
  if (descriptor === channel()) return true;
  const target = targetOf(descriptor);
  // Node lets a program make neither an eventfd nor a pipe with both ends in one process.
  return target === EVENTFD || (target?.startsWith("pipe:") === true && endsOpen(target) > 1);
}

/** All eventfds of this process. */
export function eventfds(): number[] {
  return openDescriptors().filter(isEventfd);
}

export function isEventfd(descriptor: number): boolean {
  return targetOf(descriptor) === EVENTFD;
}

/** Whether a wake-up waits in an eventfd. */
export function hasPendingWakeUp(eventfd: number): boolean {
  const info = readIfThere(`/proc/self/fdinfo/${eventfd}`) ?? "";
  return !/^eventfd-count:\s*0+$/m.test(info);
}

let knownChannel: number | undefined;

/** The descriptor of process.channel, of which Node tells in the environment that the process began with. */
function channel(): number | undefined {
  if (process.channel === undefined || process.channel === null) return undefined;
  knownChannel ??= Number(
    /(?:^|\0)NODE_CHANNEL_FD=(\d+)/.exec(readFileSync("/proc/self/environ", "latin1"))?.[1] ?? -1,
  );
  return knownChannel;
}

/** As /proc names it. */
const EVENTFD = "anon_inode:[eventfd]";

function endsOpen(pipe: string): number {
  return openDescriptors().filter((descriptor) => targetOf(descriptor) === pipe).length;
}

function openDescriptors(): number[] {
  return readdirSync("/proc/self/fd").map(Number);
}

/** What a descriptor is open on; undefined when it is closed. */
function targetOf(descriptor: number): string | undefined {
  try {
    return readlinkSync(`/proc/self/fd/${descriptor}`);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "latin1");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
