/**
 * V8 prepares for a process that goes on. It optimises functions that run often, and lets the space for new objects grow, to clean it
 * up less often. Compiling a script is over before either pays: optimising the compiler takes as long as all that it then does, even
 * for a script of thousands of lines, and the kernel takes longer to hand out 32 megabytes, in virtual machines above all, than V8
 * to clean up a few of them over and over. For a short script it would not have begun, and asking it costs more than it saves.
 */

/** Characters above which a script is worth the asking. */
const LONG = 2000;

/** Runs what a command does once with a script of this length. `settle` is for when it has the objects that it will keep. */
export function shortLived<T>(length: number, work: (settle: () => void) => T): T {
  if (length < LONG) return work(() => {});
  const { setFlagsFromString } = process.getBuiltinModule("node:v8");
  setFlagsFromString("--no-opt");
  try {
    return work(() => setFlagsFromString("--semi-space-growth-factor=1"));
  } finally {
    setFlagsFromString("--opt");
    setFlagsFromString("--semi-space-growth-factor=2");
  }
}
