/**
 * Reads and writes of script maps. Entries are looked up and changed in place; only a miss goes through an update. Every
 * update that fails is counted, so that a full map never goes unnoticed.
 */

import { FunctionBuilder } from "../ir/builder.ts";
import type { Operand, Size, VReg } from "../ir/ir.ts";
import { aggregateSize, sizeOf } from "../sema/layout.ts";
import type { VariableInfo } from "../sema/typed.ts";
import { type Aggregate, isAggregate, isNumericAggregate, isScalar, sameType } from "../sema/types.ts";
import type * as ast from "../syntax/ast.ts";
import { accumulate, aggregateNumberOf } from "./aggregates.ts";
import { PLAIN_EVENT_SIZE, sendPlain } from "./events.ts";
import { blockValue, operand, operation, value } from "./expressions.ts";
import type { Lowering } from "./lowering.ts";
import { convert, into, overwrite, place } from "./memory-values.ts";
import type { Place } from "./place.ts";
import { type PlannedMap, SHORT_TEXT } from "./plan.ts";
import { tellMissing } from "./runtime-errors.ts";
import { statements } from "./statements.ts";
import { inCpuTable, type Key } from "./tables.ts";
import { addToSeries } from "./time-series.ts";
import { onEntry, setEntry, takeAway, type ValueTable } from "./value-tables.ts";

const BPF_ANY = { imm: 0n };
const BPF_NOEXIST = { imm: 1n };

type MapNode = ast.MapName | ast.MapAccess;

export function plannedMap(l: Lowering, node: MapNode): PlannedMap {
  return l.plan.map(node.kind === "map" ? node.name : node.map.name);
}

export function keyOf(l: Lowering, map: PlannedMap, node: ast.Expression): Key {
  const type = map.info.key;
  if (isScalar(type)) return { value: operand(l, node), size: sizeOf(type) as Size };
  const own = l.type(node);
  // A variable of just this type lies in memory as a key does: padded.
  if (node.kind === "variable" && sameType(own, type)) return { address: l.address(place(l, node)) };
  const memory = l.memory(sizeOf(type), `key of ${map.info.name}`);
  into(l, node, l.plan.shortKeys(map) ? { ...memory, head: SHORT_TEXT } : memory, type, true);
  return { address: l.address(memory) };
}

function hashMap(map: PlannedMap): number {
  if (map.storage.kind !== "hash") throw new Error(`${map.info.name} is no hash`);
  return map.storage.map;
}

/** Address of a key's value in the hash, or 0. */
function lookup(l: Lowering, map: PlannedMap, key: Key): VReg {
  return lookupIn(l, hashMap(map), key);
}

function lookupIn(l: Lowering, map: number, key: Key): VReg {
  return l.b.define((dst) => ({ op: "lookup", dst, map, key }));
}

function valueTable(map: PlannedMap): ValueTable | undefined {
  return map.storage.kind === "hash" ? map.storage.values : undefined;
}

function keyAddress(l: Lowering, key: Key): VReg {
  if ("address" in key) return key.address;
  const slot = l.slot(8, "key");
  l.b.store(slot.base, 0, key.size, key.value);
  return slot.base;
}

/** Where a scalar map's value lies: one copy, or this CPU's. */
function globalPlace(l: Lowering, map: PlannedMap): Place {
  const { storage } = map;
  if (storage.kind === "hash") throw new Error(`${map.info.name} has keys`);
  if (storage.kind === "shared") return { base: l.mapValue(storage.map, storage.offset), offset: 0, space: "bpf" };
  return { base: l.perCpu(storage.map), offset: storage.offset, space: "bpf" };
}

// Reading

/** The value of a map that fits a register; 0 for a key that is not there. */
export function mapValue(l: Lowering, node: MapNode): VReg {
  const map = plannedMap(l, node);
  const type = map.info.value;
  if (isNumericAggregate(type)) return aggregateNumber(l, map, node);
  if (node.kind === "map") return l.read(globalPlace(l, map), type);
  const key = keyOf(l, map, node.key);
  l.b.span = node.span;
  return readEntry(l, map, key, () => {
    tellMissing(l);
    return l.b.const(0);
  });
}

/** The scalar that a key has, or what is to be taken where the key is missing. */
function readEntry(l: Lowering, map: PlannedMap, key: Key, missing: () => VReg): VReg {
  const type = map.info.value;
  const inHash = (): VReg => {
    const found = lookup(l, map, key);
    const read = (): VReg => l.read({ base: found, offset: 0, space: "bpf" }, type);
    return l.choose("ne", found, { imm: 0n }, read, missing);
  };
  const table = valueTable(map);
  if (!table) return inHash();
  return onEntry(l, table, key, { mine: (at) => l.read(at, type), inHash, missing });
}

