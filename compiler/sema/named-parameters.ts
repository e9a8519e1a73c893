/** Named parameters that a script was given have to be some that it asks for with getopt(). */
import { type Diagnostics, nearest } from "../diagnostics.ts";
import type { Script } from "../syntax/ast.ts";
import { walk } from "../syntax/walk.ts";

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
  const written = (names: Iterable<string>): string => [...names].map((name) => `--${name}`).join(", ");
  const near = nearest(unexpected[0]!, asked);
  const all = asked.size === 0 ? "the script has no named parameters" : `expected program options: ${written(asked)}`;
  const { source } = script.span;
  diags.error(
    "unknown-parameter",
    { source, start: 0, end: 0 },
    `unexpected program command line options: ${written(unexpected)}`,
    { help: near ? `did you mean \`--${near}\`? ${all}` : all },
  );
}

/** Names in calls of getopt(), in order of first appearance. */
function askedFor(script: Script): Set<string> {
  const names = new Set<string>();
  for (const probe of script.probes) {
    walk(probe, (node) => {
      const [first] = node.kind === "call" && node.callee.text === "getopt" ? node.args : [];
      if (first?.kind === "string") names.add(first.value);
    });
  }
  return names;
}
