/**
 * What `-l` prints: the probes and types that match a pattern, and those that a script attaches to. Everything is handed out line
 * by line, because there may be hundreds of thousands.
 */
import type { TypeId } from "../btf/types.ts";
import { didYouMean, nearestAll } from "../diagnostics.ts";
import type { KernelFacts } from "../kernel-facts.ts";
import { starMatcher } from "./patterns.ts";
import { PROVIDER_BY_NAME, PROVIDERS, type ResolvedBlock } from "./probes.ts";
import { ALWAYS } from "./providers/own.ts";
import type { Provider } from "./providers/provider.ts";

export interface ListOptions {
  facts: KernelFacts;
  /** Process of -p: its files are searched where a pattern names none. */
  targetPid: number | undefined;
  /** Arguments of probes and members of types are wanted, too. */
  verbose: boolean;
  /** Takes what keeps something from being listed. */
  warn(message: string, help?: string): void;
}

/** What matches a pattern, or one of several with commas between them: texts of one line or more, without the last line break. */
export function* listMatches(search: string, options: ListOptions): Generator<string> {
  for (const pattern of splitOutside(search, ",")) {
    let found = false;
    let warned = false;
    const warn = (message: string, help?: string): void => {
      warned = true;
      options.warn(message, help);
    };
    for (const line of matchesOf(pattern, { ...options, warn })) {
      found = true;
      yield line;
    }
    if (!found && !warned) options.warn(`nothing matches '${pattern}'`, suggestion(pattern, options));
  }
}

/** The probes of a script, in its order; what the tool itself fires at its begin and end is none. */
export function* listBlocks(blocks: readonly ResolvedBlock[], options: ListOptions): Generator<string> {
  for (const { name, provider } of blocks.flatMap(({ probes }) => probes)) {
    if (ALWAYS.has(provider)) continue;
    const row = PROVIDER_BY_NAME.get(provider)!;
    const own = name.slice(provider.length + 1);
    yield probeText(row, row.listing?.listedAs?.(own) ?? own, options);
  }
}

function matchesOf(pattern: string, options: ListOptions): Iterable<string> {
  const [, keyword, name] = TYPE_PATTERN.exec(pattern) ?? [];
  return keyword === undefined ? probesOf(pattern, options) : typesOf(keyword as TypeKeyword, name!, options);
}

const TYPE_PATTERN = /^\s*(struct|union|enum)\s+(\S+)\s*$/;
type TypeKeyword = "struct" | "union" | "enum";

function* probesOf(pattern: string, options: ListOptions): Generator<string> {
  const { providers, parts, anyType } = read(pattern);
  for (const provider of providers) {
    for (const name of provider.listing?.names(parts, { ...options, anyType }) ?? []) {
      yield probeText(provider, name, options);
    }
  }
}

/** `type:part:part`; what has no type is about all of them, but for a type's name alone. */
function read(pattern: string): { providers: readonly Provider[]; parts: string[]; anyType: boolean } {
  const words = splitOutside(pattern.trim(), ":").map((word) => word.replaceAll('"', ""));
  const [type, ...parts] = words.length === 1 && !providerNamed(words[0]!) ? ["*", ...words] : words;
  const named = providerNamed(type!);
  if (named) return { providers: [named], parts, anyType: false };
  if (!type!.includes("*")) return { providers: [], parts, anyType: false };
  const matches = starMatcher(type!);
  const providers = PROVIDERS.filter(({ name, listing }) => listing && !listing.byTypeOnly && matches(name));
  return { providers: providers.sort((a, b) => (a.name < b.name ? -1 : 1)), parts, anyType: true };
}

function providerNamed(type: string): Provider | undefined {
  return PROVIDER_BY_NAME.get(type) ?? PROVIDER_BY_NAME.get(type.toLowerCase());
}

function probeText({ name: provider, listing }: Provider, name: string, { facts, verbose }: ListOptions): string {
  const declarations = verbose ? (listing?.declarations?.(name, facts) ?? []) : [];
  return [`${provider}:${name}`, ...declarations].join("\n    ");
}

/** Of types that have one name, the first, which is the one that scripts get. */
function* typesOf(keyword: TypeKeyword, pattern: string, { facts, verbose }: ListOptions): Generator<string> {
  const matches = starMatcher(pattern);
  for (const module of [KERNEL, ...facts.modules()]) {
    const btf = facts.btf(module);
    const ids = new Map<string, TypeId>();
    for (const { id, name } of btf?.ownNamed(keyword) ?? []) if (matches(name) && !ids.has(name)) ids.set(name, id);
    for (const name of [...ids.keys()].sort()) {
      yield verbose ? `${module}: ${btf!.definition(ids.get(name)!)}\n` : `${keyword} ${name}`;
    }
  }
}

const KERNEL = "vmlinux";

/** What a pattern may have been meant to be that matches nothing. */
function suggestion(pattern: string, options: ListOptions): string | undefined {
  const [, keyword, name] = TYPE_PATTERN.exec(pattern) ?? [];
  if (keyword !== undefined) {
    const names = [...(options.facts.btf()?.named(keyword as TypeKeyword) ?? [])].map((type) => type.name);
    return didYouMean(name!, names);
  }
  const { providers, parts, anyType } = read(pattern);
  const type = pattern.split(":", 1)[0]!;
  if (providers.length === 0) return didYouMean(type, PROVIDER_BY_NAME.keys()) ?? `probe types: ${typeNames()}`;
  const [provider] = providers;
  if (anyType || parts.length === 0 || pattern.includes("*")) return undefined;
  const context = { ...options, anyType, warn: () => {} };
  const all = [...(provider!.listing?.names([...parts.slice(0, -1), "*"], context) ?? [])];
  const near = nearestAll(parts.join(":"), all, 3);
  return near.length === 0
    ? undefined
    : `did you mean ${near.map((each) => `\`${provider!.name}:${each}\``).join(", ")}?`;
}

function typeNames(): string {
  return PROVIDERS.filter(({ listing }) => listing)
    .map(({ name }) => name)
    .join(", ");
}

/** Splits at a separator that is neither in parentheses nor in quotes. */
function splitOutside(text: string, separator: string): string[] {
  const words = [""];
  let depth = 0;
  let quoted = false;
  for (const char of text) {
    if (char === '"') quoted = !quoted;
    else if (char === "(") depth++;
    else if (char === ")") depth--;
    if (char === separator && depth <= 0 && !quoted) words.push("");
    else words[words.length - 1] += char;
  }
  return words;
}
