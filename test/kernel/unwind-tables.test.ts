/** Tables of real processes as programs find them in the kernel: read back from the maps and held against /proc. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { MAPPING, ROW, RULE } from "../../compiler/unwind-table.ts";
import { type Mapping, readMappings } from "../../harness/tracing/facts/processes.ts";
import { createMap } from "../../harness/tracing/kernel-maps.ts";
import { loadSession, type Session, type SessionOptions } from "../../harness/tracing/session.ts";
import type { CodeRange } from "../../harness/tracing/unwind/code-map.ts";
import { readUnwindTable } from "../../harness/tracing/unwind/file-table.ts";
import { MapOfArrays } from "../../harness/tracing/unwind/map-of-arrays.ts";
import { releaseToEntry } from "../../harness/tracing/unwind/run-to-entry.ts";
import {
  getNextId,
  type MapFd,
  MappedArray,
  mapGetFdById,
  mapInfo,
  mapLookup,
  spawnStopped,
} from "../../native/index.ts";
import { compiled } from "../support/compiled.ts";
import { describeKernel } from "../support/privileges.ts";
import { decodeRanges } from "../support/process-table.ts";
import { compileC } from "../support/traced.ts";

const ROOM = { processes: 64, files: 64 };

const name = (kind: "procs" | "files"): string => `${kind}_${process.pid}`;

const PROGRAM = compiled({
  maps: [
    {
      name: name("procs"),
      type: "hash_of_maps",
      keySize: 4,
      valueSize: 4,
      maxEntries: ROOM.processes,
      flags: 0,
      inner: { valueSize: MAPPING.size },
    },
    {
      name: name("files"),
      type: "array_of_maps",
      keySize: 4,
      valueSize: 4,
      maxEntries: ROOM.files,
      flags: 0,
      inner: { valueSize: ROW.size },
    },
  ],
  unwind: { processes: 0, files: 1 },
});

function number32(value: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(value).buffer);
}

/** The map of that name. */
function mapNamed(wanted: string): MapFd {
  for (let id = getNextId("map", 0); id !== null; id = getNextId("map", id)) {
    const map = mapGetFdById(id);
    if (mapInfo(map).name === wanted) return map;
    map.close();
  }
  throw new Error(`no map ${wanted}`);
}

/** What is in the array under a key; undefined without one. */
function contentOf(map: MapFd, key: number): Uint8Array | undefined {
  const id = new Uint8Array(4);
  if (!mapLookup(map, number32(key), id)) return undefined;
  using array = mapGetFdById(new DataView(id.buffer).getUint32(0, true));
  using memory = new MappedArray(array);
  return memory.bytes.slice();
}

/** The table of a process. */
function tableOf(pid: number): CodeRange[] | undefined {
  using map = mapNamed(name("procs"));
  const bytes = contentOf(map, pid);
  if (bytes === undefined) return undefined;
  return decodeRanges(bytes);
}

function cellsOf(file: number): Uint8Array | undefined {
  using map = mapNamed(name("files"));
  return contentOf(map, file);
}

function codeOf(pid: number): Mapping[] {
  return readMappings(pid).filter(({ executable, path }) => executable && path !== "[vsyscall]");
}

/** The entry for code of the file with such a name. */
function entryFor(pid: number, file: RegExp): CodeRange | undefined {
  const mapping = codeOf(pid).find(({ path }) => file.test(basename(path)));
  return mapping && tableOf(pid)?.find(({ start }) => start === mapping.start);
}

/** Waits for what is written down when the kernel has told of it. */
async function eventually<T>(read: () => T | undefined): Promise<T> {
  for (let tries = 0; tries < 200; tries++) {
    const found = read();
    if (found !== undefined) return found;
    await setTimeout(10);
  }
  throw new Error("it did not come");
}

function attached(options: SessionOptions = {}): Session {
  const session = loadSession(PROGRAM, options);
  onTestFinished(() => session.close());
  session.attach();
  return session;
}

/** A process that lives until the test ends, and has all its libraries. */
async function started(command: string, ...args: string[]): Promise<ChildProcess & { pid: number }> {
  const child = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] });
  onTestFinished(() => {
    child.kill("SIGKILL");
  });
  await once(child, "spawn");
  return child as ChildProcess & { pid: number };
}

/** `cat`, which has read and written something. */
async function cat(): Promise<ChildProcess & { pid: number }> {
  const child = await started("cat");
  child.stdin!.write("x");
  await once(child.stdout!, "data");
  return child;
}

