/** Kernel symbols out of lists like /proc/kallsyms. */
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { CapabilityError } from "../../../harness/tracing/facts/capability-error.ts";
import { findSymbol, SymbolTable } from "../../../harness/tracing/facts/kallsyms.ts";
import { temporaryTree } from "../../support/temporary.ts";

const LIST = [
  "0000000000000000 A fixed_percpu_data",
  "0000000000001000 A cpu_debug_store",
  "ffffffff81000000 T _text",
  "ffffffff81000000 T startup_64",
  "ffffffff81000100 t sub_nanosleep",
  "ffffffff81000200 T nanosleep",
  "ffffffff81000300 t duplicate",
  "ffffffff81000400 t duplicate",
  "ffffffff82000000 D jiffies",
  "ffffffffc0200010 t nanosleep_too\t[module_b]",
  "ffffffffc0100000 t in_module\t[module_a]",
  "ffffffffc0000000 t bpf_prog_0123\t[bpf]",
  "",
].join("\n");

const write = (text: string): string => join(temporaryTree({ kallsyms: text }), "kallsyms");

describe("one name", () => {
  it.each<[string, bigint | undefined]>([
    ["nanosleep", 0xffffffff81000200n],
    ["_text", 0xffffffff81000000n],
    ["jiffies", 0xffffffff82000000n],
    ["duplicate", 0xffffffff81000300n],
    ["in_module", 0xffffffffc0100000n],
    ["bpf_prog_0123", 0xffffffffc0000000n],
    ["fixed_percpu_data", 0n],
    ["nano", undefined],
    ["sleep", undefined],
    ["module_a", undefined],
    ["[module_a]", undefined],
    ["T", undefined],
    ["ffffffff81000000", undefined],
    ["", undefined],
    ["a b", undefined],
    ["T nanosleep", undefined],
  ])("%j", (name, address) => expect(findSymbol(write(LIST), name)).toBe(address));

  it("at the end of a list without a last newline", () => {
    expect(findSymbol(write("ffffffff81000000 T last"), "last")).toBe(0xffffffff81000000n);
  });

  it("in a list much longer than what is read at once", () => {
    const lines = Array.from(
      { length: 100_000 },
      (_, i) => `ffffffff8${i.toString(16).padStart(7, "0")} t symbol_${i}`,
    );
    const path = write(`${lines.join("\n")}\n`);
    // Among them are names on both sides of the borders of what is read.
    for (const i of [0, 1, 31_000, 33_000, 50_000, 99_999])
      expect(findSymbol(path, `symbol_${i}`)).toBe(0xffffffff80000000n + BigInt(i));
    expect(findSymbol(path, "symbol_100000")).toBeUndefined();
  });

  it("without a list", () => expect(findSymbol("/nonexistent/kallsyms", "x")).toBeUndefined());

  it.each(["", "\n\n", "nonsense", "x".repeat(3_000_000)])("in a list that is none", (text) => {
    expect(findSymbol(write(text), "nanosleep")).toBeUndefined();
  });

  it("whose address is hidden", () => {
    const path = write("0000000000000000 T _text\n0000000000000000 T nanosleep\n");
    expect(() => findSymbol(path, "nanosleep")).toThrow(CapabilityError);
    expect(() => findSymbol(path, "nanosleep")).toThrow(/hides the addresses/);
  });
});

describe("addresses", () => {
  const table = SymbolTable.parse(Buffer.from(LIST));

  it.each<[string, bigint, string | undefined]>([
    ["the first of several names", 0xffffffff81000000n, "_text+0"],
    ["inside a function", 0xffffffff810000ffn, "_text+255"],
    ["the start of the next", 0xffffffff81000100n, "sub_nanosleep+0"],
    ["data", 0xffffffff82000004n, "jiffies+4"],
    ["a module out of order", 0xffffffffc0100010n, "in_module+16 [module_a]"],
    ["the last one", 0xffffffffc0200020n, "nanosleep_too+16 [module_b]"],
    ["a BPF program", 0xffffffffc0000001n, "bpf_prog_0123+1 [bpf]"],
    ["below the first", 0xffffffff80ffffffn, undefined],
    ["far behind any symbol", 0xffffffffffffffffn, undefined],
    ["of user space", 0x400000n, undefined],
    ["zero", 0n, undefined],
  ])("%s", (_, address, expected) => {
    const found = table.resolve(address);
    const module = found?.module === undefined ? "" : ` [${found.module}]`;
    expect(found && `${found.name}+${found.offset}${module}`).toBe(expected);
  });

  it("leaves out what is no kernel address", () => expect(table.size).toBe(10));

  it.each(["", "\n", "nonsense\n", "ffffffff81000000\nffffffff81000000 T\n", "gggggggggggggggg T x\n"])(
    "of a list that is none: %j",
    (text) => expect(SymbolTable.parse(Buffer.from(text)).resolve(0xffffffff81000000n)).toBeUndefined(),
  );

  it("of a list without a last newline", () => {
    expect(SymbolTable.parse(Buffer.from("ffffffff81000000 T last")).resolve(0xffffffff81000001n)?.name).toBe("last");
  });

  it("that are all hidden are an error", () => {
    expect(() => SymbolTable.read(write("0000000000000000 T _text\n"))).toThrow(/hides the addresses/);
    expect(() => SymbolTable.read("/nonexistent/kallsyms")).toThrow(CapabilityError);
  });
});
