/**
 * Attaches programs to code: to places in files (uprobes) and in the kernel (kprobes). One link takes all places of a file,
 * or of the kernel, where the kernel has such links; elsewhere each place is a perf event.
 */
import { readFileSync } from "node:fs";
import type { AttachTarget, KernelPlace, UserPlace } from "../../compiler/program.ts";
import {
  AttachType,
  type Fd,
  linkCreate,
  type PerfEventSpec,
  perfEnable,
  perfEventOpen,
  perfIoctlSetBpf,
  SysError,
} from "../../native/index.ts";

type Target<K extends AttachTarget["kind"]> = Extract<AttachTarget, { kind: K }>;

export interface PlaceAttachment {
  prog: Fd;
  /** Only this process. */
  pid: number | undefined;
  own(fd: Fd): Fd;
}

/** Where the kernel's uprobe events have the semaphore's offset in their config, as their format says. */
const SEMAPHORE_SHIFT = 32n;

export function attachUserPlaces({ places, returns, multi }: Target<"uprobe">, attachment: PlaceAttachment): void {
  if (!multi) {
    const type = dynamicPmu("uprobe");
    for (const { path, offset, semaphore, cookie } of places) {
      const config = BigInt(returns) | (BigInt(semaphore) << SEMAPHORE_SHIFT);
      const spec = { type, config, config1: path, config2: offset, name: `uprobe ${path}+${offset}` };
      attachEvent(spec, cookie, attachment);
    }
    return;
  }
  for (const [path, inFile] of byPath(places)) {
    const link = linkCreate(attachment.prog, null, AttachType.TRACE_UPROBE_MULTI, {
      kind: "uprobe-multi",
      path,
      offsets: BigUint64Array.from(inFile, ({ offset }) => BigInt(offset)),
      cookies: cookiesOf(inFile),
      ...(inFile.some(({ semaphore }) => semaphore !== 0) && {
        refCounterOffsets: BigUint64Array.from(inFile, ({ semaphore }) => BigInt(semaphore)),
      }),
      ...(attachment.pid === undefined ? {} : { pid: attachment.pid }),
      onReturn: returns,
    });
    attachment.own(link);
  }
}

export function attachKernelPlaces({ places, returns, multi }: Target<"kprobe">, attachment: PlaceAttachment): void {
  if (multi) {
    const link = linkCreate(attachment.prog, null, AttachType.TRACE_KPROBE_MULTI, {
      kind: "kprobe-multi",
      at: { symbols: places.map(({ symbol }) => symbol) },
      cookies: cookiesOf(places),
      onReturn: returns,
    });
    attachment.own(link);
    return;
  }
  const type = dynamicPmu("kprobe");
  for (const place of places) {
    const { symbol, module, offset, cookie } = place;
    const where = symbol === "" ? `0x${BigInt(offset).toString(16)}` : `${symbol}+${offset}`;
    const config1 = symbol === "" ? 0 : module === undefined ? symbol : `${module}:${symbol}`;
    const spec = { type, config: returns ? 1 : 0, config1, config2: BigInt(offset), name: `kprobe ${where}` };
    attachEvent(spec, cookie, { ...attachment, pid: undefined });
  }
}

/** A perf event of its own for one place. */
function attachEvent(spec: PerfEventSpec, cookie: number, { prog, pid, own }: PlaceAttachment): void {
  const whose = pid === undefined ? { cpu: 0 } : { pid };
  const event = own(perfEventOpen({ ...spec, ...whose, disabled: true }));
  try {
    own(linkCreate(prog, event, AttachType.PERF_EVENT, { kind: "perf-event", cookie: BigInt(cookie) }));
  } catch (error) {
    // Links to perf events came with 5.15; without them there are no cookies, and no program that would ask for one.
    if (!(error instanceof SysError) || error.code !== "EINVAL") throw error;
    perfIoctlSetBpf(event, prog);
  }
  perfEnable(event);
}

/** The number under which the kernel offers events of a kind. Throws when it has none. */
export function dynamicPmu(kind: "uprobe" | "kprobe"): number {
  try {
    return Number(readFileSync(`/sys/bus/event_source/devices/${kind}/type`, "utf8"));
  } catch (error) {
    const option = kind === "uprobe" ? "CONFIG_UPROBE_EVENTS" : "CONFIG_KPROBE_EVENTS";
    throw new Error(`this kernel has no ${kind}s: it was built without ${option}`, { cause: error });
  }
}

function byPath(places: readonly UserPlace[]): Map<string, UserPlace[]> {
  const files = new Map<string, UserPlace[]>();
  for (const place of places) {
    const file = files.get(place.path);
    if (file) file.push(place);
    else files.set(place.path, [place]);
  }
  return files;
}

function cookiesOf(places: readonly (UserPlace | KernelPlace)[]): BigUint64Array {
  return BigUint64Array.from(places, ({ cookie }) => BigInt(cookie));
}
