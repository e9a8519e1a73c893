import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { strftime } from "../../../harness/tracing/output/strftime.ts";
import {
  localZone,
  parseZoneFile,
  ruleZone,
  UTC,
  type Zone,
  type ZoneSource,
} from "../../../harness/tracing/output/timezone.ts";
import { bytes, latin1 } from "../../support/bytes.ts";

const shown = (zone: Zone, seconds: number): string => strftime("%F %T %z %Z", seconds, zone);

describe("zones by rule, as the GNU C library has them", () => {
  it.each([
    ["CET-1CEST,M3.5.0,M10.5.0/3", 1_711_846_799, "2024-03-31 01:59:59 +0100 CET"],
    ["CET-1CEST,M3.5.0,M10.5.0/3", 1_711_846_800, "2024-03-31 03:00:00 +0200 CEST"],
    ["CET-1CEST,M3.5.0,M10.5.0/3", 1_729_990_799, "2024-10-27 02:59:59 +0200 CEST"],
    ["CET-1CEST,M3.5.0,M10.5.0/3", 1_729_990_800, "2024-10-27 02:00:00 +0100 CET"],
    ["XXX3:30YYY,J60/0,J300/1:30", 1_709_283_599, "2024-03-01 06:29:59 -0230 YYY"],
    ["AAA-1BBB,59,300", 1_709_337_599, "2024-03-02 01:59:59 +0200 BBB"],
    ["<+03>-3", 0, "1970-01-01 03:00:00 +0300 +03"],
    ["EST5EDT", 1_700_000_000, "2023-11-14 17:13:20 -0500 EST"],
    ["EST5EDT", 1_690_000_000, "2023-07-22 00:26:40 -0400 EDT"],
    ["NZST-12NZDT,M9.5.0,M4.1.0/3", 1_700_000_000, "2023-11-15 11:13:20 +1300 NZDT"],
    ["NZST-12NZDT,M9.5.0,M4.1.0/3", 1_720_000_000, "2024-07-03 21:46:40 +1200 NZST"],
  ])("%s at %i", (rule, seconds, expected) => {
    expect(shown(ruleZone(rule)!, seconds)).toBe(expected);
  });

  it.each(["", "Nonsense", "CET", "C1", "CET-1CEST,M3.5.0", "CET-1CEST,M3.6.0,M10.5.0", "CET-1CEST,X,Y", "<CET-1"])(
    "%j is none",
    (text) => {
      expect(ruleZone(text)).toBeUndefined();
    },
  );
});

const be = (size: 4 | 8, value: number): Uint8Array => {
  const view = new DataView(new ArrayBuffer(8));
  view.setBigInt64(0, BigInt(value));
  return new Uint8Array(view.buffer, 8 - size);
};

/** A zone that was LMT (+0:53:28) until 1000, AAA (+1) until 2000, and BBB (+2) after that. */
function zoneFile(version: 1 | 2, footer = ""): Uint8Array {
  const block = (time: 4 | 8): Uint8Array =>
    bytes(
      latin1("TZif"),
      [version === 1 ? 0 : 0x32],
      new Uint8Array(15),
      ...[0, 0, 0, 2, 3, 12].map((n) => be(4, n)),
      be(time, 1000),
      be(time, 2000),
      [1, 2],
      be(4, 3208),
      [0, 0],
      be(4, 3600),
      [0, 4],
      be(4, 7200),
      [1, 8],
      latin1("LMT\0AAA\0BBB\0"),
    );
  return version === 1 ? block(4) : bytes(block(4), block(8), latin1(`\n${footer}\n`));
}

