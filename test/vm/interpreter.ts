/**
 * An eBPF machine for tests: runs the bytes that the compiler emits, with fake maps, helpers and memory. It is the
 * oracle of the whole compiler, so it is as strict as the kernel's verifier, and stricter where that is cheap: registers and
 * stack bytes that were never written, accesses out of bounds or misaligned, pointers that were not tested for null,
 * arithmetic on pointers, constants that no verifier accepts, unreachable code and ring buffer records that are neither
 * submitted nor discarded all fault.
 *
 *     const vm = new Vm({ maps: program.maps, world: { pid: 42, comm: "cat" } });
 *     vm.run(program.programs[0], { context: [arg0, arg1] });
 *     expect(vm.maps[0].numbers()).toEqual(new Map([[42n, 1n]]));
 *
 * Knows nothing of the compiler but the encoding's constants and the helper table.
 */
import type { HelperName } from "../../compiler/asm/helpers.ts";
import type { HostConstant, KernelMap, Relocation } from "../../compiler/program.ts";
import type { HelperImplementation } from "./helpers.ts";
import { Machine } from "./machine.ts";
import { FakeMap, type Submitted } from "./maps.ts";
import { AddressSpace, Fault, Pointer, Region, type Value, writeNumber } from "./memory.ts";

/** Everything around the program that helpers tell it about. All of it may be given to `new Vm`. */
export interface World {
  /** Process (thread group) and thread id. */
  pid: number;
  tid: number;
  uid: number;
  gid: number;
  comm: string;
  /** Fills the room behind the name; kernels from 5.17 to 6.3 leave it as it was. */
  padsComm: boolean;
  cpu: number;
  node: number;
  /** Cgroup ids from the root down to the current one. */
  cgroups: bigint[];
  /** CLOCK_MONOTONIC, ns; and what the other clocks are ahead. */
  now(): bigint;
  suspended: bigint;
  tai: bigint;
  random(): bigint;
  /** Memory for probe_read. */
  kernel: AddressSpace;
  user: AddressSpace;
  stackId(map: FakeMap, flags: bigint): bigint;
  functionAddress: bigint;
  cookie: bigint;
  /** What the loader would patch in. */
  constants: Record<HostConstant, bigint>;
  /** Things helpers did to the outside: ["send_signal", 9n]. */
  effects: [what: string, argument: bigint][];
}

export interface VmOptions {
  maps?: readonly KernelMap[];
  /** Copies of per-CPU values. */
  cpus?: number;
  world?: Partial<World>;
  /** Further helpers, or other ones. */
  helpers?: Partial<Record<HelperName, HelperImplementation>>;
}

export interface Code {
  code: Uint8Array;
  relocations?: readonly Relocation[];
  /** Programs that this one calls, from index 1 on, through the array of programs `map`. */
  further?: { map: number; parts: readonly Code[] } | undefined;
}

export interface RunOptions {
  /** Bytes of the context, or 64-bit words, which may be pointers to kernel objects (as with BTF-typed arguments). */
  context?: Uint8Array | readonly Value[];
}

const MAX_TAIL_CALLS = 32;

export class Vm {
  readonly maps: FakeMap[];
  readonly world: World;
  readonly helpers: Partial<Record<HelperName, HelperImplementation>>;
  /** Records that were submitted to ring buffers, or sent in other ways. */
  readonly submitted: Submitted[] = [];
  /** The current task, as get_current_task_btf gives it. */
  readonly task = new Pointer(new Region("kernel object", "the current task", new Uint8Array(4096)));
  /** Instructions that all runs executed. */
  steps = 0;
  readonly #open = new Map<Region, number>();

  constructor(options: VmOptions = {}) {
    const cpus = options.cpus ?? 4;
    this.maps = (options.maps ?? []).map((map) => new FakeMap(map, cpus));
    let time = 1_000_000_000n;
    let seed = 42n;
    this.world = {
      pid: 1000,
      tid: 1001,
      uid: 500,
      gid: 501,
      comm: "worker",
      padsComm: true,
      cpu: 1,
      node: 0,
      cgroups: [1n, 7n],
      now: () => {
        time += 1000n;
        return time;
      },
      suspended: 5_000_000n,
      tai: 37_000_000_000n,
      random: () => {
        seed = BigInt.asUintN(64, seed * 6364136223846793005n + 1442695040888963407n);
        return seed >> 32n;
      },
      kernel: new AddressSpace(),
      user: new AddressSpace(),
      stackId: () => 3n,
      functionAddress: 0xffff_ffff_8110_0000n,
      cookie: 0n,
      constants: {
        scope_cgroup_id: 7n,
        scope_cgroup_level: 1n,
        cpid: 1000n,
        start_time_boot: 900_000_000n,
        start_time_monotonic: 895_000_000n,
        boot_to_real: 1_700_000_000_000_000_000n,
        boot_to_tai: 1_700_000_037_000_000_000n,
        pidns_dev: 4n,
        pidns_ino: 4_026_531_836n,
        target_pid: 0n,
        ...options.world?.constants,
      },
      effects: [],
      ...withoutConstants(options.world),
    };
    this.helpers = options.helpers ?? {};
  }

  /** Runs a program once and returns r0 (signed). Throws VmFault. */
  run(program: Code, options: RunOptions = {}): bigint {
    const context = contextRegion(options.context ?? new Uint8Array(0));
    let current = program;
    for (let calls = 0; calls <= MAX_TAIL_CALLS; calls++) {
      const result = new Machine(this, current, program.further).run(context);
      if (typeof result === "bigint") return result;
      current = result.next;
    }
    throw new Error("too many tail calls");
  }

  // For helpers

  reserveRecord(map: FakeMap, size: number): Pointer {
    const record = map.reserve(size);
    if (record.region) this.#open.set(record.region, this.maps.indexOf(map));
    return record;
  }

  finishRecord(record: Region, submit: boolean): void {
    const map = this.#open.get(record);
    if (map === undefined) throw new Fault("not a record that is still open");
    this.#open.delete(record);
    if (submit) this.submitted.push({ map, bytes: record.bytes.slice() });
    record.released = true;
  }

  /** Records that nobody submitted or discarded. */
  get openRecords(): number {
    return this.#open.size;
  }
}

function withoutConstants(world: Partial<World> = {}): Partial<World> {
  const { constants: _, ...rest } = world;
  return rest;
}

/** The context as memory. */
export function contextRegion(context: Uint8Array | readonly Value[]): Region {
  if (context instanceof Uint8Array) return new Region("context", "the context", context.slice());
  const region = new Region("context", "the context", new Uint8Array(context.length * 8));
  context.forEach((value, i) => {
    if (value instanceof Pointer) region.plant(i * 8, value);
    else writeNumber(region.bytes, i * 8, 8, value);
  });
  return region;
}
