/** How a process ended and what it used, through its pidfd: no process id is looked up twice and none can be confused. */
import { constants } from "node:os";
import { binding } from "./addon.ts";
import { check } from "./errors.ts";
import { adopt, type Fd } from "./fd.ts";
import { Poller } from "./poll.ts";

export interface ExitStatus {
  /** The exit code, or null when a signal ended the process. */
  code: number | null;
  /** The signal, or null when the process exited. */
  signal: NodeJS.Signals | null;
  /** What the process and the children that it waited for used. */
  usage: ResourceUsage;
}

export interface ResourceUsage {
  userTimeUs: number;
  systemTimeUs: number;
  maxRssKiB: number;
  minorFaults: number;
  majorFaults: number;
  voluntarySwitches: number;
  involuntarySwitches: number;
}

/** How the child behind `pidfd` ended, or null while it is alive. An answer reaps the child: ECHILD ever after. */
export function tryWait(pidfd: Fd): ExitStatus | null {
  const out = new Float64Array(9);
  if (check(binding().waitPidfd(pidfd.value, out), "waitid", { descriptor: pidfd.label }) === 0) return null;
  const [reason, status] = [out[0]!, out[1]!];
  return {
    code: reason === CLD_EXITED ? status : null,
    signal: reason === CLD_EXITED ? null : signalName(status),
    usage: {
      userTimeUs: out[2]!,
      systemTimeUs: out[3]!,
      maxRssKiB: out[4]!,
      minorFaults: out[5]!,
      majorFaults: out[6]!,
      voluntarySwitches: out[7]!,
      involuntarySwitches: out[8]!,
    },
  };
}

/**
 * Resolves once the child behind `pidfd` has ended and was reaped; the descriptor must stay open until then. Keeps the
 * event loop alive meanwhile.
 */
export function waitExit(pidfd: Fd): Promise<ExitStatus> {
  return new Promise((resolve, reject) => {
    const poller = new Poller(pidfd, () => {
      try {
        const status = tryWait(pidfd);
        if (status === null) return;
        resolve(status);
      } catch (error) {
        reject(error);
      }
      poller.close();
    });
  });
}

/** pidfd_open(2), for a process that somebody else started; ESRCH when there is none. */
export function pidfdOpen(pid: number): Fd {
  return adopt(binding().pidfdOpen(pid), "pidfd_open", `pidfd of ${pid}`, { pid });
}

const CLD_EXITED = 1;

function signalName(number: number): NodeJS.Signals {
  const found = Object.entries(constants.signals).find(([, value]) => value === number);
  // real-time signals have no name in the table
  return (found?.[0] ?? `SIGRTMIN+${number - 34}`) as NodeJS.Signals;
}
