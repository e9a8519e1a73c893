import { describe, expect, it } from "vitest";
import { formatTimestamp, strftime } from "../../../harness/tracing/output/strftime.ts";
import { ruleZone, UTC } from "../../../harness/tracing/output/timezone.ts";

const BERLIN = ruleZone("CET-1CEST,M3.5.0,M10.5.0/3")!;
/** Tuesday, 23:13:25 in Berlin. */
const NOVEMBER = 1_700_000_005;
const NEW_YEAR_2021 = 1_609_459_200;
const NEW_YEAR_2024 = 1_704_063_600;

describe("strftime, as the GNU C library has it in the C locale", () => {
  it.each([
    ["%a", "Tue"],
    ["%A", "Tuesday"],
    ["%b", "Nov"],
    ["%B", "November"],
    ["%c", "Tue Nov 14 23:13:25 2023"],
    ["%C", "20"],
    ["%d", "14"],
    ["%D", "11/14/23"],
    ["%e", "14"],
    ["%F", "2023-11-14"],
    ["%g", "23"],
    ["%G", "2023"],
    ["%h", "Nov"],
    ["%H", "23"],
    ["%I", "11"],
    ["%j", "318"],
    ["%k", "23"],
    ["%l", "11"],
    ["%m", "11"],
    ["%M", "13"],
    ["%n", "\n"],
    ["%p", "PM"],
    ["%P", "pm"],
    ["%r", "11:13:25 PM"],
    ["%R", "23:13"],
    ["%s", "1700000005"],
    ["%S", "25"],
    ["%t", "\t"],
    ["%T", "23:13:25"],
    ["%u", "2"],
    ["%U", "46"],
    ["%V", "46"],
    ["%w", "2"],
    ["%W", "46"],
    ["%x", "11/14/23"],
    ["%X", "23:13:25"],
    ["%y", "23"],
    ["%Y", "2023"],
    ["%z", "+0100"],
    ["%Z", "CET"],
    ["%%", "%"],
    ["%_d", "14"],
    ["%-d", "14"],
    ["%5d", "00014"],
    ["%_5H", "   23"],
    ["%05k", "00023"],
    ["%-5d", "   14"],
    ["%^a", "TUE"],
    ["%#a", "TUE"],
    ["%#Z", "cet"],
    ["%^B", "NOVEMBER"],
    ["%#p", "pm"],
    ["%^P", "pm"],
    ["%12F", "  2023-11-14"],
    ["%012F", "002023-11-14"],
    ["%^c", "TUE NOV 14 23:13:25 2023"],
    ["%Ey", "23"],
    ["%Od", "14"],
    ["%5Z", "  CET"],
    ["%12s", "  1700000005"],
  ])("%s", (format, expected) => {
    expect(strftime(format, NOVEMBER, BERLIN)).toBe(expected);
  });

  it.each([
    ["%", "%"],
    ["%f", "%f"],
    ["%N", "%N"],
    ["%Q", "%Q"],
    ["%EQ", "%EQ"],
    ["%%Y", "%Y"],
    ["100%%%d%", "100%14%"],
    ["\xc3\xa9", "\xc3\xa9"],
    ["", ""],
  ])("%j is no conversion, or more than one", (format, expected) => {
    expect(strftime(format, NOVEMBER, BERLIN)).toBe(expected);
  });

  it.each([
    [NEW_YEAR_2021, "20 2020 001 5 00 53 5 00 21 2021"],
    [NEW_YEAR_2024, "24 2024 001 1 00 01 1 01 24 2024"],
    [NEW_YEAR_2024 - 1, "23 2023 365 7 53 52 0 52 23 2023"],
    [1_230_681_600, "09 2009 366 3 52 01 3 52 08 2008"],
  ])("weeks around the year's end, %i", (seconds, expected) => {
    expect(strftime("%g %G %j %u %U %V %w %W %y %Y", seconds, BERLIN)).toBe(expected);
  });

  it.each([
    [0, "12 AM 12"],
    [3600, " 1 AM 01"],
    [12 * 3600, "12 PM 12"],
    [23 * 3600, "11 PM 11"],
  ])("hours by twelve, %i", (seconds, expected) => {
    expect(strftime("%l %p %I", seconds, UTC)).toBe(expected);
  });

  it("times before 1970", () => {
    expect(strftime("%F %T %s", -1, UTC)).toBe("1969-12-31 23:59:59 -1");
  });

  it("a width does not exhaust the memory", () => {
    expect(strftime("%999999999d", 0, UTC).length).toBeLessThan(2000);
  });
});

describe("strftime() of a script", () => {
  const NS = 1_700_000_005_123_456_789n;
  it.each([
    ["%H:%M:%S.%f", "22:13:25.123456"],
    ["%k|%l|%f", "123456789|123|123456"],
    ["%%f %%", "%f %"],
    ["%s", "1700000005"],
  ])("%s", (format, expected) => {
    expect(formatTimestamp(format, NS, UTC)).toBe(expected);
  });

  it("keeps leading zeros, and counts upwards before 1970", () => {
    expect(formatTimestamp("%S.%k", 1_000_000_007n, UTC)).toBe("01.000000007");
    expect(formatTimestamp("%T.%k", -1n, UTC)).toBe("23:59:59.999999999");
  });
});
