/** The interpreter itself: what it computes, what its helpers and maps do, and everything that it must refuse. */
import { describe, expect, it } from "vitest";
import { assemble } from "../../compiler/asm/assemble.ts";
import {
  add64,
  alu32,
  alu64,
  atomic,
  atomicFetch,
  branch32,
  call,
  callLocal,
  exit,
  type Instruction,
  imm,
  ja,
  jeq,
  jgt,
  jne,
  label,
  ldImm64,
  ldx,
  lsh64,
  mov32,
  mov64,
  mul64,
  neg64,
  R0,
  R1,
  R2,
  R3,
  R4,
  R5,
  R6,
  R7,
  R8,
  R10,
  st,
  sub64,
} from "../../compiler/asm/instructions.ts";
import type { KernelMap } from "../../compiler/program.ts";
import { Vm, type VmOptions } from "./interpreter.ts";
import { number32, number64 } from "./maps.ts";
import { AddressSpace, Pointer, Region } from "./memory.ts";

const map = (type: KernelMap["type"], keySize: number, valueSize: number, maxEntries = 4): KernelMap => ({
  name: type,
  type,
  keySize,
  valueSize,
  maxEntries,
  flags: 0,
});

/** The maps of most tests: a hash u32 -> u64, a one-entry array of 16 bytes, a ring buffer of 64 bytes, a per-CPU array. */
const maps = [map("hash", 4, 8, 2), map("array", 4, 16, 1), map("ringbuf", 0, 0, 64), map("percpu_array", 4, 8, 1)];
const [HASH, ARRAY, RING, PER_CPU] = [0, 1, 2, 3];

function run(instructions: Instruction[], options: VmOptions & { context?: readonly (bigint | Pointer)[] } = {}) {
  const assembled = assemble(instructions);
  if (!assembled.ok) throw new Error(assembled.error.code);
  const vm = new Vm({ maps, ...options });
  return { vm, result: vm.run(assembled, { context: options.context ?? [7n, -8n] }) };
}

/** *(u32 *)(r10 - 4) = key; r0 = bpf_map_lookup_elem(map, r10 - 4) */
const lookup = (index: number, key: number): Instruction[] => [
  st(4, R10, -4, imm(key)),
  ldImm64(R1, { map: index }),
  mov64(R2, R10),
  add64(R2, imm(-4)),
  call("map_lookup_elem"),
];

/** r0 = bpf_map_update_elem(map, &key, &value, flags) */
const update = (index: number, key: number, value: number, flags = 0): Instruction[] => [
  st(4, R10, -4, imm(key)),
  st(8, R10, -16, imm(value)),
  ldImm64(R1, { map: index }),
  mov64(R2, R10),
  add64(R2, imm(-4)),
  mov64(R3, R10),
  add64(R3, imm(-16)),
  mov64(R4, imm(flags)),
  call("map_update_elem"),
];

const reserve: Instruction[] = [
  ldImm64(R1, { map: RING! }),
  mov64(R2, imm(8)),
  mov64(R3, imm(0)),
  call("ringbuf_reserve"),
];

