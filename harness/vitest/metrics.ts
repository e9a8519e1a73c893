/** toStayUnder: a metric expression against a limit. */
import { TraceError } from "../in-process/errors.ts";
import { subject, traceOf } from "./received.ts";
import type { MatcherResult } from "./syscalls.ts";

export function toStayUnder(received: unknown, expression: string, limit: string | number): MatcherResult {
  const trace = traceOf(received, "toStayUnder");
  // Each alone first: what is no number by itself would be misread in a comparison.
  trace.measure(expression);
  trace.measure(String(limit));
  const { status, message } = trace.check(`${expression} < ${limit}`);
  if (status === "no-data") throw new TraceError(message);
  const pass = status === "pass";
  return { pass, message: () => `${subject(trace)} was expected ${pass ? "not " : ""}to stay under: ${message}` };
}
