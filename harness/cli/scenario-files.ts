/** Which scenario files a command is about: those that it names, else those of the configuration, else `scenarios`. */
import { existsSync } from "node:fs";
import { relative, resolve } from "node:path";
import { Diagnostics } from "../../compiler/diagnostics.ts";
import { fileHost } from "../config/host.ts";
import { findProjectFile, loadProject } from "../config/project.ts";
import { DiscoverError, discover } from "../runner/discover.ts";
import { ExitCode } from "./exit-code.ts";
import { Failure } from "./failure.ts";

const DEFAULT_PATHS = ["scenarios"];

/** Paths of files, relative where the user's were. Throws Failure. */
export function scenarioFiles(paths: readonly string[]): string[] {
  try {
    return discover(paths.length > 0 ? paths : configuredPaths());
  } catch (error) {
    if (error instanceof DiscoverError) throw new Failure(error.message, ExitCode.invalidInput);
    throw error;
  }
}

/** The files and folders that are meant where none is named. Throws Failure. */
function configuredPaths(): readonly string[] {
  const file = findProjectFile(resolve("."), existsSync);
  if (file === undefined) return DEFAULT_PATHS;
  const diags = new Diagnostics();
  const project = loadProject(file, relative("", file), fileHost, diags);
  if (project === undefined)
    throw new Failure(`${file} is not valid`, ExitCode.invalidInput, { diagnostics: diags.items });
  return project.scenarios?.map((path) => relative("", path) || ".") ?? DEFAULT_PATHS;
}
