/** Signal numbers as text: what signal_name() of a script prints. The words are those of the C library. */

const NAMES: readonly string[] = [
  "Hangup",
  "Interrupt",
  "Quit",
  "Illegal instruction",
  "Trace/breakpoint trap",
  "Aborted",
  "Bus error",
  "Floating point exception",
  "Killed",
  "User defined signal 1",
  "Segmentation fault",
  "User defined signal 2",
  "Broken pipe",
  "Alarm clock",
  "Terminated",
  "Stack fault",
  "Child exited",
  "Continued",
  "Stopped (signal)",
  "Stopped",
  "Stopped (tty input)",
  "Stopped (tty output)",
  "Urgent I/O condition",
  "CPU time limit exceeded",
  "File size limit exceeded",
  "Virtual timer expired",
  "Profiling timer expired",
  "Window changed",
  "I/O possible",
  "Power failure",
  "Bad system call",
];

const FIRST_REAL_TIME = 34n;
const LAST = 64n;

/** The name of a signal; "N/A" for a number that no signal can have. */
export function signalName(signal: bigint): string {
  if (signal < 0n || signal > LAST) return "N/A";
  // 32 and 33 belong to the C library.
  if (signal >= FIRST_REAL_TIME) return `Real-time signal ${signal - FIRST_REAL_TIME}`;
  return NAMES[Number(signal) - 1] ?? `Unknown signal ${signal}`;
}
