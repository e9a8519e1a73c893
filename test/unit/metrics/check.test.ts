import { describe, expect, it } from "vitest";
import { Diagnostics } from "../../../compiler/diagnostics.ts";
import { checkMaps, FREE_METRIC_DIMENSIONS, inferType, mapsIn, namesIn } from "../../../harness/metrics/check.ts";
import { COUNT, unitOf } from "../../../harness/metrics/dimension.ts";
import type { MapShape } from "../../../harness/metrics/run-data.ts";
import { brief, parse } from "./helpers.ts";

const names = new Map([...FREE_METRIC_DIMENSIONS, ["opens", COUNT] as const]);

function infer(text: string) {
  const diags = new Diagnostics();
  const type = inferType(parse(text), names, diags);
  return { diags, unit: type.kind === "number" ? unitOf(type.dimension) : type.kind };
}

describe("types and units", () => {
  it.each([
    ["40", "count"],
    ["200us", "ns"],
    ["4KiB", "B"],
    ["5%", "%"],
    ["sum(@x)", "count"],
    ["count(@x)", "count"],
    ["duration", "ns"],
    ["max_rss", "B"],
    ["duration / opens", "ns"],
    ["duration / sum(@x)", "ns"],
    ["duration / 10", "ns"],
    ["2 * duration", "ns"],
    ["5% * duration", "ns"],
    ["duration / cpu_user", "count"],
    ["max_rss / duration", "B/ns"],
    ["opens / duration", "1/ns"],
    ["duration * duration", "count"],
    ["cpu_user + cpu_system", "ns"],
    ["p99(@h) + 1us", "ns"],
    ["p99(@h) + 1", "count"],
    ["-duration", "ns"],
    ["opens + 1", "count"],
    ["duration < 5ms", "boolean"],
    ["duration > 0", "boolean"],
    ["p99(@h) < 200us", "boolean"],
    ["p99(@h) < 200", "boolean"],
    ["opens / page_faults < 5%", "boolean"],
    ["sum(@a) / sum(@b) < 5%", "boolean"],
    ["cpu_user / duration < 0.5", "boolean"],
    ["opens < 4 && !(duration > 1s)", "boolean"],
  ])("%s is %s", (text, unit) => {
    const result = infer(text);
    expect(result.diags.items).toEqual([]);
    expect(result.unit).toBe(unit);
  });

  it.each<[text: string, code: string, underlined: string, help: RegExp]>([
    ["duration < 5", "unit-missing", "5", /5us/],
    ["5 > max_rss", "unit-missing", "5", /5KiB/],
    ["duration + 1", "unit-missing", "1", /1us/],
    ["duration < 5MiB", "unit-mismatch", "duration < 5MiB", /same thing/],
    ["max_rss - duration", "unit-mismatch", "max_rss - duration", /same thing/],
    ["duration < opens", "unit-mismatch", "duration < opens", /same thing/],
    ["opens < 5%", "unit-mismatch", "5%", /divide first/],
    ["5% > page_faults", "unit-mismatch", "5%", /divide first/],
    ["duratio < 5ms", "unknown-metric", "duratio", /`duration`/],
    ["cpu_usr + cpu_systm", "unknown-metric", "cpu_usr", /`cpu_user`/],
    ["xyzzy", "unknown-metric", "xyzzy", /known are .*maps are written with @/],
    ["opens && duration > 1s", "not-a-condition", "opens", /compare it/],
    ["!opens", "not-a-condition", "opens", /!\(a < b\)/],
    ["(opens < 4) + 1", "not-a-number", "(opens < 4)", /^$/],
    ["-(opens < 4)", "not-a-number", "(opens < 4)", /^$/],
    ["sum(opens)", "needs-a-map", "opens", /sum\(@opens\)/],
    ["sum(5)", "needs-a-map", "5", /sum\(@map\)/],
    ["sum()", "wrong-arguments", "sum()", /sum\(@map\)/],
    ["sum(@a, @b)", "wrong-arguments", "sum(@a, @b)", /sum\(@map\)/],
    ["quantile(@h)", "wrong-arguments", "quantile(@h)", /0\.99/],
    ["quantile(@h, 2)", "bad-quantile", "2", /99%/],
    ["quantile(@h, opens)", "bad-quantile", "opens", /0\.99/],
    ["quantile(@h, 1ms)", "bad-quantile", "1ms", /0\.99/],
    ["p99(@h, 0.5)", "wrong-arguments", "p99(@h, 0.5)", /p99\(@map\)/],
  ])("refuses %s", (text, code, underlined, help) => {
    const [first] = infer(text).diags.items;
    expect(first && brief(first)).toEqual([code, underlined]);
    expect(first?.help ?? "").toMatch(help);
  });

  it("reports all problems of an expression", () => {
    expect(infer("a < 5ms && b < 5ms").diags.items.map(brief)).toEqual([
      ["unknown-metric", "a"],
      ["unknown-metric", "b"],
    ]);
  });

  it("lists names and maps", () => {
    const e = parse('sum(@a) + b / @c["k"] < -d && quantile(@a, 0.5) > 1');
    expect(namesIn(e).map(({ name }) => name)).toEqual(["b", "d"]);
    expect([...mapsIn(e)]).toEqual(["@a", "@c"]);
  });
});

