/**
 * Random programs for the property tests: well-formed by construction, with loops that end, addresses that are tested, and
 * nothing that the kernel's verifier refuses. A program is generated as a list of statements and then built like a script
 * is lowered, so that failures shrink to few statements.
 */
import fc from "fast-check";
import { FunctionBuilder } from "../../compiler/ir/builder.ts";
import type { AluOp, AtomicOp, Condition, IrFunction, IrProgram, Operand, Size, VReg } from "../../compiler/ir/ir.ts";
import type { KernelMap } from "../../compiler/program.ts";
import { unreachable } from "../../compiler/unreachable.ts";

/** The maps of all random programs. The last one receives the variables at the end. */
export const randomMaps: KernelMap[] = [
  { name: "global", type: "array", keySize: 4, valueSize: 64, maxEntries: 1, flags: 0 },
  { name: "small", type: "hash", keySize: 4, valueSize: 8, maxEntries: 64, flags: 0 },
  { name: "wide", type: "hash", keySize: 8, valueSize: 16, maxEntries: 64, flags: 0 },
  { name: "percpu", type: "percpu_array", keySize: 4, valueSize: 8, maxEntries: 2, flags: 0 },
  { name: "records", type: "ringbuf", keySize: 0, valueSize: 0, maxEntries: 65_536, flags: 0 },
  { name: "results", type: "array", keySize: 4, valueSize: 128, maxEntries: 1, flags: 0 },
];
const [GLOBAL, SMALL, WIDE, PER_CPU, RECORDS, RESULTS] = [0, 1, 2, 3, 4, 5];

/** 64-bit words of the context. */
const CONTEXT_WORDS = 8;
/** Statements name so many variables; a program may have fewer. */
const VARIABLES = 12;
/** How many variables a program has: few, or more than there are registers that survive calls, or registers at all. */
export const variables = fc.constantFrom(3, 6, 12);

type Variable = number;
type Source = Variable | { imm: bigint };

export type Statement =
  | { kind: "set"; to: Variable; value: bigint }
  | { kind: "alu"; op: AluOp; to: Variable; a: Variable; b: Source }
  | { kind: "extend"; to: Variable; from: Variable; size: 1 | 2 | 4; signed: boolean }
  | { kind: "bswap"; to: Variable; from: Variable; size: 2 | 4 | 8 }
  | { kind: "log2"; to: Variable; from: Variable }
  | { kind: "compare"; to: Variable; condition: Condition; a: Variable; b: Source }
  | { kind: "context"; to: Variable; word: number; size: Size; signed: boolean }
  | { kind: "identity"; to: Variable; helper: "get_current_pid_tgid" | "get_current_uid_gid" }
  | { kind: "global-load"; to: Variable; index: number; size: Size; signed: boolean }
  | { kind: "global-store"; index: number; size: Size; value: Source }
  | { kind: "atomic"; op: AtomicOp; index: number; size: 4 | 8; value: Variable; expected: Variable; to?: Variable }
  | { kind: "slot-load"; to: Variable; index: number; size: Size; signed: boolean }
  | { kind: "slot-store"; index: number; size: Size; value: Source }
  | { kind: "count"; map: "small" | "wide" | "percpu"; key: Source; by: Variable }
  | { kind: "read"; map: "small" | "wide" | "percpu"; key: Source; to: Variable }
  | { kind: "choose"; condition: Variable; first: Source; second: Source; to: Variable }
  | { kind: "delete"; map: "small" | "wide"; key: Source }
  | {
      kind: "if";
      condition: Condition;
      a: Variable;
      b: Source;
      then: Statement[];
      otherwise: Statement[];
      likely?: boolean;
    }
  | { kind: "loop"; count: number; leaveIf: { condition: Condition; a: Variable; b: Source }; body: Statement[] }
  | { kind: "record"; values: Source[]; submit: boolean }
  | { kind: "callback"; count: number; value: Variable; to: Variable }
  | { kind: "subprogram"; a: Variable; b: Source; to: Variable };

