/** What is said about arguments that places of USDT probes do not have. */
import { describe, expect, it } from "vitest";
import { checkScript } from "../../support/check.ts";

const said = (script: string): string[] =>
  checkScript(script).diagnostics.map(({ severity, code, message }) => `${severity}[${code}]: ${message}`);

describe("arguments of USDT probes", () => {
  it.each([
    ["usdt:example:start { print(arg0); print(arg1); print(str(arg1)) }"],
    ["usdt:example:example:step { print(arg0) }"],
    ["usdt:example:start, usdt:example:step { print(arg0) }"],
    ["usdt:example:* { print(probe) }"],
    ["usdt:example:start, uprobe:example:main { print(arg0) }"],
    ['usdt:example:start { print(reg("ip")); print(ustack); print(usermode); print(*uaddr("counter")) }'],
  ])("are there: %s", (script) => expect(said(script)).toEqual([]));

  it.each([
    ["usdt:example:start { print(arg2) }", "usdt:/bin/example:example:start has 2 arguments, no `arg2`"],
    ["usdt:example:other:step { print(arg1) }", "usdt:/bin/example:other:step has 1 argument, no `arg1`"],
    ["usdt:example:*quoted* { print(arg0) }", 'usdt:/bin/example:other:"quoted" has no arguments, no `arg0`'],
    [
      "usdt:example:* { print(arg2) }",
      "usdt:/bin/example:example:start has 2 arguments, no `arg2`, and the others do not have it either",
    ],
    [
      "usdt:libexample:call { print(arg1) }",
      "`arg1` of usdt:/lib/libexample.so.1:example:call cannot be read: it is at an address that is relative to `counter` and to a register",
    ],
  ])("are missing: %s", (script, message) => expect(said(script)).toEqual([`error[argument-index]: ${message}`]));

  it("are missing everywhere for different reasons, of which the first is told", () => {
    expect(said("usdt:example:example:step { print(arg1) }")).toEqual([
      "error[argument-index]: usdt:/bin/example:example:step has 1 argument, no `arg1`, and the others do not have it either",
    ]);
  });

  it("are missing at some places, which is told once", () => {
    expect(said("usdt:example:* { print(arg1); print(arg1) }")).toEqual([
      "warning[argument-index]: `arg1` is 0 at 4 of 6 places: usdt:/bin/example:example:step has 1 argument, no `arg1`",
    ]);
  });

  it.each([
    ["sarg0", "`sarg0` cannot be used in usdt probes"],
    ["retval", "`retval` cannot be used in usdt probes"],
    ["func", "`func` cannot be used in usdt probes"],
    ["args", "`args` cannot be used in usdt probes"],
  ])("other values of functions are none of theirs: %s", (name, message) => {
    expect(said(`usdt:example:start { print(${name}) }`)).toEqual([`error[wrong-probe]: ${message}`]);
  });
});
