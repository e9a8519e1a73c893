import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { describe, expect, it } from "vitest";

const ROOT = resolve(import.meta.dirname, "../..");

interface Import {
  file: string;
  target: string;
}

/** Every import of a room's files: relative ones as paths from the root, others as they are. */
function imports(room: string): Import[] {
  const files = readdirSync(join(ROOT, room), { recursive: true, encoding: "utf8" }).filter((f) => f.endsWith(".ts"));
  return files.flatMap((name) => {
    const file = join(room, name);
    const text = readFileSync(join(ROOT, file), "utf8");
    const matches = text.matchAll(/^(?:import|export|\})[^"\n]*\bfrom "([^"\n]+)";|\bimport\("([^"\n]+)"\)/gm);
    const specifiers = [...matches].map((match) => match[1] ?? match[2]!);
    return specifiers.map((specifier) => ({
      file,
      target: specifier.startsWith(".") ? relative(ROOT, resolve(ROOT, dirname(file), specifier)) : specifier,
    }));
  });
}

function offenders(room: string, allowed: (target: string) => boolean): string[] {
  return imports(room)
    .filter(({ target }) => !allowed(target))
    .map(({ file, target }) => `${file} -> ${target}`);
}

/** The stages of the compiler, earliest first; a stage imports itself and those before it. */
const STAGES = ["source", "syntax", "sema", "lower", "ir", "opt", "backend", "asm"];

describe("imports run one way", () => {
  it("the compiler is pure: it imports nothing but itself", () => {
    expect(offenders("compiler", (target) => target.startsWith("compiler/"))).toEqual([]);
  });

  it("native imports nothing but itself, Node and its loader", () => {
    const outside = ["node-gyp-build"];
    expect(offenders("native", (t) => t.startsWith("native/") || t.startsWith("node:") || outside.includes(t))).toEqual(
      [],
    );
  });

  it("the harness imports compiler and native, never the tests", () => {
    expect(offenders("harness", (t) => !/^(test|bench|scenarios)\//.test(t))).toEqual([]);
  });

  it("syntax knows nothing of the later stages, nor the back end of the earlier ones", () => {
    const room = (target: string) => target.split("/")[1] ?? "";
    const later = new Set(STAGES.slice(STAGES.indexOf("sema")));
    expect(offenders("compiler/syntax", (t) => !later.has(room(t)))).toEqual([]);
    for (const stage of ["ir", "opt", "backend", "asm"]) {
      expect(offenders(`compiler/${stage}`, (t) => !["syntax", "sema", "lower", "builtins"].includes(room(t)))).toEqual(
        [],
      );
    }
  });

  it("macros, imports and C are dealt with before anything is known of types", () => {
    const room = (target: string) => (target.split("/").length > 2 ? target.split("/")[1]! : "");
    expect(offenders("compiler/c", (t) => ["", "c", "syntax"].includes(room(t)))).toEqual([]);
    expect(offenders("compiler/expand", (t) => ["", "c", "expand", "stdlib", "syntax"].includes(room(t)))).toEqual([]);
    expect(offenders("compiler/stdlib", (t) => ["", "stdlib", "syntax"].includes(room(t)))).toEqual([]);
  });

  it("finds an import when there is one", () => {
    expect(imports("compiler/sema").some(({ target }) => target === "compiler/diagnostics.ts")).toBe(true);
  });
});
