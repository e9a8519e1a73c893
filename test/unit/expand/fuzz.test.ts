import fc from "fast-check";
import { expect, it } from "vitest";
import { compile } from "../../../compiler/compile.ts";
import { Diagnostics } from "../../../compiler/diagnostics.ts";
import { Source } from "../../../compiler/source.ts";
import { fakeFiles } from "../../support/c-definitions.ts";
import { fakeFacts } from "../../support/fake-facts.ts";

/** Pieces of scripts that go together only sometimes. */
const PIECES = [
  "macro m($x) { $x += 1; } ",
  "macro n(x) { x; x } ",
  "macro k(@m, t) { @m[1] = sizeof(t*); } ",
  "macro o() { p } macro p() { o() } ",
  "struct s { int a; char b[4]; unsigned c : 3; struct { long d; }; struct s *next; };\n",
  "union u { struct s s; foo_t x; };\n",
  "enum e { A = 1 << 2, B };\n",
  "typedef struct s t;\n",
  "#define N 5\n",
  "#define F(a, b) ((a) + (b))\n",
  "#if N\n",
  "#else\n",
  "#endif\n",
  "#include <h.h>\n",
  'import "x.bt"; ',
  "let @a = hash(N); ",
  "begin { ",
  "m($v); ",
  "n({ print(1) }); ",
  "k(@a, typeof(struct s)); ",
  "print(F(N, A)); ",
  "if comptime is_str(o) { ",
  "print(((struct s *)0).d); ",
  "let $k: typeof(@a) = 1; ",
  'fail("x %d", N); ',
  "$v = typeinfo(B).base_type; ",
  "} ",
  "} ",
];

const files = fakeFiles({
  "x.bt": "macro q(x) { x } begin { q(1); }",
  "/usr/include/h.h": "#define H 1\nstruct h { int x; };\n",
});

function compiles(text: string): void {
  const diags = new Diagnostics();
  const program = compile(new Source("fuzz.bt", text), fakeFacts(), diags, { files });
  // Whatever does not compile is explained.
  expect(program !== undefined || diags.hasErrors).toBe(true);
}

it("any order of pieces is compiled or refused", () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...PIECES), { maxLength: 24 }), (pieces) => compiles(pieces.join(""))),
    { numRuns: 500 },
  );
});

it("so is a whole script with some of it taken away, doubled or exchanged", () => {
  const whole = PIECES.join("");
  const edit = fc.tuple(
    fc.nat(whole.length),
    fc.nat(30),
    fc.constantFrom("", "(", "}", "$", "@x", "#", "sizeof(", '"', "*"),
  );
  fc.assert(
    fc.property(fc.array(edit, { minLength: 1, maxLength: 6 }), (edits) => {
      let text = whole;
      for (const [at, length, put] of edits) text = text.slice(0, at) + put + text.slice(at + length);
      compiles(text);
    }),
    { numRuns: 500 },
  );
});
