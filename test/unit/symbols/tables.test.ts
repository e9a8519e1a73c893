import { describe, expect, it } from "vitest";
import { inetText, macText } from "../../../harness/tracing/symbols/net.ts";
import { strerror } from "../../../harness/tracing/symbols/strerror.ts";
import { UserNames } from "../../../harness/tracing/symbols/users.ts";

describe("strerror", () => {
  it.each([
    [0n, "Success"],
    [1n, "Operation not permitted"],
    [2n, "No such file or directory"],
    [-2n, "No such file or directory"],
    [11n, "Resource temporarily unavailable"],
    [41n, "Unknown error 41"],
    [58n, "Unknown error 58"],
    [59n, "Bad font file format"],
    [110n, "Connection timed out"],
    [133n, "Memory page has hardware error"],
    [134n, "Unknown error 134"],
    [-524n, "Unknown error 524"],
    [1n << 62n, "Unknown error 4611686018427387904"],
  ])("%s", (errno, message) => {
    expect(strerror(errno)).toBe(message);
  });
});

describe("UserNames", () => {
  const users = new UserNames(
    "root:x:0:0::/root:/bin/sh\nfirst:x:5:5::/:/\nsecond:x:5:5::/:/\nbroken line\n::7:\n\xff:x:8:8::/:/",
  );
  it.each([
    [0n, "root"],
    [5n, "first"],
    [6n, undefined],
    [7n, undefined],
    [8n, "\xff"],
    [(1n << 64n) - 1n, undefined],
  ])("%s", (uid, name) => {
    expect(users.name(uid)).toBe(name);
  });
});

describe("inetText", () => {
  const v6 = (...groups: readonly number[]): string =>
    groups.map((group) => String.fromCharCode(group >> 8, group & 255)).join("");

  it.each([
    [2, "\x7f\0\0\x01", "127.0.0.1"],
    [2, "\xff\xff\xff\xff", "255.255.255.255"],
    [2, "\0\0\0\0", "0.0.0.0"],
    [10, v6(0, 0, 0, 0, 0, 0, 0, 0), "::"],
    [10, v6(0, 0, 0, 0, 0, 0, 0, 1), "::1"],
    [10, v6(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1), "2001:db8::1"],
    [10, v6(0x2001, 0xdb8, 0, 1, 1, 1, 1, 1), "2001:db8:0:1:1:1:1:1"],
    [10, v6(1, 0, 0, 2, 0, 0, 0, 3), "1:0:0:2::3"],
    [10, v6(1, 0, 0, 2, 3, 0, 0, 4), "1::2:3:0:0:4"],
    [10, v6(0xfe80, 0, 0, 0, 0, 0, 0, 0), "fe80::"],
    [10, v6(1, 2, 3, 4, 5, 6, 7, 8), "1:2:3:4:5:6:7:8"],
    [10, v6(0, 0, 0, 0, 0, 0xffff, 0xc0a8, 0x0101), "::ffff:192.168.1.1"],
    [10, v6(0, 0, 0, 0, 0, 0, 0xc0a8, 0x0101), "::192.168.1.1"],
    [10, v6(0, 0, 0, 0, 0, 0, 0, 0x1234), "::1234"],
    [7, "\0\0\0\0", ""],
  ])("family %i: %#", (family, address, text) => {
    expect(inetText(family, address)).toBe(text);
  });
});

it("macText", () => {
  expect(macText("\x01\x02\x0a\xab\xff\0")).toBe("01:02:0A:AB:FF:00");
});