/** Where a map's value lies in memory; zeros for a key that is not there. */
export function mapPlace(l: Lowering, node: MapNode): Place {
  const map = plannedMap(l, node);
  if (node.kind === "map") return globalPlace(l, map);
  const key = keyOf(l, map, node.key);
  l.b.span = node.span;
  const found = lookup(l, map, key);
  const zeroes = l.plan.zeroes(sizeOf(map.info.value));
  const base = l.choose(
    "ne",
    found,
    { imm: 0n },
    () => found,
    () => {
      tellMissing(l);
      return l.mapValue(zeroes.map, zeroes.offset);
    },
  );
  return { base, offset: 0, space: "bpf" };
}

/** Copies the value of a key to a variable; 1 if the key is there, else 0 and the variable keeps its value. */
export function findKey(l: Lowering, map: PlannedMap, key: ast.Expression, info: VariableInfo): VReg {
  const { b } = l;
  const found = lookup(l, map, keyOf(l, map, key));
  const from: Place = { base: found, offset: 0, space: "bpf" };
  if (isScalar(info.type)) {
    const before = l.readVariable(info);
    const value = l.choose(
      "ne",
      found,
      { imm: 0n },
      () => l.read(from, map.info.value),
      () => before,
    );
    l.writeVariable(info, value);
  } else {
    l.when("ne", found, { imm: 0n }, () => convert(l, from, map.info.value, l.variablePlace(info), info.type, true));
  }
  return b.compare("ne", found, { imm: 0n });
}

/** How many entries a map has: the helper that goes through them counts its calls. */
export function countEntries(l: Lowering, map: PlannedMap): VReg {
  const index = l.functions.length;
  const callback = new FunctionBuilder(`${l.program.name.slice(0, 8)}_count${index}`, 4);
  callback.exit({ imm: 0n });
  l.functions.push(callback);
  const fn = l.b.define((dst) => ({ op: "func", dst, index }));
  const counted = l.b.call("for_each_map_elem", [l.mapReference(hashMap(map)), fn, { imm: 0n }, { imm: 0n }]);
  return l.b.extend(counted, 4, true);
}

/** Whether a key is in a map. */
export function hasKey(l: Lowering, map: PlannedMap, node: ast.Expression): VReg {
  const key = keyOf(l, map, node);
  const inHash = (): VReg => l.b.compare("ne", lookup(l, map, key), { imm: 0n });
  const table = valueTable(map);
  if (!table) return inHash();
  return onEntry(l, table, key, { mine: () => l.b.const(1), inHash, missing: () => l.b.const(0) });
}

function aggregateNumber(l: Lowering, map: PlannedMap, node: MapNode): VReg {
  const key = node.kind === "map-access" ? keyAddress(l, keyOf(l, map, node.key)) : undefined;
  return aggregateNumberOf(l, map, key);
}

// Writing

export function storeMap(l: Lowering, target: MapNode, node: ast.Expression): void {
  const map = plannedMap(l, target);
  const type = map.info.value;
  if (isAggregate(type)) {
    let call = node;
    while (call.kind === "block-expression") {
      statements(l, call.statements);
      call = blockValue(call);
    }
    aggregate(l, target, call as ast.Call);
    return;
  }
  if (target.kind === "map") {
    const { name } = map.info;
    const isOld = (part: ast.Node): boolean => part.kind === "map" && part.name === name;
    overwrite(l, node, { to: globalPlace(l, map), as: type, name, isOld });
    markPresent(l, map);
    return;
  }
  if (isScalar(type)) {
    const given = operand(l, node);
    store(l, map, keyOf(l, map, target.key), given);
    return;
  }
  const memory = l.memory(sizeOf(type), `value of ${map.info.name}`);
  into(l, node, memory, type, true);
  update(l, map, keyAddress(l, keyOf(l, map, target.key)), l.address(memory), BPF_ANY);
}

/** Stores a scalar under a key. */
function store(l: Lowering, map: PlannedMap, key: Key, given: Operand): void {
  const { value } = map.info;
  const inHash = (): void => {
    const slot = l.slot(8, "value");
    l.b.store(slot.base, 0, sizeOf(value) as Size, given);
    update(l, map, keyAddress(l, key), slot.base, BPF_ANY);
  };
  const table = valueTable(map);
  if (!table) {
    inHash();
    return;
  }
  setEntry(l, table, key, {
    set: (at) => l.write(at, value, given),
    lookUp: () => lookup(l, map, key),
    update: inHash,
  });
}