const variable = fc.nat({ max: VARIABLES - 1 });
const interesting: bigint[] = [
  ...[0n, 1n, 2n, 3n, 7n, 8n, 63n, 64n, 255n, 256n, 1000n, 65535n, 65536n, -1n, -2n, -8n, -128n, -32768n],
  ...[0x7fff_ffffn, 0x8000_0000n, 0xffff_ffffn, 0x1_0000_0000n, -0x8000_0000n, -0x8000_0001n, 0x7fff_ffff_ffff_ffffn],
  ...[-0x8000_0000_0000_0000n, -0x7fff_ffff_ffff_ffffn, 0x0123_4567_89ab_cdefn, 0x00ff_00ff_00ff_00ffn],
];
export const number64 = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...interesting) },
  { weight: 1, arbitrary: fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n }) },
  { weight: 2, arbitrary: fc.bigInt({ min: -16n, max: 300n }) },
);
const source: fc.Arbitrary<Source> = fc.oneof(
  { weight: 3, arbitrary: variable },
  { weight: 2, arbitrary: number64.map((imm) => ({ imm })) },
);
const size = fc.constantFrom<Size>(1, 2, 4, 8);
const signed = fc.boolean();
const condition = fc.constantFrom<Condition>("eq", "ne", "lt", "le", "gt", "ge", "slt", "sle", "sgt", "sge", "set");
const alu = fc.constantFrom<AluOp>(
  ...(["add", "sub", "mul", "div", "mod", "sdiv", "smod", "and", "or", "xor", "lsh", "rsh", "arsh"] as const),
);
const anyMap = fc.constantFrom("small" as const, "wide" as const, "percpu" as const);
const key: fc.Arbitrary<Source> = fc.oneof(variable, fc.constantFrom({ imm: 0n }, { imm: 1n }, { imm: 3n }));

const simple: fc.Arbitrary<Statement> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("set" as const), to: variable, value: number64 }) },
  {
    weight: 12,
    arbitrary: fc.record({ kind: fc.constant("alu" as const), op: alu, to: variable, a: variable, b: source }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("extend" as const),
      to: variable,
      from: variable,
      size: fc.constantFrom<1 | 2 | 4>(1, 2, 4),
      signed,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("bswap" as const),
      to: variable,
      from: variable,
      size: fc.constantFrom<2 | 4 | 8>(2, 4, 8),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant("log2" as const), to: variable, from: variable }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant("compare" as const), to: variable, condition, a: variable, b: source }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("context" as const),
      to: variable,
      word: fc.nat({ max: CONTEXT_WORDS - 1 }),
      size,
      signed,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("identity" as const),
      to: variable,
      helper: fc.constantFrom("get_current_pid_tgid" as const, "get_current_uid_gid" as const),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant("global-load" as const), to: variable, index: fc.nat(7), size, signed }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant("global-store" as const), index: fc.nat(7), size, value: source }),
  },
  {
    weight: 2,
    arbitrary: fc.record(
      {
        kind: fc.constant("atomic" as const),
        op: fc.constantFrom<AtomicOp>("add", "or", "and", "xor", "xchg", "cmpxchg"),
        index: fc.nat(7),
        size: fc.constantFrom<4 | 8>(4, 8),
        value: variable,
        expected: variable,
        to: variable,
      },
      { requiredKeys: ["kind", "op", "index", "size", "value", "expected"] },
    ),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant("slot-load" as const), to: variable, index: fc.nat(3), size, signed }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant("slot-store" as const), index: fc.nat(3), size, value: source }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("count" as const), map: anyMap, key, by: variable }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("read" as const), map: anyMap, key, to: variable }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("choose" as const),
      condition: variable,
      first: key,
      second: key,
      to: variable,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("delete" as const),
      map: fc.constantFrom("small" as const, "wide" as const),
      key,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("record" as const),
      values: fc.array(source, { minLength: 1, maxLength: 3 }),
      submit: fc.boolean(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("callback" as const),
      count: fc.integer({ min: 1, max: 4 }),
      value: variable,
      to: variable,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("subprogram" as const), a: variable, b: source, to: variable }),
  },
);

const { statement } = fc.letrec<{ statement: Statement; nested: Statement }>((tie) => ({
  statement: fc.oneof(
    { maxDepth: 3, depthIdentifier: "statement" },
    { weight: 5, arbitrary: simple },
    { weight: 1, arbitrary: tie("nested") },
  ),
  nested: fc.oneof(
    fc.record(
      {
        kind: fc.constant("if" as const),
        condition,
        a: variable,
        b: source,
        then: fc.array(tie("statement"), { maxLength: 4 }),
        otherwise: fc.array(tie("statement"), { maxLength: 4 }),
        likely: fc.boolean(),
      },
      { requiredKeys: ["kind", "condition", "a", "b", "then", "otherwise"] },
    ),
    fc.record({
      kind: fc.constant("loop" as const),
      count: fc.nat({ max: 3 }),
      leaveIf: fc.record({ condition, a: variable, b: source }),
      body: fc.array(tie("statement"), { maxLength: 3 }),
    }),
  ),
}));

