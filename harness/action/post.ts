/** The post step of the GitHub Action: whatever became of the main step, nothing of it stays on the machine. */
import { info, warning } from "@actions/core";
import { runChild } from "./child.ts";
import { asRoot } from "./command.ts";
import { withoutCommands } from "./log.ts";
import { savedState } from "./state.ts";
import { sweep } from "./sweep.ts";

/** Never fails the job: what was measured stands. */
export async function run(): Promise<void> {
  const state = savedState();
  if (state === undefined) return;
  try {
    if (state.sudo && process.getuid!() !== 0) await sweepAsRoot();
    else {
      const removed = await sweep(state.process, state.directory);
      await withoutCommands(async (write) => {
        for (const line of removed) write(`${line}\n`);
      });
      if (removed.length === 0) info("nothing was left behind");
    }
  } catch (problem) {
    warning(`cleaning up failed: ${problem instanceof Error ? problem.message : String(problem)}`);
  }
}

/** The same script once more, with the rights of the measurement. */
async function sweepAsRoot(): Promise<void> {
  const env = Object.fromEntries(Object.entries(process.env).filter(([, value]) => value !== undefined)) as Record<
    string,
    string
  >;
  const again = asRoot([process.execPath, process.argv[1]!], env.PATH);
  await runChild(again, { cwd: process.cwd(), env, write: (bytes) => process.stdout.write(bytes) });
}
