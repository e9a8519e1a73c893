import { describe, expect, it } from "vitest";
import { encodeKey, type MapTable } from "../../../harness/baseline/values.ts";
import type { MapKey } from "../../../harness/metrics/ast.ts";
import { explain } from "../../../harness/report/causes.ts";
import { scenarioOf } from "../../support/scenarios.ts";

type Counts = readonly (readonly [key: MapKey | string, ...runs: number[]])[];

function table(name: string, counts: Counts, kind: MapTable["kind"] = "count"): MapTable {
  const keys = counts.map(([key, ...values]) => ({ key: encodeKey(typeof key === "string" ? [key] : key), values }));
  return { name, script: "script", kind, keyed: true, keys, dropped: 0 };
}

const SCENARIO = scenarioOf(`
workload: { command: ["true"] }
probes: [{ bpftrace: "tracepoint:a:b { @a[comm] = count(); @b[comm] = count(); }" }]
metrics: { calls: sum(@a), both: sum(@a) + sum(@b), twice: calls * 2, bytes: { value: sum(@a), unit: KiB }, sectors: { value: sum(@a) * 512, unit: B } }
`);

function cause(before: Counts, now: Counts, kind: MapTable["kind"] = "count"): string | undefined {
  return explain("calls", "count", SCENARIO, [table("@a", before, kind)], [table("@a", now, kind)]).cause;
}

/** `n` files below a folder, each counted once. */
function files(folder: string, n: number, prefix: readonly string[] = []): [MapKey, number][] {
  return Array.from({ length: n }, (_, i): [MapKey, number] => [[...prefix, `${folder}/${i % 7}/f${i}.js`], 1]);
}

describe("a cause in a sentence", () => {
  it.each<[string, Counts, Counts, string | undefined]>([
    ["nothing changed", [["read", 3]], [["read", 3]], undefined],
    [
      "one key",
      [
        ["read", 3],
        ["openat", 10],
      ],
      [
        ["read", 3],
        ["openat", 422],
      ],
      "+412 openat",
    ],
    [
      "several keys, the largest first",
      [["a", 1]],
      [
        ["a", 2],
        ["b", 1000],
        ["c", 30],
      ],
      "+1,000 b; +30 c; +1 a",
    ],
    [
      "many keys",
      [],
      [
        ["a", 9],
        ["b", 8],
        ["c", 7],
        ["d", 6],
        ["e", 5],
      ],
      "+9 a; +8 b; +7 c; +11 elsewhere",
    ],
    ["less of it", [["fsync", 10]], [["fsync", 4]], "-6 fsync"],
    [
      "what went the other way is not the cause",
      [
        ["a", 1],
        ["b", 9],
      ],
      [
        ["a", 100],
        ["b", 2],
      ],
      "+99 a",
    ],
    ["medians over the runs", [["a", 1, 1, 9]], [["a", 2, 5, 5]], "+4 a"],
    ["numbers as keys", [[[2n], 1]], [[[2n], 4]], "+3 in @a[2]"],
    ["paths in one folder", [], files("node_modules", 398), "+398 in @a, all under node_modules"],
    ["one path", [], [["/etc/passwd", 2]], "+2 in @a, all for /etc/passwd"],
    [
      "most of the paths in one folder",
      [
        ["src/a.ts", 1],
        ["src/b.ts", 1],
      ],
      [["src/a.ts", 8], ["src/b.ts", 8], ...files("node_modules", 398)],
      "+412 in @a, 398 of them under node_modules",
    ],
    [
      "the deepest folder that has most of it",
      [],
      [...files("/usr/lib/python3/site-packages", 90), ["/etc/a", 1], ["/usr/b", 1]],
      "+92 in @a, 90 of them under /usr/lib/python3/site-packages",
    ],
    [
      "spread over the file system",
      [],
      [
        ["/etc/a", 5],
        ["/usr/b", 4],
        ["/var/c", 3],
        ["d/e", 2],
      ],
      "+14 in @a, 5 of them for /etc/a",
    ],
    [
      "keys of a name and a path",
      [[["openat", "src/a.ts"], 3]],
      [[["openat", "src/a.ts"], 17], ...files("node_modules", 398, ["openat"]), [["stat", "x/y"], 5]],
      "+412 openat, 398 of them under node_modules; +5 stat",
    ],
    ["a path and a number", [], [[["/no/such", 2n], 7]], "+7 in @a[2], all for /no/such"],
    ["a path and an error", [], [[["/no/such", "Not a directory"], 7]], "+7 Not a directory, all for /no/such"],
    [
      "a trailing slash is no entry of its own",
      [],
      [
        ["a/b/", 1],
        ["a/b", 1],
      ],
      "+2 in @a, all under a/b",
    ],
    [
      "no name at all",
      [],
      [
        ["", 2],
        ["a/b", 5],
      ],
      "+7 in @a, 5 of them for a/b",
    ],
    [
      "more in one place than in all",
      [["lib/old", 7]],
      [
        ["src/x", 6],
        ["src/y", 4],
      ],
      "+3 in @a: +10 under src, -7 for lib/old",
    ],
    [
      "some came where others went",
      [["a/x", 1]],
      [
        ["", 1],
        ["a/y", 1],
      ],
      '+1 in @a, 1 of them for ""',
    ],
    ["stacks are no paths", [], [["f (/lib/x)\ng", 1]], "+1 f (/lib/x)\ng"],
  ])("%s", (_, before, now, sentence) => {
    expect(cause(before, now)).toBe(sentence);
  });

  it("has the metric's unit where the map holds more than numbers of events", () => {
    const [before, now] = [table("@a", [["f", 2048]], "sum"), table("@a", [["f", 4096]], "sum")];
    expect(explain("bytes", "B", SCENARIO, [before], [now])).toMatchObject({
      cause: "+2 KiB f",
      changes: [{ unit: "B" }],
      causes: [{ unit: "B" }],
    });
    expect(cause([["f", 1]], [["f", 3]], "hist")).toBe("+2 f");
  });

  it("has no unit where the metric is computed from the map, or from others", () => {
    const sides = (kind: MapTable["kind"]): [MapTable[], MapTable[]] => [
      [table("@a", [["f", 2048, 2048]], kind)],
      [table("@a", [["f", 4096, 4096]], kind)],
    ];
    const counted = { changes: [{ unit: "count" }], causes: [{ unit: "count" }] };
    expect(explain("bytes", "B", SCENARIO, ...sides("stats"))).toMatchObject({ cause: "+2,048 f", ...counted });
    expect(explain("sectors", "B", SCENARIO, ...sides("sum"))).toMatchObject({ cause: "+2,048 f", ...counted });
    const { causes, cause } = explain("duration", "ns", SCENARIO, ...sides("sum"));
    expect([cause, causes?.[0]?.unit]).toEqual(["at the same time: +2,048 f", "count"]);
  });

  it("speaks of the map that changed most", () => {
    const before = [table("@a", [["x", 1]]), table("@b", [["y", 1]])];
    const now = [table("@a", [["x", 2]]), table("@b", [["y", 9]])];
    const { cause, causes } = explain("both", "count", SCENARIO, before, now);
    expect(cause).toBe("+8 y");
    expect(causes?.map(({ map, label, share }) => [map, label, share])).toEqual([
      ["@b", "y", 1],
      ["@a", "x", 1],
    ]);
    expect(explain("twice", "count", SCENARIO, before, now).cause).toBe("+1 x");
  });

  it("is looked for in all maps where the metric has none, among what differs in every run", () => {
    const before = [
      table("@a", [
        ["x", 5, 6, 5],
        ["z", 1, 1, 1],
      ]),
    ];
    const now = [
      table("@a", [
        ["x", 6, 5, 9],
        ["z", 4, 3, 4],
      ]),
    ];
    expect(explain("duration", "ns", SCENARIO, before, now).cause).toBe("at the same time: +3 z");
    expect(explain("duration", "ns", SCENARIO, before, before)).toEqual({});
  });
});

