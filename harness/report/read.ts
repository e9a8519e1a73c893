/** A result file: read, checked against the published form, and refused with one clear sentence if it is none. */
import { readFileSync } from "node:fs";
import type { z } from "zod";
import { type Report, reportOf } from "./model.ts";
import { RESULT_SCHEMA, resultSchema } from "./result.ts";

/** The file cannot be read, or is no result; the message says which and why. */
export class ResultFileError extends Error {
  override readonly name = "ResultFileError";
}

/** What a report shows of the result in a file. Throws ResultFileError. */
export function readReport(path: string): Report {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw new ResultFileError(`cannot read ${path}: ${(error as Error).message}`, { cause: error });
  }
  return parseReport(text, path);
}

/** Likewise for the text of a result file; `name` is what messages call it. */
export function parseReport(text: string, name: string): Report {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new ResultFileError(`${name} is not JSON: ${(error as Error).message}`, { cause: error });
  }
  const schema = typeof json === "object" && json !== null && "schema" in json ? json.schema : undefined;
  if (schema !== RESULT_SCHEMA) {
    const what = typeof schema === "string" ? `says \`${schema}\`` : "does not say what it is";
    throw new ResultFileError(`${name} is not a result of probewright (\`${RESULT_SCHEMA}\`): it ${what}`);
  }
  const parsed = resultSchema.safeParse(json);
  if (!parsed.success) throw new ResultFileError(`${name} is a broken result: ${firstIssue(parsed.error)}`);
  return reportOf(parsed.data);
}

function firstIssue({ issues }: z.ZodError): string {
  const { path, message } = issues[0]!;
  const where = path.map((part) => (typeof part === "number" ? `[${part}]` : `.${String(part)}`)).join("");
  const more = issues.length > 1 ? ` (and ${issues.length - 1} more)` : "";
  return `${where.replace(/^\./, "") || "it"}: ${message}${more}`;
}
