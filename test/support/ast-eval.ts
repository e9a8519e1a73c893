/**
 * Runs a script by walking its tree: the oracle for the compiled bytes. It is written from the language's rules alone, knows
 * nothing of IR, registers or maps in the kernel, and is as slow and plain as it may be. One CPU, no kernel.
 */
import { type NameTableKind, nameTable } from "../../compiler/name-tables.ts";
import { knownScalar } from "../../compiler/sema/constants.ts";
import { sizeOf } from "../../compiler/sema/layout.ts";
import type { TypedScript, Unit } from "../../compiler/sema/typed.ts";
import type { StructShape, TimeSeriesType, Type } from "../../compiler/sema/types.ts";
import type * as ast from "../../compiler/syntax/ast.ts";
import { aggregate, inSeries, isBuckets, numberOf, shownIntervals } from "./eval-aggregates.ts";
import {
  Address,
  arithmetic,
  bytesOf,
  COMPARE,
  fromBytes,
  integerOf,
  isSignedOperation,
  keyText,
  stored,
  truthy,
  type Value,
  wrap,
  zeroOf,
} from "./eval-values.ts";

/** What stands in for the running kernel. */
export interface EvalHost {
  pid: bigint;
  tid: bigint;
  uid: bigint;
  gid: bigint;
  cpu: bigint;
  comm: string;
  /** Each call gives the next instant. */
  nsecs: () => bigint;
  /** What the time since 1970 is ahead of nsecs. */
  bootToReal: bigint;
}

export interface EvalResult {
  /** By map, by key (a text; "" for scalar maps). Aggregates as plain numbers or bucket counts. */
  maps: Record<string, Record<string, unknown>>;
  /** printf and print, as [format or "print", ...values]. */
  events: unknown[][];
}

class Jump extends Error {
  readonly kind: "break" | "continue" | "return";
  constructor(kind: Jump["kind"]) {
    super(kind);
    this.kind = kind;
  }
}

const MAX_STEPS = 100_000;

export function evaluate(script: TypedScript, host: EvalHost): EvalResult {
  const state: State = { maps: new Map(), keys: new Map(), events: [] };
  for (const unit of script.units) {
    for (const probe of unit.probes) {
      if (probe.event.kind === "begin") new Evaluator(script, unit, host, state).run();
    }
  }
  const maps: EvalResult["maps"] = {};
  for (const [name, entries] of state.maps) {
    const type = script.maps.get(name)!.value;
    maps[name] = Object.fromEntries(type.kind === "tseries" ? shownIntervals(type, entries) : entries);
  }
  return { maps, events: state.events };
}

interface State {
  maps: Map<string, Map<string, unknown>>;
  keys: Map<string, Value>;
  events: unknown[][];
}

class Evaluator {
  readonly #script: TypedScript;
  readonly #unit: Unit;
  readonly #host: EvalHost;
  readonly #state: State;
  readonly #variables = new Map<object, Value>();
  /** Keys of maps by their texts. */
  readonly #keys: Map<string, Value>;
  #steps = 0;

  constructor(script: TypedScript, unit: Unit, host: EvalHost, state: State) {
    this.#script = script;
    this.#unit = unit;
    this.#host = host;
    this.#state = state;
    this.#keys = state.keys;
  }

  run(): void {
    const { predicate, body } = this.#unit.block;
    try {
      if (predicate && !truthy(this.#value(predicate))) return;
      this.#block(body.statements);
    } catch (error) {
      if (!(error instanceof Jump && error.kind === "return")) throw error;
    }
  }

  #type(node: ast.Expression): Type {
    return this.#unit.types.get(node)!;
  }

  #block(statements: readonly ast.Statement[]): void {
    for (const statement of statements) this.#statement(statement);
  }

