/** The published JSON Schemas of the files that users write, for editors. Generated from the definition that the loader uses. */
import { z } from "zod";
import { listFile, projectFile, singleFile, TEMPLATE_SCHEMA } from "./definition.ts";

/** The schema as a JSON value (draft 2020-12). */
export function scenarioJsonSchema(): Record<string, unknown> {
  const {
    anyOf = [],
    $schema,
    $defs,
  } = z.toJSONSchema(z.union([singleFile, listFile]), { io: "input", override: admitTemplates });
  const [single, list] = anyOf;
  // With a condition an editor reports what is wrong with the form at hand; of an "anyOf" it could only say "neither".
  return { $schema, title: "probewright scenario", if: { required: ["scenarios"] }, then: list, else: single, $defs };
}

/** Where no free text may stand anyway, a template may. */
function admitTemplates({ jsonSchema }: { jsonSchema: z.core.JSONSchema.BaseSchema }): void {
  if (jsonSchema.type !== "integer" && jsonSchema.enum === undefined) return;
  const { id, description, ...rest } = jsonSchema;
  for (const key of Object.keys(rest)) delete jsonSchema[key];
  jsonSchema.anyOf = [rest, TEMPLATE_SCHEMA as z.core.JSONSchema.BaseSchema];
}

/** The schema as the text of the file that ships with the package. */
export function scenarioSchemaText(): string {
  return `${JSON.stringify(scenarioJsonSchema(), null, 2)}\n`;
}

/** The schema of the project's configuration, as the text of the file that ships with the package. */
export function configSchemaText(): string {
  return `${JSON.stringify(z.toJSONSchema(projectFile, { io: "input" }), null, 2)}\n`;
}
