/**
 * What helpers do in the interpreter. Arguments were checked against the helper table before an implementation runs, so
 * that none of them needs to.
 */
import type { HelperName } from "../../compiler/asm/helpers.ts";
import type { Vm } from "./interpreter.ts";
import { EINVAL, type FakeMap } from "./maps.ts";
import { bitsOf, Fault, Pointer, pointerAt, Region, type Value } from "./memory.ts";

/** A checked argument list; positions are those of the helper's signature. */
export interface Arguments {
  /** The raw register. */
  value(index: number): Value;
  number(index: number): bigint;
  /** The map that the argument refers to. */
  map(index: number): FakeMap;
  /** The bytes of a memory argument (key, value, or as many as the size argument behind it says). */
  bytes(index: number): Uint8Array;
  /** Fills an out argument from its start. */
  fill(index: number, bytes: Uint8Array, size?: number): void;
  /** The size of an out argument. */
  size(index: number): number;
  /** Runs a callback of the program and returns its r0. */
  callback(index: number, ...args: Value[]): bigint;
}

/** Returns r0; undefined for helpers without a result. */
export type HelperImplementation = (args: Arguments, vm: Vm) => Value | undefined;

const EFAULT = -14n;
const ENOSYS = -38n;

const readMemory =
  (space: "kernel" | "user"): HelperImplementation =>
  (args, vm) => {
    const size = args.size(0);
    const source = args.value(2);
    // A pointer that the verifier knows may be read as well; other addresses are looked up.
    const own = ownMemory(source);
    const found = own ? readRegion(own, size) : vm.world[space].read(bitsOf(source), size);
    args.fill(0, found ?? new Uint8Array(size));
    return found ? 0n : EFAULT;
  };

function ownMemory(source: Value): Pointer | undefined {
  const pointer = source instanceof Pointer ? source : pointerAt(source);
  return pointer?.region && pointer;
}

function readRegion(source: Pointer, size: number): Uint8Array | undefined {
  const at = Number(source.offset);
  const bytes = source.region!.bytes;
  return at >= 0 && at + size <= bytes.length ? bytes.slice(at, at + size) : undefined;
}

/** Copies with the NUL; what does not fit is cut, and still ends with a NUL. Behind it the buffer is left alone. */
const readString =
  (space: "kernel" | "user"): HelperImplementation =>
  (args, vm) => {
    const size = args.size(0);
    const source = args.value(2);
    const own = ownMemory(source);
    const found = own ? stringInRegion(own, size) : vm.world[space].readString(bitsOf(source), size);
    if (!found) {
      args.fill(0, new Uint8Array(size));
      return EFAULT;
    }
    // What is cut ends with a NUL all the same.
    if (found.length === size && size > 0) found[size - 1] = 0;
    args.fill(0, found, size);
    return BigInt(found.length);
  };

function stringInRegion(source: Pointer, limit: number): Uint8Array | undefined {
  const at = Number(source.offset);
  const rest = source.region!.bytes.subarray(at, at + limit);
  const end = rest.indexOf(0);
  if (end >= 0) return rest.slice(0, end + 1);
  return rest.length === limit ? rest.slice() : undefined;
}

const world =
  (read: (world: Vm["world"]) => bigint): HelperImplementation =>
  (_, vm) =>
    BigInt.asIntN(64, read(vm.world));

const submit: HelperImplementation = (args, vm) => {
  const record = (args.value(0) as Pointer).target();
  vm.finishRecord(record, true);
  return undefined;
};