describe("zone files", () => {
  const cases: [number, string][] = [
    [-5, "1970-01-01 00:53:23 +0053 LMT"],
    [999, "1970-01-01 01:10:07 +0053 LMT"],
    [1000, "1970-01-01 01:16:40 +0100 AAA"],
    [1999, "1970-01-01 01:33:19 +0100 AAA"],
    [2000, "1970-01-01 02:33:20 +0200 BBB"],
  ];

  it.each(cases)("of version 1, at %i", (seconds, expected) => {
    expect(shown(parseZoneFile(zoneFile(1))!, seconds)).toBe(expected);
  });

  it.each(cases)("of version 2, at %i", (seconds, expected) => {
    expect(shown(parseZoneFile(zoneFile(2))!, seconds)).toBe(expected);
  });

  it("have a rule for what comes later", () => {
    const zone = parseZoneFile(zoneFile(2, "CET-1CEST,M3.5.0,M10.5.0/3"))!;
    expect(shown(zone, 1999)).toContain("AAA");
    expect(shown(zone, 1_711_846_800)).toBe("2024-03-31 03:00:00 +0200 CEST");
  });

  it("are refused when they are no zone files", () => {
    expect(parseZoneFile(latin1("not a zone file at all, but long enough to be one, or so"))).toBeUndefined();
    expect(parseZoneFile(new Uint8Array(0))).toBeUndefined();
  });

  it("do not throw, wherever they are cut", () => {
    const whole = zoneFile(2, "<+03>-3");
    for (let length = 0; length < whole.length; length++) {
      const zone = parseZoneFile(whole.slice(0, length));
      if (zone) shown(zone, 0);
    }
  });
});

describe("localZone", () => {
  const source = (tz: string | undefined, files: Readonly<Record<string, Uint8Array>> = {}): ZoneSource => ({
    tz,
    read: (path) => files[path],
  });
  const name = (s: ZoneSource): string => localZone(s).at(5000).abbreviation;

  it.each<[string, ZoneSource, string]>([
    ["the machine's", source(undefined, { "/etc/localtime": zoneFile(1) }), "BBB"],
    ["UTC where the machine has none", source(undefined), "UTC"],
    ["UTC where the file is none", source(undefined, { "/etc/localtime": latin1("garbage") }), "UTC"],
    ["by name", source("Area/City", { "/usr/share/zoneinfo/Area/City": zoneFile(2) }), "BBB"],
    ["by name with a colon", source(":Area/City", { "/usr/share/zoneinfo/Area/City": zoneFile(2) }), "BBB"],
    ["by path", source("/tmp/zone", { "/tmp/zone": zoneFile(1) }), "BBB"],
    ["by rule", source("XYZ3"), "XYZ"],
    ["UTC by an empty TZ", source("", { "/etc/localtime": zoneFile(1) }), "UTC"],
    ["UTC by a name that is unknown", source("No/Where"), "UTC"],
  ])("%s", (_, s, expected) => {
    expect(name(s)).toBe(expected);
  });

  it("is that of this process", () => {
    expect(localZone().at(0)).toMatchObject({ offset: expect.any(Number), abbreviation: expect.any(String) });
  });

  const ZONES = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "Pacific/Apia", "UTC"];
  it.skipIf(!existsSync("/usr/share/zoneinfo/Europe/Berlin")).each(ZONES)("agrees with date(1) about %s", (tz) => {
    const moments = [0, 1_000_000_000, 1_325_239_200, 1_711_846_800, 1_729_990_799, 4_000_000_000, 4_010_000_000];
    const zone = localZone({ tz, read: (path) => localFile(path) });
    const ours = moments.map((seconds) => shown(zone, seconds));
    const theirs = moments.map((seconds) =>
      execFileSync("date", ["-d", `@${seconds}`, "+%F %T %z %Z"], {
        env: { TZ: tz, LC_ALL: "C" },
        encoding: "utf8",
      }).trim(),
    );
    expect(ours).toEqual(theirs);
  });
});

function localFile(path: string): Uint8Array | undefined {
  return existsSync(path) ? readFileSync(path) : undefined;
}

it("UTC is UTC", () => {
  expect(shown(UTC, 0)).toBe("1970-01-01 00:00:00 +0000 UTC");
});
