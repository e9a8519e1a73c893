/**
 * The macros of a script, and which of several with one name a call means. A parameter `$x` takes a variable only, `@x` a
 * map only, and a plain name takes anything.
 */
import type { Diagnostics, Label } from "../diagnostics.ts";
import type { Span } from "../source.ts";
import type {
  Block,
  BlockExpression,
  Call,
  Expression,
  Identifier,
  Macro,
  MapName,
  Name,
  Variable,
} from "../syntax/ast.ts";
import { walk } from "../syntax/walk.ts";

export type Parameter = Variable | MapName | Identifier;
export type Argument = Call["args"][number];

export interface MacroDefinition {
  name: string;
  parameters: readonly Parameter[];
  /** A bare expression is the body of a macro of C: its names mean what they mean at the call. */
  body: Block | BlockExpression | Expression;
  span: Span;
  origin: "script" | "stdlib" | "c";
}

export function parameterName(parameter: Parameter): string {
  return parameter.name;
}

/** Macros by name; each name's in the order in which they were defined. */
export type MacroTable = ReadonlyMap<string, readonly MacroDefinition[]>;

/** Takes the macros that are sound; complains about the others. */
export function macroTable(macros: readonly Macro[], origin: "script" | "stdlib", diags: Diagnostics): MacroTable {
  const table = new Map<string, MacroDefinition[]>();
  for (const { name, parameters, body } of macros) {
    checkParameters(name, parameters, diags);
    checkBody(body, diags);
    const others = table.get(name.text) ?? [];
    // A more general one in front of this one would take all of its calls.
    const earlier = others.find((other) => mismatch(other, parameters) === 0);
    if (earlier) {
      diags.error(
        "duplicate-macro",
        name.span,
        `a macro \`${name.text}\` that takes these arguments is there already`,
        {
          labels: [{ span: earlier.span, message: "it is this one" }],
        },
      );
    } else table.set(name.text, [...others, { name: name.text, parameters, body, span: name.span, origin }]);
  }
  return table;
}

function checkParameters(macro: Name, parameters: readonly Parameter[], diags: Diagnostics): void {
  const seen = new Set<string>();
  for (const { name, span } of parameters) {
    if (seen.has(name)) {
      diags.error("duplicate-parameter", span, `the macro \`${macro.text}\` has two parameters \`${name}\``);
    }
    seen.add(name);
  }
}

/** A macro stands for a piece of the probe that calls it: it cannot end the probe, or a loop around the call. */
function checkBody(body: Block | BlockExpression, diags: Diagnostics): void {
  const loops = new Set(["while", "for", "unroll"]);
  let depth = 0;
  walk(
    body,
    ({ kind, span }) => {
      if (loops.has(kind)) depth++;
      if (kind === "return" || ((kind === "break" || kind === "continue") && depth === 0)) {
        diags.error("jump-in-macro", span, `\`${kind}\` cannot be used in a macro`, {
          help: kind === "return" ? "its last expression, without a semicolon, is its value" : undefined,
        });
      }
    },
    ({ kind }) => {
      if (loops.has(kind)) depth--;
    },
  );
}

/** 0 if a macro takes the arguments; otherwise the more, the less they go together. */
export function mismatch({ parameters }: MacroDefinition, args: readonly Argument[]): number {
  let distance = 1024 * Math.abs(parameters.length - args.length);
  for (const [i, arg] of args.entries()) if (!accepts(parameters[i], arg)) distance++;
  return distance;
}

function accepts(parameter: Parameter | undefined, arg: Argument): boolean {
  return parameter === undefined || parameter.kind === "identifier" || parameter.kind === arg.kind;
}

/** Complains about a call that no macro of its name takes. */
export function reportMismatch(
  candidates: readonly MacroDefinition[],
  args: readonly Argument[],
  call: Span,
  diags: Diagnostics,
): void {
  const distances = candidates.map((candidate) => mismatch(candidate, args));
  const closest = candidates[distances.indexOf(Math.min(...distances))]!;
  const { name, parameters, span } = closest;
  if (parameters.length !== args.length) {
    const takes = parameters.length === 1 ? "1 argument" : `${parameters.length} arguments`;
    diags.error("macro-arguments", call, `\`${name}\` takes ${takes}, but ${args.length} ${are(args.length)} given`, {
      labels: [{ span, message: candidates.length > 1 ? "the closest definition" : "it is defined here" }],
    });
    return;
  }
  const labels: Label[] = [];
  const wrong = args.find((arg, i) => {
    const parameter = parameters[i];
    if (accepts(parameter, arg)) return false;
    labels.push({ span: parameter!.span, message: "this is the parameter" });
    return true;
  });
  const parameter = parameters[args.indexOf(wrong!)]!;
  const wanted = parameter.kind === "variable" ? "a variable" : "a map";
  diags.error("macro-arguments", wrong!.span, `\`${name}\` takes ${wanted} for \`${parameter.name}\``, { labels });
}

function are(count: number): string {
  return count === 1 ? "is" : "are";
}
