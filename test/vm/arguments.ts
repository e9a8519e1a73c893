/** What a helper gets to see of its arguments, after they were checked as the verifier checks them. */
import type { HelperArg } from "../../compiler/asm/helpers.ts";
import type { Arguments } from "./helpers.ts";
import type { Vm } from "./interpreter.ts";
import type { FakeMap } from "./maps.ts";
import { bitsOf, Fault, Pointer, type Region, type Value } from "./memory.ts";

/** A helper's arguments, each checked for its kind. `run` calls the function that begins at a slot. */
export class CheckedArguments implements Arguments {
  readonly #kinds: readonly HelperArg[];
  readonly #values: readonly Value[];
  readonly #vm: Vm;
  readonly #run: (slot: number, args: readonly Value[]) => bigint;

  constructor(
    kinds: readonly HelperArg[],
    values: readonly Value[],
    vm: Vm,
    run: (slot: number, args: readonly Value[]) => bigint,
  ) {
    this.#kinds = kinds;
    this.#values = values;
    this.#vm = vm;
    this.#run = run;
    kinds.forEach((kind, i) => {
      this.#check(kind, i);
    });
  }

  value(index: number): Value {
    return this.#values[index]!;
  }

  number(index: number): bigint {
    return bitsOf(this.value(index));
  }

  map(index: number): FakeMap {
    const { region } = this.value(index) as Pointer;
    return this.#vm.maps.find((map) => map.handle === region)!;
  }

  bytes(index: number): Uint8Array {
    const [region, offset] = this.#memory(index);
    if (this.#kinds[index] !== "const-string") return region.read(offset, this.size(index));
    const rest = region.bytes.subarray(Number(offset));
    const end = rest.indexOf(0);
    if (end < 0) throw new Fault("a constant string without an end");
    return rest.slice(0, end + 1);
  }

  fill(index: number, bytes: Uint8Array, size = bytes.length): void {
    if (size === 0) return;
    const [region, offset] = this.#memory(index);
    region.fill(offset, bytes, size);
  }

  size(index: number): number {
    switch (this.#kinds[index]) {
      case "key":
        return this.map(0).spec.keySize;
      case "value":
      case "value-or-null":
      case "value-out":
        return this.map(0).spec.valueSize;
      case "out-u64":
        return 8;
      default:
        return Number(this.number(index + 1));
    }
  }

  callback(index: number, ...args: Value[]): bigint {
    return this.#run(Number((this.value(index) as Pointer).offset), args);
  }

  #memory(index: number): [region: Region, offset: bigint] {
    const value = this.value(index);
    if (!(value instanceof Pointer)) throw new Fault(`argument ${index + 1} is not a pointer`);
    return [value.target(), value.offset];
  }

  #check(kind: HelperArg, index: number): void {
    const value = this.value(index);
    const isNull = value === 0n || (value instanceof Pointer && !value.region && value.nullable?.tested === true);
    const fail = (what: string): never => {
      throw new Fault(`argument ${index + 1} is not ${what}`);
    };
    switch (kind) {
      case "scalar":
        if (value instanceof Pointer) value.target();
        break;
      case "ctx":
        if (!(value instanceof Pointer && value.region?.kind === "context" && value.offset === 0n)) fail("the context");
        break;
      case "map":
        if (!(value instanceof Pointer && value.region?.kind === "map")) fail("a map");
        break;
      case "func":
        if (!(value instanceof Pointer && value.region?.kind === "function")) fail("a function");
        break;
      case "mem-or-null":
      case "value-or-null":
        if (!isNull) this.bytes(index);
        break;
      case "key":
      case "value":
      case "mem":
      case "const-string":
        this.bytes(index);
        break;
      case "out-or-null":
        if (isNull) break;
        this.#checkWritable(index);
        break;
      case "out":
      case "out-u64":
      case "value-out":
        this.#checkWritable(index);
        break;
      case "size":
      case "size-or-zero": {
        if (typeof value !== "bigint") fail("a size");
        const size = this.number(index);
        if (size < (kind === "size" ? 1n : 0n) || size > 1n << 29n) fail("a size that the verifier accepts");
        break;
      }
      case "const-size":
        if (typeof value !== "bigint" || value <= 0n) fail("a constant size");
        break;
      case "callback-context":
        if (!isNull) this.#memory(index);
        break;
      case "record":
        if (!(value instanceof Pointer && value.target().kind === "record" && value.offset === 0n)) fail("a record");
        break;
      case "btf":
      case "percpu-btf":
        if (!(value instanceof Pointer && value.target().kind === "kernel object")) fail("a kernel object");
        break;
      case "spin-lock":
      case "dynptr":
      case "dynptr-out":
        fail("something that the interpreter knows");
    }
  }

  #checkWritable(index: number): void {
    const [region, offset] = this.#memory(index);
    const size = this.size(index);
    if (size > 0) region.check(offset, size, "write");
  }
}
