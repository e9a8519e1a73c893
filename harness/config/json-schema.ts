/** The published JSON Schema of scenario files, for editors. Generated from the definition that the loader uses. */
import { z } from "zod";
import { listFile, singleFile } from "./definition.ts";

/** A template may stand for any value that is no text; the loader checks what it becomes. */
const TEMPLATE = { type: "string", pattern: "\\$\\{\\{.*\\}\\}" };

/** The schema as a JSON value (draft 2020-12). */
export function scenarioJsonSchema(): Record<string, unknown> {
  const schema = z.toJSONSchema(z.union([singleFile, listFile]), {
    io: "input",
    override: ({ jsonSchema }) => {
      const typed = jsonSchema.type === "integer" || jsonSchema.type === "number" || jsonSchema.type === "boolean";
      const closed =
        jsonSchema.enum !== undefined || (jsonSchema.type === "string" && jsonSchema.pattern !== undefined);
      if (!typed && !closed) return;
      const { description, examples, ...rest } = jsonSchema;
      for (const key of Object.keys(jsonSchema)) delete jsonSchema[key as keyof typeof jsonSchema];
      Object.assign(jsonSchema, description && { description }, examples && { examples }, { anyOf: [rest, TEMPLATE] });
    },
  });
  return { ...schema, title: "probewright scenario" };
}

/** The schema as the text of the file that ships with the package. */
export function scenarioSchemaText(): string {
  return `${JSON.stringify(scenarioJsonSchema(), null, 2)}\n`;
}
