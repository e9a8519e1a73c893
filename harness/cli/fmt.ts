/** `probewright fmt`: scripts in their canonical form. */
import type { Command } from "commander";
import { ExitCode } from "./exit-code.ts";
import { Failure } from "./failure.ts";
import { writeAll } from "./write-all.ts";

interface Options {
  check?: boolean;
  stdout?: boolean;
}

export function register(program: Command): void {
  program
    .command("fmt")
    .description("format scripts, in place unless told otherwise")
    .argument("<file...>", "scripts; - is standard input, and goes to standard output")
    .option("--check", "write nothing; name the files that are not formatted, and exit with 1 if there are any")
    .option("--stdout", "print the formatted scripts instead of writing them")
    .action(async (files: string[], options: Options) => {
      process.exitCode = await format(files, options);
    });
}

/** Nothing is written as long as one of the scripts has errors. Throws Failure. */
async function format(files: readonly string[], { check, stdout }: Options): Promise<number> {
  const [
    { readFileSync },
    { Diagnostics },
    { Source },
    { parse },
    { print },
    { writeFileAtomically, WriteError },
    { decodeScript, encodeScript },
    { reasonOf },
  ] = await Promise.all([
    import("node:fs"),
    import("../../compiler/diagnostics.ts"),
    import("../../compiler/source.ts"),
    import("../../compiler/syntax/parser.ts"),
    import("../../compiler/syntax/printer.ts"),
    import("../baseline/atomic-file.ts"),
    import("../tracing/script-text.ts"),
    import("../tracing/symbols/strerror.ts"),
  ]);
  const read = (file: string): string => {
    try {
      return decodeScript(readFileSync(file === STDIN ? 0 : file));
    } catch (error) {
      throw new Failure(`cannot read ${file}: ${reasonOf(error)}`, ExitCode.invalidInput);
    }
  };
  const diags = new Diagnostics();
  const scripts = files.map((file) => {
    const text = read(file);
    return { file, text, script: parse(new Source(file, text), diags) };
  });
  if (diags.hasErrors) {
    throw new Failure("a script has errors", ExitCode.invalidInput, { diagnostics: diags.errors });
  }
  let unformatted = 0;
  for (const { file, text, script } of scripts) {
    const formatted = print(script);
    if (check) {
      if (formatted === text) continue;
      unformatted++;
      writeAll(1, `${file}\n`);
    } else if (stdout || file === STDIN) writeAll(1, encodeScript(formatted));
    else if (formatted !== text) {
      try {
        writeFileAtomically(file, encodeScript(formatted));
      } catch (error) {
        if (error instanceof WriteError) throw new Failure(error.message, ExitCode.invalidInput);
        throw error;
      }
    }
  }
  return unformatted > 0 ? ExitCode.regression : ExitCode.ok;
}

const STDIN = "-";
