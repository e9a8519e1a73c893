/** Named parameters that a script was given have to be some that it asks for with getopt(), always with one default. */
import { type Diagnostics, nearest } from "../diagnostics.ts";
import type { Span } from "../source.ts";
import type { Call, Probe, Script } from "../syntax/ast.ts";
import { nodesOf } from "../syntax/nodes.ts";
import type { Unit } from "./typed.ts";

export function checkNamedParameters(
  script: Script,
  given: Readonly<Record<string, string | true>>,
  diags: Diagnostics,
): void {
  const unknown = Object.keys(given);
  if (unknown.length === 0) return;
  const asked = askedFor(script);
  const unexpected = unknown.filter((name) => !asked.has(name));
  if (unexpected.length === 0) return;
  const { source } = script.span;
  const message = `unexpected program command line options: ${unexpected.map(written).join(", ")}`;
  const help = unexpected.includes("help") ? described(asked) : named(asked, unexpected[0]!);
  const code = unexpected.every((name) => name === "help") ? PARAMETER_HELP : "unknown-parameter";
  diags.error(code, { source, start: 0, end: 0 }, message, { help, elsewhere: true });
}

/** The code of the error that is none on a command line: there, --help asks for what is its help. */
export const PARAMETER_HELP = "parameter-help";

const written = (name: string): string => `--${name}`;
const NONE = "the script has no named parameters";

function named(asked: Asked, wanted: string): string {
  if (asked.size === 0) return NONE;
  const near = nearest(wanted, asked.keys());
  const all = `expected program options: ${[...asked.keys()].map(written).join(", ")}`;
  return near === undefined ? all : `${all}; did you mean ${written(near)}?`;
}

/** For who asks with --help: a line each. */
function described(asked: Asked): string {
  if (asked.size === 0) return NONE;
  const lines = [...asked].map(([name, what]) => (what === undefined ? written(name) : `${written(name)}: ${what}`));
  return ["expected program options:", ...lines].join("\n");
}

/** What the script asks for, with its descriptions. */
type Asked = ReadonlyMap<string, string | undefined>;

/** Calls of getopt(), in order of first appearance. */
function askedFor(script: Script): Asked {
  const asked = new Map<string, string | undefined>();
  for (const probe of script.probes) {
    for (const { args } of getoptCalls(probe)) {
      const [name, , what] = args;
      if (name?.kind !== "string") continue;
      asked.set(name.value, asked.get(name.value) ?? (what?.kind === "string" ? what.value : undefined));
    }
  }
  return asked;
}

/** Two defaults would make one parameter mean two things where it is not given. */
export function checkDefaults(units: readonly Unit[], diags: Diagnostics): void {
  const first = new Map<string, { value: unknown; span: Span }>();
  for (const { block, types } of units) {
    for (const { args, span } of getoptCalls(block)) {
      const [name, fallback] = args;
      if (name?.kind !== "string") continue;
      const isValue = fallback && fallback.kind !== "type-name" && fallback.kind !== "block";
      const type = isValue ? types.get(fallback) : undefined;
      const value = type && "value" in type ? type.value : false;
      const known = first.get(name.value);
      if (!known) first.set(name.value, { value, span });
      else if (value !== known.value) {
        const labels = [{ span: known.span, message: "the other default" }];
        diags.error("parameter-default", span, `${written(name.value)} has another default elsewhere`, { labels });
      }
    }
  }
}

function getoptCalls(block: Probe): Call[] {
  return nodesOf(block, "call").filter(({ callee }) => callee.text === "getopt");
}
