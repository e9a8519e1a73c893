/**
 * The kernel's interfaces for tracing, one function a system call. Everything that is open is an `Fd` with one owner;
 * every failure is a `SysError` with its errno; every buffer is checked before the kernel gets its address. What to do
 * with all this is decided elsewhere.
 */
export * from "./abi.ts";
export { AddonError } from "./addon.ts";
export { type ErrorObject, LoadError, SysError } from "./errors.ts";
export { Fd, openFds } from "./fd.ts";
export * from "./map.ts";
export * from "./mapped.ts";
export * from "./object.ts";
export * from "./perf.ts";
export * from "./perf-ring.ts";
export * from "./poll.ts";
export * from "./prog.ts";
export * from "./ptrace.ts";
export * from "./ringbuf.ts";
export * from "./spawn.ts";
export * from "./stream.ts";
export * from "./symbols.ts";
export * from "./sys.ts";
export * from "./wait.ts";
