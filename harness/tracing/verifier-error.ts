/**
 * What the kernel's verifier said, read back into the script: which line, which instruction, and the sentence that
 * matters out of a log of thousands of lines.
 */
import { helperById, helperSpec } from "../../compiler/asm/helpers.ts";
import type { Diagnostic } from "../../compiler/diagnostics.ts";
import type { Program } from "../../compiler/program.ts";
import type { Span } from "../../compiler/source.ts";
import { type LoadError, SysError } from "../../native/index.ts";

export interface VerifierVerdict {
  /** Instruction slot where the verifier gave up. */
  slot: number | undefined;
  /** That instruction in the verifier's own notation. */
  instruction: string | undefined;
  /** The line that gives the reason; empty when the log has none. */
  lastWords: string;
}

/** The kernel refused a program. */
export class VerifierError extends SysError {
  override readonly name = "VerifierError";
  readonly program: string;
  /** The script's probes that the program serves. */
  readonly probes: readonly string[];
  /** The part of the script that the instruction came from. */
  readonly span: Span | undefined;
  readonly slot: number | undefined;
  readonly instruction: string | undefined;
  readonly lastWords: string;
  /** Everything that the verifier wrote. */
  readonly log: string;

  constructor(program: Program, errno: number, log: string) {
    const verdict = readVerifierLog(log);
    super("BPF_PROG_LOAD", errno, { program: program.name, verifier: JSON.stringify(verdict.lastWords) });
    this.program = program.name;
    this.probes = program.probes;
    this.span = spanAt(program, verdict.slot);
    this.slot = verdict.slot;
    this.instruction = verdict.instruction;
    this.lastWords = verdict.lastWords;
    this.log = log;
  }

  /** The kernel lacks a helper function that the program calls. */
  get kernelTooOld(): boolean {
    return MISSING_HELPER.test(this.lastWords);
  }

  /** The kernel has nothing against any of its instructions, but gave up on so many. */
  get tooLarge(): boolean {
    return TOO_LARGE.test(this.lastWords);
  }

  /** For showing the script's line; undefined when the program has no line table. */
  get diagnostic(): Diagnostic | undefined {
    if (this.span === undefined) return undefined;
    if (this.tooLarge) {
      return {
        code: "program-too-large",
        severity: "error",
        message: `the program of ${summary(this.probes)} is too large for the kernel's verifier: ${this.lastWords}`,
        span: this.span,
        help: "make loops shorter or nest fewer of them, or divide the script into several probes",
      };
    }
    const at = this.instruction === undefined ? "" : ` (instruction ${this.slot}: ${this.instruction})`;
    return {
      code: "verifier-rejected",
      severity: "error",
      message: `the kernel refuses the program of ${summary(this.probes)}: ${this.lastWords || this.code}${at}`,
      span: this.span,
      help: helpFor(this.lastWords),
    };
  }
}

/** The verifier's log was asked for and found no room, for which the kernel refuses the program. */
export class TrimmedLogError extends SysError {
  override readonly name = "TrimmedLogError";
  /** The program's name and its number among those of the script. */
  readonly program: string;
  readonly logSize: number;

  constructor(program: string, logSize: number) {
    super("BPF_PROG_LOAD", ENOSPC, { program });
    this.program = program;
    this.logSize = logSize;
  }
}

const ENOSPC = 28;

/** Makes the error for a failed load, or hands on one that the verifier had no part in: it left no word then. */
export function loadFailure(program: Program, error: LoadError, errno = error.errno): SysError {
  return error.log.trim() === "" ? error : new VerifierError(program, errno, error.log);
}

/** Finds the last instruction and the last sentence in a verifier log. */
export function readVerifierLog(log: string): VerifierVerdict {
  let slot: number | undefined;
  let instruction: string | undefined;
  let lastWords = "";
  for (const line of log.split("\n")) {
    const found = INSTRUCTION.exec(line);
    if (found) {
      slot = Number(found[1]);
      // A sentence before it was about another path. One may stand on its own line, behind a jump that was not followed any more.
      const [text, last = ""] = found[2]!.split(GIVES_UP);
      instruction = text!.replace(/\s*;.*$/, "").trim();
      lastWords = last.trim();
    } else if (!NOISE.test(line)) {
      lastWords = line.trim();
    }
  }
  const named = /\binsn (\d+)/.exec(lastWords);
  if (slot === undefined && named) slot = Number(named[1]);
  return { slot, instruction, lastWords };
}

/** `12: (79) r3 = *(u64 *)(r1 +8)      ; R1=ctx() R3_w=scalar()`, possibly with a state before the opcode */
const INSTRUCTION = /^(\d+): \([0-9a-f]{2}\) (.*)$/;
const GIVES_UP = /(?=BPF program is too large)/;
/** Blank lines, register states, paths, precision tracking, source lines, statistics. */
const NOISE =
  /^\s*$|^\d+: |^(from \d+ to \d+|; |func#|mark_precise|last_idx|regs=|parent |caller:|callee:|returning from|to caller|arg#|propagating|processed \d|verification time|stack depth|cur state|old state|Live regs)/;

/** The span of the line table's entry that holds `slot`; the first one when the slot is unknown. */
export function spanAt(program: Program, slot: number | undefined): Span | undefined {
  let found = program.lines[0];
  if (slot !== undefined) {
    for (const line of program.lines) {
      if (line.slot > slot) break;
      found = line;
    }
  }
  return found?.span;
}

const TOO_LARGE =
  /^BPF program is too large|too complex|16-bit range|number of maps per program|^the call stack of|argument list too long/;
/** The verifier's words for a helper that it does not know, or not in this program type; by age. */
const MISSING_HELPER = /(?:invalid func|unknown func|cannot use helper) \w+#(\d+)/;

function helpFor(lastWords: string): string | undefined {
  const missing = MISSING_HELPER.exec(lastWords);
  if (missing) {
    const name = helperById(Number(missing[1]));
    if (!name) return "this kernel lacks a helper function that the script needs";
    return `this kernel lacks bpf_${name}(), which came with Linux ${helperSpec(name).since.join(".")}, or leaves it out here`;
  }
  if (/infinite loop|back-edge/.test(lastWords)) {
    return "this kernel must see that a loop ends: count in a variable up to a constant, or use Linux 5.17 or later";
  }
  if (/stack/.test(lastWords)) return "fewer or shorter keys, strings and variables need less stack";
  return "the whole log is shown with -v";
}

export function summary(probes: readonly string[]): string {
  const [first = "the script", ...others] = probes;
  return others.length === 0 ? first : `${first} and ${others.length} more`;
}
