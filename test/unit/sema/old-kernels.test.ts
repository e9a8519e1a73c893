/** What an older kernel cannot do is told where the script asks for it, with the release that can. */
import { describe, expect, it } from "vitest";
import { compile } from "../../../compiler/compile.ts";
import { Diagnostics } from "../../../compiler/diagnostics.ts";
import { Source } from "../../../compiler/source.ts";
import { fakeFacts } from "../../support/fake-facts.ts";
import { asOf } from "../../support/kernel-releases.ts";

type Release = readonly [number, number];

/** `column: message | help` of each error, with ` || ` between them. */
function errors(text: string, release: Release): string {
  const diags = new Diagnostics();
  compile(new Source("test.bt", text), asOf(fakeFacts(), release), diags);
  return diags.errors
    .map(({ span, message, help }) => `${span.source.position(span.start).column}: ${message} | ${help}`)
    .join(" || ");
}

const LONG_KEYS = "make their strings shorter, with str(x, n) or max_strlen; since Linux 5.11 keys may be longer";

describe("scripts for a kernel that is too old", () => {
  it.each<[string, before: Release, since: Release, string]>([
    [
      "begin { for ($i : 0..3) { print($i) } }",
      [5, 16],
      [5, 17],
      "9: this kernel cannot run for loops over ranges | they came with Linux 5.17",
    ],
    [
      "begin { @[1] = 1; for ($kv : @) { print($kv) } }",
      [5, 12],
      [5, 13],
      "19: this kernel cannot run for loops over maps | they came with Linux 5.13",
    ],
    [
      "begin { @[1] = 1; print(len(@)) }",
      [5, 12],
      [5, 13],
      "25: this kernel cannot count the entries of a map | it came with Linux 5.13",
    ],
    [
      'begin { print(strstr(comm, "a")) }',
      [5, 16],
      [5, 17],
      "15: this kernel cannot run strstr() | it came with Linux 5.17",
    ],
    [
      "uretprobe:/bin/example:main { print(func) }",
      [6, 5],
      [6, 6],
      "37: this kernel does not tell `func` here | it came with Linux 6.6",
    ],
    [
      'uretprobe:/lib/libexample.so.1:example_call { print(*uaddr("counter")) }',
      [6, 5],
      [6, 6],
      "54: this kernel does not tell uaddr() in a uretprobe | it came with Linux 6.6",
    ],
    [
      "fentry:tcp_reset { @ = socket_cookie(args.sk) }",
      [5, 11],
      [5, 12],
      "24: this kernel does not number sockets for tracing | it came with Linux 5.12",
    ],
    [
      'begin { debugf("%5d", 1) }',
      [5, 12],
      [5, 13],
      "16: this kernel's formatting knows no `%5d` | it came with Linux 5.13",
    ],
    [
      'begin { debugf("%s%s%%", "a", "b") }',
      [5, 12],
      [5, 13],
      "16: this kernel's formatting knows no second `%s` | it came with Linux 5.13 || 16: this kernel's formatting knows no `%%` | it came with Linux 5.13",
    ],
    [
      "profile:hz:99 { @ = dw_ustack }",
      [5, 16],
      [5, 17],
      "21: this kernel cannot follow stacks without frame pointers | it came with Linux 5.17",
    ],
    [
      "begin { print(nsecs(tai)) }",
      [6, 0],
      [6, 1],
      "21: this kernel has no TAI clock for BPF programs | it came with Linux 6.1",
    ],
    [
      "config = { max_strlen = 512 } begin { @x[str(nsecs), 1] = 1 }",
      [5, 10],
      [5, 11],
      `39: the keys of @x have 513 bytes, and this kernel takes 512 | ${LONG_KEYS}`,
    ],
    [
      "config = { max_strlen = 512 } begin { @x[str(nsecs)] = tseries(1, 1s, 2) }",
      [5, 10],
      [5, 11],
      `39: the keys of @x have 512 bytes, and this kernel takes 504 | ${LONG_KEYS}`,
    ],
  ])("%s", (text, before, since, expected) => {
    expect(errors(text, before)).toBe(expected);
    expect(errors(text, since)).toBe("");
  });

  it.each(["@x[str(nsecs), comm] = 1", "@x[str(nsecs), str(nsecs), pid, nsecs] = 1", "@x = str(nsecs)"])(
    "strings have no more than small keys take: %s",
    (body) => expect(errors(`begin { ${body} }`, [5, 10])).toBe(""),
  );
});
