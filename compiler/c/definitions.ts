/**
 * The C in a script: structs, unions, enums, typedefs and constants that it defines itself or includes. They are looked up
 * before the kernel's own types.
 */
import type { Diagnostics } from "../diagnostics.ts";
import type { FileHost } from "../file-host.ts";
import { Source } from "../source.ts";
import type { CDefinition } from "../syntax/ast.ts";
import { DeclarationReader, type Scope } from "./declarations.ts";
import { Defines, joinedStrings } from "./defines.ts";
import { IncompleteType, Layouts, type Outside } from "./layout.ts";
import { Preprocessor } from "./preprocessor.ts";
import { TokenList } from "./token-list.ts";
import type { CToken } from "./tokens.ts";
import { type CEnum, type CRecord, type CType, cTypeName } from "./types.ts";

export interface CDefinitions {
  /** A struct, union or enum that was defined. */
  tagged(kind: "struct" | "union" | "enum", name: string): CRecord | CEnum | undefined;
  typedef(name: string): CType | undefined;
  /** A constant of an enum. */
  enumerator(name: string): { value: bigint; type: CEnum } | undefined;
  /** Of all that was defined. */
  enumeratorNames(): Iterable<string>;
  /** Of all that was defined, tags and typedefs. */
  typeNames(): Iterable<string>;
  readonly layouts: Layouts;
  readonly defines: Defines;
}

export interface DefinitionOptions {
  arch: "x64" | "arm64";
  files: FileHost | undefined;
  /** Headers to include before everything else. */
  includes: readonly string[];
  /** What the kernel knows; see {@link Outside}. */
  outside: Outside;
  hasBtf: boolean;
  diags: Diagnostics;
}

/** Reads the C of a script. */
export function readDefinitions(definitions: readonly CDefinition[], options: DefinitionOptions): CDefinitions {
  const { arch, outside, includes } = options;
  const scope: Scope = { tags: new Map(), typedefs: new Map(), enumerators: new Map() };
  const layouts = new Layouts(arch, outside);
  if (definitions.length === 0 && includes.length === 0) return result(scope, layouts, NO_DEFINES);
  const preprocessor = new Preprocessor(options);
  const own = new Set(definitions.map(({ span }) => span.source));
  const reader = new DeclarationReader({ ...options, scope, layouts, isOwn: (source) => own.has(source) });
  const commandLine = new Source("--include", includes.map((name) => `#include ${quoted(name)}\n`).join(""));
  reader.read(preprocessor.run(commandLine, 0, commandLine.text.length));
  for (const { span } of definitions) reader.read(preprocessor.run(span.source, span.start, span.end));
  preprocessor.finish();
  const isOwn = (record: CRecord): boolean => own.has(record.span.source);
  for (const tag of scope.tags.values())
    if (tag.kind !== "enum" && isOwn(tag)) checkComplete(tag, layouts, options.diags);
  const defines = new Defines(preprocessor.macros, (tokens) => constantOf(tokens, preprocessor, reader));
  return result(scope, layouts, defines);
}

/** `<name>` is looked for among the system's headers only. */
function quoted(name: string): string {
  return name.startsWith("<") ? name : `"${name}"`;
}

function constantOf(
  tokens: readonly CToken[],
  preprocessor: Preprocessor,
  reader: DeclarationReader,
): bigint | string | undefined {
  const expanded = preprocessor.expand(tokens);
  const text = joinedStrings(expanded);
  if (text !== undefined) return text;
  const last = tokens.at(-1)!;
  const list = new TokenList([...expanded, { ...last, kind: "end", text: "" }]);
  const value = reader.constant(list);
  return value && list.ended ? value.value : undefined;
}

/** Every member of a script's own struct has to have a size. */
function checkComplete(record: CRecord, layouts: Layouts, diags: Diagnostics): void {
  if (!record.members) return;
  try {
    layouts.record(record);
  } catch (error) {
    if (!(error instanceof IncompleteType)) throw error;
    const { type } = error;
    const member = record.members.find((candidate) => holds(candidate.type, type)) ?? record;
    const contains = type === record ? "contains itself" : `has a member of unknown type \`${cTypeName(type)}\``;
    diags.error("unknown-type", member.span, `\`${cTypeName(record)}\` ${contains}`, {
      help: type === record ? "a pointer to it can be a member" : "define the type first, or include its header",
    });
  }
}

function holds(type: CType, wanted: CType): boolean {
  if (type === wanted) return true;
  if (type.kind === "array") return holds(type.element, wanted);
  if (type.kind === "aligned") return holds(type.type, wanted);
  const isAnonymous = (type.kind === "struct" || type.kind === "union") && type.name === "";
  return isAnonymous && (type.members?.some((member) => holds(member.type, wanted)) ?? false);
}

const NO_DEFINES = new Defines(new Map(), () => undefined);

function result({ tags, typedefs, enumerators }: Scope, layouts: Layouts, defines: Defines): CDefinitions {
  return {
    tagged(kind, name) {
      const found = tags.get(name);
      const isDefined = found?.kind === "enum" ? found.values : found?.members;
      return found?.kind === kind && isDefined ? found : undefined;
    },
    typedef: (name) => typedefs.get(name),
    typeNames: () => [...tags.keys(), ...typedefs.keys()],
    enumerator: (name) => enumerators.get(name),
    enumeratorNames: () => enumerators.keys(),
    layouts,
    defines,
  };
}
