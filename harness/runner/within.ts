/** Waiting with an end: every wait of a run gives up after its time, and at once when the user interrupts. */
import type { Clock } from "./host.ts";

export type Within<T> =
  | { readonly kind: "done"; readonly value: T }
  | { readonly kind: "timeout" }
  | { readonly kind: "interrupted" };

/** Waits for `promise`, but no longer than `ms` milliseconds and not beyond the interruption. Rejects as it does. */
export async function within<T>(
  clock: Clock,
  ms: number,
  interrupt: AbortSignal,
  promise: Promise<T>,
): Promise<Within<T>> {
  const stop = new AbortController();
  const onInterrupt = (): void => stop.abort();
  interrupt.addEventListener("abort", onInterrupt, { once: true });
  if (interrupt.aborted) stop.abort();
  const end = clock
    .sleep(ms, stop.signal)
    .then((): Within<T> => ({ kind: interrupt.aborted ? "interrupted" : "timeout" }));
  try {
    return await Promise.race([promise.then((value): Within<T> => ({ kind: "done", value })), end]);
  } finally {
    interrupt.removeEventListener("abort", onInterrupt);
    stop.abort();
  }
}
