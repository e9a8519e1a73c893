/** How large the programs are that a process has loaded, as the kernel keeps them. */
import { readdirSync, readFileSync } from "node:fs";
import { getFdById, ProgType, progInfo } from "../native/index.ts";

export interface ProgramSize {
  /** As in enum bpf_prog_type, in lower case. */
  type: string;
  /** Instruction slots after the verifier's rewriting. */
  instructions: number;
  /** Instructions that the verifier walked. */
  verified: number;
  jitBytes: number;
}

/** The programs that a process holds descriptors of, oldest first. */
export function describePrograms(pid: number): ProgramSize[] {
  return programIds(pid).map((id) => {
    const prog = getFdById("prog", id);
    try {
      const { type, xlatedLen, verifiedInsns, jitedLen } = progInfo(prog);
      return { type: typeName(type), instructions: xlatedLen / 8, verified: verifiedInsns, jitBytes: jitedLen };
    } finally {
      prog.close();
    }
  });
}

/** Links name their programs as well, so each is listed once. */
function programIds(pid: number): number[] {
  const folder = `/proc/${pid}/fdinfo`;
  const ids = readdirSync(folder).flatMap((fd) => {
    const found = /^prog_id:\s*(\d+)$/m.exec(readFileSync(`${folder}/${fd}`, "utf8"));
    return found ? [Number(found[1])] : [];
  });
  return [...new Set(ids)].sort((a, b) => a - b);
}

function typeName(type: number): string {
  const found = Object.entries(ProgType).find(([, value]) => value === type);
  return (found?.[0] ?? `type ${type}`).toLowerCase();
}
