/**
 * The state of lowering one program: the function being built, the plan, and the unit (block and types) that is being
 * walked. Expressions, statements, maps and events are lowered by the functions in the files beside this one; this
 * class holds what they share: memory, reads and writes, per-CPU addresses, failure counters.
 */
import { FunctionBuilder } from "../ir/builder.ts";
import type { Condition, IrFunction, Operand, Size, VReg } from "../ir/ir.ts";
import type { KernelFacts } from "../kernel-facts.ts";
import { type HostConstant, type Loss, type OwnMap, type ProgramType, REFUSALS, type ScopeFilter } from "../program.ts";
import type { ScriptConfig } from "../sema/config.ts";
import { sizeOf } from "../sema/layout.ts";
import { MAX_VALUE_BYTES } from "../sema/limits.ts";
import type { ResolvedProbe } from "../sema/probes.ts";
import type { Unit, VariableInfo } from "../sema/typed.ts";
import { isScalar, isSigned, type Type } from "../sema/types.ts";
import type { Expression, Variable } from "../syntax/ast.ts";
import { hasWhile, isBranchy } from "./branchy.ts";
import { at, type Place } from "./place.ts";
import type { Plan, PlannedMap } from "./plan.ts";
import { checkHelper } from "./runtime-errors.ts";
import { CLAIMED, type SlotMemory } from "./slots.ts";
import { ValueTooLarge } from "./too-large.ts";
import type { ArgumentLists } from "./usdt.ts";

/** Longer runs go through a helper, which costs one call instead of an instruction for each eight bytes. */
const ZERO_BY_STORES = 256;
const COPY_BY_LOADS = 128;

export interface ProgramInfo {
  name: string;
  type: ProgramType;
  /** Two runs of one script's programs may interrupt each other on a CPU and touch the same map: updates must be atomic. */
  atomicUpdates: (map: PlannedMap) => boolean;
  /** Where large objects live in programs that can be preempted; others have a fixed place on each CPU. */
  slots?: SlotMemory | undefined;
  /** What the context points to. */
  context: "raw" | "record" | "registers" | "perf-event" | "iterator" | "none";
  /** Too large for one program of the kernel: variables live where the parts that follow find them (parts.ts). */
  divided?: boolean;
  /** Where the arguments of USDT probes are. */
  argumentLists?: ArgumentLists;
}

export interface LoweringEnvironment {
  facts: KernelFacts;
  plan: Plan;
  config: ScriptConfig;
  /** Objects above this size live in per-CPU memory rather than in the 512 bytes of stack. */
  stackLimit: number;
  /** Programs of many more instructions are divided (parts.ts). */
  partSize: number;
  /** The script calls exit(). */
  exits: boolean;
  /** Reads that fail and keys that are not there are told. */
  tellsFailures: boolean;
  /** There is a process whose id `cpid` is. */
  hasCommand: boolean;
  /** Only the process of -p counts. */
  oneTarget: boolean;
  /** Uprobes will be attached to one process. */
  oneProcess: boolean;
  /** How the workload is told from the rest of the system, for in_workload(). */
  workload: ScopeFilter;
}

/** Where a variable that does not fit a register lives. */
export type Home =
  | { slot: number }
  | { map: number; offset: number }
  /** At an offset of the slot that the program has claimed. */
  | { claimed: number }
  /** A pointer to it lies at `offset` behind `pointer`. */
  | { pointer: VReg; offset: number };

/** Callbacks get up to four arguments; those that a helper does not pass are never read. */
const CALLBACK_PARAMETERS = 4;

export interface LoopTargets {
  continueTo: number;
  breakTo: number;
  /** How often the verifier goes through the body, where that is known. */
  rounds?: number;
}

export class Lowering {
  readonly b: FunctionBuilder;
  readonly plan: Plan;
  readonly facts: KernelFacts;
  readonly environment: LoweringEnvironment;
  readonly program: ProgramInfo;
  /** The context: r1 at entry. */
  context: VReg;
  readonly loops: LoopTargets[] = [];
  /** All functions of the program; the first is its entry. */
  readonly functions: FunctionBuilder[];
  #variables = new Map<VariableInfo, Home>();
  #unit: Unit | undefined;
  #probe: ResolvedProbe | undefined;
  #end = -1;
  #branchy = false;
  #divisible = true;
  /** What statements before this one have used, by what it is: of programs in which they share it. */
  #temporaries: Map<string, { items: unknown[]; taken: number }> | undefined;
  /** There are loops whose end the verifier must see: nothing is kept from it. */
  #plainLoops = false;
  /** Memory that numbers are sent through. */
  #detour: Home | undefined;
  #claimed: VReg | undefined;
  #shared = new Map<string, number>();
  /** The address of what the program returns, where somebody looks at that. */
  result: VReg | undefined;
  /** The id of the probe that fired, where the program serves many. */
  probeId: VReg | undefined;
  /** Number and registers of the system call, for programs on the raw system call tracepoints. */
  syscall: { number: VReg; registers: VReg; result: VReg | undefined } | undefined;