describe("what runs", () => {
  it.each<[string, bigint, Instruction[]]>([
    ["sign-extended immediates", -1n, [mov64(R0, imm(-1))]],
    ["zero-extended 32-bit results", 0xffff_ffffn, [mov32(R0, imm(-1))]],
    ["wrapping", -(1n << 63n), [ldImm64(R0, { value: (1n << 63n) - 1n }), add64(R0, imm(1))]],
    ["32-bit wrapping", 0n, [mov32(R0, imm(-1)), alu32("add", R0, imm(1))]],
    ["division by a register that is zero", 0n, [mov64(R0, imm(5)), mov64(R1, imm(0)), alu64("div", R0, R1)]],
    ["remainder by a register that is zero", 5n, [mov64(R0, imm(5)), mov64(R1, imm(0)), alu64("mod", R0, R1)]],
    ["32-bit remainder by zero", 0xffff_fffbn, [mov64(R0, imm(-5)), mov64(R1, imm(0)), alu32("mod", R0, R1)]],
    ["signed division", -2n, [mov64(R0, imm(-5)), alu64("sdiv", R0, imm(2))]],
    ["signed remainder", -1n, [mov64(R0, imm(-5)), alu64("smod", R0, imm(2))]],
    ["unsigned division", (1n << 63n) - 3n, [mov64(R0, imm(-5)), alu64("div", R0, imm(2))]],
    ["shifts by the low six bits", 2n, [mov64(R0, imm(1)), mov64(R1, imm(65)), alu64("lsh", R0, R1)]],
    ["32-bit arithmetic shifts", 0xffff_ffffn, [mov32(R0, imm(-2)), alu32("arsh", R0, imm(5))]],
    ["the context", -1n, [ldx(8, R0, R1, 0), ldx(8, R1, R1, 8), add64(R0, R1)]],
    [
      "32-bit comparisons",
      1n,
      [
        ldImm64(R1, { value: 1n << 32n }),
        mov64(R0, imm(1)),
        branch32("eq", R1, imm(0), "end"),
        mov64(R0, imm(2)),
        label("end"),
      ],
    ],
    ["the stack", 0x0201n, [st(1, R10, -8, imm(1)), st(1, R10, -7, imm(2)), ldx(2, R0, R10, -8)]],
    ["spilled pointers", 7n, [st(8, R10, -8, R1), ldx(8, R2, R10, -8), ldx(8, R0, R2, 0)]],
    ["differences of pointers", 8n, [mov64(R0, R10), mov64(R2, R10), sub64(R2, imm(8)), sub64(R0, R2)]],
    [
      "local calls",
      42n,
      [
        mov64(R6, imm(2)),
        mov64(R1, imm(20)),
        callLocal("f"),
        add64(R0, R6),
        ja("end"),
        label("f"),
        mov64(R0, imm(0)),
        st(8, R10, -8, R1),
        ldx(8, R6, R10, -8),
        lsh64(R6, imm(1)),
        mov64(R0, R6),
        exit(),
        label("end"),
      ],
    ],
    [
      "null after the test",
      0n,
      [...lookup(HASH!, 9), jne(R0, imm(0), "found"), ja("end"), label("found"), mov64(R0, imm(1)), label("end")],
    ],
  ])("%s", (_, expected, instructions) => {
    expect(run([...instructions, exit()]).result).toBe(expected);
  });

  it("keeps pointers to kernel objects that the context holds", () => {
    const task = new Region("kernel object", "a task", number64(99n));
    expect(run([ldx(8, R1, R1, 0), ldx(8, R0, R1, 0), exit()], { context: [new Pointer(task)] }).result).toBe(99n);
  });
});

describe("atomic operations", () => {
  const value = 0x1_0000_0005n;
  it.each<[string, bigint, bigint, Instruction]>([
    ["add", 3n, value + 3n, atomic("add", 8, R6, 0, R1)],
    ["add, fetching", value, value + 3n, atomicFetch("add", 8, R6, 0, R1)],
    ["or", 3n, value | 3n, atomic("or", 8, R6, 0, R1)],
    ["and", 3n, value & 3n, atomic("and", 8, R6, 0, R1)],
    ["xor, fetching", value, value ^ 3n, atomicFetch("xor", 8, R6, 0, R1)],
    ["xchg", value, 3n, atomic("xchg", 8, R6, 0, R1)],
    ["32-bit add, fetching", 5n, value + 3n, atomicFetch("add", 4, R6, 0, R1)],
    ["cmpxchg that hits", 3n, 3n, atomic("cmpxchg", 8, R6, 0, R1)],
    ["32-bit cmpxchg that misses", 3n, value, atomic("cmpxchg", 4, R6, 0, R1)],
  ])("%s", (name, register, memory, insn) => {
    const { vm, result } = run([
      ldImm64(R6, { mapValue: ARRAY!, offset: 0 }),
      ldImm64(R0, { value }),
      st(8, R6, 0, R0),
      ...(name.includes("misses") ? [mov64(R0, imm(6))] : []),
      mov64(R1, imm(3)),
      insn,
      mov64(R0, R1),
      exit(),
    ]);
    expect(result).toBe(register);
    expect(vm.maps[ARRAY!]!.values(number32(0))![0]!.slice(0, 8)).toEqual(number64(memory));
  });

  it("cmpxchg leaves the old value in r0", () => {
    const program = [
      st(8, R10, -8, imm(5)),
      mov64(R0, imm(4)),
      mov64(R1, imm(9)),
      atomic("cmpxchg", 8, R10, -8, R1),
      exit(),
    ];
    expect(run(program).result).toBe(5n);
  });
});

