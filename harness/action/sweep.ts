/**
 * Removes what a measurement has left that was killed: the tool itself, should it still run, processes of workloads,
 * cgroups, checkouts of comparisons. A tool that ended by itself leaves nothing, and then there is nothing to do.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { removeStaleCheckouts } from "../compare/checkouts.ts";
import { CompareError } from "../compare/error.ts";
import { Repository } from "../compare/git.ts";
import { nativeScopes } from "../runner/native-scopes.ts";
import { hostProcesses, identity, type ProcessInfo, type ProcessTable } from "../runner/processes.ts";
import { hostUsers, resolveUser } from "../runner/users.ts";

/** How long the tool has to end its workloads and clean up by itself. */
const PATIENCE_MS = 15_000;
const PAUSE_MS = 100;

/** Answers with what was ended, a line each. `directory` is where it was measured. */
export async function sweep(
  tool: string | undefined,
  directory: string,
  table: ProcessTable = hostProcesses,
): Promise<string[]> {
  const ended = tool === undefined ? [] : await endTool(tool, table);
  const orphans = table.list().filter((process) => isOrphan(process, table));
  for (const orphan of orphans) table.kill(orphan);
  // Looking for scopes removes those whose tool is gone.
  await nativeScopes();
  await removeCheckouts(directory);
  return [
    ...ended,
    ...orphans.map(({ pid, command }) => `killed ${command} (pid ${pid}), which a measurement had started`),
  ];
}

/** Where there is no repository, nothing was compared. */
async function removeCheckouts(directory: string): Promise<void> {
  try {
    const user = resolveUser(undefined, hostUsers());
    await removeStaleCheckouts(await Repository.open(directory, user, new AbortController().signal));
  } catch (error) {
    if (!(error instanceof CompareError)) throw error;
  }
}

/** Ends the process of this identity: gently, then by force. */
async function endTool(tool: string, table: ProcessTable): Promise<string[]> {
  const find = (): ProcessInfo | undefined =>
    table.list().find((process) => !process.zombie && identity(process) === tool);
  const first = find();
  if (first === undefined) return [];
  process.kill(first.pid, "SIGTERM");
  for (let waited = 0; waited < PATIENCE_MS; waited += PAUSE_MS) {
    await sleep(PAUSE_MS);
    if (find() === undefined) return [`ended the measurement that still ran (pid ${first.pid})`];
  }
  table.kill(first);
  return [`killed the measurement that would not end (pid ${first.pid})`];
}

/** Started by a tool that is no more. Its marker names the tool: probewright-<pid>-<n>.<role>. */
function isOrphan({ pid, zombie }: ProcessInfo, table: ProcessTable): boolean {
  const owner = zombie ? undefined : /^probewright-(\d+)-\d+\./.exec(table.marker(pid) ?? "")?.[1];
  return owner !== undefined && !table.exists(Number(owner));
}
