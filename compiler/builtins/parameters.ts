/** Named parameters of a script: `getopt("name", default)`. They are known when the script is compiled. */
import type { Checker } from "../sema/check.ts";
import { parseInteger } from "../sema/check-expressions.ts";
import { literalType, type Type, unknown } from "../sema/types.ts";
import type { Call } from "../syntax/ast.ts";
import type { Functions } from "./table.ts";

const FLAGS: Record<string, boolean> = { true: true, false: false, "1": true, "0": false };

function check(c: Checker, call: Call): Type {
  const name = c.literal(call.args[0], "the parameter's name");
  const fallback = c.expressionArg(call, 1);
  const type: Type = fallback ? c.type(fallback) : { kind: "boolean", value: false };
  if (call.args.length > 2) c.literal(call.args[2], "the description");
  if (name === undefined || type.kind === "unknown") return unknown;
  if (!("value" in type) || type.value === undefined) {
    return c.error("constant-expected", (fallback ?? call).span, "the default must be a literal");
  }
  const { namedParameters } = c.settings;
  const given = Object.hasOwn(namedParameters, name) ? namedParameters[name] : undefined;
  return given === undefined ? type : read(c, call, name, given, type);
}

/** The value that was given, as the kind of value that the default is. */
function read(c: Checker, call: Call, name: string, given: string | true, like: Type): Type {
  switch (like.kind) {
    case "boolean": {
      const word = given === true ? "true" : given.toLowerCase();
      const value = Object.hasOwn(FLAGS, word) ? FLAGS[word] : undefined;
      if (value !== undefined) return { kind: "boolean", value };
      return wrong(c, call, name, "boolean", given);
    }
    case "integer": {
      const value = given === true ? undefined : parseInteger(given);
      if (value !== undefined) return literalType(value);
      return wrong(c, call, name, "integer", given);
    }
    case "string": {
      if (given === true) return wrong(c, call, name, "string", given);
      const value = String.fromCharCode(...new TextEncoder().encode(given));
      return { kind: "string", size: value.length + 1, value };
    }
    default:
      return c.error("argument-type", call.span, "a parameter is a number, a text, or true or false");
  }
}

function wrong(c: Checker, call: Call, name: string, type: string, given: string | true): Type {
  const value = given === true ? "there is none" : `value: ${given}`;
  const help = given === true ? `write --${name}=VALUE` : undefined;
  const message = `program command line option --${name} invalid ${type} (${value})`;
  return c.error("parameter-value", call.span, message, help, { elsewhere: true });
}

export const parameterFunctions: Functions = {
  getopt: {
    args: [1, 3],
    form: 'getopt("name"[, default[, "description"]])',
    check,
    // The checker knows the value.
    lower: { effect: () => {} },
  },
};
