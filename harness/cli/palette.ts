/** Colours for diagnostics: on a terminal, unless the environment says otherwise. */
import { type Palette, plainPalette } from "../../compiler/diagnostics.ts";
import { isTerminal } from "./is-terminal.ts";

/** The palette for what is written to a descriptor. BPFTRACE_COLOR, NO_COLOR and FORCE_COLOR win over what the descriptor is. */
export function paletteFor(fd: number, env: Readonly<Record<string, string | undefined>> = process.env): Palette {
  return wantsColour(fd, env) ? ansiPalette : plainPalette;
}

export const ansiPalette: Palette = {
  error: sgr("31;1"),
  warning: sgr("33;1"),
  note: sgr("36"),
  dim: sgr("2"),
  bold: sgr("1"),
};

function sgr(code: string): (text: string) => string {
  return (text) => `\x1b[${code}m${text}\x1b[0m`;
}

/** The words of bpftrace's own variable. */
const COLOUR_WORDS: Readonly<Record<string, boolean | undefined>> = { auto: undefined, always: true, never: false };

/** What is wrong with BPFTRACE_COLOR, if anything is. */
export function colourProblem({
  BPFTRACE_COLOR: asked,
}: Readonly<Record<string, string | undefined>>): string | undefined {
  if (asked === undefined || Object.hasOwn(COLOUR_WORDS, asked)) return undefined;
  return `BPFTRACE_COLOR: expecting ${Object.keys(COLOUR_WORDS).join(", ")}, got ${asked}`;
}

function wantsColour(fd: number, env: Readonly<Record<string, string | undefined>>): boolean {
  const asked = COLOUR_WORDS[env.BPFTRACE_COLOR ?? "auto"];
  if (asked !== undefined) return asked;
  if (env.FORCE_COLOR !== undefined) return env.FORCE_COLOR !== "0" && env.FORCE_COLOR !== "false";
  // an empty NO_COLOR counts as none
  if (env.NO_COLOR) return false;
  return env.TERM !== "dumb" && isTerminal(fd);
}
