/** Signals by name: their numbers are the same on the architectures that we know. */

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