describe("maps", () => {
  it("hold what was stored, within their limits", () => {
    const codes = (...calls: Instruction[][]): Instruction[] => [
      mov64(R6, imm(0)),
      ...calls.flatMap((insns) => [...insns, mul64(R6, imm(100)), add64(R6, R0)]),
      mov64(R0, R6),
      exit(),
    ];
    const { vm, result } = run(
      codes(
        update(HASH!, 1, 10),
        update(HASH!, 1, 11, 1),
        update(HASH!, 2, 20),
        update(HASH!, 3, 30),
        update(HASH!, 3, 1, 2),
      ),
    );
    // 0, -EEXIST, 0, -E2BIG, -ENOENT
    expect(result).toBe(-17_00_07_02n);
    expect(vm.maps[HASH!]!.numbers()).toEqual(
      new Map([
        [1n, 10n],
        [2n, 20n],
      ]),
    );
  });

  it("give addresses that outlive a deletion", () => {
    const { vm, result } = run([
      ...update(HASH!, 1, 10),
      ...lookup(HASH!, 1),
      jeq(R0, imm(0), "end"),
      mov64(R6, R0),
      ldImm64(R1, { map: HASH! }),
      mov64(R2, R10),
      add64(R2, imm(-4)),
      call("map_delete_elem"),
      ldx(8, R0, R6, 0),
      label("end"),
      exit(),
    ]);
    expect(result).toBe(10n);
    expect(vm.maps[HASH!]!.keys()).toEqual([]);
  });

  it("have a value for each CPU", () => {
    const count = [
      ...lookup(PER_CPU!, 0),
      jeq(R0, imm(0), "end"),
      st(8, R0, 0, imm(5)),
      label("end"),
      mov64(R0, imm(0)),
      exit(),
    ];
    const { vm } = run(count, { world: { cpu: 2 }, cpus: 3 });
    expect(vm.maps[PER_CPU!]!.values(number32(0))!.map((copy) => copy[0])).toEqual([0, 0, 5]);
    expect(vm.maps[PER_CPU!]!.numbers()).toEqual(new Map([[0n, 5n]]));
  });

  it("start with what the loader writes", () => {
    const initial = { ...map("array", 4, 8, 1), initial: number64(77n) };
    expect(run([ldImm64(R1, { mapValue: 0, offset: 0 }), ldx(8, R0, R1, 0), exit()], { maps: [initial] }).result).toBe(
      77n,
    );
  });
});

describe("ring buffers", () => {
  const write = [jeq(R0, imm(0), "full"), st(8, R0, 0, imm(5)), mov64(R1, R0), mov64(R2, imm(0))];
  const end = [label("full"), mov64(R0, imm(0)), exit()];

  it("give submitted records to the test, and not discarded ones", () => {
    expect(run([...reserve, ...write, call("ringbuf_submit"), ...end]).vm.submitted).toEqual([
      { map: RING, bytes: number64(5n) },
    ]);
    expect(run([...reserve, ...write, call("ringbuf_discard"), ...end]).vm.submitted).toEqual([]);
  });

  it("are full after so many bytes, until they are drained", () => {
    const assembled = assemble([...reserve, ...write, call("ringbuf_submit"), ...end]);
    if (!assembled.ok) throw new Error("unassemblable");
    const vm = new Vm({ maps });
    for (let i = 0; i < 10; i++) vm.run(assembled);
    expect(vm.submitted.length).toBe(4);
    vm.maps[RING!]!.drain();
    vm.run(assembled);
    expect(vm.submitted.length).toBe(5);
  });
});