describe("maps of the scripts", () => {
  const shape = (name: string, kind: MapShape["kind"], keyed: boolean): [string, MapShape] => [
    name,
    { name, kind, keyed },
  ];
  const shapes = new Map([
    shape("@", "count", false),
    shape("@opens", "count", true),
    shape("@total", "sum", false),
    shape("@avg", "avg", false),
    shape("@stats", "stats", true),
    shape("@h", "hist", false),
    shape("@l", "lhist", true),
    shape("@s", "other", true),
    shape("@t", "tseries", true),
    shape("@m", "max", true),
  ]);
  const check = (text: string): Diagnostics => {
    const diags = new Diagnostics();
    checkMaps(parse(text), shapes, diags);
    return diags;
  };

  it.each([
    "@",
    "@total",
    "@avg",
    '@opens["a"]',
    "sum(@opens)",
    'sum(@opens["a"])',
    "len(@s)",
    "count(@h)",
    "p99(@h)",
    "p50(@l)",
    'p50(@l["x"])',
    "quantile(@h, 0.1)",
    "avg(@stats)",
    "max(@m) - min(@m)",
    "duration / opens",
  ])("accepts %s", (text) => expect(check(text).items).toEqual([]));

  it.each<[text: string, code: string, underlined: string, help: RegExp]>([
    ["sum(@open)", "unknown-map", "@open", /`@opens`/],
    ["@nothing_like_it", "unknown-map", "@nothing_like_it", /the scripts have @, @opens/],
    ["@opens", "key-missing", "@opens", /sum\(@opens\).*@opens\["key"\]/],
    ['@total["a"]', "unexpected-key", '@total["a"]', /write `@total`/],
    ['sum(@total["a"])', "unexpected-key", '@total["a"]', /write `@total`/],
    ["@h", "not-a-number", "@h", /count\(@h\)/],
    ["@h * 2", "not-a-number", "@h", /p50\(@h\)/],
    ['@stats["a"]', "not-a-number", '@stats["a"]', /avg\(@stats\["a"\]\)/],
    ["p99(@opens)", "wrong-map-kind", "p99(@opens)", /sum\(@opens\)/],
    ["quantile(@total, 0.5)", "wrong-map-kind", "quantile(@total, 0.5)", /sum/],
    ["sum(@h)", "wrong-map-kind", "sum(@h)", /p50\(@h\)/],
    ["min(@avg)", "wrong-map-kind", "min(@avg)", /avg\(@avg\)/],
    ["sum(@s)", "wrong-map-kind", "sum(@s)", /len\(@s\)/],
    ["max(@t)", "wrong-map-kind", "max(@t)", /measure with a count\(\)/],
    ['@t["a"]', "not-a-number", '@t["a"]', /measure with a count\(\)/],
    ['@s["a"] < 3', "not-a-number", '@s["a"]', /len\(@s/],
  ])("refuses %s", (text, code, underlined, help) => {
    const diags = check(text);
    expect(diags.items.map(brief)).toEqual([[code, underlined]]);
    expect(diags.items[0]!.help).toMatch(help);
  });
});