const implementations: Partial<Record<HelperName, HelperImplementation>> = {
  map_lookup_elem: (args, vm) => args.map(0).lookup(args.bytes(1), vm.world.cpu),
  map_lookup_percpu_elem: (args) => {
    const map = args.map(0);
    const cpu = Number(BigInt.asUintN(32, args.number(2)));
    return cpu < map.cpus ? map.lookup(args.bytes(1), cpu) : new Pointer(undefined, 0n, { tested: false });
  },
  map_update_elem: (args, vm) => args.map(0).update(args.bytes(1), args.bytes(2), args.number(3), vm.world.cpu),
  map_delete_elem: (args) => args.map(0).delete(args.bytes(1)),

  probe_read: readMemory("kernel"),
  probe_read_kernel: readMemory("kernel"),
  probe_read_user: readMemory("user"),
  probe_read_str: readString("kernel"),
  probe_read_kernel_str: readString("kernel"),
  probe_read_user_str: readString("user"),
  probe_write_user: (args, vm) => (vm.world.user.write(args.number(0), args.bytes(1)) ? 0n : EFAULT),

  ktime_get_ns: world((w) => w.now()),
  ktime_get_boot_ns: world((w) => w.now() + w.suspended),
  ktime_get_coarse_ns: world((w) => w.now()),
  ktime_get_tai_ns: world((w) => w.now() + w.tai),
  jiffies64: world((w) => w.now() / 4_000_000n),
  get_prandom_u32: world((w) => BigInt.asUintN(32, w.random())),
  get_smp_processor_id: world((w) => BigInt(w.cpu)),
  get_numa_node_id: world((w) => BigInt(w.node)),
  get_current_pid_tgid: world((w) => (BigInt(w.pid) << 32n) | BigInt(w.tid)),
  get_current_uid_gid: world((w) => (BigInt(w.gid) << 32n) | BigInt(w.uid)),
  get_current_cgroup_id: world((w) => w.cgroups.at(-1) ?? 0n),
  get_current_ancestor_cgroup_id: (args, vm) => vm.world.cgroups[Number(args.number(0))] ?? 0n,
  get_current_task: (_, vm) => bitsOf(vm.task),
  get_current_task_btf: (_, vm) => vm.task,
  get_current_comm: (args, vm) => {
    const buffer = new Uint8Array(args.size(0));
    const name = new TextEncoder().encode(vm.world.comm).subarray(0, Math.max(0, Math.min(15, buffer.length - 1)));
    buffer.set(name);
    args.fill(0, vm.world.padsComm ? buffer : buffer.subarray(0, name.length + 1));
    return 0n;
  },
  get_ns_current_pid_tgid: (args, vm) => {
    const pids = new DataView(new ArrayBuffer(args.size(2)));
    const matches = args.number(0) === vm.world.constants.pidns_dev && args.number(1) === vm.world.constants.pidns_ino;
    if (pids.byteLength !== 8 || !matches) {
      args.fill(2, new Uint8Array(pids.byteLength));
      return EINVAL;
    }
    pids.setUint32(0, vm.world.tid, true);
    pids.setUint32(4, vm.world.pid, true);
    args.fill(2, new Uint8Array(pids.buffer));
    return 0n;
  },

  get_stackid: (args, vm) => vm.world.stackId(args.map(1), args.number(2)),
  get_stack: (args) => {
    args.fill(1, new Uint8Array(args.size(1)));
    return BigInt(args.size(1));
  },
  get_func_ip: world((w) => w.functionAddress),
  get_attach_cookie: world((w) => w.cookie),

  ringbuf_reserve: (args, vm) => vm.reserveRecord(args.map(0), Number(args.number(1))),
  ringbuf_submit: submit,
  ringbuf_discard: (args, vm) => {
    vm.finishRecord((args.value(0) as Pointer).target(), false);
    return undefined;
  },
  ringbuf_output: (args, vm) => {
    const bytes = args.bytes(1);
    const room = args.map(0).reserve(bytes.length);
    if (!room.region) return -11n;
    vm.submitted.push({ map: vm.maps.indexOf(args.map(0)), bytes });
    return 0n;
  },
  perf_event_output: (args, vm) => {
    vm.submitted.push({ map: vm.maps.indexOf(args.map(1)), bytes: args.bytes(3) });
    return 0n;
  },

  override_return: (args, vm) => {
    vm.world.effects.push(["override_return", args.number(1)]);
    return 0n;
  },
  send_signal: (args, vm) => {
    vm.world.effects.push(["send_signal", args.number(0)]);
    return 0n;
  },
  send_signal_thread: (args, vm) => {
    vm.world.effects.push(["send_signal_thread", args.number(0)]);
    return 0n;
  },
  tail_call: () => ENOSYS,

  strncmp: (args) => {
    const [left, right] = [args.bytes(0), args.bytes(2)];
    for (let i = 0; i < left.length; i++) {
      const difference = left[i]! - (right[i] ?? 0);
      if (difference !== 0) return BigInt(Math.sign(difference));
      if (left[i] === 0) break;
    }
    return 0n;
  },

  loop: (args) => {
    if (args.number(3) !== 0n) return EINVAL;
    const limit = BigInt.asUintN(32, args.number(0));
    if (limit > 1n << 23n) return -7n;
    let index = 0n;
    while (index < limit) {
      const stop = args.callback(1, index, args.value(2));
      index++;
      if (stop === 1n) break;
    }
    return index;
  },
  for_each_map_elem: (args, vm) => {
    const map = args.map(0);
    if (args.number(3) !== 0n) return EINVAL;
    let count = 0n;
    for (const key of map.keys()) {
      const value = map.lookup(key, vm.world.cpu).region;
      if (!value) continue;
      count++;
      const keyPointer = new Pointer(new Region("map value", "the key of a callback", key.slice()));
      const stop = args.callback(1, new Pointer(map.handle), keyPointer, new Pointer(value), args.value(2));
      if (stop === 1n) break;
    }
    return count;
  },
};

/** Fails with a clear word instead of pretending. */
export function implementationOf(name: HelperName, own: Vm["helpers"]): HelperImplementation {
  const implementation = own[name] ?? implementations[name];
  if (!implementation) throw new Fault(`the interpreter has no ${name}; pass one in \`helpers\``);
  return implementation;
}
