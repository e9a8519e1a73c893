/** The matchers, held against traces that no kernel has made. */
import { describe, expect, it } from "vitest";
import { TraceError } from "../../../harness/in-process/errors.ts";
import { CommandTrace, FunctionTrace, type TraceData } from "../../../harness/in-process/result.ts";
import type { MapData } from "../../../harness/metrics/run-data.ts";
import { RESULT_SCHEMA } from "../../../harness/report/result.ts";
import { any, atLeast, atMost, between, exactly } from "../../../harness/vitest.ts";

const NOTHING: TraceData = {
  syscalls: {},
  opened: [],
  failed: [],
  processes: { started: 0, programs: {} },
  durationNs: 1_000_000,
  unattributed: undefined,
  maps: [],
  printed: "",
  free: new Map([["duration", 1_000_000n]]),
};

const NO_METRICS = { metrics: [] };

function traced(data: Partial<TraceData> = {}): FunctionTrace<undefined> {
  return new FunctionTrace(undefined, { ...NOTHING, ...data }, NO_METRICS);
}

function command(data: Partial<TraceData> = {}): CommandTrace {
  const end = { exitCode: 0, signal: null, stdout: "", stderr: "" };
  return new CommandTrace(end, { ...NOTHING, ...data }, NO_METRICS);
}

/** What the pool did, of which it cannot be said for whom. */
function doubt(data: Partial<TraceData>, syscalls: Record<string, number>, opened: TraceData["opened"] = []) {
  return traced({ ...data, unattributed: { syscalls, opened, failed: [], reason: "the pool is shared" } });
}

const files = (...paths: string[]): TraceData["opened"] => paths.map((path) => ({ path, fromHere: true, count: 1 }));

