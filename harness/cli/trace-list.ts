/**
 * `probewright trace -l`: prints the probes that match a pattern, or that a script attaches to. There may be hundreds of thousands, so
 * that they are written by the block, and as they are found.
 */
import { closeSync, openSync, statSync } from "node:fs";
import { resolve } from "../../compiler/compile.ts";
import { Diagnostics } from "../../compiler/diagnostics.ts";
import { type ListOptions, listBlocks, listMatches } from "../../compiler/sema/listing.ts";
import { headline, hint } from "../tracing/output/remark.ts";
import { reasonOf } from "../tracing/symbols/strerror.ts";
import { ExitCode } from "./exit-code.ts";
import { Failure } from "./failure.ts";
import { paletteFor } from "./palette.ts";
import type { TraceArgs } from "./trace-args.ts";
import { compileOptions, factsFor, openTarget, orErrors, readScript } from "./trace-script.ts";
import { writeAll } from "./write-all.ts";

/** Answers the exit code: that nothing was found is no failure. */
export function listProbes(args: TraceArgs): number {
  if (args.pid !== undefined) openTarget(args.pid).close();
  const facts = factsFor(args);
  const options = { facts, targetPid: args.pid, verbose: args.verbose, warn: warner(args) };
  const fd = args.output === undefined ? 1 : openOutput(args.output);
  try {
    return writeLines(fd, linesOf(args, options));
  } finally {
    if (fd !== 1) closeSync(fd);
  }
}

function linesOf(args: TraceArgs, options: ListOptions): Iterable<string> {
  const script = scriptOf(args, options);
  if (script === undefined) return listMatches(args.search || EVERYTHING, options);
  const diags = new Diagnostics();
  const { blocks } = orErrors(resolve(readScript({ script }), options.facts, diags, compileOptions(args)), diags, args);
  return listBlocks(blocks, options);
}

const EVERYTHING = "*";

/** What stands where a script's file may stand is a file if there is one, and else a pattern. */
function scriptOf({ script, search, parameters }: TraceArgs, { warn }: ListOptions): TraceArgs["script"] {
  if (script !== undefined || search === undefined) return script;
  if (search === "-") return { kind: "stdin" };
  if (isFile(search)) return { kind: "file", path: search };
  if (parameters.length > 0) {
    const help = "several patterns are written as one, with commas between them";
    throw new Failure(`there is no file '${search}' to have parameters`, ExitCode.invalidInput, { help });
  }
  if (LIKE_A_FILE.test(search)) {
    warn(
      `It appears that '${search}' is a filename but the file does not exist. Treating '${search}' as a search pattern.`,
    );
  }
  return undefined;
}

/** A pattern with a path in it has a type in front. */
const LIKE_A_FILE = /^[^:*]*\.bt$|^[^:*]*\/[^:*]*$/;

function isFile(path: string): boolean {
  try {
    return !statSync(path).isDirectory();
  } catch {
    return false;
  }
}

function warner({ warnings }: TraceArgs): ListOptions["warn"] {
  if (warnings === 0) return () => {};
  return (message, help) => {
    writeAll(2, headline("warning", message, undefined, paletteFor(2)) + hint(help));
  };
}

function openOutput(path: string): number {
  try {
    return openSync(path, "w");
  } catch (error) {
    throw new Failure(`failed to open output file '${path}': ${reasonOf(error)}`, ExitCode.invalidInput);
  }
}

const BLOCK = 1 << 16;

function writeLines(fd: number, lines: Iterable<string>): number {
  let block = "";
  for (const line of lines) {
    block += `${line}\n`;
    if (block.length < BLOCK) continue;
    if (!write(fd, block)) return ExitCode.ok;
    block = "";
  }
  write(fd, block);
  return ExitCode.ok;
}

/** False when nobody reads on, as `head` does not. */
function write(fd: number, text: string): boolean {
  const error = writeAll(fd, text);
  if (error === undefined) return true;
  if (error.code === "EPIPE") return false;
  throw new Failure(`cannot write the output: ${reasonOf(error)}`, ExitCode.invalidMeasurement);
}
