/** The command line as a whole: its help, its version, and what it says to words that it does not know. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { runCli } from "../support/cli.ts";

const { version } = JSON.parse(readFileSync("package.json", "utf8")) as { version: string };
const COMMANDS = ["init", "run", "trace", "report", "baseline", "doctor", "schema"];

describe("probewright", () => {
  it.each<[string[], RegExp]>([
    [["--help"], /^Usage: probewright \[options\] \[command\]\n.*\nExit codes:\n +0 +all passed/s],
    [["help"], /^Usage: probewright \[options\] \[command\]\n/],
    [["--version"], new RegExp(`^${version}\n$`)],
    [["-V"], new RegExp(`^${version}\n$`)],
    [["help", "run"], /^Usage: probewright run .*--update-baseline/s],
    [["help", "trace"], /^probewright trace - .*--dry-run/s],
    [["baseline", "update", "--help"], /^Usage: probewright baseline update .*--filter/s],
    ...COMMANDS.map((command): [string[], RegExp] => [
      [command, "--help"],
      new RegExp(`^\\S+ ?probewright ${command}\\b|^probewright ${command}\\b`),
    ]),
  ])("%j answers", async (args, answer) => {
    const { status, out, err } = await runCli(args);
    expect({ status, err }).toEqual({ status: 0, err: "" });
    expect(out).toMatch(answer);
  });

  it("lists all commands", async () => {
    const { out } = await runCli(["--help"]);
    for (const command of COMMANDS) expect(out).toMatch(new RegExp(`^ {2}${command}\\b`, "m"));
  });

  it.each<[string[], RegExp]>([
    [[], /^Usage: probewright/],
    [["nonsense"], /^error: unknown command 'nonsense'\n.*`probewright --help` lists commands/s],
    [["trcae"], /did you mean trace\?/i],
    [["constructor"], /^error: unknown command 'constructor'/],
    [["--nonsense"], /^error: unknown option '--nonsense'/],
    [["run", "--nonsense"], /^error: unknown option '--nonsense'/],
    [["run", "--update-baselin"], /did you mean --update-baseline\?/i],
    [["baseline", "nonsense"], /^error: unknown command 'nonsense'/],
  ])("%j is refused", async (args, answer) => {
    const { status, out, err } = await runCli(args);
    expect({ status, out }).toEqual({ status: 2, out: "" });
    expect(err).toMatch(answer);
  });
});
