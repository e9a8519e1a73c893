/**
 * The command line's entry. Only the named command's module is loaded, and `trace`, which is started by hand and often,
 * does without the framework of the others.
 */
import type { Command } from "commander";
import { ExitCode } from "./exit-code.ts";
import { internalError } from "./internal-error.ts";
import { writeAll } from "./write-all.ts";

interface CommandModule {
  /** Adds the command to the program, its action included. An action sets process.exitCode unless all is well. */
  register(program: Command): void;
}

/** In the order of the help. */
const COMMANDS: Readonly<Record<string, () => Promise<CommandModule>>> = {
  init: () => import("./init.ts"),
  run: () => import("./run.ts"),
  compare: () => import("./compare.ts"),
  trace: async () => ({ register: registerTrace }),
  report: () => import("./report.ts"),
  baseline: () => import("./baseline.ts"),
  fmt: () => import("./fmt.ts"),
  doctor: () => import("./doctor.ts"),
  schema: () => import("./schema.ts"),
};

const AFTER_HELP = `
To begin with:
  sudo npx probewright init     writes scenarios/first.yml
  sudo npx probewright run      runs all scenarios below scenarios/

Exit codes:
  0  all passed                               3  this machine or user lacks something
  1  a regression or a failed assertion       4  a measurement that cannot be trusted
  2  input that makes no sense              130  interrupted
`;

try {
  await main(process.argv.slice(2));
} catch (error) {
  process.exitCode = internalError(error);
}

async function main(argv: readonly string[]): Promise<void> {
  const [name = "", ...rest] = argv;
  const helpOnTrace = name === "help" && rest[0] === "trace";
  if (name === "trace" || helpOnTrace) {
    const { trace } = await import("./trace.ts");
    process.exitCode = await trace(helpOnTrace ? ["--help"] : rest);
    return;
  }
  const [{ CommanderError, program }, { packageVersion }] = await Promise.all([
    import("commander"),
    import("../version.ts"),
  ]);
  program
    .name("probewright")
    .description("kernel-level performance tests for Linux")
    .version(packageVersion(), "-V, --version", "print the version")
    .helpOption("-h, --help", "print this help")
    .helpCommand("help [command]", "print the help of a command")
    .addHelpText("after", AFTER_HELP)
    .showHelpAfterError("`probewright --help` lists commands, and `probewright <command> --help` their options")
    .exitOverride();
  const wanted = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  for (const load of wanted === undefined ? Object.values(COMMANDS) : [wanted]) (await load()).register(program);
  try {
    await program.parseAsync(argv, { from: "user" });
  } catch (error) {
    if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? ExitCode.ok : ExitCode.invalidInput;
    else await printFailure(error);
  }
}

/** For the help only: its arguments are not commander's business. */
function registerTrace(program: Command): void {
  program
    .command("trace")
    .description("run a bpftrace program, with bpftrace's own options")
    .usage("[options] FILE | -e 'PROGRAM' | -");
}

async function printFailure(error: unknown): Promise<void> {
  const [{ renderFailure, tracingFailure }, { paletteFor }] = await Promise.all([
    import("./failure.ts"),
    import("./palette.ts"),
  ]);
  const failure = tracingFailure(error);
  writeAll(2, renderFailure(failure, paletteFor(2)));
  process.exitCode = failure.exitCode;
}
