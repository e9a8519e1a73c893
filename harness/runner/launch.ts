/**
 * Starting one process of a scenario, whatever its role: as the right user, in the right cell, with its output kept,
 * and with one clear sentence when it cannot be started.
 */
import { SpawnError, SysError } from "../../native/index.ts";
import type { Command, Step } from "../config/scenario.ts";
import { childEnvironment } from "./environment.ts";
import { type Child, type Ended, type Host, STDIN_OPERATION, type Tracing } from "./host.ts";
import { OutputCapture } from "./output.ts";
import { commandText, type Problem, type ProcessOutput, type Role, roleName } from "./problems.ts";
import type { Cell } from "./scope.ts";
import type { User } from "./users.ts";

/** A workload says where its standard input comes from, other steps have none. */
export type LaunchStep = Step & { readonly stdin?: string | undefined };

export type OutputListener = (stream: "stdout" | "stderr", chunk: Uint8Array) => void;

export interface LaunchContext {
  readonly host: Host;
  readonly user: User | undefined;
}

/** A process before or after its release. */
export class Launched {
  readonly child: Child;
  readonly role: Role;
  readonly step: LaunchStep;
  readonly exited: Promise<Ended>;
  readonly #stdout = new OutputCapture();
  readonly #stderr = new OutputCapture();
  readonly #listeners = new Set<OutputListener>();

  constructor(child: Child, role: Role, step: LaunchStep) {
    this.child = child;
    this.role = role;
    this.step = step;
    this.exited = child.exited;
    child.onOutput((stream, chunk) => {
      (stream === "stdout" ? this.#stdout : this.#stderr).append(chunk);
      for (const listener of this.#listeners) listener(stream, chunk);
    });
  }

  /** What it has printed so far. */
  get output(): ProcessOutput {
    return { stdout: this.#stdout.read(), stderr: this.#stderr.read() };
  }

  /** Calls back after each piece of output; answers the way to stop that. */
  onOutput(listener: OutputListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

/** Makes the process, stopped before its first instruction. Answers a problem when that is impossible. */
export function launch({ host, user }: LaunchContext, role: Role, step: LaunchStep, cell: Cell): Launched | Problem {
  const env = childEnvironment(host.users.env, user, step.env, cell.marker);
  try {
    const child = host.spawner.spawn({
      argv: argvOf(step.command),
      env,
      cwd: step.cwd,
      stdin: step.stdin,
      user,
      cgroup: cell.cgroup?.directory,
    });
    cell.adopt(child.pid);
    return new Launched(child, role, step);
  } catch (error) {
    return cannotStart(role, step, error, user);
  }
}

/** Lets the process run, in the way that its tracing wants. Answers a problem when its program cannot be executed. */
export function release(
  launched: Launched,
  { user }: LaunchContext,
  tracing?: Pick<Tracing, "release">,
): Problem | undefined {
  try {
    if (tracing) tracing.release(launched.child);
    else launched.child.release();
    return undefined;
  } catch (error) {
    return cannotStart(launched.role, launched.step, error, user);
  }
}

/** What is executed for a command. */
function argvOf(command: Command): readonly [string, ...string[]] {
  return command.kind === "argv" ? command.argv : ["/bin/sh", "-c", command.script];
}

function cannotStart(role: Role, step: LaunchStep, error: unknown, user: User | undefined): Problem {
  if (!(error instanceof SysError)) throw error;
  const [program] = argvOf(step.command);
  const who = user === undefined ? "" : ` as ${user.name}`;
  const problem = (what: string, help?: string): Problem => ({
    kind: "cannot-start",
    message: `${roleName(role)} \`${commandText(step.command)}\` cannot be started${who}: ${what}`,
    help,
  });
  if (!(error instanceof SpawnError)) {
    return error.operation === STDIN_OPERATION
      ? problem(`its standard input ${step.stdin} cannot be read (${error.code})`, "check `stdin`")
      : problem(error.message);
  }
  if (error.stage === "chdir") return problem(`its directory ${step.cwd} is not usable (${error.code})`, "check `cwd`");
  if (error.stage === "exec") {
    switch (error.code) {
      case "ENOENT":
        return problem(
          `there is no program \`${program}\``,
          program.includes("/")
            ? `is the path right? It is seen from ${step.cwd}; a script also needs the interpreter in its first line`
            : "install it, or give its path; PATH is searched as the workload sees it",
        );
      case "EACCES":
        return problem(
          `\`${program}\` must not be executed${who}`,
          `check its permissions, as with \`chmod +x ${program}\``,
        );
      case "ENOEXEC":
        return problem(
          `\`${program}\` is no program for this machine`,
          "a script needs a first line such as `#!/bin/sh`",
        );
    }
  }
  return problem(error.message);
}
