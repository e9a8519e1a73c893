/**
 * V8 optimises functions that run often, on the assumption that they will go on running. Compiling a script is over before that
 * pays: optimising the compiler takes as long as all that it then does, even for a script of thousands of lines. So V8 leaves it out
 * until the script is compiled. For a short script it would not have begun, and asking it costs more than it saves.
 */

/** Characters above which a script is worth the asking. */
const LONG = 2000;

/** Runs what a command does once with a script of this length. */
export function unoptimised<T>(length: number, work: () => T): T {
  if (length < LONG) return work();
  const { setFlagsFromString } = process.getBuiltinModule("node:v8");
  setFlagsFromString("--no-opt");
  try {
    return work();
  } finally {
    setFlagsFromString("--opt");
  }
}