export const statements = fc.array(statement, { minLength: 1, maxLength: 20, size: "max" });

/** The words of the context. */
export const context = fc.array(number64, { minLength: CONTEXT_WORDS, maxLength: CONTEXT_WORDS });

/** The program that the statements describe; variables beyond `count` stand for others. */
export function buildProgram(body: readonly Statement[], count = 6): IrProgram {
  const main = new Build(body, count).build();
  return {
    name: "random",
    type: "raw_tracepoint",
    attach: { kind: "begin" },
    probes: [],
    functions: [main, callback(), subprogram()],
  };
}

/** sum += index + *context, where the context is two words in the caller's frame; stops at a negative sum. */
function callback(): IrFunction {
  const b = new FunctionBuilder("callback", 2);
  const [index, shared] = b.function.params as [VReg, VReg];
  const step = b.load(shared, 8, 8);
  const sum = b.alu("add", b.load(shared, 0, 8), b.alu("add", step, index));
  b.store(shared, 0, 8, sum);
  b.exit(b.compare("slt", sum, { imm: 0n }));
  return b.finish();
}

/** a * 3 - b, or b for a negative a. */
function subprogram(): IrFunction {
  const f = new FunctionBuilder("subprogram", 2);
  const [a, b] = f.function.params as [VReg, VReg];
  const negative = f.newBlock();
  const other = f.newBlock();
  f.branch("slt", a, { imm: 0n }, negative, other);
  f.enterSealed(negative);
  f.exit(b);
  f.enterSealed(other);
  f.exit(f.alu("sub", f.alu("mul", a, { imm: 3n }), b));
  return f.finish();
}

const SLOT_WORDS = 4;

class Build {
  readonly #b = new FunctionBuilder("random", 1);
  readonly #body: readonly Statement[];
  readonly #variables: number;
  readonly #context: VReg;
  readonly #scratch: number;
  #counters = 0;

  constructor(body: readonly Statement[], variables: number) {
    this.#body = body;
    this.#variables = variables;
    this.#context = this.#b.function.params[0]!;
    this.#scratch = this.#b.slot(SLOT_WORDS * 8, "scratch");
  }

  build(): IrFunction {
    const b = this.#b;
    for (let v = 0; v < this.#variables; v++) {
      this.#write(v, b.load(this.#context, (v % CONTEXT_WORDS) * 8, 8, { invariant: true }));
    }
    for (let word = 0; word < SLOT_WORDS; word++) b.store(b.slotAddress(this.#scratch), word * 8, 8, { imm: 0n });
    this.#statements(this.#body);
    let result = b.const(0);
    for (let v = 0; v < this.#variables; v++) {
      const address = b.define((dst) => ({ op: "map-value", dst, map: RESULTS!, offset: v * 8 }));
      b.store(address, 0, 8, this.#read(v));
      result = b.alu("xor", result, this.#read(v));
    }
    b.exit(result);
    return b.finish();
  }

  #read(v: Variable): VReg {
    return this.#b.read(`v${v % this.#variables}`);
  }

  #write(v: Variable, value: VReg): void {
    this.#b.write(`v${v % this.#variables}`, value);
  }

  #operand(source: Source): Operand {
    return typeof source === "number" ? this.#read(source) : source;
  }

  #statements(body: readonly Statement[]): void {
    for (const s of body) this.#statement(s);
  }

