/** Counting what programs execute, on small ones made by hand and on what bpftool says of loaded ones. */
import { describe, expect, it } from "vitest";
import { worldOf } from "../../../bench/events.ts";
import { execute, type LoadedInstruction } from "../../../bench/executed.ts";
import { parseDump } from "../../../bench/loaded-code.ts";
import { assemble } from "../../../compiler/asm/assemble.ts";
import { decode } from "../../../compiler/asm/decode.ts";
import {
  add64,
  exit,
  type Instruction,
  imm,
  jeq,
  jne,
  label,
  ldx,
  lsh64,
  mov64,
  R0,
  R1,
  R2,
  R6,
  R10,
  st,
} from "../../../compiler/asm/instructions.ts";
import { sampleBtf } from "../../support/fake-facts.ts";

const world = () => worldOf("read", "sys_enter_read", "tracepoint", sampleBtf());

function code(insns: Instruction[]): LoadedInstruction[] {
  const assembled = assemble(insns);
  if (!assembled.ok) throw new Error("no program");
  return decode(assembled.code);
}

const calling = (callee: string): LoadedInstruction => ({ opcode: 0x85, dst: 0, src: 0, offset: 0, imm: 1, callee });

describe("executed instructions", () => {
  it.each<[string, number, Instruction[]]>([
    ["all of a straight line", 3, [mov64(R0, imm(0)), add64(R0, imm(1)), exit()]],
    [
      "not what is jumped over",
      3,
      [mov64(R0, imm(0)), jeq(R0, imm(0), "end"), mov64(R0, imm(7)), label("end"), exit()],
    ],
    [
      "each round of a loop",
      8,
      [mov64(R0, imm(3)), label("again"), add64(R0, imm(-1)), jne(R0, imm(0), "again"), exit()],
    ],
    [
      "by what lies on the stack",
      5,
      [st(8, R10, -8, imm(5)), ldx(8, R0, R10, -8), lsh64(R0, imm(1)), jne(R0, imm(10), "no"), label("no"), exit()],
    ],
    [
      "by what the system call was given: the size is the third argument",
      5,
      [ldx(8, R2, R1, 32), mov64(R0, imm(0)), jne(R2, imm(512), "no"), mov64(R0, imm(1)), label("no"), exit()],
    ],
  ])("%s", (_, instructions, program) => expect(execute(code(program), world())).toEqual({ instructions, calls: [] }));

  it("every map has the entry", () => {
    const [start, end] = [
      code([mov64(R0, imm(0))]),
      code([jeq(R0, imm(0), "no"), add64(R6, imm(1)), label("no"), exit()]),
    ];
    const { instructions, calls } = execute([...start, calling("__htab_map_lookup_elem"), ...end], world());
    expect([instructions, calls]).toEqual([5, ["__htab_map_lookup_elem"]]);
  });

  it("a map's value is zero for the first event, and what that has made of it for the next", () => {
    const value: LoadedInstruction = { opcode: 0x18, dst: 1, src: 2, offset: 0, imm: 7, wide: 7n };
    const store: LoadedInstruction = { opcode: 0x7b, dst: 1, src: 0, offset: 0, imm: 0 };
    const count = code([ldx(8, R0, R1, 0), add64(R0, imm(1))]);
    const rest = code([jne(R0, imm(1), "again"), mov64(R0, imm(0)), label("again"), exit()]);
    const program = [value, undefined, ...count, store, ...rest];
    const { memory } = world();
    const event = () =>
      execute(program, worldOf("read", "sys_enter_read", "tracepoint", sampleBtf(), memory)).instructions;
    expect([event(), event()]).toEqual([7, 6]);
  });

  it.each([
    ["that does not end", [label("a"), add64(R0, imm(1)), jeq(R1, R1, "a"), exit()], "does not end"],
    ["that runs out of its instructions", [mov64(R0, imm(0))], "no instruction at 1"],
  ] as const)("refuses a program %s", (_, program, message) =>
    expect(() => execute(code([...program]), world())).toThrow(message),
  );
});

describe("bpftool's dump", () => {
  const opcodes = (imm: string[]) => ({ code: "0x18", src_reg: "0x1", dst_reg: "0x1", off: ["0xfe", "0xff"], imm });
  it("gives fields, 64-bit constants and the names of functions; lines of source are left out", () => {
    const text = JSON.stringify([
      { src: "count()" },
      { disasm: "(18) r1 = map[id:7]", opcodes: opcodes(["1", "0", "0", "0", "0", "0", "0", "0", "2", "0", "0", "0"]) },
      { disasm: "(85) call bpf_get_current_pid_tgid#14", opcodes: { ...opcodes(["14", "0", "0", "0"]), code: "0x85" } },
      { disasm: "(85) call pc+3#bpf_prog_x", opcodes: { ...opcodes(["3", "0", "0", "0"]), code: "0x85" } },
    ]);
    const common = { dst: 1, src: 1, offset: -2 };
    expect(parseDump(text)).toEqual([
      { ...common, opcode: 0x18, imm: 1, wide: (2n << 32n) | 1n },
      undefined,
      { ...common, opcode: 0x85, imm: 14, callee: "bpf_get_current_pid_tgid" },
      { ...common, opcode: 0x85, imm: 3 },
    ]);
  });
});