  constructor(program: ProgramInfo, environment: LoweringEnvironment, functions: FunctionBuilder[] = []) {
    this.program = program;
    this.environment = environment;
    this.plan = environment.plan;
    this.facts = environment.facts;
    this.functions = functions;
    const first = functions.length === 0;
    const name = first ? program.name : `${program.name.slice(0, 10)}_${functions.length}`;
    this.b = new FunctionBuilder(name, first ? 1 : CALLBACK_PARAMETERS);
    functions.push(this.b);
    this.context = this.b.function.params[0]!;
  }

  /** A further function of the same program, which a helper calls back. Its types are those of the current unit. */
  callback(): Lowering {
    const child = new Lowering(this.program, this.environment, this.functions);
    child.#unit = this.#unit;
    child.#probe = this.#probe;
    child.#branchy = this.#branchy;
    child.#plainLoops = this.#plainLoops;
    child.#detour = this.#detour;
    child.#shared = this.#shared;
    return child;
  }

  /** A further part of the same program, which goes on in the middle of what is lowered here. */
  part(): Lowering {
    const next = new Lowering(this.program, this.environment);
    next.#unit = this.#unit;
    next.#probe = this.#probe;
    next.#branchy = this.#branchy;
    next.#detour = this.#detour;
    next.#variables = this.#variables;
    return next;
  }

  /** The index of a function of the program that serves many places; it is lowered when the first of them asks for it. */
  shared(name: string, lower: (l: Lowering) => void): number {
    const known = this.#shared.get(name);
    if (known !== undefined) return known;
    const index = this.functions.length;
    this.#shared.set(name, index);
    const child = this.callback();
    child.b.span = this.b.span;
    lower(child);
    return index;
  }

  /** Finished functions, the entry first. */
  finish(): IrFunction[] {
    return this.functions.map((builder) => builder.finish());
  }

  /** Instructions so far, as lowering makes them. */
  get size(): number {
    return this.functions.reduce((sum, { size }) => sum + size, 0);
  }