  #statement(s: Statement): void {
    const b = this.#b;
    switch (s.kind) {
      case "set":
        this.#write(s.to, b.const(s.value));
        break;
      case "alu": {
        const shift = s.op === "lsh" || s.op === "rsh" || s.op === "arsh";
        const right = this.#operand(s.b);
        const legal = shift && typeof right === "object" ? { imm: right.imm & 63n } : right;
        this.#write(s.to, b.alu(s.op, this.#read(s.a), legal));
        break;
      }
      case "extend":
        this.#write(s.to, b.extend(this.#read(s.from), s.size, s.signed));
        break;
      case "bswap":
        this.#write(
          s.to,
          b.define((dst) => ({ op: "bswap", dst, src: this.#read(s.from), size: s.size })),
        );
        break;
      case "log2":
        this.#write(s.to, b.log2(this.#read(s.from)));
        break;
      case "compare":
        this.#write(s.to, b.compare(s.condition, this.#read(s.a), this.#operand(s.b)));
        break;
      case "context":
        this.#write(s.to, b.load(this.#context, s.word * 8, s.size, { signed: s.signed, invariant: true }));
        break;
      case "identity":
        this.#write(s.to, b.call(s.helper, [], { pure: true }));
        break;
      case "global-load":
        this.#write(s.to, b.load(this.#global(s.index), 0, s.size, { signed: s.signed }));
        break;
      case "global-store":
        b.store(this.#global(s.index), 0, s.size, this.#operand(s.value));
        break;
      case "atomic":
        this.#atomic(s);
        break;
      case "slot-load":
        this.#write(s.to, b.load(b.slotAddress(this.#scratch, s.index * 8), 0, s.size, { signed: s.signed }));
        break;
      case "slot-store":
        b.store(b.slotAddress(this.#scratch, s.index * 8), 0, s.size, this.#operand(s.value));
        break;
      case "count":
        this.#count(s);
        break;
      case "read": {
        const pointer = this.#lookup(s.map, s.key);
        this.#ifPointer(
          pointer,
          () => this.#write(s.to, b.load(pointer, 0, 8)),
          () => this.#write(s.to, b.const(-1)),
        );
        break;
      }
      case "choose":
        this.#choose(s);
        break;
      case "delete": {
        const address = this.#keyAddress(s.map, s.key);
        b.call("map_delete_elem", [this.#map(s.map), address]);
        break;
      }
      case "if":
        this.#if(
          s.condition,
          s.a,
          s.b,
          () => this.#statements(s.then),
          () => this.#statements(s.otherwise),
          s.likely,
        );
        break;
      case "loop":
        this.#loop(s);
        break;
      case "record":
        this.#record(s);
        break;
      case "callback": {
        const slot = b.slot(16, "callback");
        const address = b.slotAddress(slot);
        b.store(address, 0, 8, { imm: 0n });
        b.store(address, 8, 8, this.#read(s.value));
        const fn = b.define((dst) => ({ op: "func", dst, index: 1 }));
        const done = b.call("loop", [{ imm: BigInt(s.count) }, fn, address, { imm: 0n }]);
        this.#write(s.to, b.alu("add", b.load(address, 0, 8), done));
        break;
      }
      case "subprogram": {
        const args: Operand[] = [this.#read(s.a), this.#operand(s.b)];
        this.#write(
          s.to,
          b.define((dst) => ({ op: "call-local", dst, index: 2, args })),
        );
        break;
      }
      default:
        unreachable(s);
    }
  }

  #global(index: number): VReg {
    return this.#b.define((dst) => ({ op: "map-value", dst, map: GLOBAL!, offset: index * 8 }));
  }

  #atomic(s: Extract<Statement, { kind: "atomic" }>): void {
    const b = this.#b;
    const base = this.#global(s.index);
    const value = this.#read(s.value);
    const expected = s.op === "cmpxchg" ? { expected: this.#read(s.expected) } : {};
    const common = { op: "atomic", atomic: s.op, base, offset: 0, size: s.size, value, ...expected } as const;
    if (s.to === undefined) b.emit({ ...common, dst: undefined });
    else
      this.#write(
        s.to,
        b.define((dst) => ({ ...common, dst })),
      );
  }

  #mapIndex(map: "small" | "wide" | "percpu"): number {
    return { small: SMALL!, wide: WIDE!, percpu: PER_CPU! }[map];
  }

  #map(map: "small" | "wide" | "percpu"): VReg {
    return this.#b.define((dst) => ({ op: "map", dst, map: this.#mapIndex(map) }));
  }

  /** Few different keys, so that they meet again. */
  #key(key: Source): Operand {
    return typeof key === "number" ? this.#b.alu("and", this.#read(key), { imm: 3n }) : key;
  }

