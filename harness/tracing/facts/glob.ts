/** Paths with `*` in them, expanded against the file system. */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { starMatcher } from "../../../compiler/sema/patterns.ts";

/** The existing paths that match, sorted. `*` stands for anything within one part of a path; leading dots are to be given. */
export function glob(pattern: string, root = "/"): string[] {
  const absolute = pattern.startsWith("/");
  const parts = pattern.split("/").filter((part) => part !== "");
  let found = [absolute ? "/" : ""];
  for (const part of parts) {
    found = found.flatMap((folder) => {
      if (!part.includes("*")) return [join(folder, part)].filter((path) => existsSync(at(root, path)));
      const matches = starMatcher(part);
      return names(at(root, folder))
        .filter((name) => matches(name) && (!name.startsWith(".") || part.startsWith(".")))
        .map((name) => join(folder, name));
    });
  }
  const prefix = pattern.startsWith("./") ? "./" : "";
  return found.map((path) => prefix + path).sort();
}

/** Relative paths are those of the current directory, whatever the root. */
function at(root: string, path: string): string {
  return path.startsWith("/") ? join(root, path) : path || ".";
}

function names(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    // Not a folder, or not for us: nothing in it matches.
    return [];
  }
}