  get unit(): Unit {
    if (!this.#unit) throw new Error("no unit is being lowered");
    return this.#unit;
  }

  get probe(): ResolvedProbe {
    if (!this.#probe) throw new Error("no probe is being lowered");
    return this.#probe;
  }

  /** The block to which a `return` (and a false predicate) leads. */
  get end(): number {
    return this.#end;
  }

  set end(block: number) {
    this.#end = block;
  }

  /** What is lowered from here on has the types of `unit`, and is left for `end`. */
  enterRegion(unit: Unit, probe: ResolvedProbe, end: number): void {
    this.#unit = unit;
    this.#probe = probe;
    this.#end = end;
    const { divided = false } = this.program;
    // Features are asked for where they matter.
    const mustEnd = (): boolean => !this.facts.features.mayGoto && !this.facts.features.loop;
    this.#plainLoops = !divided && hasWhile(unit.block) && mustEnd();
    this.#branchy = divided || (!this.#plainLoops && isBranchy(unit));
    this.#divisible = true;
    this.#variables = new Map();
  }

  type(node: Expression): Type {
    const type = this.unit.types.get(node);
    if (!type) throw new Error(`a ${node.kind} expression was not checked`);
    return type;
  }

  variable(node: Variable): VariableInfo {
    const info = this.unit.variables.get(node);
    if (!info) throw new Error(`variable ${node.name} was not resolved`);
    return info;
  }

  // Memory

  /** Memory for one object of this program: on the stack if it is small, else of its own on each CPU. */
  memory(size: number, note: string): Place {
    this.limit(note, size, MAX_VALUE_BYTES);
    return size <= this.#stackLimit ? this.slot(size, note) : this.scratch(size);
  }

  /** Gives up where something is too large for what is to be done with it. */
  limit(what: string, bytes: number, most: number): void {
    if (bytes > most) throw new ValueTooLarge(what, bytes, most, this.b.span);
  }

  /** What lies on the stack the verifier knows as well as what is in registers. */
  get #stackLimit(): number {
    return this.#branchy ? 0 : this.environment.stackLimit;
  }

  /** Whether another part may go on from here: whatever variables hold is in memory. */
  get isDivisible(): boolean {
    return this.#divisible;
  }

  /** Memory for something that all of the program's parts know. */
  home(size: number, note: string): Home {
    return this.program.divided ? this.scratchHome(size) : { slot: this.b.slot(roundUp8(size), note) };
  }

  /** The same, whatever its size is, outside of the stack. */
  scratch(size: number): Place {
    return this.placeOf(this.#temporary(`scratch ${roundUp8(size)}`, () => this.scratchHome(roundUp8(size))));
  }

  scratchHome(size: number): Home {
    const { slots } = this.program;
    return slots ? { claimed: slots.allocate(size) } : this.plan.scratch(size);
  }

  placeOf(home: Home): Place {
    if ("slot" in home) return { base: this.b.slotAddress(home.slot), offset: 0, space: "bpf" };
    if ("pointer" in home) return { base: this.b.load(home.pointer, home.offset, 8), offset: 0, space: "bpf" };
    if ("claimed" in home) return { base: this.claimed, offset: home.claimed, space: "bpf", slack: true };
    return { base: this.perCpu(home.map), offset: home.offset, space: "bpf", slack: true };
  }

  /** The slot that this run of the program has claimed; 0 if it needs none. */
  get claimed(): VReg {
    return this.#claimed ?? this.b.read(CLAIMED);
  }

  set claimed(slot: VReg) {
    this.#claimed = slot;
  }

  slot(size: number, note: string): Place {
    const slot = this.#temporary(`slot ${roundUp8(size)}`, () => this.b.slot(roundUp8(size), note));
    return { base: this.b.slotAddress(slot), offset: 0, space: "bpf" };
  }

  /** In a program of many statements these share their memory: nothing but variables lives longer than one of them. */
  beginStatement(): void {
    this.#temporaries ??= new Map();
    for (const pool of this.#temporaries.values()) pool.taken = 0;
  }

  #temporary<T>(kind: string, make: () => T): T {
    if (!this.#temporaries) return make();
    let pool = this.#temporaries.get(kind);
    if (!pool) {
      pool = { items: [], taken: 0 };
      this.#temporaries.set(kind, pool);
    }
    if (pool.taken === pool.items.length) pool.items.push(make());
    return pool.items[pool.taken++] as T;
  }

  /** This CPU's copy in the per-CPU array. */
  perCpu(map: number): VReg {
    return this.b.once(`copy ${map}`, () => this.cpuCopy(map, this.plan.stride));
  }

  /** This CPU's copy in an array whose copies lie `stride` bytes apart. */
  cpuCopy(map: number, stride: { imm: bigint }): VReg {
    return this.copyAt(this.mapValue(map, 0), stride);
  }

  /** This CPU's of the copies that begin at `base`. */
  copyAt(base: VReg, stride: { imm: bigint }): VReg {
    const { b } = this;
    if (this.plan.copies === 1) return base;
    const cpu = b.call("get_smp_processor_id", [], { pure: true });
    const bounded = b.alu("and", cpu, { imm: BigInt(this.plan.copies - 1) });
    return b.alu("add", base, b.alu("mul", bounded, stride));
  }

  mapValue(map: number, offset: number): VReg {
    const { b } = this;
    return b.once(`value ${map} ${offset}`, () => b.define((dst) => ({ op: "map-value", dst, map, offset })));
  }

  mapReference(map: number): VReg {
    const { b } = this;
    return b.once(`map ${map}`, () => b.define((dst) => ({ op: "map", dst, map })));
  }

  hostConstant(constant: HostConstant): VReg {
    return this.b.define((dst) => ({ op: "host-const", dst, constant }));
  }

  address({ base, offset, nullable }: Place): VReg {
    return this.b.add(nullable && offset !== 0 ? this.#unknown(base) : base, offset);
  }

  /** Where a variable that does not fit a register lives. Its address is computed anew at each use, and merged later. */
  variablePlace(info: VariableInfo): Place {
    let home = this.#variables.get(info);
    if (!home) {
      const size = sizeOf(info.type);
      home = size <= this.#stackLimit ? { slot: this.b.slot(roundUp8(size), info.name) } : this.scratchHome(size);
      this.#variables.set(info, home);
    }
    return this.placeOf(home);
  }

  /** Whether a variable is a register; all others have a place in memory. */
  inRegister(info: VariableInfo): boolean {
    if (!isScalar(info.type) || info.addressed) return false;
    return !this.#branchy || this.isKnownAddress(info);
  }

  /** Whether the verifier must see what a variable leads to, which it does for what is in a register. */
  isKnownAddress({ type }: VariableInfo): boolean {
    if (type.kind !== "pointer") return false;
    const { kind } = this.probe.event;
    return !this.program.divided || type.space === "bpf" || kind === "function" || kind === "raw";
  }

  /** The value of a scalar variable. */
  readVariable(info: VariableInfo): VReg {
    return this.inRegister(info) ? this.b.read(info) : this.readOwn(this.variablePlace(info), info.type);
  }

  /** Reads a scalar from memory of the program, which in a loop another round may have written. */
  readOwn(place: Place, type: Type): VReg {
    const value = this.read(place, type);
    const again = this.inLoop && !this.#plainLoops;
    return again && place.space === "bpf" && type.kind !== "pointer" ? this.forget(value) : value;
  }

  writeVariable(info: VariableInfo, value: VReg): void {
    if (this.inRegister(info)) {
      this.b.write(info, value);
      this.#divisible = false;
    } else this.write(this.variablePlace(info), info.type, value);
  }

  /** Where a variable of the calling function lives: in per-CPU memory, or behind a pointer that was handed over. */
  adoptVariable(info: VariableInfo, home: Home): void {
    this.#variables.set(info, home);
  }

  homeOf(info: VariableInfo): Home | undefined {
    return this.#variables.get(info);
  }

  /** Fills memory with zeros. */
  zero(place: Place, size: number): void {
    if (size > ZERO_BY_STORES) {
      this.clear(this.address(place), { imm: BigInt(size) });
      return;
    }
    for (const [offset, step] of pieces(place.offset, size)) {
      this.b.store(place.base, place.offset + offset, step, { imm: 0n });
    }
  }

  /** The same by a helper: what it cannot read, and nothing can be read from address 0, it fills with zeros. */
  clear(address: VReg, size: Operand): void {
    this.b.call("probe_read_kernel", [address, size, { imm: 0n }]);
  }

  /** Copies `size` bytes to memory of the program. Unreadable memory gives zeros. */
  copy(from: Place, to: Place, size: number): void {
    if (from.space === "bpf" && (size <= COPY_BY_LOADS || from.context)) {
      for (const [offset, step] of pieces([from.offset, to.offset], size)) {
        const value = this.b.load(from.base, from.offset + offset, step);
        this.b.store(to.base, to.offset + offset, step, value);
      }
      return;
    }
    const helper = from.space === "user" ? "probe_read_user" : "probe_read_kernel";
    const result = this.b.call(helper, [this.address(to), { imm: BigInt(size) }, this.address(from)]);
    if (from.space !== "bpf") checkHelper(this, helper, result);
  }

  /** Reads a scalar of a type. */
  read(place: Place, type: Type, invariant = false): VReg {
    const size = sizeOf(type) as Size;
    const signed = isSigned(type);
    if (place.typed) {
      // Some tracepoints may pass a null pointer, which the verifier wants to see tested.
      const load = () => this.b.load(place.base, place.offset, size, { signed });
      return this.choose("ne", place.base, { imm: 0n }, load, () => this.b.const(0));
    }
    if (place.space === "bpf") return this.b.load(place.base, place.offset, size, { signed, invariant });
    const slot = this.slot(8, "read");
    const helper = place.space === "user" ? "probe_read_user" : "probe_read_kernel";
    const result = this.b.call(helper, [slot.base, { imm: BigInt(size) }, this.address(place)]);
    checkHelper(this, helper, result);
    return this.b.load(slot.base, 0, size, { signed });
  }

  /** Stores a scalar of a type. */
  write(place: Place, type: Type, value: Operand): void {
    this.b.store(place.base, place.offset, sizeOf(type) as Size, value);
  }

  /** Zeroes the gaps between the parts of a tuple or record, so that equal keys have equal bytes. */
  zeroPadding(place: Place, parts: readonly { offset: number; size: number }[], size: number): void {
    let end = 0;
    for (const part of [...parts, { offset: size, size: 0 }]) {
      if (part.offset > end) this.zero(at(place, end), part.offset - end);
      end = part.offset + part.size;
    }
  }

  // What the verifier need not know

  /** A number that is about to be tested, or to be looked at for a bound, in a block with many branches. */
  tested(value: VReg): VReg {
    return this.#branchy ? this.forget(value) : value;
  }

  /** Clears what was shared with a callback: the verifier takes it for something that may be read again. */
  settle(slot: number, size: number): void {
    if (this.#branchy || this.inLoop) this.zero(this.placeOf({ slot }), size);
  }

  /** A number that becomes part of an address, or a size, which makes the verifier ask where it came from. */
  reckoned(value: VReg): VReg {
    return this.#branchy ? this.#throughMemory(value) : value;
  }

  /**
   * The address of the program's own memory as a number. With addresses that it knows the verifier permits little: scripts add any
   * number to them, choose between them, and keep them in maps.
   */
  plainAddress(place: Place): VReg {
    return this.#throughMemory(this.address(place));
  }

  /**
   * A pointer as a number. With pointers that it knows the verifier permits no other arithmetic than to add to them, but
   * swaps their bytes, and does not know what comes of that.
   */
  asNumber(value: VReg, type: Type): VReg {
    return holdsAddress(type) ? this.#unknown(value) : value;
  }

  #unknown(value: VReg): VReg {
    const swapped = (src: VReg): VReg => this.b.define((dst) => ({ op: "bswap", dst, src, size: 8 }));
    return swapped(swapped(value));
  }

  #throughMemory(value: VReg): VReg {
    this.#detour ??= this.scratchHome(8);
    const { base, offset } = this.placeOf(this.#detour);
    return this.b.define((dst) => ({ op: "detour", dst, src: value, base, offset }));
  }

  /** The same number, of which the verifier forgets what it knows: else it follows each round of a loop by itself. */
  forget(value: VReg): VReg {
    return this.b.define((dst) => ({ op: "forget", dst, src: value }));
  }

  /** Whether the code is run again and again. */
  get inLoop(): boolean {
    return this.loops.length > 0;
  }

  // Control flow

  /** Emits `then` in a block of its own that is entered if the condition holds, and goes on behind both. */
  when(condition: Condition, a: VReg, b: Operand, then: () => void, otherwise?: () => void): void {
    const thenBlock = this.b.newBlock();
    const after = this.b.newBlock();
    const otherwiseBlock = otherwise ? this.b.newBlock() : after;
    this.b.branch(condition, a, b, thenBlock, otherwiseBlock);
    this.b.enterSealed(thenBlock);
    then();
    this.b.jump(after);
    if (otherwise) {
      this.b.enterSealed(otherwiseBlock);
      otherwise();
      this.b.jump(after);
    }
    this.b.enterSealed(after);
  }

  /** A value that is computed differently on two ways. */
  choose(condition: Condition, a: VReg, b: Operand, then: () => VReg, otherwise: () => VReg): VReg {
    const key = {};
    this.when(
      condition,
      a,
      b,
      () => this.b.write(key, then()),
      () => this.b.write(key, otherwise()),
    );
    return this.b.read(key);
  }

  /** Counts something that was lost, so that the run is known to be invalid. */
  countFailure(slot: Loss): void {
    const { map, offset } = this.plan.health(slot);
    this.#increment(this.mapValue(map, offset));
  }

  /** Counts an update that the kernel refused, by what the helper returned: refusals[map][result & 127]++ */
  countRefusal(of: PlannedMap | OwnMap, result: VReg): void {
    const { b } = this;
    const { map, offset } = this.plan.health(of);
    // The low bits only: before 6.4 the kernel answers with an `int`.
    const index = b.alu("and", result, { imm: BigInt(REFUSALS - 1) });
    this.#increment(b.alu("add", this.mapValue(map, offset), b.alu("lsh", index, { imm: 3n })));
  }

  #increment(counter: VReg): void {
    const value = this.b.const(1);
    this.b.emit({ op: "atomic", atomic: "add", dst: undefined, base: counter, offset: 0, size: 8, value });
  }
}

export function roundUp8(size: number): number {
  return Math.ceil(size / 8) * 8;
}

/**
 * Steps that cover `size` bytes and are aligned from each of the offsets on (of bases that are aligned to 8): [relative
 * offset, width].
 */
export function pieces(starts: number | readonly number[], size: number): [offset: number, step: Size][] {
  const all = typeof starts === "number" ? [starts] : starts;
  const list: [number, Size][] = [];
  for (let offset = 0; offset < size; ) {
    const step = ([8, 4, 2, 1] as const).find(
      (s) => offset + s <= size && all.every((start) => (start + offset) % s === 0),
    )!;
    list.push([offset, step]);
    offset += step;
  }
  return list;
}

function holdsAddress(type: Type): boolean {
  if (type.kind === "tuple") return type.elements.some(holdsAddress);
  if (type.kind === "record") return type.fields.some((field) => holdsAddress(field.type));
  return type.kind === "pointer" || type.kind === "ksym" || type.kind === "usym";
}
