import { describe, expect, it, test } from "vitest";
import { Diagnostics, renderDiagnostics } from "../../../compiler/diagnostics.ts";
import { resolveImports } from "../../../compiler/expand/imports.ts";
import type { FileHost } from "../../../compiler/file-host.ts";
import { Source } from "../../../compiler/source.ts";
import type { Script } from "../../../compiler/syntax/ast.ts";
import { parse } from "../../../compiler/syntax/parser.ts";
import { fakeFiles } from "../../support/c-definitions.ts";

type Texts = Readonly<Record<string, string>>;

function resolve(name: string, text: string, files: FileHost | undefined): { script: Script; diags: Diagnostics } {
  const diags = new Diagnostics();
  const script = resolveImports(parse(new Source(name, text), diags), files, diags);
  return { script, diags };
}

/** What each probe of the whole script prints, in order. */
function order(text: string, texts: Texts): string[] {
  const { script, diags } = resolve("dir/main.bt", text, fakeFiles(texts));
  expect(diags.items).toEqual([]);
  expect(script.imports).toEqual([]);
  return script.probes.map(
    ({ body }) => /"(.*)"/.exec(body.span.source.text.slice(body.span.start, body.span.end))![1]!,
  );
}

function codes(text: string, texts: Texts, worldWritable: string[] = []): string[] {
  const { diags } = resolve("dir/main.bt", text, fakeFiles(texts, { worldWritable }));
  return diags.items.map(({ code }) => code);
}

const probe = (name: string): string => `begin { print("${name}"); }`;

describe("order", () => {
  it("is that of the imports, with what is imported before what imports it", () => {
    const texts = {
      "dir/b.bt": `import "c.bt";\n${probe("b1")}\n${probe("b2")}`,
      "dir/c.bt": probe("c"),
      "dir/d.bt": probe("d"),
    };
    expect(order(`import "b.bt"; import "d.bt"; ${probe("main")}`, texts)).toEqual(["c", "b1", "b2", "d", "main"]);
  });

  it("takes each file once, whatever it is called, and cycles with the script itself", () => {
    const texts = {
      "dir/main.bt": probe("again"),
      "dir/a.bt": `import "b.bt"; ${probe("a")}`,
      "dir/b.bt": `import "a.bt"; import "main.bt"; ${probe("b")}`,
    };
    expect(order(`import "a.bt"; import "./a.bt"; ${probe("main")}`, texts)).toEqual(["b", "a", "main"]);
  });

  it("takes the scripts and headers of a folder by name, and nothing below it", () => {
    const texts = {
      "dir/lib/b.bt": probe("b"),
      "dir/lib/a.bt": probe("a"),
      "dir/lib/readme.txt": "",
      "dir/lib/sub/c.bt": probe("c"),
    };
    expect(order(`import "lib"; ${probe("main")}`, texts)).toEqual(["a", "b", "main"]);
  });

  it("looks beside the importing file, and then beside the script that is run", () => {
    const texts = {
      "dir/lib/a.bt": `import "near.bt"; import "far.bt"; ${probe("a")}`,
      "dir/lib/near.bt": probe("near"),
      "dir/far.bt": probe("far"),
    };
    expect(order(`import "lib/a.bt"; ${probe("main")}`, texts)).toEqual(["near", "far", "a", "main"]);
  });
});

describe("what is merged", () => {
  it("is everything but the config", () => {
    const library = "#define N 5\nstruct s { int x; };\nlet @m = hash(10);\nmacro f() { 1 }\n";
    const { script, diags } = resolve("m.bt", `import "l.bt"; ${probe("m")}`, fakeFiles({ "l.bt": library }));
    expect(diags.items).toEqual([]);
    expect([script.definitions.length, script.mapDeclarations.length, script.macros.length]).toEqual([2, 1, 1]);
  });

  it("puts a header before the definitions of the script", () => {
    const { script } = resolve(
      "m.bt",
      `struct b { int x; };\nimport "h.h"; ${probe("m")}`,
      fakeFiles({ "h.h": "struct a { int x; };" }),
    );
    expect(script.definitions.map(({ text }) => text)).toEqual(["struct a { int x; };", "struct b { int x; };"]);
  });

  it("leaves a script without imports as it is", () => {
    const diags = new Diagnostics();
    const script = parse(new Source("m.bt", probe("m")), diags);
    expect(resolveImports(script, undefined, diags)).toBe(script);
  });
});

describe("errors", () => {
  test.each([
    ['import "nope.bt"; begin { }', {}, "import-not-found"],
    ['import "stdlib/strings"; begin { }', {}, "import-not-found"],
    ['import "x.txt"; begin { }', { "dir/x.txt": "" }, "import-kind"],
    ['import "x.bpf.c"; begin { }', { "dir/x.bpf.c": "" }, "unsupported"],
    ['import "x.bt"; begin { }', { "dir/x.bt": "config = { max_strlen = 5 } begin { }" }, "config-in-import"],
    ['import "x.bt"; begin { }', { "dir/x.bt": "begin { print(1" }, "unexpected-token"],
  ] as const)("%s", (text, texts, expected) => {
    expect(codes(text, texts)[0]).toBe(expected);
  });

  it("refuses what everybody can write, file or folder", () => {
    const texts = { "dir/x.bt": "begin { }", "dir/lib/a.bt": "begin { }" };
    expect(codes('import "x.bt"; begin { }', texts, ["dir/x.bt"])).toEqual(["world-writable"]);
    expect(codes('import "lib"; begin { }', texts, ["dir/lib"])).toEqual(["world-writable"]);
    expect(codes('import "lib"; begin { }', texts, ["dir/lib/a.bt"])).toEqual(["world-writable"]);
  });

  it("says why a file cannot be read", () => {
    const files: FileHost = {
      includePaths: [],
      open: (path) => ({
        kind: "file",
        id: path,
        worldWritable: false,
        read: () => ({ problem: "permission denied" }),
      }),
    };
    const { diags } = resolve("m.bt", 'import "x.bt"; begin { }', files);
    expect(diags.items.map(({ message }) => message)).toEqual(["cannot read `x.bt`: permission denied"]);
  });

  it("finds nothing without a host, except for the standard library, which needs no import", () => {
    expect(resolve("m.bt", 'import "x.bt"; begin { }', undefined).diags.items.map(({ code }) => code)).toEqual([
      "import-not-found",
    ]);
    expect(resolve("m.bt", 'import "stdlib"; begin { }', undefined).diags.items).toEqual([]);
  });

  it("suggests a name, and shows through which import a broken file came", () => {
    const missing = resolve("dir/m.bt", 'import "helper.bt"; begin { }', fakeFiles({ "dir/helpers.bt": "" }));
    expect(missing.diags.items[0]?.help).toBe("did you mean `helpers.bt`?");
    const broken = resolve("dir/m.bt", 'import "x.bt"; begin { }', fakeFiles({ "dir/x.bt": "begin { print(; }" }));
    expect(renderDiagnostics(broken.diags.items)).toMatch(
      /dir\/x\.bt:1:15[\s\S]*dir\/m\.bt:1:8[\s\S]*imported from here/,
    );
  });
});
