/**
 * Patterns of paths: `*` and `?` within a name, `**` across folders, `[abc]` and `[!abc]`, `{a,b}`; a backslash makes the next
 * character plain. The whole path has to match.
 */

const SPECIAL = /[\\^$.*+?()[\]{}|/]/;

/** The pattern as a regular expression. Throws SyntaxError for a pattern with an open bracket or brace. */
export function globToRegExp(glob: string): RegExp {
  const [source, end] = translate(glob, 0, "");
  if (end < glob.length) throw new SyntaxError(`there is no { for the } in \`${glob}\``);
  return new RegExp(`^${source}$`, "su");
}

/** Translates up to the end, or up to the brace that closes the alternatives in which it is. */
function translate(glob: string, start: number, closing: "" | "}"): [source: string, end: number] {
  let source = "";
  for (let i = start; i < glob.length; ) {
    const char = String.fromCodePoint(glob.codePointAt(i)!);
    if (glob.startsWith("**/", i) && (i === 0 || glob[i - 1] === "/")) {
      source += "(?:.*/)?";
      i += 3;
    } else if (glob.startsWith("**", i)) {
      source += ".*";
      i += 2;
    } else if (char === "*") {
      source += "[^/]*";
      i++;
    } else if (char === "?") {
      source += "[^/]";
      i++;
    } else if (char === "[") {
      const end = glob.indexOf("]", i + 2);
      if (end < 0) throw new SyntaxError(`there is no ] for the [ in \`${glob}\``);
      const [, negated, members] = /^([!^]?)(.*)$/su.exec(glob.slice(i + 1, end))!;
      // no range may reach a slash
      source += `(?!/)[${negated ? "^" : ""}${members!.replace(/[\\\]^[&~|]/g, "\\$&")}]`;
      i = end + 1;
    } else if (char === "{") {
      const [alternatives, end] = translate(glob, i + 1, "}");
      if (glob[end] !== "}") throw new SyntaxError(`there is no } for the { in \`${glob}\``);
      source += `(?:${alternatives})`;
      i = end + 1;
    } else if (char === "}") {
      return [source, i];
    } else if (char === "," && closing === "}") {
      source += "|";
      i++;
    } else {
      const plain = char === "\\" && i + 1 < glob.length ? String.fromCodePoint(glob.codePointAt(i + 1)!) : char;
      source += SPECIAL.test(plain) ? `\\${plain}` : plain;
      i += plain.length + (char === "\\" && i + 1 < glob.length ? 1 : 0);
    }
  }
  return [source, glob.length];
}
