/** `probewright init`: a first scenario to run at once and to change from there. */
import type { Command } from "commander";
import { ExitCode } from "./exit-code.ts";
import { Failure } from "./failure.ts";
import { writeAll } from "./write-all.ts";

export function register(program: Command): void {
  program
    .command("init")
    .description("write a first scenario, with comments, that runs at once")
    .argument("[folder]", "where to put it", "scenarios")
    .action(async (folder: string) => {
      await init(folder);
    });
}

const FILE = "first.yml";

async function init(folder: string): Promise<void> {
  const [{ existsSync }, { join }, { writeFileAtomically, WriteError }] = await Promise.all([
    import("node:fs"),
    import("node:path"),
    import("../baseline/atomic-file.ts"),
  ]);
  const path = join(folder, FILE);
  if (existsSync(path)) {
    throw new Failure(`${path} exists already, and is left as it is`, ExitCode.invalidInput, {
      help: "name another folder, or remove it first",
    });
  }
  try {
    writeFileAtomically(path, FIRST_SCENARIO);
  } catch (error) {
    if (error instanceof WriteError) throw new Failure(error.message, ExitCode.invalidInput);
    throw error;
  }
  writeAll(1, `wrote ${path}; run it with: sudo npx probewright run ${path}\n`);
}

/** Uses only what every Linux has. */
const FIRST_SCENARIO = `# yaml-language-server: $schema=../node_modules/probewright/schema/scenario.schema.json
version: 1
name: first
description: listing a folder opens few files

# What is measured. A list is a program with its arguments; \`shell: ls | wc -l\` goes through /bin/sh.
workload:
  command: [ls, /]
  timeout: 10s

# One run to warm up, five that count, and one without probes, which shows what the probes cost.
runs: { warmup: 1, count: 5, control: 1 }

# bpftrace scripts. Only the workload and what it starts is counted.
probes:
  - bpftrace: |
      tracepoint:syscalls:sys_enter_openat { @opens[str(args.filename)] = count(); }

# Numbers made from the scripts' maps. duration, cpu_user, cpu_system, max_rss, page_faults and context_switches come for free.
metrics:
  opens: sum(@opens)

# What must hold in every run.
assert:
  - opens > 0
  - opens <= 100
  - duration < 5s

# What may change against the baseline, which \`probewright baseline update\` records.
compare:
  opens: exact
`;