describeKernel("maps of arrays", () => {
  const VALUES = [Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8), Uint8Array.from({ length: 16 }, (_, i) => i)];

  it.each(["hash_of_maps", "array_of_maps"] as const)(
    "%s: arrays of different lengths, one in the place of another",
    (type) => {
      using map = createMap(
        { name: "outer", type, keySize: 4, valueSize: 4, maxEntries: 4, flags: 0, inner: { valueSize: 8 } },
        PROGRAM,
      );
      const store = new MapOfArrays(map, 8);
      expect(store.room).toBe(4);
      const arrays = VALUES.map((values) => store.create(values));
      store.put([]);
      store.put([[1, arrays[0]!]]);
      expect([contentOf(map, 1), contentOf(map, 2)]).toEqual([VALUES[0], undefined]);
      store.put([
        [1, arrays[1]!],
        [2, arrays[0]!],
        [3, arrays[1]!],
      ]);
      for (const array of arrays) array.close();
      expect([1, 2, 3].map((key) => contentOf(map, key))).toEqual([VALUES[1], VALUES[0], VALUES[1]]);
      store.remove([1, 3]);
      store.remove([2]);
      expect([1, 2, 3].map((key) => contentOf(map, key))).toEqual([undefined, undefined, undefined]);
    },
  );

  it("say that there is no room", () => {
    using map = createMap(
      {
        name: "outer",
        type: "hash_of_maps",
        keySize: 4,
        valueSize: 4,
        maxEntries: 1,
        flags: 0,
        inner: { valueSize: 8 },
      },
      PROGRAM,
    );
    const store = new MapOfArrays(map, 8);
    using array = store.create(VALUES[0]!);
    store.put([[1, array]]);
    expect(() => store.put([[2, array]])).toThrow(/BPF_MAP_UPDATE_ELEM failed: E2BIG/);
  });
});

const describeUnwound = process.arch === "x64" ? describeKernel : describe.skip;

