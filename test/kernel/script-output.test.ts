import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import {
  atomic,
  call,
  exit,
  type Instruction,
  imm,
  jeq,
  label,
  ldImm64,
  mov64,
  R0,
  R1,
  R2,
  R3,
  st,
} from "../../compiler/asm/instructions.ts";
import type { CompiledProgram, EventLayout, ScriptMap } from "../../compiler/program.ts";
import { Source, span } from "../../compiler/source.ts";
import { TextOutput } from "../../harness/tracing/output/text.ts";
import { ScriptOutput } from "../../harness/tracing/script-output.ts";
import { loadSession } from "../../harness/tracing/session.ts";
import { compiled, globals, program, RING } from "../support/compiled.ts";
import { describeKernel } from "../support/privileges.ts";

const here = span(new Source("test.bt", "script"), 0, 6);
const integer = { kind: "integer", size: 8, signed: true } as const;
const value = { offset: 8, layout: integer };

const COUNTER: ScriptMap = {
  name: "@x",
  key: undefined,
  value: { kind: "count", size: 8 },
  storage: { kind: "global", map: 1, offset: 0, stride: 8, copies: 1, presence: undefined },
};

/** An event and the number that it carries. */
type Step = [event: EventLayout, argument?: number] | "count";

const printf: EventLayout = { kind: "printf", size: 16, format: "n=%d\n", args: [value], span: here };
const exitWith: EventLayout = { kind: "exit", size: 16, code: value };
const printMap: EventLayout = { kind: "print_map", size: 16, map: 0, top: undefined, div: undefined };
const clearMap: EventLayout = { kind: "clear_map", size: 16, map: 0 };
const zeroMap: EventLayout = { kind: "zero_map", size: 16, map: 0 };

/** A program whose begin and end do those steps. */
function script(begin: Step[], end: Step[] = [], config: Partial<CompiledProgram["config"]> = {}): CompiledProgram {
  const events: EventLayout[] = [];
  let labels = 0;
  const code = (steps: Step[]): Instruction[] => [
    ...steps.flatMap((step) => {
      if (step === "count")
        return [ldImm64(R1, { mapValue: 1, offset: 0 }), mov64(R2, imm(1)), atomic("add", 8, R1, 0, R2)];
      const [event, argument = 0] = step;
      const lost = `lost${labels++}`;
      // record = reserve(ring, 16); if (record) { record[0] = event; record[1] = argument; submit(record) }
      return [
        ldImm64(R1, { map: 0 }),
        mov64(R2, imm(16)),
        mov64(R3, imm(0)),
        call("ringbuf_reserve"),
        jeq(R0, imm(0), lost),
        st(8, R0, 0, imm(events.push(event) - 1)),
        st(8, R0, 8, imm(argument)),
        mov64(R1, R0),
        mov64(R2, imm(0)),
        call("ringbuf_submit"),
        label(lost),
      ];
    }),
    mov64(R0, imm(0)),
    exit(),
  ];
  const parts = compiled({
    maps: [RING, globals(64)],
    ringBuffer: 0,
    scriptMaps: [COUNTER],
    events,
    programs: [program({ kind: "begin" }, code(begin)), program({ kind: "end" }, code(end))],
  });
  return { ...parts, config: { ...parts.config, ...config } };
}

/** Runs the script as `trace` does. */
function run(parts: CompiledProgram): { out: string; err: string; exitCode: number | undefined } {
  const session = loadSession(parts);
  const text = { out: "", err: "" };
  const streams = {
    out: (bytes: Uint8Array) => {
      text.out += Buffer.from(bytes).toString();
    },
    err: (bytes: Uint8Array) => {
      text.err += Buffer.from(bytes).toString();
    },
  };
  try {
    const output = new ScriptOutput(session, new TextOutput(streams, { out: false, err: false }));
    session.start();
    session.drain(output.visit);
    session.stop(output.visit, output.exitCode === undefined ? output.visit : "discard");
    output.printMaps();
    return { ...text, exitCode: output.exitCode };
  } finally {
    session.close();
  }
}

describeKernel("script output", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "output-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it("prints in order, and the maps at the end", () => {
    expect(run(script(["count", [printf, 1], [printf, 2]], [[printf, 3], "count"]))).toEqual({
      out: "n=1\nn=2\nn=3\n@x: 2\n",
      err: "",
      exitCode: undefined,
    });
  });

  it("ignores what comes behind exit(), but not the end", () => {
    expect(
      run(
        script(
          [
            [printf, 1],
            [exitWith, 3],
            [printf, 2],
          ],
          [[printf, 9]],
        ),
      ),
    ).toEqual({
      out: "n=1\nn=9\n",
      err: "",
      exitCode: 3,
    });
  });

  it("ends the end with an exit() of its own", () => {
    expect(
      run(
        script(
          [],
          [
            [printf, 1],
            [exitWith, 4],
            [printf, 2],
          ],
        ),
      ),
    ).toMatchObject({ out: "n=1\n", exitCode: 4 });
  });

  it.each<{ what: string; steps: Step[]; out: string }>([
    { what: "prints a map", steps: ["count", [printMap]], out: "@x: 1\n@x: 1\n" },
    { what: "prints an untouched map", steps: [[printMap]], out: "@x: 0\n" },
    { what: "clears a map", steps: ["count", [clearMap]], out: "" },
    { what: "zeroes a map", steps: ["count", [zeroMap], [printMap]], out: "@x: 0\n" },
  ])("$what when the script asks for it", ({ steps, out }) => {
    expect(run(script(steps)).out).toBe(out);
  });

  it("prints no maps where the config says so", () => {
    expect(run(script(["count"], [], { printMapsOnExit: false })).out).toBe("");
  });

  it("runs commands of system() and shows files of cat()", () => {
    const file = join(folder, "file");
    writeFileSync(file, "0123456789");
    const system: EventLayout = { kind: "system", size: 16, format: "echo got %d", args: [value], span: here };
    const cat: EventLayout = { kind: "cat", size: 16, format: file, args: [], span: here };
    const missing: EventLayout = { ...cat, format: join(folder, "missing") };
    expect(run(script([[system, 7], [cat], [missing]], [], { maxCatBytes: 4 }))).toMatchObject({
      out: "got 7\n\n0123",
      err: expect.stringMatching(/^ERROR: failed to open file .*missing' \(No such file or directory\)$/m),
    });
  });

  it.each([
    ["exit 3", "", "ERROR: command exited with code 3\n"],
    ["echo so far; exit 4", "so far\n\n", "ERROR: command exited with code 4\n"],
    ["kill -9 $$", "", "ERROR: command was ended by SIGKILL\n"],
    ["true", "\n", ""],
  ])("tells of a command that fails: %s", (format, out, err) => {
    const system: EventLayout = { kind: "system", size: 8, format, args: [], span: here };
    expect(run(script([[system]]))).toMatchObject({ out, err });
  });
});
