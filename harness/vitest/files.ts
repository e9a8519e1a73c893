/** toOpenFiles: which files were opened, against patterns. */
import { resolve } from "node:path";
import type { OpenedFile } from "../in-process/calls.ts";
import { TraceError } from "../in-process/errors.ts";
import type { Trace } from "../in-process/result.ts";
import { type Exactly, unwrap } from "./expectations.ts";
import { globToRegExp } from "./glob.ts";
import { shortList, subject, traceOf } from "./received.ts";
import { type MatcherResult, withDifference } from "./syscalls.ts";

/**
 * A path or a pattern of paths, see glob.ts; a relative one is seen from the working directory. A regular expression is held
 * against the absolute path where that is known, and against the path as it was given.
 */
export type FilePattern = string | RegExp;

export function toOpenFiles(
  received: unknown,
  expected: readonly FilePattern[] | Exactly<readonly FilePattern[]>,
): MatcherResult {
  const trace = traceOf(received, "toOpenFiles");
  const { expected: patterns, complete } = unwrap(expected);
  const matches = patterns.map(matcher);
  const missing = patterns.filter((_, i) => !trace.opened.some(matches[i]!));
  const others = complete ? trace.opened.filter((file) => !matches.some((match) => match(file))) : [];
  refuseDoubt(trace, missing.length > 0 || complete);
  const paths = trace.opened.map(({ path }) => path);
  const wanted = shortList(patterns.map(String));
  return withDifference({
    pass: missing.length === 0 && others.length === 0,
    message: () =>
      missing.length === 0 && others.length === 0
        ? `${subject(trace)} was expected not to open ${complete ? "exactly " : ""}${wanted}, but it did`
        : [
            ...(missing.length > 0
              ? [`${subject(trace)} was expected to open ${shortList(missing.map(String))}, but it did not`]
              : []),
            ...(others.length > 0
              ? [`${subject(trace)} was not expected to open ${shortList(others.map(({ path }) => path))}`]
              : []),
            `opened: ${paths.length === 0 ? "nothing" : shortList(paths, 20)}`,
            ...(trace.failed.length > 0
              ? [`failed: ${shortList(trace.failed.map(({ path, error }) => `${path} (${error})`))}`]
              : []),
          ].join("\n"),
    expected: patterns.map(String),
    actual: paths,
  });
}

/** Whether an opened file is meant by a pattern. */
function matcher(pattern: FilePattern): (file: OpenedFile) => boolean {
  if (pattern instanceof RegExp) {
    // A sticky or global expression would remember where it stopped.
    const expression = new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, ""));
    return (file) => forms(file).some((path) => expression.test(path));
  }
  const anywhere = pattern.startsWith("/") || pattern.startsWith("**");
  const expressions = [pattern, ...(anywhere ? [] : [absolutePattern(pattern)])].map(globToRegExp);
  return (file) => forms(file).some((path) => expressions.some((expression) => expression.test(path)));
}

/** The working directory is no pattern, whatever characters it has. */
function absolutePattern(pattern: string): string {
  return `${process.cwd().replace(/[\\*?[\]{},]/g, "\\$&")}/${pattern.replace(/^(\.\/)+/, "")}`;
}

/** A file's path as it was given, and as it is seen from everywhere. */
function forms({ path, fromHere }: OpenedFile): string[] {
  return fromHere || path.startsWith("/") ? [path, resolve(path)] : [path];
}

/** Files that others may have opened decide nothing. */
function refuseDoubt({ unattributed }: Trace, decides: boolean): void {
  if (decides && unattributed !== undefined && unattributed.opened.length > 0)
    throw new TraceError(
      `it cannot be said who opened ${shortList(unattributed.opened.map(({ path }) => path))}: ${unattributed.reason}`,
    );
}
