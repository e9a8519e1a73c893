/** Prepares a checkout as the configuration says, by the user's own commands. */
import { ExitCode } from "../cli/exit-code.ts";
import type { Step } from "../config/scenario.ts";
import type { Host } from "../runner/host.ts";
import type { Launched } from "../runner/launch.ts";
import { closeScope, runSteps } from "../runner/steps.ts";
import type { User } from "../runner/users.ts";
import type { SideName } from "./checkouts.ts";
import { CompareError, InterruptedError } from "./error.ts";

/** Runs the steps; what they leave running is killed. Throws CompareError with what a failed step printed. */
export async function build(
  side: SideName,
  steps: readonly Step[],
  host: Host,
  user: User | undefined,
  interrupt: AbortSignal,
): Promise<void> {
  if (steps.length === 0) return;
  const scope = host.scopes.open();
  const lingering: Launched[] = [];
  try {
    const outcome = await runSteps({ host, user }, "build", steps, scope.support, interrupt, lingering);
    if (outcome.kind === "interrupted") throw new InterruptedError();
    if (outcome.kind === "failed") {
      const { message, output } = outcome.problem;
      throw new CompareError(`the ${side} does not build: ${message}`, ExitCode.invalidMeasurement, { output });
    }
  } finally {
    await closeScope(scope, lingering);
  }
}
