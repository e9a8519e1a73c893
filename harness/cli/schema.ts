/** `probewright schema`: the JSON Schemas of what users write, for editors, and of results, for other tools. */
import { Argument, type Command } from "commander";
import { writeAll } from "./write-all.ts";

export function register(program: Command): void {
  program
    .command("schema")
    .description("print the JSON Schema of scenario files, of the configuration or of results")
    .addArgument(new Argument("[which]", "of what").choices(Object.keys(SCHEMAS)).default("scenario"))
    .action(async (which: string) => {
      writeAll(1, await SCHEMAS[which]!());
    });
}

const SCHEMAS: Readonly<Record<string, () => Promise<string>>> = {
  scenario: async () => (await import("../config/json-schema.ts")).scenarioSchemaText(),
  config: async () => (await import("../config/json-schema.ts")).configSchemaText(),
  result: async () => (await import("../report/result.ts")).resultSchemaText(),
};
