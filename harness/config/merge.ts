/**
 * Merges `defaults:` into a scenario. Mappings merge key by key, the scenario's side wins; lists and single values
 * replace. Where a mapping offers a choice (`command` or `shell`), choosing one drops the other of the defaults.
 */
import type { Entry, LocatedMap } from "./document.ts";

/** Keys of which one excludes the others, by the mapping in which they stand. */
const CHOICES: Readonly<Record<string, readonly string[]>> = {
  workload: ["command", "shell"],
  driver: ["command", "shell"],
  ready: ["tcp", "log", "file"],
};

/** `parent` is the key under which both mappings stand. */
export function mergeDefaults(defaults: LocatedMap, own: LocatedMap, parent = ""): LocatedMap {
  const choices = CHOICES[parent] ?? [];
  const chosen = choices.some((key) => own.entries.has(key));
  const entries = new Map<string, Entry>();
  for (const [key, entry] of defaults.entries) if (!chosen || !choices.includes(key)) entries.set(key, entry);
  for (const [key, entry] of own.entries) {
    const base = entries.get(key)?.value;
    const value =
      base?.kind === "map" && entry.value.kind === "map" ? mergeDefaults(base, entry.value, key) : entry.value;
    entries.set(key, { keySpan: entry.keySpan, value });
  }
  return { kind: "map", entries, span: own.span };
}
