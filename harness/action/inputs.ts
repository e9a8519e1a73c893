/** The inputs of the GitHub Action, read and checked. All mistakes are told together, before anything is measured. */
import { getInput } from "@actions/core";
import { REPORT_FORMATS, type ReportFormat } from "../cli/report-formats.ts";

export const FAILURES = ["regression", "invalid", "inconclusive"] as const;
export type FailureKind = (typeof FAILURES)[number];

export interface Inputs {
  readonly mode: "run" | "compare";
  readonly scenarios: readonly string[];
  readonly base: string;
  /** Empty for `never`. */
  readonly failOn: readonly FailureKind[];
  readonly reporters: readonly ReportFormat[];
  /** As given: relative to the workspace. */
  readonly directory: string;
  readonly baseline: string | undefined;
  readonly sudo: boolean;
}

/** Inputs that make no sense; the message has a line for each. */
export class InputError extends Error {
  override readonly name = "InputError";
}

/** Reads the inputs as the runner passes them. Throws InputError. */
export function readInputs(): Inputs {
  const mistakes: string[] = [];
  const oneOf = <T extends string>(name: string, allowed: readonly T[], fallback: T): T => {
    const text = getInput(name) || fallback;
    const known = allowed.find((value) => value === text);
    if (known === undefined) mistakes.push(`input \`${name}\`: expected ${allowed.join(" or ")}, found \`${text}\``);
    return known ?? fallback;
  };
  const listOf = <T extends string>(name: string, allowed: readonly T[], fallback: string): T[] => {
    const words = (getInput(name) || fallback).split(/[\s,]+/).filter((word) => word !== "");
    return [...new Set(words)].flatMap((word) => {
      const known = allowed.find((value) => value === word);
      if (known === undefined) mistakes.push(`input \`${name}\`: expected ${allowed.join(", ")}, found \`${word}\``);
      return known ?? [];
    });
  };
  const failOn = listOf("fail-on", [...FAILURES, "never"], FAILURES.join());
  if (failOn.includes("never") && failOn.length > 1) mistakes.push("input `fail-on`: `never` stands alone");
  const inputs: Inputs = {
    mode: oneOf("mode", ["run", "compare"], "run"),
    scenarios: linesOf(getInput("scenarios")),
    base: getInput("base") || "HEAD^1",
    failOn: failOn.filter((kind) => kind !== "never"),
    reporters: listOf("reporters", REPORT_FORMATS, ""),
    directory: getInput("working-directory") || ".",
    baseline: getInput("baseline") || undefined,
    sudo: oneOf("sudo", ["true", "false"], "false") === "true",
  };
  if (inputs.mode === "compare" && inputs.baseline !== undefined)
    mistakes.push("input `baseline`: mode compare measures both sides, and needs none");
  if (mistakes.length > 0) throw new InputError(mistakes.join("\n"));
  return inputs;
}

function linesOf(text: string): string[] {
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
}
