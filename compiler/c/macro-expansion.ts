/** Macros of C: what `#define` notes, and what it does to the tokens behind it. */
import type { CToken } from "./tokens.ts";

export interface CMacro {
  name: CToken;
  /** Undefined for a macro that is used without parentheses. The last one stands for all further arguments if `variadic`. */
  parameters: readonly string[] | undefined;
  variadic: boolean;
  body: readonly CToken[];
}

export type CMacros = ReadonlyMap<string, CMacro>;

/** Macros that contain each other many times over grow without bounds; no script needs so many tokens. */
const MAX_TOKENS = 4_000_000;

/** Thrown where macros become too large. */
export class TooManyTokens extends Error {}

/** Tokens that are being read; those of a macro's body do not expand that macro again. */
interface Context {
  tokens: readonly CToken[];
  at: number;
  macro: CMacro | undefined;
}

/** Expands all macros in a list of tokens (without an "end" token). Throws TooManyTokens. */
export function expandTokens(tokens: readonly CToken[], macros: CMacros): CToken[] {
  return new MacroExpander(macros).expand(tokens, new Set());
}

class MacroExpander {
  readonly #macros: CMacros;
  #made = 0;

  constructor(macros: CMacros) {
    this.#macros = macros;
  }

  expand(tokens: readonly CToken[], open: ReadonlySet<CMacro>): CToken[] {
    const result: CToken[] = [];
    const disabled = new Set(open);
    const contexts: Context[] = [{ tokens, at: 0, macro: undefined }];
    const next = (): CToken | undefined => {
      for (let context = contexts.at(-1); context; context = contexts.at(-1)) {
        const token = context.tokens[context.at++];
        if (token) return token;
        contexts.pop();
        if (context.macro) disabled.delete(context.macro);
      }
      return undefined;
    };
    for (let token = next(); token; token = next()) {
      const macro = token.kind === "word" && !token.final ? this.#macros.get(token.text) : undefined;
      if (!macro) result.push(token);
      else if (disabled.has(macro)) result.push({ ...token, final: true });
      else {
        const body = this.#body(macro, token, contexts, next, disabled);
        if (!body) {
          result.push(token);
          continue;
        }
        this.#made += body.length;
        if (this.#made > MAX_TOKENS) throw new TooManyTokens();
        contexts.push({ tokens: body, at: 0, macro });
        disabled.add(macro);
      }
    }
    return result;
  }

  /** What stands for a use of a macro; undefined for the bare name of one that takes arguments. */
  #body(
    macro: CMacro,
    use: CToken,
    contexts: readonly Context[],
    next: () => CToken | undefined,
    disabled: ReadonlySet<CMacro>,
  ): readonly CToken[] | undefined {
    const { parameters, body } = macro;
    if (!parameters) return spacedLike(use, pasted(body));
    if (!isCalled(contexts)) return undefined;
    const args = readArguments(parameters.length, macro.variadic, next);
    return spacedLike(use, this.#substituted(macro, parameters, args, disabled));
  }

  #substituted(
    { body, variadic }: CMacro,
    parameters: readonly string[],
    args: readonly (readonly CToken[])[],
    disabled: ReadonlySet<CMacro>,
  ): CToken[] {
    const expanded: (CToken[] | undefined)[] = [];
    const result: CToken[] = [];
    const parameterOf = (token: CToken | undefined): number =>
      token?.kind === "word" ? parameters.indexOf(token.text) : -1;
    for (let i = 0; i < body.length; i++) {
      const token = body[i]!;
      const index = parameterOf(token);
      const operand = token.text === "#" && token.kind === "punctuator" ? parameterOf(body[i + 1]) : -1;
      if (operand >= 0) {
        result.push(stringified(args[operand] ?? [], token));
        i++;
      } else if (index < 0) {
        // GNU: the comma in `, ## __VA_ARGS__` goes with the arguments.
        const rest = variadic && token.text === "," && isPaste(body[i + 1]) ? parameterOf(body[i + 2]) : -1;
        if (rest === parameters.length - 1 && rest >= 0) {
          const given = args[rest] ?? [];
          if (given.length > 0) result.push(token, ...given);
          i += 2;
        } else result.push(token);
      } else if (isPaste(body[i + 1]) || isPaste(body[i - 1])) {
        const given = args[index] ?? [];
        result.push(...(given.length > 0 ? given : [{ ...token, kind: "punctuator" as const, text: "" }]));
      } else {
        expanded[index] ??= this.expand(args[index] ?? [], disabled);
        result.push(...spacedLike(token, expanded[index]));
      }
    }
    return pasted(result);
  }
}

/** Whether the tokens end among the arguments of a macro. */
export function isWithinCall(tokens: readonly CToken[], macros: CMacros): boolean {
  let depth = 0;
  for (const [i, { kind, text }] of tokens.entries()) {
    if (kind === "punctuator" && text === "(") {
      const callee = tokens[i - 1];
      if (depth > 0 || (callee?.kind === "word" && macros.get(callee.text)?.parameters)) depth++;
    } else if (kind === "punctuator" && text === ")" && depth > 0) depth--;
  }
  return depth > 0;
}

/** Whether an opening parenthesis comes next. */
function isCalled(contexts: readonly Context[]): boolean {
  for (let i = contexts.length - 1; i >= 0; i--) {
    const { tokens, at } = contexts[i]!;
    const token = tokens[at];
    if (token) return token.text === "(" && token.kind === "punctuator";
  }
  return false;
}

/** Reads from the opening parenthesis to the one that closes it. */
function readArguments(count: number, variadic: boolean, next: () => CToken | undefined): CToken[][] {
  next();
  const args: CToken[][] = [[]];
  let depth = 0;
  for (let token = next(); token; token = next()) {
    const { text, kind } = token;
    if (kind === "punctuator") {
      if (text === "(") depth++;
      if (text === ")" && depth-- === 0) break;
      if (text === "," && depth === 0 && !(variadic && args.length >= count)) {
        args.push([]);
        continue;
      }
    }
    args.at(-1)!.push(token);
  }
  return args;
}

function isPaste(token: CToken | undefined): boolean {
  return token?.text === "##" && token.kind === "punctuator";
}

/** Joins the tokens on both sides of each `##`. */
function pasted(tokens: readonly CToken[]): CToken[] {
  if (!tokens.some(isPaste)) return [...tokens];
  const result: CToken[] = [];
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i]!;
    const left = result.at(-1);
    const right = tokens[i + 1];
    if (!isPaste(token) || !left || !right) {
      result.push(token);
      continue;
    }
    i++;
    const text = left.text + right.text;
    const kind = left.text === "" ? right.kind : left.kind;
    result[result.length - 1] = { ...left, kind, text };
  }
  return result.filter(({ text }) => text !== "");
}

function stringified(tokens: readonly CToken[], at: CToken): CToken {
  const text = tokens.map(({ text, spaced }, i) => (spaced && i > 0 ? ` ${text}` : text)).join("");
  const quoted = tokens.some(({ kind }) => kind === "string" || kind === "character")
    ? text.replace(/["\\]/g, "\\$&")
    : text;
  return { ...at, kind: "string", text: `"${quoted}"` };
}

/** Blanks stand before what takes the place of a token where they stood before the token. */
function spacedLike({ spaced }: CToken, tokens: readonly CToken[]): CToken[] {
  return tokens.map((token, i) => (i === 0 && token.spaced !== spaced ? { ...token, spaced } : token));
}
