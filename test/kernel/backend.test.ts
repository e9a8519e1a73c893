/**
 * The same random programs as in test/vm, in the real kernel: its verifier must accept every one of them, and
 * BPF_PROG_RUN must leave the same results as evaluating the IR does.
 */
import fc from "fast-check";
import { afterAll, beforeAll, expect, it } from "vitest";
import { disassemble } from "../../compiler/asm/disassemble.ts";
import { compileIr, type Generated } from "../../compiler/backend/compile-ir.ts";
import { cloneProgram } from "../../compiler/ir/clone.ts";
import type { IrProgram } from "../../compiler/ir/ir.ts";
import { optimise } from "../../compiler/opt/optimise.ts";
import type { KernelMap } from "../../compiler/program.ts";
import { relocate } from "../../harness/tracing/relocate.ts";
import {
  btfLoad,
  type Fd,
  gettid,
  LoadError,
  type MapFd,
  MapType,
  mapCreate,
  mapGetNextKey,
  mapLookup,
  ProgType,
  progLoad,
  progTestRun,
  RingBuffer,
  schedGetaffinity,
  schedSetaffinity,
} from "../../native/index.ts";
import { evaluate } from "../support/ir-eval.ts";
import { patient } from "../support/patience.ts";
import { describeKernel } from "../support/privileges.ts";
import { buildProgram, context, randomMaps, statements, variables } from "../support/random-ir.ts";
import { cases } from "../support/soak.ts";
import { Vm } from "../vm/interpreter.ts";
import { number64 } from "../vm/maps.ts";

/** The program runs twice, so that the second run finds what the first one left in the maps. */
const REPEAT = [1, 2];
const FUNC_INFO_BYTES = 8;

const kernelTypes: Partial<Record<KernelMap["type"], number>> = {
  hash: MapType.HASH,
  array: MapType.ARRAY,
  percpu_array: MapType.PERCPU_ARRAY,
  ringbuf: MapType.RINGBUF,
};

/** What a program leaves: its results, per map the sorted entries (copies of all CPUs added up), the records. */
interface Outcome {
  results: number[];
  maps: [key: string, value: string][][];
  records: string[];
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

function sorted(entries: Iterable<[string, string]>): [string, string][] {
  return [...entries].sort(([a], [b]) => (a < b ? -1 : 1));
}

/** Values of one 64-bit number on each CPU, added up. */
function sum(copies: readonly Uint8Array[]): Uint8Array {
  let total = 0n;
  for (const copy of copies) total += new DataView(copy.buffer, copy.byteOffset).getBigUint64(0, true);
  return number64(total);
}

function evaluated(program: IrProgram, words: readonly bigint[]): Outcome {
  const pid = process.pid;
  const vm = new Vm({
    maps: randomMaps,
    world: { pid, tid: gettid(), uid: process.getuid!(), gid: process.getgid!() },
  });
  const results = REPEAT.map(() => Number(BigInt.asUintN(32, evaluate(program, vm, { context: words }))));
  const maps = vm.maps.map((map) =>
    sorted(
      map.keys().map((key): [string, string] => {
        const copies = map.values(key)!;
        return [hex(key), hex(copies.length > 1 ? sum(copies) : copies[0]!)];
      }),
    ),
  );
  return { results, maps, records: vm.submitted.map(({ bytes }) => hex(bytes)) };
}

class Kernel {
  readonly #open: Fd[] = [];
  readonly #maps: MapFd[];

  constructor() {
    this.#maps = randomMaps.map((map) => {
      const { name, keySize, valueSize, maxEntries } = map;
      return this.#own(
        mapCreate({ type: kernelTypes[map.type]!, keySize, valueSize, maxEntries: Number(maxEntries), name }),
      );
    });
  }

  #own<T extends Fd>(fd: T): T {
    this.#open.push(fd);
    return fd;
  }

  run(compiled: Generated, words: readonly bigint[]): Outcome {
    const { code, relocations, btf } = compiled;
    const values = { mapFd: (map: number) => this.#maps[map]!.value, constant: () => 0n };
    const insns = relocate({ name: "random", code, relocations }, values);
    const { fd } = progLoad({
      type: ProgType.RAW_TRACEPOINT,
      insns,
      license: "GPL",
      name: "random",
      logLevel: 1,
      logSize: 1 << 24,
      ...(btf && {
        btf: {
          fd: this.#own(btfLoad(btf.types).fd),
          funcInfo: { records: btf.functions, recordSize: FUNC_INFO_BYTES },
        },
      }),
    });
    this.#own(fd);
    const ctxIn = new Uint8Array(words.length * 8);
    words.forEach((word, i) => {
      ctxIn.set(number64(word), i * 8);
    });
    const results = REPEAT.map(() => progTestRun(fd, { ctxIn }).retval);
    return { results, maps: this.#maps.map(entries), records: this.#records() };
  }

  #records(): string[] {
    const map = this.#maps.find(({ type }) => type === MapType.RINGBUF)!;
    using ring = new RingBuffer(map);
    const records: string[] = [];
    ring.drain((view, offset, length) => {
      records.push(hex(new Uint8Array(view.buffer, view.byteOffset + offset, length)));
    });
    return records;
  }

  [Symbol.dispose](): void {
    for (const fd of this.#open.reverse()) fd.close();
  }
}

function entries(map: MapFd): [string, string][] {
  if (map.type === MapType.RINGBUF) return [];
  const result: [string, string][] = [];
  for (let key = new Uint8Array(map.keySize), at: Uint8Array | null = null; mapGetNextKey(map, at, key); ) {
    const value = new Uint8Array(map.userValueSize);
    mapLookup(map, key, value);
    const copies = Array.from({ length: value.length / map.valueStride }, (_, cpu) =>
      value.subarray(cpu * map.valueStride, (cpu + 1) * map.valueStride),
    );
    result.push([hex(key), hex(copies.length > 1 ? sum(copies) : value)]);
    at = key.slice();
  }
  return sorted(result);
}

function executed(program: IrProgram, words: readonly bigint[], cpuV4: boolean): Outcome {
  const compiled = compileIr(program, { cpuV4 });
  if (!compiled.ok) throw new Error(compiled.error.code);
  using kernel = new Kernel();
  try {
    return kernel.run(compiled, words);
  } catch (error) {
    if (!(error instanceof LoadError)) throw error;
    throw new Error(`${error}\n${disassemble(compiled.code)}\n${error.log.slice(-4000)}`, { cause: error });
  }
}

describeKernel("random programs in the kernel", () => {
  let affinity: number[] = [];

  // Values of per-CPU maps that one run leaves are to be found by the next one.
  beforeAll(() => {
    affinity = schedGetaffinity();
    schedSetaffinity(affinity.slice(0, 1));
  });
  afterAll(() => schedSetaffinity(affinity));

  it("are accepted by the verifier, and do what their IR says", { timeout: patient(900_000) }, () => {
    fc.assert(
      fc.property(statements, variables, context, fc.boolean(), (body, count, words, cpuV4) => {
        const program = buildProgram(body, count);
        const expected = evaluated(program, words);
        expect(executed(program, words, cpuV4)).toEqual(expected);
        const optimised = cloneProgram(program);
        optimise(optimised);
        expect(executed(optimised, words, cpuV4)).toEqual(expected);
      }),
      cases(500),
    );
  });
});
