/** Probes that fire by the clock or by a counter: interval, profile, software and hardware events. */
import { nearestAll } from "../../diagnostics.ts";
import type { AttachPoint } from "../../syntax/ast.ts";
import { matching } from "../patterns.ts";
import type { Found, Listing, Provider, Request, ResolveContext } from "./provider.ts";

interface PerfEvent {
  config: number;
  /** Events between two firings where the script does not say. */
  period: number;
}

const SOFTWARE_EVENTS: Record<string, PerfEvent> = {
  "cpu-clock": { config: 0, period: 1_000_000 },
  cpu: { config: 0, period: 1_000_000 },
  "task-clock": { config: 1, period: 1_000_000 },
  "page-faults": { config: 2, period: 100 },
  faults: { config: 2, period: 100 },
  "context-switches": { config: 3, period: 1000 },
  cs: { config: 3, period: 1000 },
  "cpu-migrations": { config: 4, period: 1 },
  "minor-faults": { config: 5, period: 100 },
  "major-faults": { config: 6, period: 1 },
  "alignment-faults": { config: 7, period: 1 },
  "emulation-faults": { config: 8, period: 1 },
  dummy: { config: 9, period: 1 },
  "bpf-output": { config: 10, period: 1 },
};

const HARDWARE_EVENTS: Record<string, PerfEvent> = {
  "cpu-cycles": { config: 0, period: 1_000_000 },
  cycles: { config: 0, period: 1_000_000 },
  instructions: { config: 1, period: 1_000_000 },
  "cache-references": { config: 2, period: 1_000_000 },
  "cache-misses": { config: 3, period: 1_000_000 },
  "branch-instructions": { config: 4, period: 100_000 },
  branches: { config: 4, period: 100_000 },
  "branch-misses": { config: 5, period: 100_000 },
  "bus-cycles": { config: 6, period: 100_000 },
  "frontend-stalls": { config: 7, period: 1_000_000 },
  "backend-stalls": { config: 8, period: 1_000_000 },
  "ref-cycles": { config: 9, period: 1_000_000 },
};

const UNITS_NS: Record<string, number> = { ns: 1, us: 1e3, ms: 1e6, s: 1e9, m: 60e9, h: 3600e9, d: 86_400e9 };

/** Those that are listed: the usual ones. */
const UNITS = ["hz", "ms", "s", "us"];

export const timedProviders: readonly Provider[] = [
  {
    name: "interval",
    aliases: ["i"],
    form: "interval:s:1",
    parts: [1, 2],
    resolve: interval,
    listing: { byTypeOnly: true, ...periodic(UNITS) },
  },
  {
    name: "profile",
    aliases: ["p"],
    form: "profile:hz:99",
    parts: [1, 2],
    resolve: profile,
    listing: { byTypeOnly: true, ...periodic(UNITS) },
  },
  {
    name: "software",
    aliases: ["s"],
    form: "software:event:count",
    parts: [1, 2],
    resolve: perfCounter("software", SOFTWARE_EVENTS),
    listing: periodic(Object.keys(SOFTWARE_EVENTS)),
  },
  {
    name: "hardware",
    aliases: ["h"],
    form: "hardware:event:count",
    parts: [1, 2],
    resolve: perfCounter("hardware", HARDWARE_EVENTS),
    listing: periodic(Object.keys(HARDWARE_EVENTS)),
  },
];

/** Listed with a colon behind, where a script says how often. */
function periodic(names: readonly string[]): Listing {
  return {
    names: ([name = "*"]) =>
      matching(name || "*", names)
        .map(unfinished)
        .sort(),
    listedAs: (name) => unfinished(name.split(":", 1)[0]!),
  };
}

function unfinished(name: string): string {
  return `${name}:`;
}

function interval({ point, parts, context }: Request): Found[] {
  const period = parsePeriod(point, parts, context);
  if (!period) return [];
  const periodNs = "hz" in period ? Math.round(1e9 / period.hz) : period.ns;
  return [{ name: nameOf("interval", parts, period), event: { kind: "interval", periodNs } }];
}

function profile({ point, parts, context }: Request): Found[] {
  const period = parsePeriod(point, parts, context);
  return period ? [{ name: nameOf("profile", parts, period), event: { kind: "profile", period } }] : [];
}

type Period = { ns: number } | { hz: number };

/** Durations in one word are all told in the same unit. */
function nameOf(provider: string, parts: readonly string[], period: Period): string {
  const isWord = parts.length === 1 && "ns" in period;
  return `${provider}:${isWord ? `us:${Math.floor(period.ns / 1000)}` : parts.join(":")}`;
}

/** `hz:99`, `s:1`, `1s`, or a bare number of nanoseconds. */
function parsePeriod(point: AttachPoint, parts: string[], { diags }: ResolveContext): Period | undefined {
  const [unit, text] = parts.length === 2 ? parts : splitDuration(parts[0]!);
  const help = "write it as `interval:s:1`, `interval:100ms` or `profile:hz:99`";
  if (unit !== "hz" && UNITS_NS[unit!] === undefined) {
    diags.error("attach-point-form", point.span, `\`${unit}\` is no unit of time`, { help });
    return undefined;
  }
  const count = Number(text?.replaceAll("_", ""));
  if (!Number.isSafeInteger(count) || count <= 0) {
    const shown = text === "" ? "a missing number" : `\`${text}\``;
    diags.error("attach-point-form", point.span, `${shown} is no positive number for a period`, { help });
    return undefined;
  }
  if (unit === "hz") return { hz: count };
  const ns = count * UNITS_NS[unit!]!;
  if (ns >= MIN_PERIOD_NS) return { ns };
  const { text: provider } = point.provider;
  const message = `Invalid rate of ${provider} probe. Minimum is ${MIN_PERIOD_NS} or 1us. Found: ${ns} nanoseconds`;
  diags.error("attach-point-form", point.span, message, { help });
  return undefined;
}

/** What is shorter would leave the machine no time for anything else. */
const MIN_PERIOD_NS = 1000;

function splitDuration(text: string): [unit: string, count: string] {
  const match = /^([0-9_]+(?:e[0-9]+)?)([a-z]*)$/.exec(text);
  return match ? [match[2] || "ns", match[1]!] : ["ns", text];
}

function perfCounter(kind: "software" | "hardware", events: Record<string, PerfEvent>): Provider["resolve"] {
  return ({ point, parts, context }) => {
    const [name, count] = parts as [string, string | undefined];
    const event = Object.hasOwn(events, name) ? events[name] : undefined;
    if (!event) {
      const near = nearestAll(name, Object.keys(events), 1)[0];
      context.diags.error("unknown-event", point.span, `unknown ${kind} event \`${name}\``, {
        help: near ? `did you mean \`${near}\`?` : `known ones: ${Object.keys(events).join(", ")}`,
      });
      return [];
    }
    const period = count ? Number(count.replaceAll("_", "")) : event.period;
    if (!Number.isSafeInteger(period) || period <= 0) {
      context.diags.error("attach-point-form", point.span, `\`${count}\` is no positive number of events`);
      return [];
    }
    return [
      {
        name: `${kind}:${parts.filter((p) => p !== "").join(":")}`,
        event: { kind: "perf-counter", class: kind, config: event.config, period },
      },
    ];
  };
}
