/** toMakeSyscalls, toMakeNoSyscalls: counts of system calls against what is expected of them. */
import type { Counts } from "../in-process/calls.ts";
import { TraceError } from "../in-process/errors.ts";
import type { Trace } from "../in-process/result.ts";
import { checkedName, RUNTIME_CALLS } from "../in-process/syscall-names.ts";
import { type Exactly, type Range, rangeOf, unwrap } from "./expectations.ts";
import { shortList, subject, traceOf } from "./received.ts";

/** System calls that are met often, for completion in editors; every other name is good too. */
export type SyscallName =
  | "accept4"
  | "access"
  | "bind"
  | "chdir"
  | "chmod"
  | "chown"
  | "clock_nanosleep"
  | "clone"
  | "clone3"
  | "close"
  | "connect"
  | "copy_file_range"
  | "dup"
  | "dup2"
  | "dup3"
  | "execve"
  | "fallocate"
  | "fchmod"
  | "fchown"
  | "fcntl"
  | "fdatasync"
  | "flock"
  | "fork"
  | "fstat"
  | "fsync"
  | "ftruncate"
  | "futex"
  | "getcwd"
  | "getdents64"
  | "getpid"
  | "getrandom"
  | "getsockname"
  | "getsockopt"
  | "inotify_add_watch"
  | "ioctl"
  | "kill"
  | "link"
  | "listen"
  | "lseek"
  | "lstat"
  | "madvise"
  | "mkdir"
  | "mkdirat"
  | "mmap"
  | "mprotect"
  | "munmap"
  | "nanosleep"
  | "newfstatat"
  | "open"
  | "openat"
  | "openat2"
  | "pipe2"
  | "poll"
  | "ppoll"
  | "pread64"
  | "preadv"
  | "pwrite64"
  | "pwritev"
  | "read"
  | "readlink"
  | "readv"
  | "recvfrom"
  | "recvmsg"
  | "rename"
  | "renameat2"
  | "rmdir"
  | "sendfile"
  | "sendmsg"
  | "sendto"
  | "setsockopt"
  | "shutdown"
  | "socket"
  | "socketpair"
  | "splice"
  | "stat"
  | "statfs"
  | "statx"
  | "symlink"
  | "sync"
  | "sync_file_range"
  | "syncfs"
  | "truncate"
  | "unlink"
  | "unlinkat"
  | "utimensat"
  | "vfork"
  | "wait4"
  | "write"
  | "writev"
  | (string & {});

/** How often each may be called. */
export type SyscallExpectation = { readonly [Name in SyscallName]?: number | Range };

export interface MatcherResult {
  pass: boolean;
  message: () => string;
  actual?: unknown;
  expected?: unknown;
}

/** Without a difference where there is none: vitest would remark on it under an expectation that was negated. */
export function withDifference({ pass, message, actual, expected }: Required<MatcherResult>): MatcherResult {
  return pass ? { pass, message } : { pass, message, actual, expected };
}

export function toMakeSyscalls(
  received: unknown,
  expected: SyscallExpectation | Exactly<SyscallExpectation>,
): MatcherResult {
  const trace = traceOf(received, "toMakeSyscalls");
  const { expected: wanted, complete } = unwrap(expected);
  const ranges = new Map<string, Range>();
  for (const [written, count] of Object.entries(wanted)) {
    const name = checkedName(written);
    if (ranges.has(name)) throw new TraceError(`\`${written}\` is another name of ${name}, which is mentioned too`);
    ranges.set(name, rangeOf(count as number | Range));
  }
  const others = complete ? [...Object.keys(deliberate(trace)), ...doubtful(trace)] : [];
  const names = [...new Set([...ranges.keys(), ...others])];
  const wrong = names.filter((name) => !isIn(trace, name, ranges.get(name) ?? NONE));
  const shown = (name: string): number | string => figure(ranges.get(name) ?? NONE);
  return withDifference({
    pass: wrong.length === 0,
    message: () =>
      wrong.length === 0
        ? `${subject(trace)} was expected not to make ${complete ? "exactly " : ""}these system calls, but it did: ${list(ranges)}`
        : [...wrong.map((name) => complaint(trace, name, ranges.get(name))), ...openedBy(trace, wrong)].join("\n"),
    expected: Object.fromEntries([...ranges.keys()].map((name) => [name, shown(name)])),
    actual: Object.fromEntries(
      names.flatMap((name): [string, number | string][] => {
        if (wrong.includes(name)) return [[name, trace.syscalls[name] ?? 0]];
        return ranges.has(name) ? [[name, shown(name)]] : [];
      }),
    ),
  });
}

