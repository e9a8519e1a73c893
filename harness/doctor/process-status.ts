/** What /proc says about this process: who it is, what it may do, and whether a container confines it. */
import { Capability } from "../../native/index.ts";
import type { DoctorHost } from "./host.ts";

export type CapabilityName = keyof typeof Capability;

export interface ProcessStatus {
  readonly euid: number;
  /** Whether it has a capability, in its user namespace. */
  has(capability: CapabilityName): boolean;
  /** A seccomp filter decides which system calls it may make. */
  readonly filtered: boolean;
  /** It is root only of a part of the machine. */
  readonly inUserNamespace: boolean;
  /** The engine's name, if it runs in a container that can be recognised. */
  readonly container: string | undefined;
  /** Bytes of memory that it may lock; Infinity without a limit. */
  readonly memlock: number;
}

export function processStatus(host: Pick<DoctorHost, "read">): ProcessStatus {
  const status = host.read("/proc/self/status") ?? "";
  const line = (name: string): string => new RegExp(`^${name}:\\s*(.*)$`, "m").exec(status)?.[1] ?? "";
  const effective = BigInt(`0x${/^[0-9a-f]+$/i.exec(line("CapEff"))?.[0] ?? "0"}`);
  const lockable = /^Max locked memory\s+(\w+)/m.exec(host.read("/proc/self/limits") ?? "")?.[1];
  return {
    // real, effective, saved, file system
    euid: Number(line("Uid").split(/\s+/)[1] ?? Number.NaN),
    has: (capability) => ((effective >> BigInt(Capability[capability])) & 1n) === 1n,
    filtered: line("Seccomp") === "2",
    inUserNamespace: !/^\s*0\s+0\s+4294967295\s*$/.test(host.read("/proc/self/uid_map") ?? "0 0 4294967295"),
    container: findContainer(host),
    memlock: lockable === undefined || lockable === "unlimited" ? Number.POSITIVE_INFINITY : Number(lockable),
  };
}

function findContainer({ read }: Pick<DoctorHost, "read">): string | undefined {
  if (read("/.dockerenv") !== undefined) return "docker";
  if (read("/run/.containerenv") !== undefined) return "podman";
  if (read("/run/systemd/container") !== undefined) return read("/run/systemd/container");
  return /kubepods|docker|lxc|containerd/.exec(read("/proc/1/cgroup") ?? "")?.[0];
}
