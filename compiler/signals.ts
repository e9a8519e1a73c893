/** Signals by name, and in words: their numbers are the same on the architectures that we know. */

const NAMES = (
  "HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP TSTP TTIN TTOU URG " +
  "XCPU XFSZ VTALRM PROF WINCH IO PWR SYS"
).split(" ");

const ALIASES: Readonly<Record<string, string>> = { IOT: "ABRT", POLL: "IO", CLD: "CHLD" };

export const MAX_SIGNAL = 64;

/** The number of a signal, named with or without its SIG. */
export function signalNumber(name: string): number | undefined {
  const short = name.startsWith("SIG") ? name.slice(3) : name;
  const index = NAMES.indexOf(ALIASES[short] ?? short);
  return index < 0 ? undefined : index + 1;
}

export function signalNames(): string[] {
  return NAMES.map((name) => `SIG${name}`);
}

/** In the words of the C library, from signal 1 on. */
const WORDS: readonly string[] = [
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

const FIRST_REAL_TIME = 34;

/** What signal_name() of a script stands for, by the signal's number. */
export function signalTexts(): string[] {
  return Array.from({ length: MAX_SIGNAL + 1 }, (_, signal) => {
    // 32 and 33 belong to the C library.
    if (signal >= FIRST_REAL_TIME) return `Real-time signal ${signal - FIRST_REAL_TIME}`;
    return WORDS[signal - 1] ?? `Unknown signal ${signal}`;
  });
}
