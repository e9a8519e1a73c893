/** Stacks of programs that keep no frame pointers, through all that such programs do: dw_ustack from the script to what it prints. */
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { closeTracer, trace as traceCalls } from "../../harness/in-process/trace.ts";
import type { MapData } from "../../harness/metrics/run-data.ts";
import { patient } from "../support/patience.ts";
import { describeKernel } from "../support/privileges.ts";
import { compileC, trace } from "../support/traced.ts";

/** Microseconds: after some of them it is known what a process has just mapped. */
const A_WHILE = 1000 * patient(10);
const FLAGS = ["-O2", "-fomit-frame-pointer", "-fno-optimize-sibling-calls", `-DA_WHILE=${A_WHILE}`] as const;

const PROGRAM = `
#define _GNU_SOURCE
#include <alloca.h>
#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#define KEEP __attribute__((noinline, noclone))
// Until it must have been heard of what was mapped.
#define MANY 50
#define MARK __asm__ volatile("" : : : "memory")

KEEP int leaf(int n) { MARK; return n + 1; }

// A large frame, and registers that are kept for the caller.
KEEP int middle(int a, int b, int c, int d, int e, int f, int g) {
  volatile char room[3000];
  memset((char *)room, a, sizeof room);
  int sum = leaf(a) + leaf(b) * c + leaf(d) * e + leaf(f) * g;
  return sum + room[a];
}

// A frame whose size is known only when it is made.
KEEP int variable(int n) {
  volatile char *room = alloca(n * 16 + 16);
  room[n] = 1;
  int result = middle(n, 2, 3, 4, 5, 6, 7);
  MARK;
  return result + room[n];
}

KEEP int deep(int n) { MARK; return n == 0 ? variable(4) : deep(n - 1) + n; }

KEEP int compare(const void *a, const void *b) { MARK; return *(const int *)a - *(const int *)b; }

KEEP int sort(void) {
  int numbers[] = { 5, 3, 4, 1 };
  qsort(numbers, 4, sizeof(int), compare);
  return numbers[0];
}

KEEP void handle(int signal) { leaf(signal); MARK; }

// Interrupted at an instruction, not at a call.
KEEP int interrupted(void) {
  __asm__ volatile("mov $39, %%eax\\n syscall\\n mov %%eax, %%edi\\n mov $62, %%eax\\n mov $10, %%esi\\n syscall" : : : "rax", "rdi", "rsi", "rcx", "r11", "memory");
  MARK;
  return 1;
}

KEEP int signalled(void) { signal(SIGUSR1, handle); int n = interrupted(); MARK; return n; }

KEEP int library(const char *path) {
  void *handle = dlopen(path, RTLD_NOW);
  int (*call)(int (*)(int)) = dlsym(handle, "through_library");
  int n = 0;
  for (int i = 0; i < MANY; i++) { usleep(A_WHILE); n += call(leaf); }
  return n;
}

KEEP int forked(void) {
  int status = 1;
  if (fork() == 0) {
    int n = 0;
    for (int i = 0; i < MANY; i++) { usleep(A_WHILE); n += leaf(0); }
    _exit(n - MANY);
  }
  wait(&status);
  return status;
}

KEEP int asked(void) { MARK; return 1; }

// push rbp; mov rbp, rsp; call rdi; pop rbp; ret: made at run time, in memory that becomes code later.
KEEP int generated(void) {
  static const unsigned char body[] = { 0x55, 0x48, 0x89, 0xe5, 0xff, 0xd7, 0x5d, 0xc3 };
  void *memory = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  memcpy(memory, body, sizeof body);
  mprotect(memory, 4096, PROT_READ | PROT_EXEC);
  int n = 0;
  for (int i = 0; i < 40; i++) { n += ((int (*)(int (*)(void)))memory)(asked); usleep(20000); }
  MARK;
  return n;
}

KEEP int asks(void) { int n = getppid(); MARK; return n; }

KEEP int spin(int n) { return n < 2 ? n : spin(n - 1) + spin(n - 2); }

KEEP int busy(void) { int sum = 0; for (int i = 0; i < 40; i++) sum += spin(27); MARK; return sum; }

int main(int count, char **args) {
  const char *what = args[1];
  if (!strcmp(what, "deep")) return deep(3) == 0;
  if (!strcmp(what, "sort")) return sort() != 1;
  if (!strcmp(what, "signal")) return signalled() == 0;
  if (!strcmp(what, "library")) return library(args[2]) == 0;
  if (!strcmp(what, "fork")) return forked();
  if (!strcmp(what, "ask")) return asks() == 0;
  if (!strcmp(what, "generated")) return generated() != 40;
  if (!strcmp(what, "busy")) return busy() == 0;
  if (!strcmp(what, "often")) for (int i = 0; i < MANY; i++) { usleep(A_WHILE); sort(); }
  return 0;
}
`;

