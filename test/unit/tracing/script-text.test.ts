import { describe, expect, it } from "vitest";
import { decodeScript, encodeScript } from "../../../harness/tracing/script-text.ts";

describe("a script's bytes", () => {
  it.each<[string, string, string]>([
    ["nothing", "", ""],
    ["ASCII", "begin {}", "begin {}"],
    ["UTF-8", "\xc3\xa4\xf0\x9f\x98\x80", "ä😀"],
    ["latin1", "f\xfcr", "f\udcfcr"],
    ["both", "\xe4\xc3\xa4\xff\xfe", "\udce4ä\udcff\udcfe"],
    ["a cut sequence", "\xc3", "\udcc3"],
    ["the character that decoders put in place of others", "\xef\xbf\xbd\xff", "\ufffd\udcff"],
    ["half of a surrogate pair", "\xed\xb0\x80", "\udced\udcb0\udc80"],
    ["newlines among others", "\xff\n\xff\r", "\udcff\n\udcff\r"],
  ])("are all there: %s", (_, bytes, text) => {
    expect(decodeScript(Buffer.from(bytes, "latin1"))).toBe(text);
    expect(encodeScript(text).toString("latin1")).toBe(bytes);
  });
});
