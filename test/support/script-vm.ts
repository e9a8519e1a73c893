/** Runs a compiled script's `begin` programs in the interpreter and reads its maps as the harness would. */
import type { CompiledProgram, ScriptMap } from "../../compiler/program.ts";
import { type EntrySnapshot, entriesOf as hashEntries, type MapSnapshot } from "../../harness/tracing/maps.ts";
import { Vm, type World } from "../vm/interpreter.ts";
import type { EvalResult } from "./ast-eval.ts";
import { resultOf } from "./script-results.ts";

export interface VmResult extends EvalResult {
  /** Instructions executed. */
  steps: number;
}

export function runInVm(program: CompiledProgram, cpus: number, world: Partial<World>): VmResult {
  const vm = new Vm({ maps: program.maps, cpus, world });
  for (const begun of program.programs) {
    if (begun.attach.kind === "begin") vm.run(begun, { context: [0n, 0n] });
  }
  if (vm.openRecords > 0) throw new Error("a record was neither submitted nor discarded");
  const snapshots = snapshotsOf(program, vm);
  const records = vm.submitted.map(({ bytes }) => bytes);
  return { ...resultOf(program, snapshots, records), steps: vm.steps };
}

export function snapshotsOf({ scriptMaps }: CompiledProgram, vm: Vm): MapSnapshot[] {
  return scriptMaps.map((map) => ({ map, entries: entriesOf(vm, map) }));
}

function entriesOf(vm: Vm, map: ScriptMap): EntrySnapshot[] {
  const { storage } = map;
  const kernelMap = vm.maps[storage.map]!;
  if (storage.kind === "hash") {
    return hashEntries(map, storage, {
      forEach: (index, visit) => {
        const hash = vm.maps[index]!;
        for (const key of hash.keys()) {
          const copies = hash.values(key)!.flatMap((value) => copiesIn(value, map, storage.stride));
          visit(key, copies);
        }
      },
      memory: (index) => vm.maps[index]!.directValue().bytes,
    });
  }
  const { bytes } = kernelMap.directValue();
  const starts = Array.from({ length: storage.copies }, (_, i) => storage.offset + i * storage.stride);
  const copies = starts.map((start) => bytes.slice(start, start + map.value.size));
  const present = starts.some((_, i) => storage.presence !== undefined && bytes[storage.presence + i * storage.stride]);
  return present || copies.some((copy) => copy.some((byte) => byte !== 0)) ? [{ key: new Uint8Array(0), copies }] : [];
}

function copiesIn(value: Uint8Array, { value: { size } }: ScriptMap, stride = value.length): Uint8Array[] {
  return Array.from({ length: value.length / stride }, (_, i) => value.subarray(i * stride, i * stride + size));
}