/** The message of an expectation that fails. */
function failure(expectation: () => void): string {
  try {
    expectation();
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error("the expectation was met");
}

describe("a difference", () => {
  const t = traced({ syscalls: { openat: 1 }, opened: files("a") });
  const error = (expectation: () => void): unknown => {
    try {
      expectation();
    } catch (error) {
      return error;
    }
    return undefined;
  };

  it.each<[string, () => void]>([
    ["system calls", () => expect(t).toMakeSyscalls({ openat: 2 })],
    ["no system calls", () => expect(t).toMakeNoSyscalls("openat")],
    ["files", () => expect(t).toOpenFiles(["b"])],
  ])("is shown of %s that are not as expected", (_, expectation) => {
    expect(error(expectation)).toMatchObject({ expected: expect.anything(), actual: expect.anything() });
  });

  it.each<[string, () => void]>([
    ["system calls", () => expect(t).not.toMakeSyscalls({ openat: 1 })],
    ["no system calls", () => expect(t).not.toMakeNoSyscalls("fsync")],
    ["files", () => expect(t).not.toOpenFiles(["a"])],
  ])("is none where %s are what they should not be", (_, expectation) => {
    expect(error(expectation)).toMatchObject({ expected: undefined, actual: undefined });
  });
});

describe("toMakeSyscalls", () => {
  const made = traced({ syscalls: { openat: 3, read: 7, close: 3, futex: 12 } });

  it.each([
    [{ openat: 3 }],
    [{ openat: 3, read: atMost(10) }],
    [{ read: atMost(7), close: atLeast(3), openat: between(1, 3), fsync: 0 }],
    [{ fsync: any(), write: atMost(1) }],
    [{}],
    [exactly({ openat: 3, read: 7, close: 3 })],
    [exactly({ openat: any(), read: any(), close: any(), fsync: 0 })],
    [exactly({ openat: 3, read: 7, close: 3, futex: 12 })],
  ])("is met by %j", (expected) => {
    expect(made).toMakeSyscalls(expected);
    expect(() => expect(made).not.toMakeSyscalls(expected)).toThrow("was expected not to make");
  });

  it.each([
    [{ openat: 2 }, "the function was expected to make 2 openat, but it made 3 (1 too many)"],
    [{ openat: 5 }, "expected to make 5 openat, but it made 3 (2 too few)"],
    [{ read: atMost(5) }, "expected to make at most 5 read, but it made 7 (2 too many)"],
    [{ write: atLeast(1) }, "expected to make at least 1 write, but it made 0 (1 too few)"],
    [{ close: between(4, 5) }, "expected to make 4 to 5 close, but it made 3 (1 too few)"],
    [{ futex: 0 }, "expected to make 0 futex, but it made 12"],
    [exactly({ openat: 3, read: 7 }), "the function made 3 close, which was not expected"],
    [exactly({}), "the function made 3 openat, which was not expected"],
  ])("is not met by %j", (expected, message) => {
    expect(failure(() => expect(made).toMakeSyscalls(expected))).toContain(message);
    expect(made).not.toMakeSyscalls(expected);
  });

  it("shows in a diff only what is wrong", () => {
    try {
      expect(made).toMakeSyscalls(exactly({ openat: 2, read: atMost(10), write: 1 }));
      expect.unreachable();
    } catch (error) {
      expect(error).toMatchObject({
        expected: { openat: 2, read: "at most 10", write: 1 },
        actual: { openat: 3, read: "at most 10", write: 0, close: 3 },
      });
    }
  });

  it("names the files where the number of opens is wrong", () => {
    const trial = traced({
      syscalls: { openat: 4 },
      opened: [
        { path: "a", fromHere: true, count: 2 },
        { path: "b", fromHere: true, count: 1 },
      ],
      failed: [{ path: "c", fromHere: true, count: 1, error: "Permission denied" }],
    });
    const message = failure(() => expect(trial).toMakeSyscalls({ openat: 1 }));
    expect(message).toContain("files: a (2 times), b, c: Permission denied");
    expect(failure(() => expect(trial).toMakeNoSyscalls("openat"))).toContain("files: a (2 times)");
  });

  it("understands the kernel's names for a few calls", () => {
    expect(traced({ syscalls: { fstat: 2 } })).toMakeSyscalls({ newfstat: 2 });
    expect(() => expect(made).toMakeSyscalls({ fstat: 0, newfstat: 0 })).toThrow("another name of fstat");
  });

  it.each([
    ["opnat", "did you mean `openat`?"],
    ["Read", "did you mean `read`?"],
    ["", "there is no system call ``"],
    ["toString", "there is no system call `toString`"],
  ])("refuses the name %j", (name, message) => {
    expect(() => expect(made).toMakeSyscalls({ [name]: 1 })).toThrow(message);
    expect(() => expect(made).not.toMakeSyscalls({ [name]: 1 })).toThrow(message);
  });

  it("counts everything in a command", () => {
    expect(command({ syscalls: { mmap: 8 } })).toMakeSyscalls({ mmap: 8 });
    expect(command({ syscalls: { mmap: 8 } })).not.toMakeSyscalls(exactly({}));
    expect(traced({ syscalls: { mmap: 8 } })).toMakeSyscalls(exactly({}));
  });

  describe("where some calls cannot be attributed", () => {
    const unclear = doubt({ syscalls: { openat: 3 } }, { openat: 2, futex: 5 });

    it("decides what does not depend on them", () => {
      expect(unclear).toMakeSyscalls({ openat: atMost(5), read: 0 });
      expect(unclear).not.toMakeSyscalls({ openat: atMost(2) });
      expect(unclear).not.toMakeSyscalls({ openat: 6 });
    });

    it.each([[{ openat: 3 }], [{ openat: 4 }], [{ openat: atMost(4) }], [exactly({ openat: 3 })]])(
      "decides %j in neither direction",
      (expected) => {
        const message = "between 3 and 5 openat were made: the pool is shared";
        expect(() => expect(unclear).toMakeSyscalls(expected)).toThrow(message);
        expect(() => expect(unclear).not.toMakeSyscalls(expected)).toThrow(message);
      },
    );

    it("does not mind the runtime's own", () => {
      expect(doubt({ syscalls: { openat: 3 } }, { futex: 5 })).toMakeSyscalls(exactly({ openat: 3 }));
    });
  });
});

describe("toMakeNoSyscalls", () => {
  const made = traced({ syscalls: { fsync: 2, mmap: 3 } });

  it("is about those that are named", () => {
    expect(made).toMakeNoSyscalls("fdatasync", "sync");
    expect(made).not.toMakeNoSyscalls("fdatasync", "fsync");
    expect(failure(() => expect(made).toMakeNoSyscalls("fdatasync", "fsync"))).toContain(
      "the function was expected not to make fdatasync, fsync, but it made 2 fsync",
    );
  });

  it("is about all where none is named, but for the runtime's own", () => {
    expect(traced({ syscalls: { mmap: 3 } })).toMakeNoSyscalls();
    expect(made).not.toMakeNoSyscalls();
    expect(command({ syscalls: { mmap: 3 } })).not.toMakeNoSyscalls();
    expect(traced()).toMakeNoSyscalls();
  });

  it("refuses unknown names, and doubt", () => {
    expect(() => expect(made).toMakeNoSyscalls("fsyn")).toThrow("did you mean `fsync`?");
    expect(() => expect(doubt({}, { write: 1 })).toMakeNoSyscalls("write")).toThrow("between 0 and 1 write were made");
    expect(() => expect(doubt({}, { write: 1 })).toMakeNoSyscalls()).toThrow("between 0 and 1 write were made");
    expect(doubt({}, { write: 1 })).toMakeNoSyscalls("read");
  });
});

describe("toOpenFiles", () => {
  const here = process.cwd();
  const trial = traced({
    opened: [
      ...files("config.json", `${here}/src/a.ts`, "./src/b.ts", "/etc/hosts"),
      { path: "child.txt", fromHere: false, count: 1 },
    ],
  });

  it.each([
    [["config.json"]],
    [[`${here}/config.json`]],
    [["./config.json"]],
    [["src/a.ts", "src/b.ts"]],
    [["src/*.ts"]],
    [["**/hosts"]],
    [["**/*.ts", "/etc/*"]],
    [[/\.json$/]],
    [[/^\/etc\//g]],
    [["child.txt"]],
    [[]],
    [exactly(["**/*.{ts,json,txt}", "/etc/hosts"])],
  ])("is met by %s", (patterns) => {
    expect(trial).toOpenFiles(patterns);
    expect(() => expect(trial).not.toOpenFiles(patterns)).toThrow("was expected not to open");
  });

  it.each([
    [["none.json"], "was expected to open none.json, but it did not"],
    [["config.json", "*.yml"], "was expected to open *.yml"],
    [["etc/hosts"], "was expected to open etc/hosts"],
    [[`${here}/child.txt`], "was expected to open"],
    [exactly(["config.json"]), "was not expected to open /etc/hosts"],
    [exactly([]), "was not expected to open"],
  ])("is not met by %s", (patterns, message) => {
    const sorted = traced({ opened: [...trial.opened].sort((a, b) => (a.path < b.path ? -1 : 1)) });
    expect(failure(() => expect(sorted).toOpenFiles(patterns)).replace("./src/b.ts, ", "")).toContain(message);
    expect(trial).not.toOpenFiles(patterns);
  });

  it("says what was opened, and what could not be", () => {
    const failed = [{ path: "x", fromHere: true, count: 1, error: "No such file or directory" }];
    const message = failure(() => expect(traced({ opened: files("a", "b"), failed })).toOpenFiles(["x"]));
    expect(message).toContain("opened: a, b\nfailed: x (No such file or directory)");
    expect(failure(() => expect(traced()).toOpenFiles(["x"]))).toContain("opened: nothing");
  });

  it("refuses broken patterns, and doubt where it matters", () => {
    expect(() => expect(trial).toOpenFiles(["[a"])).toThrow(SyntaxError);
    const unclear = doubt({ opened: files("a") }, { openat: 1 }, files("b"));
    expect(unclear).toOpenFiles(["a"]);
    expect(() => expect(unclear).toOpenFiles(["b"])).toThrow("it cannot be said who opened b: the pool is shared");
    expect(() => expect(unclear).toOpenFiles(exactly(["a"]))).toThrow("it cannot be said who opened b");
  });
});

describe("toSpawnNothing", () => {
  it("is about processes and programs", () => {
    expect(traced()).toSpawnNothing();
    expect(traced({ processes: { started: 1, programs: {} } })).not.toSpawnNothing();
    expect(traced({ processes: { started: 0, programs: { "/bin/sh": 1 } } })).not.toSpawnNothing();
    expect(command({ processes: { started: 0, programs: { "/bin/sh": 1 } } })).toSpawnNothing();
    expect(command({ processes: { started: 0, programs: { "/bin/sh": 2 } } })).not.toSpawnNothing();
  });

  it("says what was started", () => {
    const trial = traced({ processes: { started: 3, programs: { "/bin/sh": 1, "/usr/bin/git": 2 } } });
    expect(failure(() => expect(trial).toSpawnNothing())).toBe(
      "the function was expected to start no process, but it started 3 processes; programs executed: /bin/sh, /usr/bin/git (2 times)",
    );
    expect(failure(() => expect(traced()).not.toSpawnNothing())).toContain("but it started none");
  });
});

describe("toStayUnder", () => {
  const map = (name: string, value: bigint): MapData => ({
    name,
    kind: "count",
    keyed: false,
    entries: [{ key: [], value: { kind: "count", value } }],
  });
  const histogram: MapData = {
    name: "@ns",
    kind: "hist",
    keyed: false,
    entries: [
      { key: [], value: { kind: "hist", histogram: { buckets: [{ low: 150_000n, high: 150_001n, count: 10n }] } } },
    ],
  };
  const empty: MapData = { ...histogram, name: "@none", entries: [] };
  const trial = traced({ syscalls: { read: 3 }, maps: [map("@n", 5n), histogram, empty] });

  it.each<[string, string | number]>([
    ["@n", 6],
    ["@n * 2", "11"],
    ["p99(@ns)", "200us"],
    ["duration", "1.1ms"],
    ['@syscalls["read"]', 4],
    ['@syscalls["write"]', 1],
    ["sum(@syscalls)", 4],
    ["@n", "@n + 1"],
  ])("%s is under %s", (expression, limit) => {
    expect(trial).toStayUnder(expression, limit);
    expect(() => expect(trial).not.toStayUnder(expression, limit)).toThrow("expected not to stay under");
  });

  it.each<[string, string | number, string]>([
    ["@n", 5, "the function was expected to stay under: @n < 5: 5"],
    ["p99(@ns)", "100us", "p99(@ns) < 100us: 150 us (50 us over)"],
    ["duration", "1ms", "duration < 1ms"],
  ])("%s is not under %s", (expression, limit, message) => {
    expect(failure(() => expect(trial).toStayUnder(expression, limit))).toContain(message);
    expect(trial).not.toStayUnder(expression, limit);
  });

  it.each<[string, string | number, string]>([
    ["p99(@none)", "1ms", "was never touched"],
    ["p99(@nowhere)", "1ms", "no script has a map"],
    ["@n < 3", 5, "a number is needed here"],
    ["@n", "5 ||", "expected"],
    ["@n", "3 < 4", "a number is needed here"],
    ["cpu_user", "1s", "was not measured"],
  ])("%s under %s is refused, whichever way it is asked", (expression, limit, message) => {
    expect(() => expect(trial).toStayUnder(expression, limit)).toThrow(message);
    expect(() => expect(trial).not.toStayUnder(expression, limit)).toThrow(message);
  });

  it("refuses numbers that others may have a share in", () => {
    const unclear = doubt({ maps: [map("@n", 5n)] }, { openat: 1 });
    expect(() => expect(unclear).toStayUnder("@n", 6)).toThrow("@n cannot be trusted: the pool is shared");
    expect(unclear).toStayUnder("duration", "2ms");
  });
});

describe("toPassScenario with the result of run()", () => {
  const scenario = (name: string, file: string, status: string) => ({
    name,
    file,
    status,
    description: "",
    line: 1,
    matrix: {},
    contentHash: "",
    scriptHash: "",
    problems: status === "invalid" ? [{ kind: "timeout", message: "it did not end" }] : [],
    warnings: [],
    durationNs: 1,
    runs: 1,
    warmup: 0,
    metrics: [],
    assertions: [],
    maps: [],
    printed: [],
    probes: [],
    control: [],
    enlarged: [],
  });
  const result = (...statuses: string[]) => ({
    schema: RESULT_SCHEMA,
    scenarios: statuses.map((status, i) => scenario(`s${i}`, `scenarios/${i}.yml`, status)),
  });

  it("wants all scenarios to pass, or those of a file", () => {
    expect(result("passed", "passed")).toPassScenario();
    expect(result("passed", "failed")).not.toPassScenario();
    expect(result("passed", "failed")).toPassScenario("scenarios/0.yml");
    expect(result("passed", "failed")).toPassScenario("./scenarios/0.yml#s0");
    expect(result("passed", "failed")).not.toPassScenario("scenarios/1.yml");
    expect(result("skipped")).not.toPassScenario();
  });

  it("shows the report of those that did not", () => {
    const message = failure(() => expect(result("passed", "invalid")).toPassScenario());
    expect(message).toContain("s1 did not pass");
    expect(message).toContain("it did not end");
  });

  it("refuses what it cannot judge", () => {
    expect(() => expect(result("passed")).toPassScenario("none.yml")).toThrow("has no scenario of none.yml");
    expect(() => expect(result()).toPassScenario()).toThrow("has no scenario");
    expect(() => expect({}).toPassScenario()).toThrow(TypeError);
    expect(() => expect(traced()).toPassScenario()).toThrow("needs the scenario file");
  });
});

it.each([
  "toMakeSyscalls",
  "toOpenFiles",
  "toMakeNoSyscalls",
  "toSpawnNothing",
  "toStayUnder",
  "toMatchSyscallSnapshot",
] as const)("%s wants a trace", (matcher) => {
  const call = (received: unknown) => (expect(received)[matcher] as (...args: unknown[]) => void)([], "1");
  expect(() => call({ syscalls: {} })).toThrow("needs what trace() answers");
  expect(() => call(Promise.resolve(traced()))).toThrow("expect(await trace(...))");
  expect(() => call(undefined)).toThrow(TypeError);
});

it("toMatchSyscallSnapshot refuses counts that cannot be attributed", () => {
  expect(() => expect(doubt({}, { openat: 1 })).toMatchSyscallSnapshot()).toThrow(TraceError);
});

it("toMatchSyscallSnapshot keeps what the program did", () => {
  expect(traced({ syscalls: { openat: 3, futex: 17, close: 3 } })).toMatchSyscallSnapshot();
});