describe("helpers", () => {
  const world = { pid: 10, tid: 11, uid: 1, gid: 2, comm: "a-name-of-more-than-15", cpu: 3, cgroups: [1n, 5n, 9n] };
  it.each<[string, bigint, Instruction[]]>([
    ["get_current_pid_tgid", (10n << 32n) | 11n, [call("get_current_pid_tgid")]],
    ["get_current_uid_gid", (2n << 32n) | 1n, [call("get_current_uid_gid")]],
    ["get_smp_processor_id", 3n, [call("get_smp_processor_id")]],
    ["get_current_cgroup_id", 9n, [call("get_current_cgroup_id")]],
    ["get_current_ancestor_cgroup_id", 5n, [mov64(R1, imm(1)), call("get_current_ancestor_cgroup_id")]],
    [
      "get_current_comm, cut",
      0x002d_6572n,
      [mov64(R1, R10), add64(R1, imm(-16)), mov64(R2, imm(16)), call("get_current_comm"), ldx(4, R0, R10, -4)],
    ],
  ])("%s", (_, expected, instructions) => {
    const { result } = run([...instructions, exit()], { world });
    expect(result).toBe(expected);
  });

  const read = (name: "probe_read_user" | "probe_read_user_str", size: number, address: number): Instruction[] => [
    mov64(R1, R10),
    add64(R1, imm(-8)),
    mov64(R2, imm(size)),
    mov64(R3, imm(address)),
    call(name),
    mov64(R6, R0),
    ldx(size === 8 ? 8 : 4, R0, R10, -8),
    lsh64(R0, imm(8)),
    add64(R0, R6),
    exit(),
  ];

  it.each<[string, bigint, Instruction[]]>([
    ["probe_read_user", 0x6362_6100n, read("probe_read_user", 4, 0x1000)],
    ["probe_read_user beyond the end", -14n, read("probe_read_user", 8, 0x1000)],
    ["probe_read_user_str", 0x6362_6104n, read("probe_read_user_str", 8, 0x1000)],
    ["probe_read_user_str, cut", 0x6261_03n, read("probe_read_user_str", 3, 0x1000)],
    ["probe_read_user_str of nothing", -14n, read("probe_read_user_str", 8, 0x2000)],
  ])("%s", (name, expected, instructions) => {
    const user = new AddressSpace();
    user.put(0x1000n, "abc");
    const program = name.includes("cut") ? [st(8, R10, -8, imm(0)), ...instructions] : instructions;
    expect(run(program, { world: { user } }).result).toBe(expected);
  });

  it("loop calls back until it is told to stop", () => {
    const program = [
      st(8, R10, -8, imm(0)),
      mov64(R1, imm(10)),
      ldImm64(R2, { function: "body" }),
      mov64(R3, R10),
      add64(R3, imm(-8)),
      mov64(R4, imm(0)),
      call("loop"),
      ldx(8, R1, R10, -8),
      lsh64(R0, imm(8)),
      add64(R0, R1),
      exit(),
      label("body"),
      ldx(8, R3, R2, 0),
      add64(R3, R1),
      st(8, R2, 0, R3),
      mov64(R0, imm(0)),
      jgt(R3, imm(5), "stop"),
      exit(),
      label("stop"),
      mov64(R0, imm(1)),
      exit(),
    ];
    // 0 + 1 + 2 + 3 = 6 after four calls.
    expect(run(program).result).toBe((4n << 8n) + 6n);
  });

  it("may be given by the test", () => {
    const helpers = { get_numa_node_id: () => 55n };
    expect(run([call("get_numa_node_id"), exit()], { helpers }).result).toBe(55n);
  });
});

