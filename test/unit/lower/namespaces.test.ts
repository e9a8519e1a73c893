/** Which numbers of processes a program goes by, where the tracer is in a PID namespace and where it is not. */
import { describe, expect, it } from "vitest";
import { type CompileOptions, compile } from "../../../compiler/compile.ts";
import { Diagnostics } from "../../../compiler/diagnostics.ts";
import { Source } from "../../../compiler/source.ts";
import { fakeFacts } from "../../support/fake-facts.ts";

const INSIDE = fakeFacts({ inFirstPidNamespace: false });

/** How often a script's code asks for numbers of the tracer's namespace. */
function asks(script: string, facts = INSIDE, options: CompileOptions = {}): number {
  const diags = new Diagnostics();
  let asm = "";
  const dump = (stage: string, text: () => string): void => {
    if (stage === "asm") asm = text();
  };
  compile(new Source("test.bt", script), facts, diags, { ...options, dump });
  expect(diags.errors).toEqual([]);
  return asm.split("get_ns_current_pid_tgid").length - 1;
}

const ENTER = "tracepoint:syscalls:sys_enter_read";

describe("in a PID namespace", () => {
  it.each([
    [`${ENTER} { print(pid); }`, 1],
    [`${ENTER} { print((pid, tid, pid(curr_ns), tid())); }`, 1],
    [`${ENTER} { print((pid(init), tid(init))); }`, 0],
    [`${ENTER} { print(ustack); }`, 1],
    [`${ENTER} { print(usym(args.buf)); }`, 1],
    [`${ENTER} { print(comm); }`, 0],
  ])("%s", (script, count) => expect(asks(script)).toBe(count));

  it("-p is a number of that namespace", () => {
    expect(asks(`${ENTER} { @ = count(); }`, INSIDE, { targetPid: 5 })).toBe(1);
  });

  it("threads of other namespaces have no number, so that none has an entry to itself", () => {
    const script = `${ENTER} { @[tid] = nsecs; } tracepoint:syscalls:sys_exit_read { delete(@, tid); }`;
    const maps = (facts: typeof INSIDE) => compile(new Source("t.bt", script), facts, new Diagnostics())!.scriptMaps;
    const tables = [INSIDE, fakeFacts()].map((facts) => maps(facts).map(({ storage }) => storage));
    expect(tables[0]).not.toEqual(tables[1]);
  });
});

describe("outside of PID namespaces", () => {
  it.each(["pid", "tid(curr_ns)", "pid(init)", "ustack"])("%s", (value) => {
    expect(asks(`${ENTER} { print(${value}); }`, fakeFacts())).toBe(0);
  });
});
