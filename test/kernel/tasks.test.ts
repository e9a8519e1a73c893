/** What is loaded from tasks in place is what the tracepoints' records and the helpers say. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { describeKernel } from "../support/privileges.ts";
import { compileC, hasCompiler, trace } from "../support/traced.ts";

const NAME = "pw_sleeper";
const SLEEPER = "#include <unistd.h>\nint main() { for (int i = 0; i < 20; i++) usleep(1000); return 0; }";

describeKernel("the fields of tasks", () => {
  let folder: string;
  let program: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "pw-tasks-"));
    if (hasCompiler) program = compileC(folder, NAME, SLEEPER);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  /** The entries of the two maps of a script, which are to be the same. */
  async function maps(script: string): Promise<[string[], string[]]> {
    const { output } = await trace(script, [program], { everywhere: true });
    const entries = (name: string) =>
      output.split("\n").flatMap((line) => (line.startsWith(`${name}[`) ? [line.slice(name.length)] : []));
    return [entries("@a"), entries("@b")];
  }

  // A field that is not taken from a task, or the context itself, keeps the second block on the perf tracepoint.
  it.runIf(hasCompiler).each([
    ["sched_switch", "next_comm", "args.next_comm, args.next_pid, args.next_prio", "args.prev_state < 1000000"],
    ["sched_switch", "prev_comm", "args.prev_comm, args.prev_pid, args.prev_prio", "args.prev_state < 1000000"],
    ["sched_wakeup", "comm", "args.comm, args.pid, args.prio", "args.target_cpu >= 0"],
  ])("%s, %s", async (event, comm, key, condition) => {
    const block = (map: string, more: string) =>
      `tracepoint:sched:${event} /args.${comm} == "${NAME}"${more}/ { ${map}[${key}] = count(); }`;
    const [a, b] = await maps(`${block("@a", "")} ${block("@b", ` && ${condition}`)}`);
    expect(a).toHaveLength(1);
    expect(a).toEqual(b);
  });

  it.runIf(hasCompiler)("the current task's ids and name", async () => {
    const block = (probe: string, map: string) => `${probe} /comm == "${NAME}"/ { ${map}[pid, tid, comm] = count(); }`;
    const enter = "tracepoint:syscalls:sys_enter_clock_nanosleep";
    const record = block(enter, "@b").replace("/comm", "/(uint64)ctx != 0 && comm");
    const [a, b] = await maps(`${block(enter, "@a")} ${record}`);
    expect(a).toHaveLength(1);
    expect(a[0]).toContain(`${NAME}]: 20`);
    expect(a).toEqual(b);
  });
});
