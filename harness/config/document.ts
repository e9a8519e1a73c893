/**
 * YAML text to a tree of located values: mappings, lists and scalars that know their place. Syntax errors, duplicate
 * keys, aliases and merge keys are dealt with here; what the keys mean is of no concern.
 */
import {
  type Alias,
  Composer,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  Parser,
  type Scalar,
  type YAMLMap,
  type YAMLSeq,
} from "yaml";
import type { Diagnostics } from "../../compiler/diagnostics.ts";
import { type Source, type Span, span } from "../../compiler/source.ts";
import { alignScalar, type MappedText, type ScalarStyle } from "./mapped-text.ts";

export type Located = LocatedScalar | LocatedList | LocatedMap;

export interface LocatedScalar {
  readonly kind: "scalar";
  readonly value: string | number | boolean | null;
  /** A text as decoded, anything else as it is written (so `0.10` stays `0.10`). */
  readonly text: MappedText;
  readonly span: Span;
}

export interface LocatedList {
  readonly kind: "list";
  readonly items: readonly Located[];
  readonly span: Span;
}

export interface LocatedMap {
  readonly kind: "map";
  readonly entries: ReadonlyMap<string, Entry>;
  readonly span: Span;
}

export interface Entry {
  readonly keySpan: Span;
  readonly value: Located;
}

/** Deeper nesting than any scenario has, shallow enough for every recursion over the tree. */
const MAX_DEPTH = 50;
/** Aliases may multiply a small file into a huge value. */
const MAX_NODES = 100_000;

/** The tree of the only document in a source; undefined if there is none or its syntax is broken. */
export function parseDocument(source: Source, diags: Diagnostics): Located | undefined {
  const tokens = [...new Parser().parse(source.text)];
  const deep = tooDeep(tokens);
  if (deep !== undefined) {
    diags.error("nested-too-deeply", span(source, deep, deep + 1), `nested more than ${MAX_DEPTH} levels deep`);
    return undefined;
  }
  const options = {
    version: "1.2",
    schema: "core",
    prettyErrors: false,
    uniqueKeys: false,
    logLevel: "silent",
  } as const;
  const documents: Document.Parsed[] = [...new Composer(options).compose(tokens, true, source.text.length)];
  const before = diags.errors.length;
  for (const document of documents)
    for (const { code, message, pos } of [...document.errors, ...document.warnings])
      reportSyntax(source, code, message, pos, diags);
  const second = documents[1];
  if (second) {
    const start = second.range[0];
    diags.error("several-documents", span(source, start, start + 1), "the file holds more than one YAML document", {
      help: "put several scenarios into one list under `scenarios:`",
    });
  }
  if (diags.errors.length > before) return undefined;
  const document = documents[0]!;
  if (document.contents === null) {
    diags.error("empty-file", span(source, 0, 0), "the file is empty", { help: "start with `version: 1`" });
    return undefined;
  }
  return new Builder(source, document, diags).build();
}

type SyntaxToken = ReturnType<Parser["parse"]> extends Iterable<infer T> ? T : never;

/** The offset of the first node below MAX_DEPTH. The YAML composer recurses, so this comes before it. */
function tooDeep(tokens: readonly SyntaxToken[]): number | undefined {
  const pending = tokens.map((token) => ({ token, depth: 0 }));
  for (let next = pending.pop(); next; next = pending.pop()) {
    const { token, depth } = next;
    if (depth > MAX_DEPTH) return token.offset;
    if (token.type === "document" && token.value) pending.push({ token: token.value, depth });
    if ("items" in token)
      for (const { key, value } of token.items)
        for (const inner of [key, value]) if (inner) pending.push({ token: inner, depth: depth + 1 });
  }
  return undefined;
}

const SYNTAX_HELP: Readonly<Record<string, string>> = {
  TAB_AS_INDENT: "indent with spaces",
  BAD_SCALAR_START: "put the text into quotes",
  BLOCK_AS_IMPLICIT_KEY: "a text with `: ` in it needs quotes",
  TAG_RESOLVE_FAILED: "a text that begins with `!` needs quotes",
};

function reportSyntax(
  source: Source,
  code: string,
  message: string,
  [start, end]: [number, number],
  diags: Diagnostics,
): void {
  const line = source.line(source.position(Math.min(start, source.text.length)).line);
  const help = line.includes("${{") ? "a template inside [ ] or { } needs quotes" : SYNTAX_HELP[code];
  const text = message.charAt(0).toLowerCase() + message.slice(1);
  diags.error(
    "yaml-syntax",
    span(source, Math.min(start, source.text.length), Math.min(end, source.text.length)),
    text,
    { help },
  );
}

const STYLES: Readonly<Record<string, ScalarStyle>> = {
  PLAIN: "plain",
  QUOTE_SINGLE: "single",
  QUOTE_DOUBLE: "double",
  BLOCK_LITERAL: "literal",
  BLOCK_FOLDED: "folded",
};

/** An anchored value, with what an alias to it adds to the tree. */
interface Anchor {
  readonly value: Located;
  readonly size: number;
  readonly height: number;
}

class Builder {
  readonly #source: Source;
  readonly #document: Document.Parsed;
  readonly #diags: Diagnostics;
  /** "open" while the anchored value is being built: an alias to it would contain itself. */
  readonly #anchors = new Map<string, Anchor | "open">();
  /** Nodes so far, those behind aliases included. */
  #size = 0;
  #depth = 0;
  /** The deepest level so far within the innermost anchor. */
  #deepest = 0;