const LIBRARY = `
__attribute__((noinline)) static int inner(int (*call)(int)) { int n = call(1); __asm__ volatile("" : : : "memory"); return n; }
int through_library(int (*call)(int)) { int n = inner(call); __asm__ volatile("" : : : "memory"); return n; }
`;

const describeUnwound = process.arch === "x64" ? describeKernel : describe.skip;

describeUnwound("dw_ustack", () => {
  let folder: string;
  let program: string;
  let plugin: string;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "probewright-test-"));
    chmodSync(folder, 0o755);
    program = compileC(folder, "program", PROGRAM, ...FLAGS, "-ldl");
    plugin = compileC(folder, "plugin.so", LIBRARY, ...FLAGS, "-shared", "-fPIC");
  });

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** The names in the stacks that were printed. */
  function stacksIn(output: string): string[][] {
    const stacks = output.split("\n\n").map((part) => [...part.matchAll(/^\s+([^\s~]+?)(\+\d+)?$/gm)]);
    return stacks.filter((frames) => frames.length > 0).map((frames) => frames.map(([, name]) => name!));
  }

  /** The stacks by which `@` counted. */
  const keysOf = ({ maps }: { maps: ReadonlyMap<string, MapData> }): string[] =>
    maps.get("@")!.entries.map(({ key }) => String(key));

  /** The last one of a probe; the first ones may come before it is known what was mapped. */
  async function stackAt(probe: string, argv: [string, ...string[]], everywhere = false): Promise<string[]> {
    const script = `${probe.replace("BIN", program)} { printf("%s\\n", dw_ustack) }`;
    const { output, code } = await trace(script, argv, { everywhere });
    expect(code).toBe(0);
    return stacksIn(output).at(-1)!;
  }

  const START = ["main", "__libc_start_call_main", "__libc_start_main", "_start"];
  /** Where the C library has no symbols for what is its own. */
  const fromMain = (names: string[]): string[] => {
    const main = names.indexOf("main");
    return [...names.slice(0, main + 1), ...names.slice(-1)];
  };

  it("goes through frames of all kinds to the start", async () => {
    const names = await stackAt("uprobe:BIN:leaf", [program, "deep"]);
    expect(fromMain(names)).toEqual(["leaf", "middle", "variable", "deep", "deep", "deep", "deep", "main", "_start"]);
    expect(names.length).toBeLessThanOrEqual(7 + START.length);
  });

  it("where frame pointers lead nowhere", async () => {
    const { output } = await trace(`uprobe:${program}:leaf { printf("%s\\n", ustack); exit() }`, [program, "deep"]);
    expect(stacksIn(output)[0]).not.toContain("main");
  });

  it("goes back through the C library", async () => {
    const names = await stackAt("uprobe:BIN:compare", [program, "sort"]);
    expect(names[0]).toBe("compare");
    expect(names.slice(names.indexOf("sort"))).toEqual(expect.arrayContaining(["sort", "main", "_start"]));
    expect(names.indexOf("sort")).toBeGreaterThan(1);
  });

  it("goes from a signal handler to what was interrupted", async () => {
    const names = await stackAt("uprobe:BIN:leaf", [program, "signal"]);
    expect(names.slice(0, 2)).toEqual(["leaf", "handle"]);
    expect(fromMain(names).slice(3)).toEqual(["interrupted", "signalled", "main", "_start"]);
  });

  it("goes through a library that was loaded while it ran", async () => {
    expect(fromMain(await stackAt("uprobe:BIN:leaf", [program, "library", plugin]))).toEqual([
      "leaf",
      "inner",
      "through_library",
      "library",
      "main",
      "_start",
    ]);
  });

  it("goes through code that was made at run time, once it is known", async () => {
    const { output } = await trace(`uprobe:${program}:asked { @[dw_ustack] = count() }`, [program, "generated"]);
    const stacks = output
      .split("@[")
      .flatMap(stacksIn)
      .map((names) => fromMain(names).map((name) => name.replace(/^0x.*/, "0x")));
    expect(stacks).toContainEqual(["asked", "0x", "generated", "main", "_start"]);
  });

  it("goes through functions for whose return somebody waits", async () => {
    const wait = ["deep", "variable", "middle"].map((name) => `uretprobe:BIN:${name} { @returns = count() }`);
    const names = await stackAt(`${wait.join("\n").replaceAll("BIN", program)}\nuprobe:BIN:leaf`, [program, "deep"]);
    expect(fromMain(names)).toEqual(["leaf", "middle", "variable", "deep", "deep", "deep", "deep", "main", "_start"]);
  });

  it("in a process that was forked while it ran", async () => {
    const names = await stackAt("uprobe:BIN:leaf", [program, "fork"], true);
    expect(fromMain(names)).toEqual(["leaf", "forked", "main", "_start"]);
  });

  it("in a program that a shell has started", async () => {
    const names = await stackAt("uprobe:BIN:compare", ["sh", "-c", `${program} often; true`], true);
    expect(names[0]).toBe("compare");
    expect(names.slice(names.indexOf("sort"))).toEqual(expect.arrayContaining(["sort", "main", "_start"]));
  });

  it("from within the kernel", async () => {
    const names = await stackAt("tracepoint:syscalls:sys_enter_getppid /pid == cpid/", [program, "ask"]);
    expect(names[0]).toMatch(/getppid$/);
    expect(fromMain(names).slice(1)).toEqual(["asks", "main", "_start"]);
  });

  it("in a function of this process", async () => {
    const probes = "tracepoint:syscalls:sys_enter_getuid { @[dw_ustack] = count() }";
    const result = await traceCalls(() => process.getuid!(), { probes });
    const [stack] = keysOf(result);
    expect(stack).toMatch(/^\s*getuid\+/m);
    expect(stack).toMatch(/^\s*_start\+/m);
    await closeTracer();
  });

  it("in a command that another user runs", async () => {
    const probes = `uprobe:${program}:leaf { @[dw_ustack] = count() }`;
    const result = await traceCalls([program, "deep"], { probes, user: "nobody", cwd: "/" });
    expect(result.exitCode).toBe(0);
    const stacks = keysOf(result);
    // It is called from four places.
    expect(stacks).toHaveLength(4);
    for (const stack of stacks) expect(stack).toMatch(/^\s*leaf\+0\n\s*middle\+.*^\s*main\+.*^\s*_start\+/ms);
  });

  it("wherever a program is interrupted", async () => {
    const { output } = await trace("profile:hz:997 { @[dw_ustack] = count() }", [program, "busy"]);
    const stacks = [...output.matchAll(/@\[([^\]]*)\]: (\d+)/g)].map(([, stack, count]) => ({
      whole: /^\s*_start\+/m.test(stack!),
      spins: /^\s*spin\+/m.test(stack!),
      count: Number(count),
    }));
    const total = (chosen: typeof stacks): number => chosen.reduce((sum, { count }) => sum + count, 0);
    const spinning = stacks.filter(({ spins }) => spins);
    expect(total(spinning)).toBeGreaterThan(20);
    expect(total(spinning.filter(({ whole }) => whole)) / total(spinning)).toBe(1);
  });
});
