/** Which hashes take memory for all their entries beforehand. */
import { expect, it } from "vitest";
import { compile } from "../../../compiler/compile.ts";
import { Diagnostics } from "../../../compiler/diagnostics.ts";
import { Source } from "../../../compiler/source.ts";
import { fakeFacts } from "../../support/fake-facts.ts";

const NO_PREALLOC = 1;

function isBeforehand(script: string, map: string): boolean {
  const diags = new Diagnostics();
  const compiled = compile(new Source("test", script), fakeFacts(), diags);
  if (compiled === undefined) throw new Error(diags.errors.map(({ message }) => message).join("\n"));
  const { flags } = compiled.maps.find(({ name }) => name === `m_${map}`)!;
  return (flags & NO_PREALLOC) === 0;
}

const ENTER = "tracepoint:syscalls:sys_enter_openat";
const LARGE = "@large[str(args.filename)] = count();";

it.each<[string, string, boolean]>([
  [`${ENTER} { @small[pid] = 1; }`, "small", true],
  [`${ENTER} { ${LARGE} }`, "large", false],
  // The interval's program runs with interrupts off, where memory for a new entry may be missing.
  [`${ENTER} { ${LARGE} } interval:s:1 { @large["x"] = count(); }`, "large", true],
  [`${ENTER} { ${LARGE} } interval:s:1 { if (has_key(@large, "x")) { @large["x"] = count(); } }`, "large", true],
  // What only looks at a map, or takes from it, needs none.
  [`${ENTER} { ${LARGE} } interval:s:1 { print(@large); clear(@large); }`, "large", false],
  [`${ENTER} { ${LARGE} } interval:s:1 { print(@large["x"]); zero(@large); }`, "large", false],
  [`${ENTER} { ${LARGE} } interval:s:1 { delete(@large, "x"); printf("%d", len(@large)); }`, "large", false],
])("%s: @%s", (script, map, expected) => {
  expect(isBeforehand(script, map)).toBe(expected);
});
