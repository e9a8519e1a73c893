/** `probewright schema`: the JSON Schemas of scenario files, for editors, and of results, for other tools. */
import { Argument, type Command } from "commander";
import { writeAll } from "./write-all.ts";

export function register(program: Command): void {
  program
    .command("schema")
    .description("print the JSON Schema of scenario files or of results")
    .addArgument(new Argument("[which]", "of what").choices(["scenario", "result"]).default("scenario"))
    .action(async (which: "scenario" | "result") => {
      writeAll(1, await schemaText(which));
    });
}

async function schemaText(which: "scenario" | "result"): Promise<string> {
  if (which === "result") return (await import("../report/result.ts")).resultSchemaText();
  return (await import("../config/json-schema.ts")).scenarioSchemaText();
}
