/**
 * The identity of a scenario: what is run, and which scripts watch it. Baselines are keyed by these hashes, so they
 * must change with the meaning and with nothing else: not with formatting, comments, key order or the checkout's path.
 */
import { createHash } from "node:crypto";
import { type Folder, portable } from "./paths.ts";
import type { Command, ProbeScript, Ready, RunPlan, Step, Workload } from "./scenario.ts";

export function hashContent(workload: Workload, runs: RunPlan, folder: Folder): string {
  const step = ({ command, cwd, env }: Step): unknown => ({
    command: commandIdentity(command),
    cwd: portable(folder, cwd),
    env,
  });
  const { stdin, user, expectExit, ready, driver } = workload;
  return digest({
    main: step(workload),
    stdin: stdin === undefined ? null : portable(folder, stdin),
    user: user ?? null,
    setup: workload.setup.map(step),
    before: workload.before.map(step),
    after: workload.after.map(step),
    teardown: workload.teardown.map(step),
    expectExit: expectExit ?? null,
    ready: ready ? readyIdentity(ready, folder) : null,
    driver: driver ? { ...(step(driver) as object), expectExit: driver.expectExit } : null,
    warmup: runs.warmup,
  });
}

export function hashScripts(scripts: readonly ProbeScript[]): string {
  return digest(scripts.map(({ source, params, scope }) => ({ text: source.text, params, scope })));
}

function commandIdentity(command: Command): unknown {
  return command.kind === "argv" ? { argv: command.argv } : { shell: command.script };
}

function readyIdentity(ready: Ready, folder: Folder): unknown {
  switch (ready.kind) {
    case "tcp":
      return { tcp: [ready.host, ready.port] };
    case "log":
      return { log: ready.text };
    case "file":
      return { file: portable(folder, ready.path) };
  }
}

/** SHA-256 of the value as JSON with sorted keys. */
function digest(value: unknown): string {
  return createHash("sha256").update(JSON.stringify(value, sortKeys)).digest("hex");
}

function sortKeys(_key: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
