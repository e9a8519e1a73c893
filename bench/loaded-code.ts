/** The instructions of a loaded program as the kernel keeps them, by way of bpftool, which knows the functions' names. */
import { execFileSync } from "node:child_process";
import type { LoadedInstruction } from "./executed.ts";

/** One a slot; the second slot of a 64-bit constant is empty. */
export function loadedCode(bpftool: string, id: number): (LoadedInstruction | undefined)[] {
  const args = ["-j", "prog", "dump", "xlated", "id", String(id), "opcodes"];
  const text = execFileSync(bpftool, args, {
    encoding: "utf8",
    maxBuffer: 64 << 20,
    stdio: ["ignore", "pipe", "ignore"],
  });
  return parseDump(text);
}

/** A program's whole name, of which the kernel itself keeps the beginning. */
export function programName(bpftool: string, id: number): string {
  const text = execFileSync(bpftool, ["-j", "prog", "show", "id", String(id)], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
  return (JSON.parse(text) as { name?: string }).name ?? "";
}

interface Dumped {
  disasm?: string;
  opcodes?: { code: string; src_reg: string; dst_reg: string; off: string[]; imm: string[] };
}

/** Understands the dump in JSON; between the instructions are source lines where the program has some. */
export function parseDump(text: string): (LoadedInstruction | undefined)[] {
  return (JSON.parse(text) as Dumped[]).flatMap(({ disasm = "", opcodes }) => {
    if (!opcodes) return [];
    const immediate = opcodes.imm.map(Number);
    const callee = /call (?!pc)(\w+)/.exec(disasm)?.[1];
    const insn: LoadedInstruction = {
      opcode: Number(opcodes.code),
      dst: Number(opcodes.dst_reg),
      src: Number(opcodes.src_reg),
      offset: Number(BigInt.asIntN(16, littleEndian(opcodes.off.map(Number)))),
      imm: Number(BigInt.asIntN(32, littleEndian(immediate.slice(0, 4)))),
      ...(callee === undefined ? {} : { callee }),
    };
    if (immediate.length === 4) return [insn];
    // Behind the first half are the second slot's opcode, registers and offset, and then its half.
    const wide = (littleEndian(immediate.slice(-4)) << 32n) | littleEndian(immediate.slice(0, 4));
    return [{ ...insn, wide }, undefined];
  });
}

function littleEndian(bytes: readonly number[]): bigint {
  return bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
}
