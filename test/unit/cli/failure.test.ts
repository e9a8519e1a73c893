import { describe, expect, it } from "vitest";
import { exit, imm, mov64, R0 } from "../../../compiler/asm/instructions.ts";
import { BtfError } from "../../../compiler/btf/types.ts";
import { plainPalette } from "../../../compiler/diagnostics.ts";
import { Failure, renderFailure, tracingFailure } from "../../../harness/cli/failure.ts";
import { AttachError } from "../../../harness/tracing/attach.ts";
import { CapabilityError } from "../../../harness/tracing/facts/capability-error.ts";
import { TrimmedLogError, VerifierError } from "../../../harness/tracing/verifier-error.ts";
import { AddonError, SpawnError, SysError } from "../../../native/index.ts";
import { program } from "../../support/compiled.ts";

const EPERM = 1;
const ENOENT = 2;
const EINVAL = 22;
const refused = program({ kind: "begin" }, [mov64(R0, imm(0)), exit()]);

describe("tracingFailure", () => {
  it.each([
    { what: "a refused system call", error: new SysError("BPF_MAP_CREATE", EPERM), exitCode: 3 },
    {
      what: "a lacking capability",
      error: new CapabilityError("tracefs", "mount it", new SysError("x", ENOENT)),
      exitCode: 3,
    },
    {
      what: "a probe without permission",
      error: new AttachError(["p"], new SysError("perf_event_open", EPERM)),
      exitCode: 3,
    },
    {
      what: "a probe that is not there",
      error: new AttachError(["p"], new SysError("perf_event_open", ENOENT)),
      exitCode: 2,
    },
    { what: "a missing command", error: new SpawnError("exec", ENOENT, { command: "x" }), exitCode: 2 },
    {
      what: "a probe without tracefs",
      error: new AttachError(["p"], new CapabilityError("tracefs", "mount it", new SysError("x", ENOENT))),
      exitCode: 3,
    },
    { what: "a missing addon", error: new AddonError("no addon"), exitCode: 3 },
    { what: "a verifier's refusal", error: new VerifierError(refused, EINVAL, "R1 !read_ok"), exitCode: 2 },
    { what: "a log without room", error: new TrimmedLogError("begin_1", 2), exitCode: 2 },
    { what: "an old kernel", error: new VerifierError(refused, EINVAL, "invalid func unknown#181"), exitCode: 3 },
    { what: "damaged type information", error: new BtfError("BTF is truncated"), exitCode: 2 },
    { what: "one already in words", error: new Failure("no", 4), exitCode: 4 },
  ])("$what: exit code $exitCode", ({ error, exitCode }) => {
    expect(tracingFailure(error).exitCode).toBe(exitCode);
  });

  it("throws a bug again", () => {
    const bug = new TypeError("x is undefined");
    expect(() => tracingFailure(bug)).toThrow(bug);
  });
});

describe("renderFailure", () => {
  it.each([
    { failure: new Failure("it broke", 2), text: "error: it broke\n" },
    { failure: new Failure("it broke", 2, { help: "mend it" }), text: "error: it broke\n  help: mend it\n" },
    { failure: new Failure("\x1b[2Jgone", 2), text: "error: \\x1b[2Jgone\n" },
  ])("$text", ({ failure, text }) => {
    expect(renderFailure(failure, plainPalette)).toBe(text);
  });

  it("shows the script's line for a refusal of the verifier", () => {
    const failure = tracingFailure(new VerifierError(refused, EINVAL, "0: (b7) r0 = 0\nR1 !read_ok"));
    expect(renderFailure(failure, plainPalette)).toContain("test.bt:1:1\n    1 | alu");
  });
});