describe("groups of keys", () => {
  it("have their numbers, their share, and what happened to them", () => {
    const before: Counts = [
      ["src/a", 4],
      ["src/gone", 2],
      ["lib/x/1", 1],
      ["lib/x/2", 1],
    ];
    const now: Counts = [
      ["src/a", 4],
      ["lib/x/1", 10],
      ["lib/x/2", 9],
      ["new", 3],
    ];
    const { causes, changes } = explain("calls", "count", SCENARIO, [table("@a", before)], [table("@a", now)]);
    expect(causes).toEqual([
      {
        map: "@a",
        label: "under lib/x",
        folder: true,
        keys: 2,
        kind: "grew",
        before: 2,
        now: 19,
        unit: "count",
        share: 17 / 18,
      },
      { map: "@a", label: "new", folder: false, keys: 1, kind: "new", before: 0, now: 3, unit: "count", share: 3 / 18 },
      {
        map: "@a",
        label: "src/gone",
        folder: false,
        keys: 1,
        kind: "gone",
        before: 2,
        now: 0,
        unit: "count",
        share: -2 / 18,
      },
    ]);
    expect(changes?.map(({ kind, before: b, now: n }) => [kind, b, n])).toEqual([
      ["grew", 1, 10],
      ["grew", 1, 9],
      ["new", 0, 3],
      ["gone", 2, 0],
    ]);
  });

  it("are of all that moved where it cancels out", () => {
    const { causes } = explain("calls", "count", SCENARIO, [table("@a", [["a", 5]])], [table("@a", [["b", 5]])]);
    expect(causes?.map(({ label, share }) => [label, share])).toEqual([
      ["b", 0.5],
      ["a", -0.5],
    ]);
  });

  it("are not too many", () => {
    const many: Counts = Array.from({ length: 300 }, (_, i) => [`k${i}`, 1]);
    const told = explain("calls", "count", SCENARIO, [table("@a", [])], [table("@a", many)]);
    expect([told.causes?.length, told.changes?.length, told.moreChanges]).toEqual([20, 50, 250]);
  });
});