  #statement(node: ast.Statement): void {
    if (++this.#steps > MAX_STEPS) throw new Error("the script does not end");
    switch (node.kind) {
      case "expression-statement":
        this.#effect(node.expression);
        return;
      case "assignment":
        this.#assign(node);
        return;
      case "let": {
        const info = this.#unit.variables.get(node.variable)!;
        this.#variables.set(info, node.value ? stored(this.#value(node.value), info.type) : zeroOf(info.type));
        return;
      }
      case "if":
        if (truthy(this.#value(node.condition))) this.#block(node.then.statements);
        else if (node.otherwise) this.#block(node.otherwise.statements);
        return;
      case "while":
        while (truthy(this.#value(node.condition))) if (!this.#round(node.body)) return;
        return;
      case "unroll": {
        const rounds = Number(this.#value(node.count));
        for (let i = 0; i < rounds; i++) if (!this.#round(node.body)) return;
        return;
      }
      case "for":
        this.#for(node);
        return;
      case "return":
        throw new Jump("return");
      case "break":
      case "continue":
        throw new Jump(node.kind);
      case "block":
        this.#block(node.statements);
        return;
      default:
        throw new Error(`no ${node.kind} here`);
    }
  }

  #for({ variable, over, body }: ast.For): void {
    const info = this.#unit.variables.get(variable)!;
    if (over.kind === "range") {
      const [start, end] = [over.start, over.end].map((node) => integerOf(this.#value(node))) as [bigint, bigint];
      for (let i = start; i < end; i++) {
        this.#variables.set(info, i);
        if (!this.#round(body)) return;
      }
      return;
    }
    const type = this.#script.maps.get(over.name)!.value;
    for (const [key, value] of [...this.#entries(over)]) {
      const plain = isBuckets(value) ? numberOf(type, value) : (value as Value);
      this.#variables.set(info, [this.#keys.get(key)!, plain]);
      if (!this.#round(body)) return;
    }
  }

  /** One round of a loop; false when it was left. */
  #round(body: ast.Block): boolean {
    if (++this.#steps > MAX_STEPS) throw new Error("the script does not end");
    try {
      this.#block(body.statements);
    } catch (error) {
      if (!(error instanceof Jump) || error.kind === "return") throw error;
      return error.kind === "continue";
    }
    return true;
  }

  #effect(node: ast.Expression): void {
    if (node.kind !== "call") {
      if (node.kind === "ternary" && this.#type(node).kind === "void") {
        this.#effect(truthy(this.#value(node.condition)) ? node.then : node.otherwise);
      } else this.#value(node);
      return;
    }
    const args = node.args as ast.Expression[];
    switch (node.callee.text) {
      case "printf":
        this.#state.events.push([this.#value(args[0]!), ...args.slice(1).map((a) => this.#value(a))]);
        return;
      case "print":
        if (args[0]!.kind === "map")
          this.#state.events.push(["print", args[0].name, ...args.slice(1).map((a) => this.#value(a))]);
        else this.#state.events.push(["print", this.#value(args[0]!)]);
        return;
      case "clear":
      case "zero":
        // Done by whoever reads the events.
        this.#state.events.push([node.callee.text, (args[0] as ast.MapName).name]);
        return;
      case "exit":
        throw new Jump("return");
      default:
        this.#value(node);
    }
  }

  #assign(node: ast.Assignment): void {
    const { target, operator, value } = node;
    if (!target) {
      this.#value(value);
      return;
    }
    if (target.kind === "field") throw new Error("fields are not assigned");
    const call = operator === "=" && target.kind !== "variable" ? this.#aggregation(value) : undefined;
    if (target.kind !== "variable" && call) {
      const args = (call.args as ast.Expression[]).map((a) => this.#value(a));
      const type = this.#script.maps.get(mapName(target))!.value;
      const at = type.kind === "tseries" ? this.#epoch(type) : 0n;
      const entries = this.#entries(target);
      const key = this.#key(target);
      entries.set(
        key,
        type.kind === "tseries" ? inSeries(entries.get(key), at, args[0]!) : aggregate(type, entries.get(key), args[0]),
      );
      return;
    }
    if (operator === "=") {
      this.#store(target, this.#value(value));
      return;
    }
    const symbol = operator.slice(0, -1) as ast.BinaryOperator;
    const type = target.kind === "variable" ? this.#unit.variables.get(target)!.type : this.#mapType(target);
    if (target.kind === "variable") {
      const before = this.#load(target);
      this.#store(target, arithmetic(symbol, before, type, this.#value(value), this.#type(value)));
      return;
    }
    // A map is changed in place, once the value is known.
    const given = this.#value(value);
    const key = this.#key(target);
    this.#store(target, arithmetic(symbol, this.#load(target, key), type, given, this.#type(value)), key);
  }

  /** The aggregation that an expression ends with; what stands in front of it in blocks has run then. */
  #aggregation(node: ast.Expression): ast.Call | undefined {
    if (node.kind === "call") return AGGREGATES.has(node.callee.text) ? node : undefined;
    if (node.kind !== "block-expression" || !endsInAggregation(node)) return undefined;
    this.#block(node.statements);
    return this.#aggregation(node.value!);
  }

  /** The value is computed before the key, and the key once. */
  #store(target: ast.Variable | ast.MapName | ast.MapAccess, value: Value, key?: string): void {
    if (target.kind === "variable") {
      const info = this.#unit.variables.get(target)!;
      this.#variables.set(info, stored(value, info.type));
    } else {
      this.#entries(target).set(key ?? this.#key(target), stored(value, this.#mapType(target)));
    }
  }

  #load(target: ast.Variable | ast.MapName | ast.MapAccess, key?: string): Value {
    if (target.kind === "variable") return this.#variables.get(this.#unit.variables.get(target)!)!;
    const type = this.#mapType(target);
    const found = this.#entries(target).get(key ?? this.#key(target));
    if (found === undefined) return zeroOf(type);
    return isBuckets(found) ? numberOf(type, found) : (found as Value);
  }

  /** Intervals since 1970. */
  #epoch({ intervalNs }: TimeSeriesType): bigint {
    return (this.#host.nsecs() + this.#host.bootToReal) / BigInt(intervalNs);
  }

  #mapType(target: ast.MapName | ast.MapAccess): Type {
    return this.#script.maps.get(mapName(target))!.value;
  }

  #entries(target: ast.MapName | ast.MapAccess): Map<string, unknown> {
    const name = mapName(target);
    let entries = this.#state.maps.get(name);
    if (!entries) {
      entries = new Map();
      this.#state.maps.set(name, entries);
    }
    return entries;
  }

  #key(target: ast.MapName | ast.MapAccess): string {
    if (target.kind === "map") return "";
    return this.#keyOf(mapName(target), target.key);
  }

  #keyOf(map: string, node: ast.Expression): string {
    const key = stored(this.#value(node), this.#script.maps.get(map)!.key);
    const text = keyText(key);
    this.#keys.set(text, key);
    return text;
  }

  #value(node: ast.Expression): Value {
    switch (node.kind) {
      case "integer":
        return BigInt.asIntN(64, node.value);
      case "string":
        return node.value;
      case "boolean":
        return node.value;
      case "identifier":
        return knownScalar(this.#type(node)) ?? this.#builtin(node.name);
      case "variable":
      case "map":
      case "map-access":
        return this.#load(node);
      case "tuple":
        return node.elements.map((e) => this.#value(e));
      case "record":
        return Object.fromEntries(node.fields.map((f) => [f.name.text, this.#value(f.value)]));
      case "tuple-access":
        return (this.#value(node.object) as Value[])[node.index]!;
      case "field":
        return this.#field(node);
      case "index":
        return this.#index(node);
      case "sizeof":
      case "offsetof":
      case "comptime":
        return knownScalar(this.#type(node))!;
      case "ternary": {
        const condition = this.#value(node.condition);
        if (!truthy(condition)) return this.#value(node.otherwise);
        // `a ?: b` evaluates a once.
        return node.then === node.condition ? condition : this.#value(node.then);
      }
      case "unary":
        return this.#unary(node);
      case "increment": {
        const key = node.target.kind === "variable" ? "" : this.#key(node.target);
        const before = this.#load(node.target, key);
        const after = wrap((before as bigint) + (node.operator === "++" ? 1n : -1n));
        this.#store(node.target, after, key);
        return node.prefix ? after : before;
      }
      case "binary":
        return this.#binary(node);
      case "cast":
        return this.#cast(node);
      case "block-expression":
        this.#block(node.statements);
        return this.#value(node.value!);
      case "call":
        return this.#call(node);
      default:
        throw new Error(`no ${node.kind} here`);
    }
  }

  #field(node: ast.FieldAccess): Value {
    const struct = this.#struct(node.object);
    if (!struct) return (this.#value(node.object) as { [field: string]: Value })[node.field.text]!;
    const { offset, type, bits } = struct.shape.field(node.field.text)!;
    const at = struct.at.moved(offset);
    if (!bits) return at.read(type);
    const word = at.read({ kind: "integer", size: bits.unit, signed: false }) as bigint;
    return BigInt.asUintN(bits.size, word >> BigInt(bits.offset));
  }

  /** The struct that an expression leads to, or is. */
  #struct(node: ast.Expression): { at: Address; shape: StructShape } | undefined {
    const type = this.#type(node);
    if (type.kind === "pointer" && type.to.kind === "struct") {
      return { at: this.#value(node) as Address, shape: type.to.shape };
    }
    if (type.kind !== "struct" || node.kind !== "field") return undefined;
    const outer = this.#struct(node.object)!;
    return { at: outer.at.moved(outer.shape.field(node.field.text)!.offset), shape: type.shape };
  }

  #addressOf(node: ast.Expression): Address {
    if (node.kind !== "variable" && node.kind !== "map") throw new Error(`no address of a ${node.kind} here`);
    const type = node.kind === "variable" ? this.#unit.variables.get(node)!.type : this.#mapType(node);
    return new Address(type, () => this.#load(node));
  }

  /** What is indexed is read when the index is known. Outside of an array the first element is; behind a string are zeros. */
  #index(node: ast.IndexAccess): Value {
    const by = integerOf(this.#value(node.index));
    const object = this.#value(node.object);
    if (object instanceof Address) {
      return object.moved(Number(wrap(by)) * sizeOf(this.#type(node))).read(this.#type(node));
    }
    const index = BigInt.asUintN(64, by);
    const type = this.#type(node.object);
    if (typeof object === "string") {
      const size = type.kind === "string" ? type.size : 0;
      const at = index < BigInt(size) ? Number(index) : 0;
      return BigInt.asIntN(8, BigInt(object.charCodeAt(at) || 0));
    }
    const list = object as Value[];
    return list[index < BigInt(list.length) ? Number(index) : 0]!;
  }

  #cast(node: ast.Cast): Value {
    const [from, to] = [this.#type(node.operand), this.#type(node)];
    const value = this.#value(node.operand);
    if (to.kind === "pointer") return value;
    if (to.kind === "array") return fromBytes(bytesOf(value, from), to);
    if (from.kind === "array") return fromBytes(bytesOf(value, from), to);
    if (to.kind === "integer") return stored(wrap(integerOf(value)), to);
    return stored(value, to);
  }

  #builtin(name: string): Value {
    const { nsecs, bootToReal, ...plain } = this.#host;
    if (name === "nsecs") return nsecs();
    if (Object.hasOwn(plain, name)) return plain[name as keyof typeof plain];
    throw new Error(`no builtin ${name} here`);
  }

  #call(node: ast.Call): Value {
    const [first, second] = node.args as ast.Expression[];
    switch (node.callee.text) {
      case "delete": {
        if (first!.kind === "map-access") return this.#entries(first!).delete(this.#key(first!));
        const map = first as ast.MapName;
        if (!second) return this.#entries(map).delete("") || true;
        return this.#entries(map).delete(this.#keyOf(map.name, second));
      }
      case "has_key":
        return this.#entries(first as ast.MapName).has(this.#keyOf((first as ast.MapName).name, second!));
      case "len":
        return BigInt(this.#entries(first as ast.MapName).size);
      case "find": {
        const [map, , target] = node.args as [ast.MapName, ast.Expression, ast.Variable];
        const found = this.#entries(map).get(this.#keyOf(map.name, second!));
        if (found !== undefined) this.#store(target, found as Value);
        return found !== undefined;
      }
      case "strlen":
        return BigInt((this.#value(first!) as string).length);
      case "strncmp": {
        const count = Number(this.#value(node.args[2] as ast.Expression));
        const [a, b] = [first!, second!].map((arg) => (this.#value(arg) as string).slice(0, count));
        return a === b ? 0n : 1n;
      }
      case "strcontains":
        return (this.#value(first!) as string).includes(this.#value(second!) as string);
      case "strstr": {
        const [text, part] = [first!, second!].map((arg) => this.#value(arg) as string) as [string, string];
        const at = text.indexOf(part);
        return at < 0 ? -2n : BigInt(at);
      }
      case "buf": {
        const type = this.#type(node) as Type & { kind: "buffer" };
        const bytes = bytesOf(this.#value(first!), this.#type(first!));
        const count = second ? BigInt.asUintN(64, integerOf(this.#value(second))) : BigInt(type.size);
        return String.fromCharCode(...bytes.slice(0, count < BigInt(type.size) ? Number(count) : type.size));
      }
      case "memcmp": {
        const count = Number(this.#value(node.args[2] as ast.Expression));
        const [a, b] = [first!, second!].map((arg) => this.#bytesAt(arg).slice(0, count)) as [number[], number[]];
        const at = a.findIndex((byte, i) => i < b.length && byte !== b[i]);
        return at < 0 ? 0n : BigInt(a[at]! - b[at]!);
      }
      case "str_concat":
        return `${this.#value(first!)}${this.#value(second!)}`.slice(0, sizeOf(this.#type(node)) - 1);
      case "strerror":
      case "signal_name":
      case "syscall_name":
        return nameOf(node.callee.text, integerOf(this.#value(first!)));
      case "strftime":
        return integerOf(this.#value(second!));
      case "bswap": {
        const type = this.#type(node);
        return fromBytes(bytesOf(this.#value(first!), type).reverse(), type);
      }
      default:
        if (node.args.length === 0) return this.#builtin(node.callee.text);
        throw new Error(`no function ${node.callee.text} here`);
    }
  }

  /** What an argument is, or leads to. */
  #bytesAt(node: ast.Expression): number[] {
    const value = this.#value(node);
    return value instanceof Address
      ? bytesOf(value.load(), value.type).slice(value.offset)
      : bytesOf(value, this.#type(node));
  }

  #unary(node: ast.Unary): Value {
    if (node.operator === "&") return this.#addressOf(node.operand);
    const value = this.#value(node.operand);
    const type = this.#type(node);
    switch (node.operator) {
      case "*":
        return (value as Address).read(type);
      case "!":
        return !truthy(value);
      case "-":
        return stored(wrap(-(value as bigint)), type);
      case "+":
        return value;
      case "~":
        return stored(wrap(~(value as bigint)), type);
      default:
        throw new Error(`no ${node.operator} here`);
    }
  }

  #binary(node: ast.Binary): Value {
    const { operator } = node;
    if (operator === "&&") return truthy(this.#value(node.left)) && truthy(this.#value(node.right));
    if (operator === "||") return truthy(this.#value(node.left)) || truthy(this.#value(node.right));
    const left = this.#value(node.left);
    const right = this.#value(node.right);
    if (left instanceof Address || right instanceof Address) {
      const [address, by] = left instanceof Address ? [left, right] : [right as Address, left];
      const size = sizeOf((this.#type(node) as Type & { kind: "pointer" }).to);
      return address.moved(Number(integerOf(by)) * (operator === "+" ? size : -size));
    }
    if (operator === "==" && typeof left !== "bigint") return keyText(left) === keyText(right);
    if (operator === "!=" && typeof left !== "bigint") return keyText(left) !== keyText(right);
    const compared = COMPARE[operator];
    if (!compared) return arithmetic(operator, left, this.#type(node.left), right, this.#type(node.right));
    const signed = isSignedOperation(this.#type(node.left), this.#type(node.right));
    const order = (v: Value) => (signed ? wrap(integerOf(v)) : BigInt.asUintN(64, integerOf(v)));
    return compared(order(left), order(right));
  }
}

/** The text of a table for a number; the kernel returns an error's number negative. */
function nameOf(kind: NameTableKind, number: bigint): string {
  const { names, other } = nameTable(kind, process.arch === "arm64" ? "arm64" : "x64");
  const index = BigInt.asUintN(64, kind === "strerror" && number < 0n ? -number : number);
  return index < names.length ? names[Number(index)]! : other;
}

const AGGREGATES = new Set(["count", "sum", "min", "max", "avg", "stats", "hist", "lhist", "tseries"]);

function mapName(target: ast.MapName | ast.MapAccess): string {
  return target.kind === "map" ? target.name : target.map.name;
}

function endsInAggregation(node: ast.Expression): boolean {
  if (node.kind === "block-expression") return node.value !== undefined && endsInAggregation(node.value);
  return node.kind === "call" && AGGREGATES.has(node.callee.text);
}