  #lookup(map: "small" | "wide" | "percpu", key: Source): VReg {
    const value = this.#key(key);
    const size = map === "wide" ? 8 : 4;
    return this.#b.define((dst) => ({ op: "lookup", dst, map: this.#mapIndex(map), key: { value, size } }));
  }

  #keyAddress(map: "small" | "wide", key: Source): VReg {
    const b = this.#b;
    const size = map === "wide" ? 8 : 4;
    const address = b.slotAddress(b.slot(size, "key"));
    b.store(address, 0, size, this.#key(key));
    return address;
  }

  /** v = lookup(map, key); if (v) *v += by; else update(map, key, by) */
  #count(s: Extract<Statement, { kind: "count" }>): void {
    const b = this.#b;
    const pointer = this.#lookup(s.map, s.key);
    this.#ifPointer(
      pointer,
      () => b.store(pointer, 0, 8, b.alu("add", b.load(pointer, 0, 8), this.#read(s.by))),
      () => {
        if (s.map === "percpu") return;
        const address = this.#keyAddress(s.map, s.key);
        const value = b.slotAddress(b.slot(s.map === "wide" ? 16 : 8, "value"));
        b.store(value, 0, 8, this.#read(s.by));
        if (s.map === "wide") b.store(value, 8, 8, { imm: 5n });
        b.call("map_update_elem", [this.#map(s.map), address, value, { imm: 0n }]);
      },
    );
  }

  /** One of two addresses, decided at run time. */
  #choose(s: Extract<Statement, { kind: "choose" }>): void {
    const b = this.#b;
    this.#if(
      "ne",
      s.condition,
      { imm: 0n },
      () => b.write("pointer", this.#lookup("small", s.first)),
      () => b.write("pointer", this.#lookup("small", s.second)),
    );
    const pointer = b.read("pointer");
    this.#ifPointer(
      pointer,
      () => this.#write(s.to, b.load(pointer, 4, 4, { signed: true })),
      () => {},
    );
  }

  #record(s: Extract<Statement, { kind: "record" }>): void {
    const b = this.#b;
    const ring = b.define((dst) => ({ op: "map", dst, map: RECORDS! }));
    const record = b.call("ringbuf_reserve", [ring, { imm: BigInt(s.values.length * 8) }, { imm: 0n }]);
    this.#ifPointer(
      record,
      () => {
        s.values.forEach((value, i) => {
          b.store(record, i * 8, 8, this.#operand(value));
        });
        b.call(s.submit ? "ringbuf_submit" : "ringbuf_discard", [record, { imm: 0n }]);
      },
      () => {},
    );
  }

  #ifPointer(pointer: VReg, hit: () => void, miss: () => void): void {
    const b = this.#b;
    const [yes, no, after] = [b.newBlock(), b.newBlock(), b.newBlock()];
    b.branch("ne", pointer, { imm: 0n }, yes, no);
    b.enterSealed(yes);
    hit();
    b.jump(after);
    b.enterSealed(no);
    miss();
    b.jump(after);
    b.enterSealed(after);
  }

  #if(test: Condition, a: Variable, right: Source, then: () => void, otherwise: () => void, likely?: boolean): void {
    const b = this.#b;
    const [yes, no, after] = [b.newBlock(), b.newBlock(), b.newBlock()];
    b.branch(test, this.#read(a), this.#operand(right), yes, no);
    const { end } = b.function.blocks[b.current]!;
    if (end.op === "branch" && likely !== undefined) end.likely = likely;
    b.enterSealed(yes);
    then();
    b.jump(after);
    b.enterSealed(no);
    otherwise();
    b.jump(after);
    b.enterSealed(after);
  }

  /** for (i = 0; i < count; i++) { if (leaveIf) break; body } */
  #loop(s: Extract<Statement, { kind: "loop" }>): void {
    const b = this.#b;
    const counter = `counter${this.#counters++}`;
    b.write(counter, b.const(0));
    const [head, test, body, after] = [b.newBlock(), b.newBlock(), b.newBlock(), b.newBlock()];
    b.jump(head);
    b.enter(head);
    b.branch("lt", b.read(counter), { imm: BigInt(s.count) }, test, after);
    b.enterSealed(test);
    const { condition: leave, a, b: right } = s.leaveIf;
    b.branch(leave, this.#read(a), this.#operand(right), after, body);
    b.enterSealed(body);
    this.#statements(s.body);
    b.write(counter, b.alu("add", b.read(counter), { imm: 1n }));
    b.jump(head);
    b.seal(head);
    b.enterSealed(after);
  }
}
