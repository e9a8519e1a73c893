/**
 * A validator for the part of JSON Schema that the scenario schema uses, so that the schema itself can be tested.
 * A keyword that it does not know throws: a schema that says more than is checked here must not go unnoticed.
 */
type Schema = Readonly<Record<string, unknown>>;
type Check = (value: unknown, argument: never, schema: Schema, root: Schema) => boolean;

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const TYPES: Readonly<Record<string, (value: unknown) => boolean>> = {
  object: isObject,
  array: Array.isArray,
  string: (value) => typeof value === "string",
  number: (value) => typeof value === "number",
  integer: Number.isInteger,
  boolean: (value) => typeof value === "boolean",
  null: (value) => value === null,
};

/** As the specification has it, a keyword says nothing about values of another type than its own. */
const KEYWORDS: Readonly<Record<string, Check>> = {
  type: (value, types: string | string[]) => [types].flat().some((type) => TYPES[type]!(value)),
  const: (value, expected) => value === expected,
  enum: (value, values: unknown[]) => values.includes(value),
  pattern: (value, pattern: string) => typeof value !== "string" || new RegExp(pattern, "u").test(value),
  minLength: (value, least: number) => typeof value !== "string" || value.length >= least,
  maxLength: (value, most: number) => typeof value !== "string" || value.length <= most,
  minimum: (value, least: number) => typeof value !== "number" || value >= least,
  maximum: (value, most: number) => typeof value !== "number" || value <= most,
  minItems: (value, least: number) => !Array.isArray(value) || value.length >= least,
  maxItems: (value, most: number) => !Array.isArray(value) || value.length <= most,
  items: (value, items: Schema, _, root) => !Array.isArray(value) || value.every((item) => accepts(items, item, root)),
  prefixItems: (value, items: Schema[], _, root) =>
    !Array.isArray(value) || items.every((item, i) => i >= value.length || accepts(item, value[i], root)),
  required: (value, keys: string[]) => !isObject(value) || keys.every((key) => Object.hasOwn(value, key)),
  properties: (value, properties: Record<string, Schema>, _, root) =>
    !isObject(value) ||
    Object.entries(properties).every(
      ([key, schema]) => !Object.hasOwn(value, key) || accepts(schema, value[key], root),
    ),
  additionalProperties: (value, rest: Schema | boolean, { properties }, root) =>
    !isObject(value) ||
    Object.keys(value)
      .filter((key) => !isObject(properties) || !Object.hasOwn(properties, key))
      .every((key) => (typeof rest === "boolean" ? rest : accepts(rest, value[key], root))),
  propertyNames: (value, names: Schema, _, root) =>
    !isObject(value) || Object.keys(value).every((key) => accepts(names, key, root)),
  anyOf: (value, schemas: Schema[], _, root) => schemas.some((schema) => accepts(schema, value, root)),
  allOf: (value, schemas: Schema[], _, root) => schemas.every((schema) => accepts(schema, value, root)),
  oneOf: (value, schemas: Schema[], _, root) => schemas.filter((schema) => accepts(schema, value, root)).length === 1,
  if: (value, condition: Schema, { then: yes, else: no }, root) =>
    accepts((accepts(condition, value, root) ? yes : no) as Schema, value, root),
  $ref: (value, path: string, _, root) =>
    accepts((root.$defs as Record<string, Schema>)[path.replace("#/$defs/", "")]!, value, root),
  not: (value, schema: Schema, _, root) => !accepts(schema, value, root),
};

/** `then` and `else` are read by `if`, `$defs` by `$ref`. */
const SILENT: ReadonlySet<string> = new Set([
  "$schema",
  "title",
  "description",
  "examples",
  "default",
  "id",
  "then",
  "else",
  "$defs",
]);

export function accepts(schema: Schema, value: unknown, root: Schema = schema): boolean {
  return Object.entries(schema).every(([keyword, argument]) => {
    if (SILENT.has(keyword)) return true;
    const check = KEYWORDS[keyword];
    if (!check) throw new Error(`unknown keyword ${keyword}`);
    return check(value, argument as never, schema, root);
  });
}
