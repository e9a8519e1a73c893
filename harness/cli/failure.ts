/** Why a command ends early: what is printed, and the exit code. Whatever is not a failure is a bug, and throws. */
import { BtfError } from "../../compiler/btf/types.ts";
import { type Diagnostic, type Palette, renderDiagnostics } from "../../compiler/diagnostics.ts";
import { DwarfError } from "../../compiler/dwarf/reader.ts";
import { printable } from "../../compiler/source-line.ts";
import { AddonError, SpawnError, SysError } from "../../native/index.ts";
import { AttachError } from "../tracing/attach.ts";
import { CapabilityError } from "../tracing/facts/capability-error.ts";
import { CaptureError } from "../tracing/packets/capture-file.ts";
import { strerror } from "../tracing/symbols/strerror.ts";
import { TrimmedLogError, VerifierError } from "../tracing/verifier-error.ts";
import { ExitCode } from "./exit-code.ts";

/** A failure that a command has put into words itself. */
export class Failure extends Error {
  override readonly name = "Failure";
  readonly exitCode: number;
  readonly help: string | undefined;
  /** Shown in place of the message. */
  readonly diagnostics: readonly Diagnostic[];

  constructor(message: string, exitCode: number, more: { help?: string; diagnostics?: readonly Diagnostic[] } = {}) {
    super(message);
    this.exitCode = exitCode;
    this.help = more.help;
    this.diagnostics = more.diagnostics ?? [];
  }
}

/** Errors that mean: not on this machine, or not for this user. */
const NOT_PERMITTED: ReadonlySet<string> = new Set(["EPERM", "EACCES", "ENOSYS", "EOPNOTSUPP", "ENOTSUPP", "ENOTSUP"]);
const ASK_THE_DOCTOR = "`probewright doctor` says what is missing here, and the remedy";

/** Puts an error of tracing into words. Throws it again if it is a bug. */
export function tracingFailure(error: unknown): Failure {
  if (error instanceof Failure) return error;
  if (error instanceof VerifierError) {
    const { diagnostic, kernelTooOld } = error;
    const exitCode = kernelTooOld ? ExitCode.lacksCapability : ExitCode.invalidInput;
    return new Failure(error.message, exitCode, { diagnostics: diagnostic === undefined ? [] : [diagnostic] });
  }
  if (error instanceof TrimmedLogError) {
    const { program, errno } = error;
    const message = `Error loading BPF program for ${program}. Error code: -${errno} (${strerror(BigInt(errno))}).`;
    return new Failure(message, ExitCode.invalidInput);
  }
  if (error instanceof AttachError) {
    const { cause } = error;
    if (cause instanceof CapabilityError) return lacking(error.message, cause.help);
    if (cause instanceof SysError && NOT_PERMITTED.has(cause.code)) return lacking(error.message, ASK_THE_DOCTOR);
    return new Failure(error.message, ExitCode.invalidInput);
  }
  if (error instanceof BtfError) {
    const help = "it comes from /sys/kernel/btf, or from where BPFTRACE_BTF says";
    return new Failure(`the kernel's type information is damaged: ${error.message}`, ExitCode.invalidInput, { help });
  }
  if (error instanceof CaptureError) return new Failure(error.message, ExitCode.invalidInput);
  if (error instanceof DwarfError) return new Failure(error.sentence, ExitCode.invalidInput);
  if (error instanceof SpawnError) return new Failure(error.message, ExitCode.invalidInput);
  if (error instanceof CapabilityError) return lacking(error.message, error.help);
  if (error instanceof SysError) return lacking(error.message, ASK_THE_DOCTOR);
  if (error instanceof AddonError) return new Failure(error.message, ExitCode.lacksCapability);
  throw error;
}

function lacking(message: string, help: string): Failure {
  return new Failure(message, ExitCode.lacksCapability, { help });
}

/** The text for standard error. */
export function renderFailure(failure: Failure, palette: Palette): string {
  if (failure.diagnostics.length > 0) return `${renderDiagnostics(failure.diagnostics, palette)}\n`;
  const help = failure.help === undefined ? "" : `\n  help: ${printable(failure.help)}`;
  return `${palette.error("error")}${palette.bold(`: ${printable(failure.message)}`)}${help}\n`;
}
