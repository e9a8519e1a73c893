import { describe, expect, it } from "vitest";
import { gaps, type NameTableKind, nameTable } from "../../compiler/name-tables.ts";
import { NAME_SIZE } from "../../compiler/sema/types.ts";

describe("nameTable", () => {
  it.each<[NameTableKind, number, string]>([
    ["strerror", 0, "Success"],
    ["strerror", 2, "No such file or directory"],
    ["strerror", 41, "Unknown error"],
    ["strerror", 59, "Bad font file format"],
    ["strerror", 133, "Memory page has hardware error"],
    ["strerror", 134, "Unknown error"],
    ["signal_name", 0, "Unknown signal 0"],
    ["signal_name", 1, "Hangup"],
    ["signal_name", 7, "Bus error"],
    ["signal_name", 9, "Killed"],
    ["signal_name", 16, "Stack fault"],
    ["signal_name", 31, "Bad system call"],
    ["signal_name", 32, "Unknown signal 32"],
    ["signal_name", 33, "Unknown signal 33"],
    ["signal_name", 34, "Real-time signal 0"],
    ["signal_name", 64, "Real-time signal 30"],
    ["signal_name", 65, "N/A"],
    ["syscall_name", 1, "write"],
    ["syscall_name", 5, "fstat"],
    ["syscall_name", 156, "_sysctl"],
    ["syscall_name", 257, "openat"],
    ["syscall_name", 400, "Unknown syscall"],
    ["syscall_name", 9999, "Unknown syscall"],
  ])("%s(%i) is %s", (kind, number, text) => {
    const { names, other } = nameTable(kind, "x64");
    expect(names[number] ?? other).toBe(text);
  });

  it.each(["strerror", "signal_name", "syscall_name"] as const)(
    "every %s fits where texts of its kind are written",
    (kind) => {
      const { names, other } = nameTable(kind, "arm64");
      expect([...names, other].filter((name) => name === undefined || name.length >= NAME_SIZE)).toEqual([]);
    },
  );

  const TABLES = (["strerror", "signal_name", "syscall_name"] as const).flatMap((kind) =>
    (["x64", "arm64"] as const).map((arch) => [kind, arch] as const),
  );

  it.each(TABLES)("no two numbers of %s on %s have the same name", (kind, arch) => {
    const { names, other } = nameTable(kind, arch);
    const named = names.filter((name) => name !== other);
    expect(named.filter((name, i) => named.indexOf(name) !== i)).toEqual([]);
  });

  it.each(TABLES)("the gaps are the numbers of %s on %s without a name", (kind, arch) => {
    const table = nameTable(kind, arch);
    const nameless = gaps(table).flatMap(({ start, length, nameless }) => {
      expect(length).toBeLessThanOrEqual(64);
      const numbers = Array.from({ length: 64 }, (_, i) => i).filter((i) => (nameless >> BigInt(i)) & 1n);
      expect(Math.max(...numbers)).toBe(length - 1);
      return numbers.map((i) => start + i);
    });
    expect(nameless).toEqual([...table.names.keys()].filter((number) => table.names[number] === table.other));
  });
});
