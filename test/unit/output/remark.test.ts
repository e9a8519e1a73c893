import { describe, expect, it } from "vitest";
import { type Diagnostic, type Palette, renderDiagnostics } from "../../../compiler/diagnostics.ts";
import { Source, type Span, span } from "../../../compiler/source.ts";
import { diagnosticsText, diagnosticText, errorText } from "../../../harness/tracing/output/remark.ts";

const script = new Source("s.bt", "begin {\n\t@x = pids;\n}\n");
const at = (text: string): Span => {
  const start = script.text.indexOf(text);
  return span(script, start, start + text.length);
};
const wrong = (more: Partial<Diagnostic> = {}): Diagnostic => ({
  code: "no-good",
  severity: "error",
  message: "it is wrong",
  span: at("pids"),
  ...more,
});

const embedded = new Source("script", "@x = pids;", {
  source: script,
  toOuter: (offset) => offset + script.text.indexOf("@x"),
});
const imported = new Source("lib.bt", "macro m() { bad }", undefined, at("begin"));

describe("diagnosticText", () => {
  it.each<{ what: string; diagnostic: Diagnostic; text: string }>([
    {
      what: "the place, underlined at any tab width",
      diagnostic: wrong(),
      text: "s.bt:2:7-11: ERROR: it is wrong\n\t@x = pids;\n\t     ~~~~\nCODE: no-good\n",
    },
    {
      what: "a warning with help",
      diagnostic: wrong({ severity: "warning", help: "mend it" }),
      text: "s.bt:2:7-11: WARNING: it is wrong\n\t@x = pids;\n\t     ~~~~\nHINT: mend it\nCODE: no-good\n",
    },
    {
      what: "an empty span",
      diagnostic: wrong({ span: span(script, 0, 0) }),
      text: "s.bt:1:1-1: ERROR: it is wrong\nbegin {\n~\nCODE: no-good\n",
    },
    {
      what: "several lines, not underlined",
      diagnostic: wrong({ span: at("{\n\t@x = pids;\n}") }),
      text: "s.bt:1-3: ERROR: it is wrong\nbegin {\n\t@x = pids;\n}\nCODE: no-good\n",
    },
    {
      what: "the first of many lines",
      diagnostic: wrong({ span: span(new Source("long.bt", "a\n".repeat(50)), 0, 99) }),
      text: `long.bt:1-50: ERROR: it is wrong\n${"a\n".repeat(20)}...\nCODE: no-good\n`,
    },
    {
      what: "other places, before the help",
      diagnostic: wrong({ labels: [{ span: at("begin"), message: "since here" }], help: "mend it" }),
      text:
        "s.bt:2:7-11: ERROR: it is wrong\n\t@x = pids;\n\t     ~~~~\n" +
        "s.bt:1:1-6: ERROR: since here\nbegin {\n~~~~~\nHINT: mend it\nCODE: no-good\n",
    },
    {
      what: "the way into a macro",
      diagnostic: wrong({ span: { ...at("pids"), expandedFrom: at("begin") } }),
      text:
        "s.bt:2:7-11: ERROR: it is wrong\n\t@x = pids;\n\t     ~~~~\n" +
        "s.bt:1:1-6: ERROR: expanded from\nbegin {\n~~~~~\nCODE: no-good\n",
    },
    {
      what: "the way into an imported file",
      diagnostic: wrong({ span: span(imported, 12, 15) }),
      text:
        "lib.bt:1:13-16: ERROR: it is wrong\nmacro m() { bad }\n            ~~~\n" +
        "s.bt:1:1-6: ERROR: imported from\nbegin {\n~~~~~\nCODE: no-good\n",
    },
    {
      what: "the file that the user edits, for an embedded script",
      diagnostic: wrong({ span: span(embedded, 5, 9) }),
      text: "s.bt:2:7-11: ERROR: it is wrong\n\t@x = pids;\n\t     ~~~~\nCODE: no-good\n",
    },
    {
      what: "what is wrong outside of the script, and who asks",
      diagnostic: wrong({ elsewhere: true, help: "mend it" }),
      text:
        "ERROR: it is wrong\ns.bt:2:7-11: ERROR: asked for here\n\t@x = pids;\n\t     ~~~~\n" +
        "HINT: mend it\nCODE: no-good\n",
    },
    {
      what: "what nothing in the script asks for",
      diagnostic: wrong({ elsewhere: true, span: span(script, 0, 0) }),
      text: "ERROR: it is wrong\nCODE: no-good\n",
    },
    {
      what: "control characters, harmless",
      diagnostic: wrong({ message: "a\x1b[2Jb" }),
      text: "s.bt:2:7-11: ERROR: a\\x1b[2Jb\n\t@x = pids;\n\t     ~~~~\nCODE: no-good\n",
    },
  ])("shows $what", ({ diagnostic, text }) => {
    expect(diagnosticText(diagnostic)).toBe(text);
  });

  it("paints what is told apart", () => {
    const mark = (letter: string) => (text: string) => `<${letter}:${text}>`;
    const palette: Palette = { error: mark("e"), warning: mark("w"), note: mark("n"), dim: mark("d"), bold: mark("b") };
    expect(diagnosticText(wrong(), palette)).toBe(
      "s.bt:2:7-11: <e:ERROR:> <b:it is wrong>\n\t@x = pids;\n\t     ~~~~\n<d:CODE: no-good>\n",
    );
  });
});

describe("diagnosticsText", () => {
  it("has errors before warnings, each in their order", () => {
    const items = [
      wrong({ severity: "warning", message: "w1" }),
      wrong({ message: "e1" }),
      wrong({ severity: "warning", message: "w2" }),
      wrong({ message: "e2" }),
    ];
    expect(diagnosticsText(items).match(/(?:ERROR|WARNING): (\w+)/g)).toEqual([
      "ERROR: e1",
      "ERROR: e2",
      "WARNING: w1",
      "WARNING: w2",
    ]);
  });
});

describe("many diagnostics", () => {
  const some = (count: number) => Array.from({ length: count }, () => wrong());

  it.each([
    [50, 50, /no-good\n$/],
    [51, 50, /no-good\n\.\.\. and 1 more\n$/],
    [1050, 50, /no-good\n\.\.\. and 1000 more\n$/],
  ])("of %d %d are shown", (count, shown, end) => {
    const text = diagnosticsText(some(count));
    expect(text.match(/ERROR/g)).toHaveLength(shown);
    expect(text).toMatch(end);
  });

  it("end so in the other form, too", () => {
    expect(renderDiagnostics(some(50))).not.toContain("more");
    expect(renderDiagnostics(some(60))).toMatch(/\^\n\n\.\.\. and 10 more$/);
  });
});

describe("errorText", () => {
  it.each<[string, string | undefined, string]>([
    ["it broke", undefined, "ERROR: it broke\n"],
    ["it broke", "mend it", "ERROR: it broke\nHINT: mend it\n"],
    ["\x1b[2Jgone", undefined, "ERROR: \\x1b[2Jgone\n"],
  ])("%j, %j", (message, help, text) => {
    expect(errorText(message, help)).toBe(text);
  });
});
