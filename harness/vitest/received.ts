/** What the matchers are handed, and how they speak of it. */
import { Trace } from "../in-process/result.ts";

/** The trace in an expect(). Throws TypeError for anything else, whether the expectation is negated or not. */
export function traceOf(received: unknown, matcher: string): Trace {
  if (received instanceof Trace) return received;
  const hint = received instanceof Promise ? "; it was handed a promise: `expect(await trace(...))`" : "";
  throw new TypeError(`${matcher}() needs what trace() answers${hint}`);
}

/** `the function`, `the command`: for messages. */
export function subject(trace: Trace): string {
  return `the ${trace.kind}`;
}

/** `a, b and 3 more` */
export function shortList(items: readonly string[], limit = 8): string {
  const rest = items.length - limit;
  return rest > 0 ? `${items.slice(0, limit).join(", ")} and ${rest} more` : items.join(", ");
}
