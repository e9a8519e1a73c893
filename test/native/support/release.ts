/** What a kernel cannot have for its age is left out: an interface that the addon only passes on has no probe of its own. */
import { release } from "node:os";
import { isAtLeast, parseVersion } from "../../../harness/tracing/facts/version.ts";

export function isOlderThan(major: number, minor: number): boolean {
  return !isAtLeast(parseVersion(release()), [major, minor]);
}
