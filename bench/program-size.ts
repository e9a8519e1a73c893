/** How large the programs are that a process has loaded, as the kernel keeps them. */
import { readdirSync, readFileSync } from "node:fs";
import { getFdById, ProgType, progInfo } from "../native/index.ts";

export interface ProgramSize {
  /** The kernel's, for as long as the program is loaded. */
  id: number;
  /** As in enum bpf_prog_type, in lower case. */
  type: string;
  /** Instruction slots after the verifier's rewriting. */
  instructions: number;
  /** Instructions that the verifier walked. */
  verified: number;
  jitBytes: number;
}

/** The programs that a process holds descriptors of, oldest first; without those that it closes while one looks. */
export function describePrograms(pid: number): ProgramSize[] {
  return programIds(pid).flatMap((id) => unlessGone(() => [describe(id)]));
}

function describe(id: number): ProgramSize {
  const prog = getFdById("prog", id);
  try {
    const { type, xlatedLen, verifiedInsns, jitedLen } = progInfo(prog);
    return { id, type: typeName(type), instructions: xlatedLen / 8, verified: verifiedInsns, jitBytes: jitedLen };
  } finally {
    prog.close();
  }
}

function unlessGone<T>(look: () => T[]): T[] {
  try {
    return look();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

/** Links name their programs as well, so each is listed once. */
function programIds(pid: number): number[] {
  const folder = `/proc/${pid}/fdinfo`;
  const ids = unlessGone(() => readdirSync(folder)).flatMap((fd) =>
    unlessGone(() => {
      const found = /^prog_id:\s*(\d+)$/m.exec(readFileSync(`${folder}/${fd}`, "utf8"));
      return found ? [Number(found[1])] : [];
    }),
  );
  return [...new Set(ids)].sort((a, b) => a - b);
}

function typeName(type: number): string {
  const found = Object.entries(ProgType).find(([, value]) => value === type);
  return (found?.[0] ?? `type ${type}`).toLowerCase();
}
