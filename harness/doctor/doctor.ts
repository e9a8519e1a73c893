/**
 * Looks at everything that a scenario may need from this machine. Each gap comes with what it costs and with the
 * command that closes it.
 */
import { checkAccess, checkBpf } from "./bpf.ts";
import { type Finding, GROUPS } from "./finding.ts";
import { type DoctorHost, realHost } from "./host.ts";
import { checkKernel } from "./kernel.ts";
import { checkHardwareCounters, checkMeasuring } from "./measuring.ts";
import { checkPrivileges } from "./privileges.ts";
import { checkAttaching, checkPerfEvents, checkTracing } from "./tracing.ts";

/** All findings, group by group. Takes some 50 ms on the real host, most of it for trying out BPF. */
export function doctor(host: DoctorHost = realHost()): Finding[] {
  const findings = [
    ...checkPrivileges(host),
    ...checkKernel(host),
    ...checkTracing(host),
    ...tryOut(host),
    ...checkMeasuring(host),
  ];
  return GROUPS.flatMap((group) => findings.filter((finding) => finding.group === group));
}

/** What only trying can tell. A lack that makes all else fail stands alone. */
function tryOut(host: DoctorHost): Finding[] {
  const problem = host.addonProblem();
  if (problem !== undefined) return [addonMissing(problem)];
  const access = checkAccess(host);
  const loaded = access.status === "ok" ? [...checkAttaching(host), ...checkBpf(host)] : [];
  return [checkPerfEvents(host), access, ...loaded, checkHardwareCounters(host)];
}

function addonMissing(problem: string): Finding {
  const [value = "", ...rest] = problem.split("\n");
  return {
    id: "addon",
    group: "bpf",
    subject: "native addon",
    status: "missing",
    value,
    consequence: "nothing can be loaded or attached, and this was not tried",
    remedy: rest.join(" ").replace(/^help: /, "") || "npm rebuild probewright",
  };
}
