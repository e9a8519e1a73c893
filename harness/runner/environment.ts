/**
 * The environment of a workload, its hooks and its driver: the caller's own, then what belongs to the user it runs as,
 * then what the scenario sets, and one variable of ours by which stray processes are recognised.
 */
import type { User } from "./users.ts";

/** Inherited by everything that a run starts; its value says to which part of which scenario a process belongs. */
export const MARKER = "PROBEWRIGHT_SCOPE";

/** What sudo adds for root's information only; to the user's own program it would be a lie. */
const SUDO_VARIABLES = ["SUDO_USER", "SUDO_UID", "SUDO_GID", "SUDO_COMMAND", "SUDO_HOME"];

export function childEnvironment(
  caller: Readonly<Record<string, string | undefined>>,
  user: User | undefined,
  own: Readonly<Record<string, string>>,
  marker: string,
): Record<string, string> {
  const env: Record<string, string> = {};
  for (const [name, value] of Object.entries(caller)) if (value !== undefined) env[name] = value;
  if (user !== undefined) {
    for (const name of SUDO_VARIABLES) delete env[name];
    Object.assign(env, { HOME: user.home, USER: user.name, LOGNAME: user.name, SHELL: user.shell });
  }
  return { ...env, ...own, [MARKER]: marker };
}