  constructor(source: Source, document: Document.Parsed, diags: Diagnostics) {
    this.#source = source;
    this.#document = document;
    this.#diags = diags;
  }

  build(): Located | undefined {
    const before = this.#diags.errors.length;
    const tree = this.#node(this.#document.contents, span(this.#source, 0, 0));
    if (this.#size > MAX_NODES)
      this.#diags.error("file-too-large", tree.span, `more than ${MAX_NODES} values, aliases included`);
    return this.#diags.errors.length > before ? undefined : tree;
  }

  /** `near` stands in where a node is left out, as in `key:` without a value. */
  #node(node: unknown, near: Span): Located {
    this.#size++;
    this.#deepest = Math.max(this.#deepest, this.#depth);
    if (isAlias(node)) return this.#alias(node);
    if (!isScalar(node) && !isMap(node) && !isSeq(node)) return nothing(near);
    if (node.anchor === undefined) return this.#value(node, near);
    const before = { size: this.#size, deepest: this.#deepest };
    this.#deepest = this.#depth;
    this.#anchors.set(node.anchor, "open");
    const value = this.#value(node, near);
    this.#anchors.set(node.anchor, { value, size: this.#size - before.size, height: this.#deepest - this.#depth });
    this.#deepest = Math.max(this.#deepest, before.deepest);
    return value;
  }

  #value(node: Scalar | YAMLMap | YAMLSeq, near: Span): Located {
    if (isScalar(node)) return this.#scalar(node, near);
    this.#depth++;
    const built = isMap(node) ? this.#map(node) : this.#list(node);
    this.#depth--;
    return built;
  }

  #alias(alias: Alias): Located {
    const where = this.#span(alias);
    const fail = (message: string): Located => {
      this.#diags.error("bad-alias", where, message);
      return nothing(where);
    };
    const anchor = this.#anchors.get(alias.source);
    if (!anchor) return fail(`there is no anchor \`&${alias.source}\` above`);
    if (anchor === "open") return fail(`the alias \`*${alias.source}\` contains itself`);
    this.#size += anchor.size;
    this.#deepest = Math.max(this.#deepest, this.#depth + anchor.height);
    if (this.#size > MAX_NODES) return nothing(where);
    return this.#depth + anchor.height > MAX_DEPTH ? fail("aliases are nested too deeply") : anchor.value;
  }

  #scalar(node: Scalar, near: Span): LocatedScalar {
    const where = node.range ? this.#span(node) : near;
    const { value } = node;
    const raw = this.#source.text.slice(where.start, where.end);
    const style = STYLES[node.type ?? "PLAIN"] ?? "plain";
    const isText = typeof value === "string";
    const known = isText || typeof value === "number" || typeof value === "boolean" || value === null;
    if (!known)
      this.#diags.error("yaml-type", where, "values of this YAML type have no meaning here", {
        help: "put the text into quotes",
      });
    if (isText && value.includes("\0"))
      this.#diags.error("nul-character", where, "a text must not hold a NUL character");
    // A missing value stands right behind its key; show the key.
    const visible = raw === "" ? near : where;
    const text = alignScalar(this.#source.text, where.start, where.end, style, isText ? value : raw);
    return { kind: "scalar", value: known ? value : null, text, span: visible };
  }

  #list(node: YAMLSeq): LocatedList {
    const where = this.#span(node);
    return { kind: "list", items: node.items.map((item) => this.#node(item, where)), span: where };
  }

  #map(node: YAMLMap): LocatedMap {
    const where = this.#span(node);
    const entries = new Map<string, Entry>();
    const merged: LocatedMap[] = [];
    for (const { key, value } of node.items) {
      if (!isScalar(key)) {
        this.#diags.error("bad-key", where, "a key must be a single word or text");
        continue;
      }
      const keySpan = key.range ? this.#span(key) : where;
      const name = this.#scalar(key, where).text.text;
      if (name === "<<") {
        merged.push(...this.#mergeSources(value, keySpan));
        continue;
      }
      const first = entries.get(name);
      if (first)
        this.#diags.error("duplicate-key", keySpan, `the key \`${name}\` stands here a second time`, {
          labels: [{ span: first.keySpan, message: "first here" }],
        });
      else entries.set(name, { keySpan, value: this.#node(value, keySpan) });
    }
    // Own keys win over merged ones, earlier sources over later ones.
    for (const { entries: more } of merged)
      for (const [name, entry] of more) if (!entries.has(name)) entries.set(name, entry);
    return { kind: "map", entries, span: where };
  }

  #mergeSources(value: unknown, near: Span): LocatedMap[] {
    const located = this.#node(value, near);
    const sources = located.kind === "list" ? located.items : [located];
    return sources.flatMap((item): LocatedMap[] => {
      if (item.kind === "map") return [item];
      this.#diags.error("bad-merge", item.span, "`<<` takes a mapping or a list of mappings");
      return [];
    });
  }

  #span(node: { range?: [number, number, number] | null }): Span {
    const [start, end] = node.range ?? [0, 0];
    return span(this.#source, start, end);
  }
}

function nothing(near: Span): LocatedScalar {
  return { kind: "scalar", value: null, text: { text: "", offsets: [near.start] }, span: near };
}
