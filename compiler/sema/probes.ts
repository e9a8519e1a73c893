/**
 * Attach points become concrete probes: wildcards are matched against what the kernel and the binaries have, and each
 * probe learns which event it is served from and which arguments it offers. Providers are rows of tables, a file for each
 * family of them; adding one touches one row.
 */
import { didYouMean } from "../diagnostics.ts";
import type { AttachPoint, Probe } from "../syntax/ast.ts";
import { useOwnTracepoints } from "./own-tracepoints.ts";
import { iteratorProviders } from "./providers/iterators.ts";
import { kernelFunctionProviders } from "./providers/kernel-functions.ts";
import { ALWAYS, ownProviders } from "./providers/own.ts";
import {
  type ContextNeeds,
  type OwnTracepoint,
  once,
  type Provider,
  type ResolveContext,
  type ResolvedBlock,
  type ResolvedProbe,
} from "./providers/provider.ts";
import { timedProviders } from "./providers/timed.ts";
import { tracepointProviders } from "./providers/tracepoints.ts";
import { userProviders } from "./providers/uprobes.ts";
import { usdtProviders } from "./providers/usdt.ts";
import { watchpointProviders } from "./providers/watchpoints.ts";

export type { ContextNeeds, ProbeEvent, ResolveContext, ResolvedBlock, ResolvedProbe } from "./providers/provider.ts";
export { addressSpaceOf, isSystemCall, isUserCode } from "./providers/provider.ts";
export { SYSCALL_PROBE_IDS } from "./providers/tracepoints.ts";

export const PROVIDERS: readonly Provider[] = [
  ...ownProviders,
  ...tracepointProviders,
  ...timedProviders,
  ...userProviders,
  ...usdtProviders,
  ...kernelFunctionProviders,
  ...iteratorProviders,
  ...watchpointProviders,
];

/** By name and by alias. */
export const PROVIDER_BY_NAME: ReadonlyMap<string, Provider> = new Map(
  PROVIDERS.flatMap((p) => [p.name, ...p.aliases].map((name) => [name, p])),
);

/** Every probe of the script, block by block. What cannot be resolved is reported, and its block left out. */
export function resolveProbes(
  blocks: readonly Probe[],
  needsOf: (block: Probe) => ContextNeeds,
  context: ResolveContext,
): ResolvedBlock[] {
  let nextId = 0;
  const names = new Set<string>();
  const own = new Map<ResolvedProbe, OwnTracepoint>();
  const resolved = blocks.flatMap((block): ResolvedBlock[] => {
    const needs = needsOf(block);
    const errors = context.diags.errors.length;
    const probes = block.attachPoints.flatMap((point) => {
      const [spelling, ...parts] = wordsOf(point, context.parameters);
      const provider = PROVIDER_BY_NAME.get(spelling);
      if (!provider) return reportUnknownProvider(point, spelling, context);
      const [fewest, most] = provider.parts;
      if (parts.length < fewest || parts.length > most) {
        context.diags.error("attach-point-form", point.span, `${provider.name} probes are written ${provider.form}`);
        return [];
      }
      return provider.resolve({ point, spelling, parts, context, needs }).map((found) => {
        if (isOnDemand(provider) && names.has(found.name)) {
          context.diags.error("duplicate-probe", point.span, `the name of \`${found.name}\` is used twice`);
        }
        names.add(found.name);
        const probe: ResolvedProbe = {
          id: found.id ?? nextId++,
          name: found.name,
          provider: provider.name,
          event: found.event,
          idle: !isRun(provider, found.name, context),
          span: point.span,
          arguments: once(found.arguments ?? (() => undefined)),
        };
        if (found.own) own.set(probe, found.own);
        return probe;
      });
    });
    if (probes.length === 0 && context.diags.errors.length === errors) reportNoProbe(block, context);
    return context.diags.errors.length === errors ? [{ block, probes }] : [];
  });
  reportTooMany(resolved, context);
  useOwnTracepoints(
    resolved.flatMap(({ probes }) => probes),
    own,
  );
  return resolved;
}

function reportNoProbe({ attachPoints }: Probe, { missingProbes, diags, facts }: ResolveContext): void {
  const { span, provider, parts } = attachPoints[0]!;
  const message = "Probe has no valid attach points.";
  if (missingProbes === "warn") {
    diags.warning("no-probe", span, `${message} It is being removed which may cause issues with program behavior.`);
  } else if (missingProbes === "error") {
    const candidates = PROVIDER_BY_NAME.get(provider.text)?.candidates?.(facts) ?? [];
    const what = parts.some(({ text }) => text.includes("*")) ? "matches its wildcards" : "is called so";
    const help =
      didYouMean(parts.at(-1)?.text ?? "", candidates) ??
      `nothing ${what}; where that is expected, \`config = { missing_probes = warn }\` permits it`;
    diags.error("no-probe", span, message, { help });
  }
}

function reportTooMany(blocks: readonly ResolvedBlock[], { maxProbes, diags }: ResolveContext): void {
  const count = blocks.reduce((sum, { probes }) => sum + probes.filter(({ idle }) => !idle).length, 0);
  if (count <= maxProbes) return;
  const largest = blocks.reduce((a, b) => (a.probes.length >= b.probes.length ? a : b));
  const span = largest.probes[0]!.span;
  diags.error("too-many-probes", span, `the script has ${count} probes, and the limit is ${maxProbes}`, {
    help: "raise it in the script, `config = { max_probes = 5000 }`, or with BPFTRACE_MAX_PROBES",
  });
}

function providerNames(): string[] {
  return PROVIDERS.map((p) => p.name);
}

function isOnDemand({ name }: Provider): boolean {
  return name === "bench" || name === "test";
}

/** Benchmarks and tests are run when they are asked for, and then nothing but them. */
function isRun(provider: Provider, name: string, { mode, probeFilter }: ResolveContext): boolean {
  if (ALWAYS.has(provider.name)) return true;
  const wanted = mode === "trace" ? !isOnDemand(provider) : provider.name === mode;
  return wanted && probeFilter(name);
}

function reportUnknownProvider(point: AttachPoint, text: string, context: ResolveContext): [] {
  const { span } = point.provider;
  const aliases = [...PROVIDER_BY_NAME.keys()].filter((name) => name.length > 2);
  const near = didYouMean(text, providerNames()) ?? didYouMean(text, aliases);
  context.diags.error("unknown-probe-type", span, `Invalid probe type: ${text}`, {
    help: near ?? `known ones: ${providerNames().join(", ")}`,
  });
  return [];
}

/** What stands between the colons, after the parameters have been put in: these may bring colons of their own. */
function wordsOf({ provider, parts }: AttachPoint, parameters: readonly string[]): [string, ...string[]] {
  const words = [{ ...provider, quoted: false }, ...parts].flatMap(({ text, quoted }) =>
    quoted ? [text] : substitute(text, parameters).split(":"),
  );
  return words as [string, ...string[]];
}

function substitute(text: string, parameters: readonly string[]): string {
  return text.replace(/\$(\d+)/g, (_, index: string) => parameters[Number(index) - 1] ?? "");
}
