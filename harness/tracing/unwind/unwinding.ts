/** What a session does for programs that follow stacks without frame pointers: its parts, put together. */
import type { CompiledProgram } from "../../../compiler/program.ts";
import { MAPPING, ROW } from "../../../compiler/unwind-table.ts";
import { type MapFd, SysError } from "../../../native/index.ts";
import { readMappings } from "../facts/processes.ts";
import type { MappingListener } from "../symbols/mapping-record.ts";
import { CodeFiles } from "./code-files.ts";
import { MapOfArrays } from "./map-of-arrays.ts";
import { UnwindTables } from "./unwind-tables.ts";

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
    warn,
  });
  let failed = false;
  return {
    follow: (pid) => tables.follow(pid),
    hear: (events) => {
      if (failed) return;
      try {
        tables.hear(events);
      } catch (error) {
        if (!(error instanceof SysError)) throw error;
        failed = true;
        warn(`what processes map from now on is not known to dw_ustack: ${error.message}`);
      }
    },
    close: () => tables.close(),
  };
}