function update(l: Lowering, map: PlannedMap, key: VReg, from: VReg, flags: Operand): void {
  const result = l.b.call("map_update_elem", [l.mapReference(hashMap(map)), key, from, flags]);
  l.when("ne", result, { imm: 0n }, () => l.countRefusal(map, result));
}

function markPresent(l: Lowering, map: PlannedMap): void {
  if (map.storage.kind !== "shared") return;
  l.b.store(l.mapValue(map.storage.map, map.storage.presence), 0, 1, { imm: 1n });
}

/** `@x += n` and the like. Additions are atomic, so that none is lost between CPUs. */
export function compoundMap(l: Lowering, node: ast.Assignment): void {
  const target = node.target as MapNode;
  const operator = node.operator.slice(0, -1) as ast.BinaryOperator;
  const type = l.type(node.value);
  const given = operand(l, node.value);
  const map = plannedMap(l, target);
  if ((operator === "+" || operator === "-") && map.info.value.kind === "integer" && map.info.value.size === 8) {
    const amount = typeof given === "object" ? l.b.const(given.imm) : given;
    add(l, target, operator === "+" ? amount : l.b.alu("sub", l.b.const(0), amount));
    return;
  }
  modify(l, target, (before) => operation(l, operator, before, map.info.value, given, type, node.span));
}

/** `@x++` and the like; the value only if it is wanted. */
export function incrementMap(l: Lowering, node: ast.Increment, wanted: boolean): VReg | undefined {
  const target = node.target as MapNode;
  const { value: type } = plannedMap(l, target).info;
  const size = type.kind === "pointer" ? Math.max(1, sizeOf(type.to)) : 1;
  const step = BigInt(node.operator === "++" ? size : -size);
  if (!wanted && type.kind === "integer" && type.size === 8) {
    add(l, target, l.b.const(step));
    return undefined;
  }
  const { before, after } = modify(l, target, (old) => l.b.alu("add", old, { imm: step }));
  return node.prefix ? after : before;
}

// v = lookup(key); if (!v) update(key, 0, NOEXIST), v = lookup(key); if (v) atomic_add(v, amount)
function add(l: Lowering, target: MapNode, amount: VReg): void {
  const map = plannedMap(l, target);
  const atomicAdd = (base: VReg) =>
    l.b.emit({ op: "atomic", atomic: "add", dst: undefined, base, offset: 0, size: 8, value: amount });
  if (target.kind === "map") {
    atomicAdd(l.address(globalPlace(l, map)));
    markPresent(l, map);
    return;
  }
  withEntry(l, map, keyOf(l, map, target.key), 8, atomicAdd);
}

function modify(l: Lowering, target: MapNode, change: (before: VReg) => VReg): { before: VReg; after: VReg } {
  const map = plannedMap(l, target);
  const type = map.info.value;
  if (target.kind === "map") {
    const at = globalPlace(l, map);
    const before = l.read(at, type);
    const after = change(before);
    l.write(at, type, after);
    markPresent(l, map);
    return { before, after };
  }
  const key = keyOf(l, map, target.key);
  const before = readEntry(l, map, key, () => l.b.const(0));
  const after = change(before);
  store(l, map, key, after);
  return { before, after };
}

/** Runs `body` with the address of a key's value, which is created as zeros if it is not there. */
export function withEntry(l: Lowering, map: PlannedMap, key: Key, size: number, body: (entry: VReg) => void): void {
  const { b, plan, program } = l;
  const entry = {};
  const [found, done] = b.newBlocks(2);
  const enter = (value: VReg): void => {
    b.write(entry, value);
    b.jump(found);
  };
  const inHash = (hash: number): void => {
    if (!sharesCode(l)) {
      findOrCreate(l, map, hash, key, size, enter, () => b.jump(done));
      return;
    }
    const value = entryByCall(l, map, hash, key, size);
    b.write(entry, value);
    b.branch("ne", value, { imm: 0n }, found, done);
  };
  const interruptible = program.atomicUpdates(map);
  // What is divided is large already.
  const inTable = !program.divided && (!interruptible || l.facts.features.atomicFetch);
  const table = inTable ? plan.cpuTable(map) : undefined;
  if (table) inCpuTable(l, table, key, interruptible, enter);
  const short = plan.shortKeys(map);
  if (short && "address" in key) {
    const [isShort, isLong] = b.newBlocks(2);
    b.branch("eq", l.tested(b.load(key.address, short.keySize - 1, 1)), { imm: 0n }, isShort, isLong);
    b.enterSealed(isShort);
    inHash(short.map);
    b.enterSealed(isLong);
  }
  inHash(hashMap(map));
  b.enterSealed(found);
  body(b.read(entry));
  b.jump(done);
  b.enterSealed(done);
}

