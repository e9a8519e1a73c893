/** Probes that the tool itself fires: begin and end, signals that it gets, benchmarks and tests that it is asked to run. */
import { matchingParts } from "../patterns.ts";
import type { Found, Provider, Request } from "./provider.ts";

/** Signals that a script may listen to. */
const SIGNALS = ["SIGUSR1"];

export const ownProviders: readonly Provider[] = [
  { name: "begin", aliases: ["BEGIN"], form: "begin", parts: [0, 0], resolve: edge("begin") },
  { name: "end", aliases: ["END"], form: "end", parts: [0, 0], resolve: edge("end") },
  {
    name: "self",
    aliases: [],
    form: "self:signal:SIGUSR1",
    parts: [2, 2],
    resolve: selfEvent,
    listing: { byTypeOnly: true, names: signalNames },
  },
  { name: "bench", aliases: ["BENCH"], form: "bench:name", parts: [1, 1], resolve: onDemand("bench") },
  { name: "test", aliases: ["TEST"], form: "test:name", parts: [1, 1], resolve: onDemand("test") },
];

/** Providers that count in every mode. */
export const ALWAYS: ReadonlySet<string> = new Set(["begin", "end"]);

function edge(kind: "begin" | "end"): Provider["resolve"] {
  return () => [{ name: kind, event: { kind } }];
}

function selfEvent({ point, parts, context }: Request): Found[] {
  const [trigger, signal] = parts as [string, string];
  if (trigger !== "signal") {
    context.diags.error("unknown-event", point.span, `${trigger} is not a supported trigger`, {
      help: "there is only `self:signal:SIGUSR1`",
    });
    return [];
  }
  if (!SIGNALS.includes(signal)) {
    context.diags.error("unknown-event", point.span, `${signal} is not a supported signal`, {
      help: `known ones: ${SIGNALS.join(", ")}`,
    });
    return [];
  }
  return [{ name: `self:signal:${signal}`, event: { kind: "signal", signal } }];
}

function signalNames(parts: readonly string[]): string[] {
  return matchingParts(
    parts,
    SIGNALS.map((signal) => `signal:${signal}`),
  );
}

function onDemand(kind: "bench" | "test"): Provider["resolve"] {
  return ({ point, parts, context }) => {
    const [name] = parts as [string];
    if (name === "") {
      context.diags.error("attach-point-form", point.span, `${kind} probes must have a name`);
      return [];
    }
    return [{ name: `${kind}:${name}`, event: { kind, name } }];
  };
}