describe("what faults", () => {
  it.each<[string, Instruction[]]>([
    ["r0 was never written", [exit()]],
    ["r6 was never written", [mov64(R0, R6), exit()]],
    ["r1 was never written", [call("ktime_get_ns"), mov64(R0, R1), exit()]],
    [
      "r0 was never written",
      [
        mov64(R0, imm(0)),
        ...reserve,
        jne(R0, imm(0), "ok"),
        exit(),
        label("ok"),
        st(8, R0, 0, imm(0)),
        mov64(R1, R0),
        mov64(R2, imm(0)),
        call("ringbuf_submit"),
        exit(),
      ],
    ],
    ["r10 cannot be written", [add64(R10, imm(8)), mov64(R0, imm(0)), exit()]],
    ["r0 holds a pointer", [mov64(R0, R1), exit()]],
    ["byte -8 of the stack was never written", [ldx(8, R0, R10, -8), exit()]],
    [
      "byte -5 of the stack was never written",
      [st(2, R10, -8, imm(0)), st(1, R10, -6, imm(0)), ldx(4, R0, R10, -8), exit()],
    ],
    ["outside of the stack", [st(8, R10, 0, imm(0)), mov64(R0, imm(0)), exit()]],
    ["outside of the stack", [st(8, R10, -520, imm(0)), mov64(R0, imm(0)), exit()]],
    ["is not aligned", [st(8, R10, -12, imm(0)), mov64(R0, imm(0)), exit()]],
    ["is not aligned", [ldx(4, R0, R1, 2), exit()]],
    ["outside of the context", [ldx(8, R0, R1, 16), exit()]],
    ["write to the context", [st(8, R1, 0, imm(1)), mov64(R0, imm(0)), exit()]],
    ["by a changed pointer", [add64(R1, imm(8)), ldx(8, R0, R1, 0), exit()]],
    ["which holds a number", [mov64(R1, imm(64)), ldx(8, R0, R1, 0), exit()]],
    ["used without a test", [...lookup(ARRAY!, 0), ldx(8, R0, R0, 0), exit()]],
    ["used without a test", [...lookup(ARRAY!, 0), add64(R0, imm(8)), mov64(R0, imm(0)), exit()]],
    [
      "compared with something else",
      [...lookup(ARRAY!, 0), jgt(R0, imm(0), "end"), label("end"), mov64(R0, imm(0)), exit()],
    ],
    ["a null pointer is used", [...lookup(HASH!, 0), jeq(R0, imm(0), "end"), label("end"), ldx(8, R0, R0, 0), exit()]],
    [
      "outside of a value of array",
      [...lookup(ARRAY!, 0), jeq(R0, imm(0), "end"), ldx(8, R0, R0, 16), exit(), label("end"), exit()],
    ],
    [
      "outside of a value of array",
      [ldImm64(R1, { mapValue: ARRAY!, offset: 0 }), st(8, R1, 9, imm(0)), mov64(R0, imm(0)), exit()],
    ],
    ["cannot be addressed directly", [ldImm64(R1, { mapValue: PER_CPU!, offset: 0 }), mov64(R0, imm(0)), exit()]],
    ["read through a map pointer", [ldImm64(R1, { map: HASH! }), ldx(8, R0, R1, 0), exit()]],
    ["arithmetic on a map pointer", [ldImm64(R1, { map: HASH! }), add64(R1, imm(8)), mov64(R0, imm(0)), exit()]],
    ["there is no map 9", [ldImm64(R1, { map: 9 }), mov64(R0, imm(0)), exit()]],
    ["32-bit arithmetic on a pointer", [alu32("add", R1, imm(0)), mov64(R0, imm(0)), exit()]],
    ["r1 holds a pointer", [mov32(R1, R1), mov64(R0, imm(0)), exit()]],
    ["r1 holds a pointer", [neg64(R1), mov64(R0, imm(0)), exit()]],
    ["addition and subtraction", [alu64("and", R1, imm(-8)), mov64(R0, imm(0)), exit()]],
    ["32-bit comparison of a pointer", [branch32("eq", R1, imm(0), "end"), label("end"), mov64(R0, imm(0)), exit()]],
    ["a division by the constant zero", [mov64(R0, imm(1)), alu64("div", R0, imm(0)), exit()]],
    ["a shift by too many bits", [mov64(R0, imm(1)), lsh64(R0, imm(64)), exit()]],
    ["a shift by too many bits", [mov64(R0, imm(1)), alu32("lsh", R0, imm(32)), exit()]],
    ["part of a pointer is stored", [st(4, R10, -8, R1), mov64(R0, imm(0)), exit()]],
    ["part of a pointer in the stack is read", [st(8, R10, -8, R1), ldx(4, R0, R10, -8), exit()]],
    [
      "which holds a number",
      [st(8, R10, -8, R1), st(1, R10, -8, imm(0)), ldx(8, R1, R10, -8), ldx(8, R0, R1, 0), exit()],
    ],
    ["unreachable instruction", [mov64(R0, imm(0)), exit(), mov64(R0, imm(1)), exit()]],
    ["control leaves the program", [mov64(R0, imm(0))]],
    ["the program does not end", [mov64(R0, imm(0)), label("again"), ja("again")]],
    ["too many frames", [callLocal("f"), exit(), label("f"), callLocal("f"), exit()]],
    ["neither submitted nor discarded", [...reserve, jeq(R0, imm(0), "end"), label("end"), mov64(R0, imm(0)), exit()]],
    [
      "byte 0 of record of ringbuf was never written",
      [...reserve, jeq(R0, imm(0), "end"), ldx(8, R0, R0, 0), label("end"), mov64(R0, imm(0)), exit()],
    ],
    [
      "which was given up",
      [
        ...reserve,
        jeq(R0, imm(0), "end"),
        mov64(R6, R0),
        mov64(R1, R0),
        mov64(R2, imm(0)),
        call("ringbuf_discard"),
        ldx(8, R0, R6, 0),
        label("end"),
        mov64(R0, imm(0)),
        exit(),
      ],
    ],
    ["argument 1 is not a map", [mov64(R1, imm(1)), mov64(R2, R10), call("map_lookup_elem"), exit()]],
    [
      "was never written",
      [ldImm64(R1, { map: HASH! }), mov64(R2, R10), add64(R2, imm(-4)), call("map_lookup_elem"), exit()],
    ],
    [
      "outside of the stack",
      [
        ldImm64(R1, { map: HASH! }),
        st(2, R10, -2, imm(0)),
        mov64(R2, R10),
        add64(R2, imm(-2)),
        call("map_lookup_elem"),
        exit(),
      ],
    ],
    [
      "argument 2 is not a size that the verifier accepts",
      [mov64(R1, R10), add64(R1, imm(-16)), mov64(R2, imm(0)), call("get_current_comm"), exit()],
    ],
    [
      "outside of the stack",
      [mov64(R1, R10), add64(R1, imm(-8)), mov64(R2, imm(16)), call("get_current_comm"), exit()],
    ],
    [
      "argument 1 is not the context",
      [mov64(R1, imm(0)), ldImm64(R2, { map: HASH! }), mov64(R3, imm(0)), call("get_stackid"), exit()],
    ],
    [
      "the interpreter has no find_vma",
      [
        mov64(R1, imm(0)),
        mov64(R2, imm(0)),
        mov64(R3, imm(0)),
        mov64(R4, imm(0)),
        mov64(R5, imm(0)),
        call("find_vma"),
        exit(),
      ],
    ],
    ["r4 was never written", [mov64(R1, imm(1)), mov64(R2, imm(1)), mov64(R3, imm(1)), call("loop"), exit()]],
    [
      "a callback returned 2",
      [
        mov64(R1, imm(1)),
        ldImm64(R2, { function: "f" }),
        mov64(R3, imm(0)),
        mov64(R4, imm(0)),
        call("loop"),
        exit(),
        label("f"),
        mov64(R0, imm(2)),
        exit(),
      ],
    ],
    ["a function returns its stack", [callLocal("f"), exit(), label("f"), mov64(R0, R10), exit()]],
    ["r0 holds a pointer", [callLocal("f"), exit(), label("f"), mov64(R0, R1), exit()]],
    [
      "r6 was never written",
      [
        mov64(R6, imm(1)),
        mov64(R7, imm(1)),
        mov64(R8, imm(1)),
        callLocal("f"),
        exit(),
        label("f"),
        mov64(R0, R6),
        exit(),
      ],
    ],
  ])("%s", (message, instructions) => {
    expect(() => run(instructions)).toThrow(message);
  });

  it("says where", () => {
    expect(() => run([mov64(R0, imm(0)), ldx(8, R0, R10, -8), exit()])).toThrow("at 1: (79) r0 = *(u64 *)(r10 -8)");
  });
});