/** Ends with `enter`, or with `lost` where the kernel has refused the entry. */
function findOrCreate(
  l: Lowering,
  map: PlannedMap,
  hash: number,
  key: Key,
  size: number,
  enter: (entry: VReg) => void,
  lost: () => void,
): void {
  const { b, plan } = l;
  const [present, missing, created, refused] = b.newBlocks(4);
  const first = lookupIn(l, hash, key);
  b.branch("ne", first, { imm: 0n }, present, missing);
  b.enterSealed(present);
  enter(first);
  b.enterSealed(missing);
  const zeroes = plan.zeroes(size);
  const address = keyAddress(l, key);
  const reference = l.mapReference(hash);
  const from = l.mapValue(zeroes.map, zeroes.offset);
  const result = b.call("map_update_elem", [reference, address, from, BPF_NOEXIST]);
  const second = b.call("map_lookup_elem", [reference, address]);
  b.branch("ne", second, { imm: 0n }, created, refused);
  b.enterSealed(created);
  enter(second);
  b.enterSealed(refused);
  l.countRefusal(map, result);
  lost();
}

/** Whether a function that is called from everywhere does better than the same code everywhere, and the kernel takes it. */
function sharesCode({ program, facts }: Lowering): boolean {
  return program.divided === true && facts.features.callsBesideTailCalls;
}

/** The same as a function of the program, one for each hash and kind of key: the entry's address, or 0. */
function entryByCall(l: Lowering, map: PlannedMap, hash: number, key: Key, size: number): VReg {
  const isAddress = "address" in key;
  const index = l.shared(`entry ${hash} ${isAddress ? "" : key.size}`, (part) => {
    const [given] = part.b.function.params as [VReg];
    const inside = isAddress ? { address: given } : { value: given, size: key.size };
    findOrCreate(
      part,
      map,
      hash,
      inside,
      size,
      (entry) => part.b.exit(entry),
      () => part.b.exit({ imm: 0n }),
    );
  });
  const args = [isAddress ? key.address : key.value];
  return l.b.define((dst) => ({ op: "call-local", dst, index, args }));
}

export function deleteKey(l: Lowering, map: PlannedMap, node: ast.Expression): VReg {
  const { b } = l;
  const key = keyOf(l, map, node);
  const inHash = (): VReg => {
    const result = b.call("map_delete_elem", [l.mapReference(hashMap(map)), keyAddress(l, key)]);
    return b.compare("eq", result, { imm: 0n });
  };
  const table = valueTable(map);
  if (!table) return inHash();
  const mine = (at: Place): VReg => {
    takeAway(l, table, at);
    return b.const(1);
  };
  return onEntry(l, table, key, { mine, inHash, missing: () => b.const(0) });
}

/** `delete(@x)` of a map without keys: as if it had never been assigned. Whether it had been is the result. */
export function deleteScalar(l: Lowering, map: PlannedMap): VReg {
  const { storage, info } = map;
  if (storage.kind !== "shared") {
    // A program reaches the copy of its own CPU only; the harness reaches all.
    sendPlain(l, { kind: "clear_map", size: PLAIN_EVENT_SIZE, map: map.index });
    return l.b.const(1);
  }
  const presence = l.mapValue(storage.map, storage.presence);
  const before = l.b.load(presence, 0, 1);
  l.zero(globalPlace(l, map), sizeOf(info.value));
  l.b.store(presence, 0, 1, { imm: 0n });
  return l.b.compare("ne", before, { imm: 0n });
}

// Aggregations

function aggregate(l: Lowering, target: MapNode, call: ast.Call): void {
  const map = plannedMap(l, target);
  const type = map.info.value as Aggregate;
  const args = call.args as ast.Expression[];
  // The argument first: it may itself look into maps.
  const given = type.kind === "count" ? undefined : value(l, args[0]!);
  l.b.span = call.span;
  if (type.kind === "tseries") {
    addToSeries(l, map, type, call, target.kind === "map" ? undefined : target.key, given!);
    return;
  }
  if (target.kind === "map") {
    const at = globalPlace(l, map);
    accumulate(l, map, type, at, given);
    if (map.storage.kind === "per-cpu" && type.kind === "sum") {
      l.b.store(at.base, map.storage.presence, 8, { imm: 1n });
    }
    return;
  }
  const key = keyOf(l, map, target.key);
  l.b.span = call.span;
  const { stride } = map.storage.kind === "hash" ? map.storage : {};
  const size = stride === undefined ? aggregateSize(type) : stride * l.plan.copies;
  withEntry(l, map, key, size, (entry) => {
    const base = stride === undefined ? entry : l.copyAt(entry, { imm: BigInt(stride) });
    accumulate(l, map, type, { base, offset: 0, space: "bpf" }, given);
  });
}
