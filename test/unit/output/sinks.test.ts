import { describe, expect, it } from "vitest";
import { parseFormat } from "../../../compiler/format-string.ts";
import { histBucket, histBuckets, lhistBuckets } from "../../../compiler/histogram.ts";
import { Source, span } from "../../../compiler/source.ts";
import { JsonOutput } from "../../../harness/tracing/output/json.ts";
import type { OutputSink } from "../../../harness/tracing/output/sink.ts";
import { TextOutput } from "../../../harness/tracing/output/text.ts";
import { type Printable, type PrintableMap, present } from "../../../harness/tracing/printable.ts";
import {
  array,
  bool,
  buf,
  CapturedStreams,
  int,
  named,
  presentation,
  raw,
  rec,
  str,
  tuple,
} from "../../support/output.ts";

type Entry = [key: Printable, value: Printable];

const scalar = (name: string, value?: Printable, category: PrintableMap["category"] = "map"): PrintableMap => ({
  name,
  category,
  keyed: false,
  entries: value ? [{ key: undefined, value }] : [],
});
const keyed = (name: string, entries: Entry[], category: PrintableMap["category"] = "map"): PrintableMap => ({
  name,
  category,
  keyed: true,
  entries: entries.map(([key, value]) => ({ key, value })),
});

function hist(...values: readonly bigint[]): Printable {
  const buckets = Array<bigint>(histBuckets(0)).fill(0n);
  for (const value of values) buckets[histBucket(value, 0)]! += 1n;
  return present({ kind: "hist", buckets, bits: 0 }, presentation);
}

/** From 1970 on, interval by interval. */
function series(intervalNs: bigint, ...values: readonly (bigint | undefined)[]): Printable {
  const points = values.map((value, i) => ({ startNs: BigInt(i) * intervalNs, value }));
  return present({ kind: "tseries", signed: true, points }, presentation);
}

const EDGE = "_".repeat(51);

function lhist(): Printable {
  const buckets = Array<bigint>(lhistBuckets(0, 20, 10)).fill(1n);
  return present({ kind: "lhist", buckets, min: 0, max: 20, step: 10 }, presentation);
}

const stats = (count: number, average: number, total: number): Printable =>
  rec({ count: int(count), average: int(average), total: int(total) });

const FULL = "@".repeat(52);
const script = new Source("s.bt", 'begin {\n  errorf("x %d\\n", 1);\n  delete(@y,\n    7); }');
const at = (text: string, end = text): ReturnType<typeof span> => {
  const start = script.text.indexOf(text);
  return span(script, start, script.text.indexOf(end) + end.length);
};

interface Case {
  what: string;
  say: (sink: OutputSink) => void;
  out: string;
  err?: string;
  /** One line without its end, or nothing. */
  json: string | undefined;
}

