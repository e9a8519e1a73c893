/** What a session does for programs that follow stacks without frame pointers: its parts, put together. */
import type { CompiledProgram } from "../../../compiler/program.ts";
import { MAPPING, ROW } from "../../../compiler/unwind-table.ts";
import { type MapFd, mapLookup, mapUpdate, SysError } from "../../../native/index.ts";
import { readMappings } from "../facts/processes.ts";
import type { MappingListener } from "../symbols/mapping-record.ts";
import { CodeFiles } from "./code-files.ts";
import { takeMark } from "./code-map.ts";
import { MapOfArrays } from "./map-of-arrays.ts";
import { UnwindTables } from "./unwind-tables.ts";

/** How often it is looked whether programs have met code that they do not know. */
const PERIOD_MS = 100;

export interface Unwinding {
  follow(pid: number): void;
  readonly hear: MappingListener;
  close(): void;
}

export interface UnwindingOptions {
  kernelPid?: ((pid: number) => number) | undefined;
  onWarning?: ((message: string) => void) | undefined;
}

/** Undefined for programs that need nothing of it. */
export function openUnwinding(
  { unwind }: CompiledProgram,
  maps: readonly MapFd[],
  { kernelPid = (pid) => pid, onWarning: warn = () => {} }: UnwindingOptions,
): Unwinding | undefined {
  if (unwind === undefined) return undefined;
  const tables = new UnwindTables<MapFd>({
    processes: new MapOfArrays(maps[unwind.processes]!, MAPPING.size),
    code: new CodeFiles(new MapOfArrays(maps[unwind.files]!, ROW.size), warn),
    mappingsOf: readMappings,
    kernelPid,
    takeMark: takeMarkOf,
    warn,
  });
  let failed = false;
  const keepUp = (update: () => void): void => {
    if (failed) return;
    try {
      update();
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      failed = true;
      warn(`what processes map from now on is not known to dw_ustack: ${error.message}`);
    }
  };
  const timer = setInterval(() => keepUp(() => tables.lookAgain()), PERIOD_MS).unref();
  return {
    follow: (pid) => tables.follow(pid),
    hear: (events) => keepUp(() => tables.hear(events)),
    close() {
      clearInterval(timer);
      tables.close();
    },
  };
}

/** The same in the kernel, where the program that leaves the mark sees the array. */
function takeMarkOf(array: MapFd): boolean {
  const first = new Uint8Array(4);
  const head = new Uint8Array(MAPPING.size);
  if (!mapLookup(array, first, head) || !takeMark(head)) return false;
  mapUpdate(array, first, head);
  return true;
}
