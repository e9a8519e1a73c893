/** Reads the running kernel's memory through a BPF program, so that tests can compare what we believe with what is. */
import { assemble } from "../../compiler/asm/assemble.ts";
import {
  call,
  exit,
  type Instruction,
  imm,
  ldImm64,
  ldx,
  mov64,
  R0,
  R1,
  R2,
  R3,
  R6,
  st,
} from "../../compiler/asm/instructions.ts";
import type { Program } from "../../compiler/program.ts";
import { relocate } from "../../harness/tracing/relocate.ts";
import {
  type Fd,
  type MapFd,
  MapType,
  mapCreate,
  mapLookup,
  ProgType,
  progLoad,
  progTestRun,
} from "../../native/index.ts";

const CHUNK = 64;

export class KernelMemory {
  readonly #map: MapFd;
  readonly #read: Fd;
  readonly #currentTask: Fd;

  constructor() {
    this.#map = mapCreate({ type: MapType.ARRAY, keySize: 4, valueSize: CHUNK, maxEntries: 1, name: "memory" });
    // return probe_read_kernel(value, CHUNK, ctx->args[0])
    this.#read = this.#load([
      ldx(8, R6, R1, 0),
      ldImm64(R1, { mapValue: 0, offset: 0 }),
      mov64(R2, imm(CHUNK)),
      mov64(R3, R6),
      call("probe_read_kernel"),
      exit(),
    ]);
    // *(u64 *)value = get_current_task(); return 0
    this.#currentTask = this.#load([
      call("get_current_task"),
      ldImm64(R1, { mapValue: 0, offset: 0 }),
      st(8, R1, 0, R0),
      mov64(R0, imm(0)),
      exit(),
    ]);
  }

  /** 64 bytes from an address. Throws when they cannot be read. */
  read(address: bigint): DataView {
    const value = this.#run(this.#read, address);
    if (value === undefined) throw new Error(`no kernel memory at ${address.toString(16)}`);
    return value;
  }

  pointer(address: bigint): bigint {
    return this.read(address).getBigUint64(0, true);
  }

  /** A string of at most 63 bytes. */
  text(address: bigint): string {
    const bytes = new Uint8Array(this.read(address).buffer);
    return new TextDecoder().decode(bytes.subarray(0, bytes.indexOf(0)));
  }

  /** The task_struct of the calling thread. */
  currentTask(): bigint {
    return this.#run(this.#currentTask, 0n)!.getBigUint64(0, true);
  }

  close(): void {
    for (const fd of [this.#read, this.#currentTask, this.#map]) fd.close();
  }

  #run(prog: Fd, argument: bigint): DataView | undefined {
    const ctxIn = new Uint8Array(BigUint64Array.of(argument).buffer);
    if (progTestRun(prog, { ctxIn }).retval !== 0) return undefined;
    const value = new Uint8Array(CHUNK);
    mapLookup(this.#map, new Uint8Array(4), value);
    return new DataView(value.buffer);
  }

  #load(instructions: Instruction[]): Fd {
    const assembled = assemble(instructions);
    if (!assembled.ok) throw new Error("unassemblable");
    const program: Program = {
      name: "memory",
      type: "raw_tracepoint",
      attach: { kind: "begin" },
      code: assembled.code,
      relocations: assembled.relocations,
      lines: [],
      probes: [],
    };
    const insns = relocate(program, { mapFd: () => this.#map.value, constant: () => 0n });
    return progLoad({ type: ProgType.RAW_TRACEPOINT, insns, license: "GPL", name: "memory" }).fd;
  }
}