/** What bpftrace 0.27.1 was seen to write, except for what is no ASCII in JSON. */
const CASES: Case[] = [
  {
    what: "attached probe",
    say: (s) => s.attachedProbes(1),
    out: "",
    err: "Attached 1 probe\n",
    json: '{"type": "attached_probes", "count": 1, "data": {"probes": 1}}',
  },
  {
    what: "attached probes",
    say: (s) => s.attachedProbes(361),
    out: "",
    err: "Attached 361 probes\n",
    json: '{"type": "attached_probes", "count": 361, "data": {"probes": 361}}',
  },
  {
    what: "printf",
    say: (s) => s.printf(parseFormat("%d %x|%s\n"), [int(-1), int(-1), str("a")]),
    out: "-1 ffffffff|a\n",
    json: '{"type": "printf", "data": "-1 ffffffff|a\\n"}',
  },
  {
    what: "printf of nothing",
    say: (s) => s.printf(parseFormat("%s"), [str("")]),
    out: "",
    json: '{"type": "printf", "data": ""}',
  },
  {
    what: "errorf",
    say: (s) => s.message("error", at('errorf("x %d\\n", 1)'), parseFormat("x %d\n"), [int(1)]),
    out: "",
    err: "s.bt:2:3-22: ERROR: x 1\n",
    json: '{"type": "errorf", "msg": "x 1\\n", "filename": "s.bt", "line": 2, "col": 3}',
  },
  {
    what: "errorf in a macro",
    say: (s) => {
      const span = { ...at('errorf("x %d\\n", 1)'), expandedFrom: at("delete") };
      s.message("error", span, parseFormat("x"), []);
    },
    out: "",
    err: "s.bt:2:3-22: ERROR: x\ns.bt:3:3-9: ERROR: expanded from\n  delete(@y,\n  ~~~~~~\n",
    json: '{"type": "errorf", "msg": "x", "filename": "s.bt", "line": 2, "col": 3}',
  },
  {
    what: "warnf over several lines",
    say: (s) => s.message("warning", at("delete", "7)"), parseFormat("a\n%s"), [str("b")]),
    out: "",
    err: "s.bt:3-4: WARNING: a\nb\n",
    json: '{"type": "warnf", "msg": "a\\nb", "filename": "s.bt", "line": 3, "col": 3}',
  },
  {
    what: "a tuple",
    say: (s) => s.value(tuple(int(1), tuple(int(2), str("x")), bool(true))),
    out: "(1, (2, x), true)\n",
    json: '{"type": "value", "data": [1,[2,"x"],true]}',
  },
  {
    what: "an array",
    say: (s) => s.value(array(int(1), int(2))),
    out: "[1,2]\n",
    json: '{"type": "value", "data": [1,2]}',
  },
  {
    what: "a record",
    say: (s) => s.value(rec({ a: int(1), b: rec({ c: str("x"), d: bool(true) }) })),
    out: "{ .a = 1, .b = { .c = x, .d = true } }\n",
    json: '{"type": "value", "data": {"a": 1, "b": {"c": "x", "d": true}}}',
  },
  { what: "an empty record", say: (s) => s.value(rec({})), out: "{}\n", json: '{"type": "value", "data": {}}' },
  {
    what: "special characters",
    say: (s) => s.value(raw('hello "q" \\ \t\r\n \x01')),
    out: 'hello "q" \\ \t\r\n \x01\n',
    json: '{"type": "value", "data": "hello \\"q\\" \\\\ \\t\\r\\n \\u0001"}',
  },
  { what: "a number", say: (s) => s.value(int(-5)), out: "-5\n", json: '{"type": "value", "data": -5}' },
  {
    what: "a number that no double holds",
    say: (s) => s.value(int(9007199254740993n)),
    out: "9007199254740993\n",
    json: '{"type": "value", "data": "9007199254740993"}',
  },
  {
    what: "the largest number",
    say: (s) => s.value(int((1n << 64n) - 1n)),
    out: "18446744073709551615\n",
    json: '{"type": "value", "data": "18446744073709551615"}',
  },
  {
    what: "a large number that a double holds",
    say: (s) => s.value(int(1n << 62n)),
    out: "4611686018427387904\n",
    json: '{"type": "value", "data": 4611686018427387904}',
  },
  { what: "truth", say: (s) => s.value(bool(true)), out: "true\n", json: '{"type": "value", "data": true}' },
  {
    what: "a pointer",
    say: (s) => s.value(named("0xffff888000001234", 0xffff888000001234n)),
    out: "0xffff888000001234\n",
    json: '{"type": "value", "data": "18446612682070037044"}',
  },
  { what: "an enum", say: (s) => s.value(named("B", 5)), out: "B\n", json: '{"type": "value", "data": 5}' },
  {
    what: "a buffer",
    say: (s) => s.value(buf("ab\xff\0c")),
    out: "ab\\xff\\x00c\n",
    json: '{"type": "value", "data": [97,98,-1,0,99]}',
  },
  {
    what: "a tuple with a buffer",
    say: (s) => s.value(tuple(int(1), buf("ab"))),
    out: "(1, ab)\n",
    json: '{"type": "value", "data": [1,[97,98]]}',
  },
  {
    what: "a stack",
    say: (s) => s.value(str("\n        f+1\n        g+2\n")),
    out: "\n        f+1\n        g+2\n\n",
    json: '{"type": "value", "data": "\\n        f+1\\n        g+2\\n"}',
  },
  {
    what: "stats",
    say: (s) => s.value(stats(1, 5, 5)),
    out: "{ .count = 1, .average = 5, .total = 5 }\n",
    json: '{"type": "value", "data": {"count": 1, "average": 5, "total": 5}}',
  },
  {
    what: "a scalar map",
    say: (s) => s.map(scalar("@a", int(1))),
    out: "@a: 1\n",
    json: '{"type": "map", "data": {"@a": 1}}',
  },
  {
    what: "the map without a name",
    say: (s) => s.map(scalar("@", str("x"))),
    out: "@: x\n",
    json: '{"type": "map", "data": {"@": "x"}}',
  },
  {
    what: "a scalar map with a tuple",
    say: (s) => s.map(scalar("@t", tuple(int(1), int(2), str("x")))),
    out: "@t: (1, 2, x)\n",
    json: '{"type": "map", "data": {"@t": [1,2,"x"]}}',
  },
  { what: "an untouched map", say: (s) => s.map(scalar("@a")), out: "", json: undefined },
  { what: "an empty map", say: (s) => s.map(keyed("@a", [])), out: "", json: undefined },
  { what: "an empty map of histograms", say: (s) => s.map(keyed("@a", [], "hist")), out: "", json: undefined },
  { what: "an untouched histogram", say: (s) => s.map(scalar("@a", undefined, "hist")), out: "", json: undefined },
  {
    what: "an empty map of averages",
    say: (s) => s.map(keyed("@a", [], "stats")),
    out: "",
    json: '{"type": "stats", "data": {"@a": {}}}',
  },
  {
    what: "an untouched average",
    say: (s) => s.map(scalar("@a", undefined, "stats")),
    out: "",
    json: '{"type": "stats", "data": {"@a": {}}}',
  },
  {
    what: "a map",
    say: (s) =>
      s.map(
        keyed("@neg", [
          [int(-5), int(-10)],
          [int(5), int(3)],
        ]),
      ),
    out: "@neg[-5]: -10\n@neg[5]: 3\n",
    json: '{"type": "map", "data": {"@neg": {"-5": -10, "5": 3}}}',
  },
  {
    what: "keys of several parts",
    say: (s) => s.map(keyed("@tk", [[tuple(tuple(int(1), int(2)), str("a")), tuple(int(1), str("b"))]])),
    out: "@tk[(1, 2), a]: (1, b)\n",
    json: '{"type": "map", "data": {"@tk": {"(1,2),a": [1,"b"]}}}',
  },
  {
    what: "keys with spaces",
    say: (s) => s.map(keyed("@sk", [[str("foo bar"), int(1)]])),
    out: "@sk[foo bar]: 1\n",
    json: '{"type": "map", "data": {"@sk": {"foobar": 1}}}',
  },
  {
    what: "true as a key",
    say: (s) => s.map(keyed("@k", [[bool(true), int(5)]])),
    out: "@k[true]: 5\n",
    json: '{"type": "map", "data": {"@k": {"true": 5}}}',
  },
  {
    what: "enums as keys",
    say: (s) => s.map(keyed("@k", [[tuple(named("A", 1), named("A", 1)), named("B", 5)]])),
    out: "@k[A, A]: B\n",
    json: '{"type": "map", "data": {"@k": {"A,A": 5}}}',
  },
  {
    what: "an empty key",
    say: (s) => s.map(keyed("@k", [[str(""), int(5)]])),
    out: "@k[]: 5\n",
    json: '{"type": "map", "data": {"@k": {"": 5}}}',
  },
  {
    what: "a stack as a key",
    say: (s) => s.map(keyed("@", [[str("\n        f+1\n        g+2\n"), int(1)]])),
    out: "@[\n        f+1\n        g+2\n]: 1\n",
    json: '{"type": "map", "data": {"@": {"\\nf+1\\ng+2\\n": 1}}}',
  },
  {
    what: "an average",
    say: (s) => s.map(scalar("@c", int(10), "stats")),
    out: "@c: 10\n",
    json: '{"type": "stats", "data": {"@c": 10}}',
  },
  {
    what: "stats by key",
    say: (s) =>
      s.map(
        keyed(
          "@st",
          [
            [int(1), stats(1, 1, 1)],
            [int(2), stats(1, 5, 5)],
          ],
          "stats",
        ),
      ),
    out: "@st[1]: { .count = 1, .average = 1, .total = 1 }\n@st[2]: { .count = 1, .average = 5, .total = 5 }\n",
    json: '{"type": "stats", "data": {"@st": {"1": {"count": 1, "average": 1, "total": 1}, "2": {"count": 1, "average": 5, "total": 5}}}}',
  },
  {
    what: "a histogram",
    say: (s) => s.map(scalar("@h", hist(5n, 20n), "hist")),
    out: `@h:\n[4, 8)                 1 |${FULL}|\n[8, 16)                0 |${" ".repeat(52)}|\n[16, 32)               1 |${FULL}|\n\n`,
    json: '{"type": "hist", "data": {"@h": [{"min": 4, "max": 7, "count": 1},{"min": 8, "max": 15, "count": 0},{"min": 16, "max": 31, "count": 1}]}}',
  },
  {
    what: "histograms by key",
    say: (s) =>
      s.map(
        keyed(
          "@h",
          [
            [int(1), hist(5n)],
            [tuple(int(2), str("x y")), hist(6n)],
          ],
          "hist",
        ),
      ),
    out: `@h[1]:\n[4, 8)                 1 |${FULL}|\n\n@h[2, x y]:\n[4, 8)                 1 |${FULL}|\n\n`,
    json: '{"type": "hist", "data": {"@h": {"1": [{"min": 4, "max": 7, "count": 1}], "2,xy": [{"min": 4, "max": 7, "count": 1}]}}}',
  },
  {
    what: "a histogram that was set to zero",
    say: (s) => s.map(scalar("@zh", hist(), "hist")),
    out: "@zh:\n\n",
    json: '{"type": "hist", "data": {"@zh": []}}',
  },
  {
    what: "a linear histogram",
    say: (s) => s.map(scalar("@l", lhist(), "hist")),
    out: `@l:\n(..., 0)               1 |${FULL}|\n[0, 10)                1 |${FULL}|\n[10, 20)               1 |${FULL}|\n[20, ...)              1 |${FULL}|\n\n`,
    json: '{"type": "hist", "data": {"@l": [{"max": -1, "count": 1},{"min": 0, "max": 9, "count": 1},{"min": 10, "max": 19, "count": 1},{"min": 20, "count": 1}]}}',
  },
  {
    what: "the largest bucket",
    say: (s) => s.map(scalar("@big", hist(1n << 62n), "hist")),
    out: `@big:\n[4E, 8E)               1 |${FULL}|\n\n`,
    json: '{"type": "hist", "data": {"@big": [{"min": 4611686018427387904, "max": "9223372036854775807", "count": 1}]}}',
  },
  {
    what: "a time series",
    say: (s) => s.map(scalar("@t", series(500_000_000n, -2n, undefined, 3n), "tseries")),
    out:
      `@t:\n${" ".repeat(13)}-2${" ".repeat(50)}3\nhh:mm:ss.ms  |${EDGE}|\n` +
      `00:00:00.000 *${" ".repeat(20)}.${" ".repeat(30)}| -2\n` +
      `00:00:00.500 |${" ".repeat(20)}.${" ".repeat(30)}| -\n` +
      `00:00:01.000 |${" ".repeat(20)}.${" ".repeat(30)}* 3\n` +
      `${" ".repeat(13)}v${EDGE}v\n${" ".repeat(13)}-2${" ".repeat(50)}3\n\n`,
    json: '{"type": "tseries", "data": {"@t": [{"interval_start":"1970-01-01 00:00:00.000000000","value":-2},{"interval_start":"1970-01-01 00:00:01.000000000","value":3}]}}',
  },
  {
    what: "a time series of one interval",
    say: (s) => s.map(scalar("@t", series(60_000_000_000n, 7n), "tseries")),
    out:
      `@t:\n${" ".repeat(19)}6${" ".repeat(51)}8\nhh:mm:ss.ns        |${EDGE}|\n` +
      `00:00:00.000000000 |${" ".repeat(25)}*${" ".repeat(25)}| 7\n` +
      `${" ".repeat(19)}v${EDGE}v\n${" ".repeat(19)}6${" ".repeat(51)}8\n\n`,
    json: '{"type": "tseries", "data": {"@t": [{"interval_start":"1970-01-01 00:00:00.000000000","value":7}]}}',
  },
  {
    what: "a time series by seconds, of the largest numbers",
    say: (s) => s.map(scalar("@t", series(60_000_000_000n, (1n << 63n) - 1n, (1n << 63n) - 1n), "tseries")),
    out:
      `@t:\n${" ".repeat(9)}9223372036854775806${" ".repeat(15)}9223372036854775807\nhh:mm:ss |${EDGE}|\n` +
      `00:00:00 |${" ".repeat(51)}* 9223372036854775807\n00:01:00 |${" ".repeat(51)}* 9223372036854775807\n` +
      `${" ".repeat(9)}v${EDGE}v\n${" ".repeat(9)}9223372036854775806${" ".repeat(15)}9223372036854775807\n\n`,
    json: '{"type": "tseries", "data": {"@t": [{"interval_start":"1970-01-01 00:00:00.000000000","value":"9223372036854775807"},{"interval_start":"1970-01-01 00:01:00.000000000","value":"9223372036854775807"}]}}',
  },
  {
    what: "time series by key, one of them set to zero",
    say: (s) =>
      s.map(
        keyed(
          "@t",
          [
            [int(1), series(1000n)],
            [int(2), series(1000n, 0n, 1n)],
          ],
          "tseries",
        ),
      ),
    out:
      `@t[1]:\n<no data>\n@t[2]:\n${" ".repeat(16)}0${" ".repeat(51)}1\nhh:mm:ss.\xce\xbcs    |${EDGE}|\n` +
      `00:00:00.000000 *${" ".repeat(51)}| 0\n00:00:00.000001 |${" ".repeat(51)}* 1\n` +
      `${" ".repeat(16)}v${EDGE}v\n${" ".repeat(16)}0${" ".repeat(51)}1\n\n`,
    json: '{"type": "tseries", "data": {"@t": {"1": [], "2": [{"interval_start":"1970-01-01 00:00:00.000000000","value":0},{"interval_start":"1970-01-01 00:00:00.000001000","value":1}]}}}',
  },
  {
    what: "time",
    say: (s) => s.time("08:50:27 +0000\n"),
    out: "08:50:27 +0000\n",
    json: '{"type": "time", "data": "08:50:27 +0000\\n"}',
  },
  {
    what: "join",
    say: (s) => s.join("/bin/echo a b"),
    out: "/bin/echo a b\n",
    json: '{"type": "join", "data": "/bin/echo a b"}',
  },
  { what: "cat", say: (s) => s.cat("vm\n"), out: "vm\n", json: '{"type": "cat", "data": "vm\\n"}' },
  { what: "system", say: (s) => s.system("hi\n"), out: "hi\n\n", json: '{"type": "syscall", "data": "hi\\n"}' },
  { what: "system without output", say: (s) => s.system(""), out: "\n", json: '{"type": "syscall", "data": ""}' },
  {
    what: "lost events",
    say: (s) => s.lostEvents(12),
    out: "",
    err: "Lost 12 events\n",
    json: '{"type": "lost_events", "count": 12, "data": {"events": 12}}',
  },
  {
    what: "a failed helper",
    say: (s) => s.runtimeError({ error: "helper", helper: "map_lookup_elem", result: 0, span: at('errorf("x') }),
    out: "",
    err: 's.bt:2:3-12: WARNING: Can\'t lookup map element because it does not exist.\nAdditional Info - helper: map_lookup_elem, retcode: 0\n  errorf("x %d\\n", 1);\n  ~~~~~~~~~\n',
    json: '{"type": "helper_error", "msg": "Success", "helper": "map_lookup_elem", "retcode": 0, "filename": "s.bt", "line": 2, "col": 3}',
  },
  {
    what: "a division by zero",
    say: (s) => s.runtimeError({ error: "division-by-zero", span: at('errorf("x') }),
    out: "",
    err: 's.bt:2:3-12: WARNING: Divide or modulo by 0 detected. This can lead to unexpected results. 1 is being used as the result.\n  errorf("x %d\\n", 1);\n  ~~~~~~~~~\n',
    json: '{"type": "runtime_error", "msg": "Divide or modulo by 0 detected. This can lead to unexpected results. 1 is being used as the result.", "filename": "s.bt", "line": 2, "col": 3}',
  },
  {
    what: "a failed helper over several lines",
    say: (s) => s.runtimeError({ error: "helper", helper: "map_delete_elem", result: -2, span: at("delete", "7)") }),
    out: "",
    err: "s.bt:3-4: WARNING: Can't delete map element because it does not exist.\nAdditional Info - helper: map_delete_elem, retcode: -2\n  delete(@y,\n    7); }\n",
    json: '{"type": "helper_error", "msg": "No such file or directory", "helper": "map_delete_elem", "retcode": -2, "filename": "s.bt", "line": 3, "col": 3}',
  },
  { what: "the end", say: (s) => s.end(), out: "\n\n", json: undefined },
];

