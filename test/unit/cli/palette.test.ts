import { describe, expect, it } from "vitest";
import { plainPalette } from "../../../compiler/diagnostics.ts";
import { ansiPalette, colourProblem, paletteFor } from "../../../harness/cli/palette.ts";

/** No descriptor of a test is a terminal. */
const NO_TERMINAL = 2;

describe("paletteFor", () => {
  it.each([
    { env: {}, colour: false },
    { env: { FORCE_COLOR: "1" }, colour: true },
    { env: { FORCE_COLOR: "" }, colour: true },
    { env: { FORCE_COLOR: "0" }, colour: false },
    { env: { FORCE_COLOR: "false" }, colour: false },
    { env: { FORCE_COLOR: "1", NO_COLOR: "1" }, colour: true },
    { env: { NO_COLOR: "1" }, colour: false },
    { env: { BPFTRACE_COLOR: "always" }, colour: true },
    { env: { BPFTRACE_COLOR: "never", FORCE_COLOR: "1" }, colour: false },
    { env: { BPFTRACE_COLOR: "auto", FORCE_COLOR: "1" }, colour: true },
  ])("$env: $colour", ({ env, colour }) => {
    expect(paletteFor(NO_TERMINAL, env)).toBe(colour ? ansiPalette : plainPalette);
  });

  it("colours with escapes that end themselves", () => {
    expect(ansiPalette.error("x")).toBe("\x1b[31;1mx\x1b[0m");
  });
});

describe("colourProblem", () => {
  it.each([
    [undefined, undefined],
    ["auto", undefined],
    ["always", undefined],
    ["never", undefined],
    ["ALWAYS", "BPFTRACE_COLOR: expecting auto, always, never, got ALWAYS"],
    ["1", "BPFTRACE_COLOR: expecting auto, always, never, got 1"],
    ["", "BPFTRACE_COLOR: expecting auto, always, never, got "],
    ["constructor", "BPFTRACE_COLOR: expecting auto, always, never, got constructor"],
  ])("BPFTRACE_COLOR=%s: %s", (asked, problem) => {
    expect(colourProblem({ BPFTRACE_COLOR: asked })).toBe(problem);
  });
});
