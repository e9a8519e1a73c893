import { describe, expect, it } from "vitest";
import { exit, imm, ldx, mov64, R0, R1 } from "../../../compiler/asm/instructions.ts";
import { renderDiagnostic } from "../../../compiler/diagnostics.ts";
import { loadFailure, readVerifierLog, spanAt, VerifierError } from "../../../harness/tracing/verifier-error.ts";
import { LoadError } from "../../../native/index.ts";
import { program } from "../../support/compiled.ts";

const BAD_ACCESS = `func#0 @0
0: R1=ctx() R10=fp0
0: (b7) r1 = 0                        ; R1_w=0
1: (79) r0 = *(u64 *)(r1 +0)
R1 invalid mem access 'scalar'
processed 2 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0
`;
const TWO_PATHS = `0: (15) if r0 == 0x0 goto pc+2
1: (b7) r0 = 0
2: (95) exit

from 0 to 3: R0=0 R10=fp0
; source line
3: (69) r0 = *(u16 *)(r0 +4)    ; R0=map_value_or_null(id=1)
R0 invalid mem access 'map_value_or_null'
verification time 46 usec
stack depth 0
processed 4 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0
`;

describe("readVerifierLog", () => {
  it.each([
    {
      what: "a bad access",
      log: BAD_ACCESS,
      slot: 1,
      instruction: "r0 = *(u64 *)(r1 +0)",
      words: "R1 invalid mem access 'scalar'",
    },
    {
      what: "the last of two paths",
      log: TWO_PATHS,
      slot: 3,
      instruction: "r0 = *(u16 *)(r0 +4)",
      words: "R0 invalid mem access 'map_value_or_null'",
    },
    {
      what: "no walk at all",
      log: "unreachable insn 3\nprocessed 0 insns (limit 1000000)\n",
      slot: 3,
      instruction: undefined,
      words: "unreachable insn 3",
    },
    {
      what: "no place at all",
      log: "last insn is not an exit or jmp\n",
      slot: undefined,
      instruction: undefined,
      words: "last insn is not an exit or jmp",
    },
    { what: "an empty log", log: "", slot: undefined, instruction: undefined, words: "" },
  ])("reads $what", ({ log, slot, instruction, words }) => {
    expect(readVerifierLog(log)).toEqual({ slot, instruction, lastWords: words });
  });
});

describe("VerifierError", () => {
  const refused = program({ kind: "begin" }, [mov64(R1, imm(0)), ldx(8, R0, R1, 0), exit()], {
    probes: ["begin", "end"],
  });

  it("shows the line of the script that the instruction came from", () => {
    const error = new VerifierError(refused, 13, BAD_ACCESS);
    expect(renderDiagnostic(error.diagnostic!)).toBe(
      [
        "error[verifier-rejected]: the kernel refuses the program of begin and 1 more: R1 invalid mem access 'scalar' (instruction 1: r0 = *(u64 *)(r1 +0))",
        "  test.bt:2:1",
        "    2 | load",
        "      | ^^^^ help: the whole log is shown with -v",
      ].join("\n"),
    );
    expect(error).toMatchObject({ code: "EACCES", program: "begin", slot: 1, log: BAD_ACCESS });
  });

  it.each([
    ...[
      "unknown func bpf_loop#181",
      "invalid func unknown#181",
      "program of this type cannot use helper bpf_loop#181",
    ].map((words) => ({
      words,
      help: "this kernel lacks bpf_loop(), which came with Linux 5.17, or leaves it out here",
    })),
    { words: "invalid func unknown#9999", help: "this kernel lacks a helper function that the script needs" },
    {
      words: "combined stack size of 2 calls is 544. Too large",
      help: "fewer or shorter keys, strings and variables need less stack",
    },
  ])("gives advice on: $words", ({ words, help }) => {
    expect(new VerifierError(refused, 22, words).diagnostic?.help).toBe(help);
  });

  it.each([
    "BPF program is too large. Processed 1000001 insn",
    "The sequence of 8193 jumps is too complex.",
    "The total number of maps per program has reached the limit of 64",
    "insn 3 cannot be patched due to 16-bit range",
    "1633: (a5) if r3 < 0x2 goto pc+1 BPF program is too large. Processed 1000001 insn",
  ])("tells a program that is too large from one that is wrong: %s", (words) => {
    const { diagnostic } = new VerifierError(refused, 7, words);
    expect(diagnostic?.code).toBe("program-too-large");
    expect(diagnostic?.message).toContain("is too large for the kernel's verifier");
    expect(diagnostic?.message).not.toContain("goto");
    expect(diagnostic?.help).toContain("make loops shorter");
  });

  it("needs no line table", () => {
    expect(new VerifierError({ ...refused, lines: [] }, 13, BAD_ACCESS).diagnostic).toBeUndefined();
  });

  it("is not made of a failure that the verifier had no part in", () => {
    const failure = new LoadError("BPF_PROG_LOAD", 1, "");
    expect(loadFailure(refused, failure)).toBe(failure);
  });

  it("keeps the errno of the first attempt, not that of the log", () => {
    expect(loadFailure(refused, new LoadError("BPF_PROG_LOAD", 28, BAD_ACCESS), 13).code).toBe("EACCES");
  });
});

describe("spanAt", () => {
  const lines = program({ kind: "begin" }, [mov64(R0, imm(0)), mov64(R0, imm(1)), exit()]);
  it.each([
    { slot: undefined, line: 1 },
    { slot: 0, line: 1 },
    { slot: 2, line: 3 },
    { slot: 99, line: 3 },
  ])("slot $slot is line $line", ({ slot, line }) => {
    const found = spanAt(lines, slot)!;
    expect(found.source.position(found.start).line).toBe(line);
  });
});