describe.each(CASES)("$what", ({ say, out, err = "", json }) => {
  it("as text", () => {
    const streams = new CapturedStreams();
    say(new TextOutput(streams, { out: false, err: false }));
    expect(streams.stdout).toBe(out);
    expect(streams.stderr).toBe(err);
  });

  it("as text on a terminal, where nothing harmful is in it", () => {
    const streams = new CapturedStreams();
    say(new TextOutput(streams, { out: true, err: true }));
    expect(streams.stdout).toBe(out.replace(/\r/g, "\\x0d").replace(/\x01/g, "\\x01"));
    expect(streams.stderr).toBe(err);
  });

  it("as JSON", () => {
    const streams = new CapturedStreams();
    say(new JsonOutput(streams));
    expect(streams.stdout).toBe(json === undefined ? "" : `${json}\n`);
    expect(streams.stderr).toBe("");
    if (json !== undefined) JSON.parse(json);
  });
});

describe("a failed helper is explained", () => {
  it.each([
    ["map_update_elem", -7, /^s\.bt:1:1-6: WARNING: Map full/],
    ["map_update_elem", -12, /WARNING: Cannot allocate memory\n/],
    ["map_delete_elem", -2, /WARNING: Can't delete map element because it does not exist.\n/],
    ["probe_read_user", -14, /WARNING: Bad address\n/],
    ["get_stackid", -9999, /WARNING: Unknown error 9999\n/],
  ])("%s, %i", (helper, result, expected) => {
    const streams = new CapturedStreams();
    new TextOutput(streams, { out: false, err: false }).runtimeError({
      error: "helper",
      helper,
      result,
      span: at("begin"),
    });
    expect(streams.stderr).toMatch(expected);
  });
});

describe("bytes that a workload chose", () => {
  const EVIL = "\x1b]0;owned\x07\x1b[2J\xff\xc2\x9b\r";
  const SAFE = "\\x1b]0;owned\\x07\\x1b[2J\\xff\\xc2\\x9b\\x0d";
  const span = at("begin");
  const ways: [string, (sink: OutputSink) => void][] = [
    ["printf", (s) => s.printf(parseFormat("%s"), [raw(EVIL)])],
    ["a value", (s) => s.value(tuple(raw(EVIL)))],
    ["a map's key", (s) => s.map(keyed("@", [[raw(EVIL), int(1)]]))],
    ["a map's value", (s) => s.map(scalar("@", raw(EVIL)))],
    ["join", (s) => s.join(EVIL)],
    ["cat", (s) => s.cat(EVIL)],
    ["system", (s) => s.system(EVIL)],
    ["errorf", (s) => s.message("error", span, parseFormat("%s"), [raw(EVIL)])],
  ];

  it.each(ways)("%s: pass into a pipe as they are", (_, say) => {
    const streams = new CapturedStreams();
    say(new TextOutput(streams, { out: false, err: false }));
    expect(streams.stdout + streams.stderr).toContain(EVIL);
  });

  it.each(ways)("%s: are harmless on a terminal", (_, say) => {
    const streams = new CapturedStreams();
    say(new TextOutput(streams, { out: true, err: true }));
    expect(streams.stdout + streams.stderr).toContain(SAFE);
    expect(streams.stdout + streams.stderr).not.toMatch(/[\x00-\x08\x0b-\x1f\x7f-\xff]/);
  });

  it.each(ways)("%s: are valid, harmless JSON", (_, say) => {
    const streams = new CapturedStreams();
    say(new JsonOutput(streams));
    expect(streams.stdout).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\xff]/);
    expect(JSON.stringify(JSON.parse(streams.stdout))).toContain("\\u001b]0;owned\\u0007\\u001b[2J\\\\xff\u009b\\r");
  });

  it("only the stream that is a terminal is guarded", () => {
    const streams = new CapturedStreams();
    const sink = new TextOutput(streams, { out: false, err: true });
    sink.value(raw("\x1b"));
    sink.message("error", span, parseFormat("%s"), [raw("\x1b")]);
    expect(streams.stdout).toBe("\x1b\n");
    expect(streams.stderr).toBe("s.bt:1:1-6: ERROR: \\x1b\n");
  });

  it("the script's own escapes reach the terminal", () => {
    const streams = new CapturedStreams();
    new TextOutput(streams, { out: true, err: true }).printf(parseFormat("\x1b[1m%s\x1b[0m"), [raw("\x1b")]);
    expect(streams.stdout).toBe("\x1b[1m\\x1b\x1b[0m");
  });
});

describe("UTF-8", () => {
  it("is the same text in JSON", () => {
    const streams = new CapturedStreams();
    const sink = new JsonOutput(streams);
    sink.map(keyed("@", [[str("é 😀"), str("ü")]]));
    expect(Buffer.from(streams.stdout, "latin1").toString("utf8")).toBe(
      '{"type": "map", "data": {"@": {"é😀": "ü"}}}\n',
    );
  });
});

describe("the tool's own warnings", () => {
  it.each<[string, (streams: CapturedStreams) => OutputSink]>([
    ["text", (streams) => new TextOutput(streams, { out: false, err: false })],
    ["json", (streams) => new JsonOutput(streams)],
  ])("go to standard error, escaped: %s", (_, make) => {
    const streams = new CapturedStreams();
    make(streams).remark("warning", "probe é\x1b failed");
    expect(streams.stdout).toBe("");
    expect(streams.stderr).toBe("WARNING: probe \xc3\xa9\\x1b failed\n");
  });
});
