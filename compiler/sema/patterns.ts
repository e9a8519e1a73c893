/** Wildcards in attach points: `*` stands for any run of characters. */

/** Whether a part of an attach point is a pattern. Where names may hold brackets themselves, only `*` makes one. */
export function isWildcard(text: string): boolean {
  return /[*?[]/.test(text);
}

export function matching(pattern: string, names: Iterable<string>): string[] {
  const matches = matcher(pattern);
  return [...names].filter(matches);
}

/**
 * Names of two parts, joined by a colon, that match a pattern's parts: a single one is about the second part of a name. An
 * empty part leaves open what stands there.
 */
export function matchingParts(parts: readonly string[], names: Iterable<string>): string[] {
  if (parts.length > 2) return [];
  const [first, second] = parts.length === 2 ? parts : ["*", parts[0]];
  return matching(`${first || "*"}:${second || "*"}`, names).sort();
}

/** A test for names: `*` any run of characters, `?` one, `[abc]` one of these. */
export function matcher(pattern: string): (name: string) => boolean {
  if (!/[?[]/.test(pattern)) return starMatcher(pattern);
  const source = pattern
    .replace(/[.+^${}()|\\]/g, "\\$&")
    .replaceAll("*", ".*")
    .replaceAll("?", ".");
  try {
    const regex = new RegExp(`^${source}$`, "s");
    return (name) => regex.test(name);
  } catch {
    // Brackets that are none of a set.
    return starMatcher(pattern);
  }
}

/** A test for names in which only `*` is special, as in symbols, which may contain everything else. */
export function starMatcher(pattern: string): (name: string) => boolean {
  const [first = "", ...others] = pattern.split("*");
  if (others.length === 0) return (name) => name === pattern;
  const last = others.pop()!;
  return (name) => {
    if (name.length < first.length + last.length || !name.startsWith(first) || !name.endsWith(last)) return false;
    const end = name.length - last.length;
    let at = first.length;
    for (const part of others) {
      const found = name.indexOf(part, at);
      if (found < 0 || found + part.length > end) return false;
      at = found + part.length;
    }
    return true;
  };
}