export function toMakeNoSyscalls(received: unknown, ...names: SyscallName[]): MatcherResult {
  const trace = traceOf(received, "toMakeNoSyscalls");
  const all = names.length === 0;
  const forbidden = all ? [...Object.keys(deliberate(trace)), ...doubtful(trace)] : names.map(checkedName);
  const made = [...new Set(forbidden)].filter((name) => !isIn(trace, name, NONE));
  const what = all ? "any system calls" : shortList(names);
  return withDifference({
    pass: made.length === 0,
    message: () =>
      made.length === 0
        ? `${subject(trace)} was expected to make ${what}, but it made none`
        : [
            `${subject(trace)} was expected not to make ${what}, but it made ${shortList(made.map((name) => `${trace.syscalls[name]} ${name}`))}`,
            ...openedBy(trace, made),
          ].join("\n"),
    expected: {},
    actual: Object.fromEntries(made.map((name) => [name, trace.syscalls[name]])),
  });
}

const NONE = rangeOf(0);

/** The calls that are the program's own doing. In a command all are. */
export function deliberate({ kind, syscalls }: Trace): Counts {
  if (kind === "command") return syscalls;
  return Object.fromEntries(Object.entries(syscalls).filter(([name]) => !RUNTIME_CALLS.has(name)));
}

/** Calls of which it cannot be said whether the function made them. */
export function doubtful({ unattributed }: Trace): string[] {
  return Object.keys(unattributed?.syscalls ?? {}).filter((name) => !RUNTIME_CALLS.has(name));
}

/** Whether a count lies in a range. Throws TraceError where that depends on calls that cannot be attributed. */
function isIn({ syscalls, unattributed }: Trace, name: string, { min, max }: Range): boolean {
  const least = syscalls[name] ?? 0;
  const most = least + (unattributed?.syscalls[name] ?? 0);
  if (least >= min && most <= max) return true;
  if (most < min || least > max) return false;
  throw new TraceError(`between ${least} and ${most} ${name} were made: ${unattributed?.reason}`);
}

function complaint(trace: Trace, name: string, range: Range | undefined): string {
  const made = trace.syscalls[name] ?? 0;
  if (range === undefined) return `${subject(trace)} made ${made} ${name}, which was not expected`;
  const off = made > range.max ? `${made - range.max} too many` : `${range.min - made} too few`;
  return `${subject(trace)} was expected to make ${range} ${name}, but it made ${made} (${off})`;
}

const OPENS: ReadonlySet<string> = new Set(["open", "openat", "openat2", "creat"]);

/** Of calls that open files the paths say more than the number. */
function openedBy({ opened, failed }: Trace, names: readonly string[]): string[] {
  if (!names.some((name) => OPENS.has(name)) || opened.length + failed.length === 0) return [];
  const times = (count: number): string => (count === 1 ? "" : ` (${count} times)`);
  return [
    `files: ${shortList([
      ...opened.map(({ path, count }) => `${path}${times(count)}`),
      ...failed.map(({ path, error, count }) => `${path}: ${error}${times(count)}`),
    ])}`,
  ];
}

/** A fixed count as a number, a range in words. */
function figure(range: Range): number | string {
  return range.min === range.max ? range.min : String(range);
}

function list(ranges: ReadonlyMap<string, Range>): string {
  return ranges.size === 0 ? "none" : [...ranges].map(([name, range]) => `${range} ${name}`).join(", ");
}
