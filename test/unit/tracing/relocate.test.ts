import { describe, expect, it } from "vitest";
import { exit, imm, ldImm64, mov64, R1, R2 } from "../../../compiler/asm/instructions.ts";
import type { Relocation } from "../../../compiler/program.ts";
import { relocate } from "../../../harness/tracing/relocate.ts";
import { program } from "../../support/compiled.ts";

const values = { mapFd: (map: number) => 40 + map, constant: () => 0x1_2345_6789n };

function words(code: Uint8Array): string[] {
  return Array.from({ length: code.length / 8 }, (_, i) =>
    Buffer.from(code.subarray(i * 8, i * 8 + 8)).toString("hex"),
  );
}

describe("relocate", () => {
  it.each<{ what: string; insn: Parameters<typeof ldImm64>[1]; low: string; high: string }>([
    { what: "map", insn: { map: 2 }, low: "18120000" + "2a000000", high: "00000000" + "00000000" },
    {
      what: "map value",
      insn: { mapValue: 0, offset: 24 },
      low: "18220000" + "28000000",
      high: "00000000" + "18000000",
    },
    { what: "constant", insn: { constant: "cpid" }, low: "18020000" + "89674523", high: "00000000" + "01000000" },
    { what: "plain number", insn: { value: 7n }, low: "18020000" + "07000000", high: "00000000" + "00000000" },
  ])("fills in a $what", ({ insn, low, high }) => {
    const p = program({ kind: "begin" }, [mov64(R1, imm(1)), ldImm64(R2, insn), exit()]);
    expect(words(relocate(p, values)).slice(1, 3)).toEqual([low, high]);
  });

  it("fills in a negative constant as two's complement", () => {
    const p = program({ kind: "begin" }, [ldImm64(R2, { constant: "boot_to_real" }), exit()]);
    expect(words(relocate(p, { ...values, constant: () => -2n })).slice(0, 2)).toEqual([
      "18020000feffffff",
      "00000000ffffffff",
    ]);
  });

  it("leaves the compiled code as it is", () => {
    const p = program({ kind: "begin" }, [ldImm64(R2, { map: 0 }), exit()]);
    const before = p.code.slice();
    relocate(p, values);
    expect(p.code).toEqual(before);
  });

  it.each([
    { what: "another instruction", slot: 0 },
    { what: "the second half of a load", slot: 2 },
    { what: "the end of the code", slot: 4 },
  ])("refuses a relocation at $what", ({ slot }) => {
    const p = program({ kind: "begin" }, [mov64(R1, imm(1)), ldImm64(R2, { value: 0n }), exit()]);
    const relocations: Relocation[] = [{ kind: "map", slot, map: 0 }];
    expect(() => relocate({ ...p, relocations }, values)).toThrow(`slot ${slot} has no 64-bit load`);
  });
});