describeUnwound("tables of processes", () => {
  let folder: string;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "probewright-test-"));
  });

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it("have all code of a running process, with that of its files", async () => {
    const { pid } = await cat();
    attached({ unwound: [pid] });
    const table = tableOf(pid)!;
    const code = codeOf(pid);
    expect(table.map(({ start, end }) => [start, end])).toEqual(
      expect.arrayContaining(code.map(({ start, end }) => [start, end])),
    );
    for (const file of [/^cat$/, /^ld-/, /^libc[.-]/, /^\[vdso\]$/]) {
      expect(entryFor(pid, file), String(file)).toMatchObject({ rows: expect.toSatisfy((rows) => rows > 0) });
    }
    const { path } = code.find(({ path }) => /^libc[.-]/.test(basename(path)))!;
    const libc = entryFor(pid, /^libc[.-]/)!;
    const { cells, rows } = readUnwindTable(path)!;
    expect(libc.rows).toBe(rows);
    expect(Buffer.compare(cellsOf(libc.file)!, cells)).toBe(0);
    // The file begins where its first segment is mapped.
    expect(libc.base).toBe(readMappings(pid).find((mapping) => mapping.path === path && mapping.offset === 0n)!.start);
  });

  it("have rows for where the process is", async () => {
    const { pid } = await cat();
    attached({ unwound: [pid] });
    const pc = BigInt(readFileSync(`/proc/${pid}/syscall`, "utf8").trim().split(" ").at(-1)!);
    const entry = tableOf(pid)!.find(({ start, end }) => pc >= start && pc < end)!;
    const view = new DataView(cellsOf(entry.file)!.buffer);
    const rows = Array.from({ length: entry.rows }, (_, i) => ({
      address: view.getUint32(i * ROW.size + ROW.address, true),
      rule: view.getUint32(i * ROW.size + ROW.rule, true),
    }));
    const row = rows.findLast(({ address }) => BigInt(address) <= pc - entry.base)!;
    expect(row.rule).toBeGreaterThan(RULE.outermost);
  });

  it("are of one file where processes share it, and are of those who were asked for", async () => {
    const [one, two, other] = [await cat(), await cat(), await cat()];
    attached({ unwound: [one.pid, two.pid] });
    expect(entryFor(one.pid, /^libc[.-]/)!.file).toBe(entryFor(two.pid, /^libc[.-]/)!.file);
    expect(entryFor(one.pid, /^libc[.-]/)!.start).not.toBe(entryFor(two.pid, /^libc[.-]/)!.start);
    expect(tableOf(other.pid)).toBeUndefined();
  });

  it("come when they are asked for", async () => {
    const { pid } = await cat();
    const session = attached();
    expect(session.unwinds).toBe(true);
    expect(tableOf(pid)).toBeUndefined();
    session.unwind(pid);
    expect(tableOf(pid)).toBeDefined();
  });

  it("follow a process through fork and exec", async () => {
    const shell = await started("sh", "-c", "read line; sleep 30 & echo $!; wait");
    await setTimeout(50);
    attached({ unwound: [shell.pid] });
    const output = once(shell.stdout!, "data");
    shell.stdin!.write("go\n");
    const child = Number(String((await output)[0]));
    const entry = await eventually(() => entryFor(child, /^sleep$/));
    expect(entry.rows).toBeGreaterThan(0);
    await eventually(() => entryFor(child, /^libc[.-]/));
    onTestFinished(() => {
      process.kill(child, "SIGKILL");
    });
    expect(entryFor(shell.pid, /^sleep$/)).toBeUndefined();
  });

  it("are written while a child is held on its way", async () => {
    const session = attached();
    using child = spawnStopped({ argv: ["sleep", "60"], env: { PATH: "/usr/bin:/bin" }, stdout: "null" });
    const ended = child.wait();
    const seen: string[][] = [];
    await releaseToEntry(child, () => {
      session.unwind(child.pid);
      const starts = new Set(tableOf(child.pid)!.flatMap(({ start, rows }) => (rows > 0 ? [start] : [])));
      seen.push(codeOf(child.pid).flatMap(({ start, path }) => (starts.has(start) ? [basename(path)] : [])));
    });
    // What the kernel tells of its birth comes later, and takes nothing away.
    await setTimeout(50);
    expect(entryFor(child.pid, /^libc[.-]/)).toBeDefined();
    child.kill("SIGKILL");
    await ended;
    const [program, loader, libc] = ["sleep", expect.stringMatching(/^ld-/), expect.stringMatching(/^libc[.-]/)];
    expect(seen).toEqual([expect.arrayContaining([program, loader]), expect.arrayContaining([program, loader, libc])]);
    expect(seen[0]).not.toContainEqual(libc);
  });

  it("hear of libraries that are loaded later, of files that are gone and of damage", async () => {
    const library = compileC(folder, "plugin.so", "int plugin(void) { return 1; }", "-shared", "-fPIC");
    const loader = compileC(
      folder,
      "loader",
      `#include <dlfcn.h>
      #include <stdio.h>
      int main(void) {
        char path[4096];
        puts("ready");
        fflush(stdout);
        while (scanf("%4095s", path) == 1) puts(dlopen(path, RTLD_NOW) ? "loaded" : "failed"), fflush(stdout);
      }`,
      "-ldl",
    );
    const deleted = join(folder, "deleted.so");
    copyFileSync(library, deleted);
    const damaged = join(folder, "damaged.so");
    damage(library, damaged);

    const child = await started(loader);
    await once(child.stdout!, "data");
    const warnings: string[] = [];
    attached({ unwound: [child.pid], onWarning: (message) => warnings.push(message) });
    const load = async (path: string): Promise<void> => {
      const answer = once(child.stdout!, "data");
      child.stdin!.write(`${path}\n`);
      expect(String(await answer)).toBe("loaded\n");
    };

    await load(library);
    expect((await eventually(() => entryFor(child.pid, /^plugin\.so$/))).rows).toBeGreaterThan(0);
    await load(deleted);
    rmSync(deleted);
    expect((await eventually(() => entryFor(child.pid, /^deleted\.so/))).rows).toBeGreaterThan(0);
    expect(warnings).toEqual([]);
    await load(damaged);
    expect((await eventually(() => entryFor(child.pid, /^damaged\.so$/))).rows).toBe(0);
    expect(warnings).toEqual([expect.stringContaining(`the debug information of ${damaged} cannot be read: `)]);
  });

  it("lie where programs without relocation lie", async () => {
    const program = compileC(folder, "fixed", "int main(void) { return getchar(); }", "-no-pie", "-include", "stdio.h");
    const { pid } = await started(program);
    await setTimeout(50);
    attached({ unwound: [pid] });
    expect(entryFor(pid, /^fixed$/)).toMatchObject({ base: 0n, rows: expect.toSatisfy((rows) => rows > 0) });
  });
});

/** Copies a library with its call frame information made nonsense, so that it can still be loaded. */
function damage(from: string, to: string): void {
  const bytes = readFileSync(from);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const sections = Number(view.getBigUint64(40, true));
  const names = sections + view.getUint16(62, true) * 64;
  const text = Number(view.getBigUint64(names + 24, true));
  for (let i = 0; i < view.getUint16(60, true); i++) {
    const at = sections + i * 64;
    const start = text + view.getUint32(at, true);
    if (bytes.toString("latin1", start, bytes.indexOf(0, start)) !== ".eh_frame") continue;
    const offset = Number(view.getBigUint64(at + 24, true));
    bytes.fill(0x7f, offset, offset + Number(view.getBigUint64(at + 32, true)));
  }
  writeFileSync(to, bytes);
}
