/**
 * Reads declarations: structs, unions, enums and typedefs, and in passing everything else that stands in headers. A
 * declaration that cannot be understood is left out; in a script that is an error, in a header of the system it is not.
 */
import type { Diagnostics } from "../diagnostics.ts";
import type { Source, Span } from "../source.ts";
import { type Attributes, noAttributes, readAttributes, withMode } from "./attributes.ts";
import { constant } from "./constant.ts";
import { IncompleteType, type Layouts } from "./layout.ts";
import { type CNumber, number, size } from "./numbers.ts";
import { PRAGMA_PACK } from "./preprocessor.ts";
import { baseType, isBaseWord, QUALIFIERS } from "./specifiers.ts";
import { TokenList } from "./token-list.ts";
import { type CToken, tokenSpan } from "./tokens.ts";
import type { CEnum, CMember, CRecord, CType } from "./types.ts";

/** Everything that has been declared so far. */
export interface Scope {
  readonly tags: Map<string, CRecord | CEnum>;
  readonly typedefs: Map<string, CType>;
  readonly enumerators: Map<string, { value: bigint; type: CEnum }>;
}

export interface DeclarationOptions {
  arch: "x64" | "arm64";
  scope: Scope;
  layouts: Layouts;
  /** Whether mistakes in a source are the script author's business. */
  isOwn(source: Source): boolean;
  diags: Diagnostics;
}

/** Ends the reading of a declaration; what is wrong has been reported. */
class Malformed extends Error {}

const TAGS: ReadonlySet<string> = new Set(["struct", "union", "enum"]);
const TYPEOF: ReadonlySet<string> = new Set(["typeof", "__typeof__", "__typeof", "__auto_type"]);
/** An array longer than this is a mistake, or would not fit anywhere. */
const MAX_COUNT = 1n << 32n;
/** How deep structs, and declarators in parentheses, may be nested. */
const MAX_DEPTH = 100;

interface Specifiers {
  type: CType;
  isTypedef: boolean;
  attributes: Attributes;
  /** Whether a struct, union or enum was defined or declared here. */
  tagged: boolean;
}

export class DeclarationReader {
  readonly #options: DeclarationOptions;
  /** How each record and enum was written, to know a repetition from a contradiction. */
  readonly #bodies = new Map<CRecord | CEnum, string>();
  readonly #packs: (number | undefined)[] = [];
  #pack: number | undefined;
  #list = new TokenList([]);
  #depth = 0;

  constructor(options: DeclarationOptions) {
    this.#options = options;
  }

  /** Reads all declarations in a list of tokens that ends with an "end". */
  read(tokens: readonly CToken[]): void {
    this.#list = new TokenList(tokens);
    while (!this.#list.ended) {
      const before = this.#list.position;
      this.#depth = 0;
      try {
        this.#external();
      } catch (error) {
        if (!(error instanceof Malformed)) throw error;
        this.#recover(before);
      }
    }
  }

  /** Goes behind the declaration that began at `from`: behind its semicolon, or behind a body in braces. */
  #recover(from: number): void {
    const list = this.#list;
    list.position = from;
    while (!list.ended) {
      if (list.accept(";")) return;
      const isBody = list.at("{");
      if (list.at("(") || list.at("[") || isBody) list.skipBrackets();
      else list.next();
      if (isBody && !list.at(";") && list.peek().kind !== "word" && !list.at("*")) return;
    }
  }

  // Messages

  #fail(code: string, at: Span, message: string, help?: string): never {
    this.#report(code, at, message, help);
    throw new Malformed();
  }

  #report(code: string, at: Span, message: string, help?: string): void {
    if (this.#options.isOwn(at.source)) this.#options.diags.error(code, at, message, { help });
  }

  #unexpected(wanted: string): never {
    const token = this.#list.peek();
    const found = token.kind === "end" ? "the end of the definition" : `\`${token.text}\``;
    this.#fail("c-syntax", tokenSpan(token), `expected ${wanted}, found ${found}`);
  }

  #nested<T>(read: () => T): T {
    if (++this.#depth > MAX_DEPTH)
      this.#fail("nested-too-deep", tokenSpan(this.#list.peek()), "this is nested too deeply");
    const result = read();
    this.#depth--;
    return result;
  }

  // Declarations

  #external(): void {
    const list = this.#list;
    if (list.accept(";") || this.#isPragma() || this.#isAssertion()) return;
    const { type, isTypedef, attributes } = this.#specifiers();
    if (list.accept(";") || list.ended) return;
    do {
      const declared = this.#declarator(type);
      const own = { ...attributes };
      readAttributes(list, own, (inner) => this.#value(inner));
      if (isTypedef && declared.name) this.#typedef(declared.name, declared.type, own);
      if (list.at("{")) {
        list.skipBrackets();
        return;
      }
      if (list.accept("=")) this.#skipInitialiser();
    } while (list.accept(","));
    if (!list.accept(";") && !list.ended) this.#unexpected("`;` behind the declaration");
  }

  #typedef(name: CToken, type: CType, attributes: Attributes): void {
    const base = withMode(type, attributes);
    const aligned: CType = attributes.align > 1 ? { kind: "aligned", type: base, align: attributes.align } : base;
    this.#options.scope.typedefs.set(name.text, aligned);
  }

  #skipInitialiser(): void {
    const list = this.#list;
    while (!list.ended && !list.at(",") && !list.at(";")) {
      if (list.at("(") || list.at("[") || list.at("{")) list.skipBrackets();
      else list.next();
    }
  }

  #isAssertion(): boolean {
    const list = this.#list;
    if (!list.at("_Static_assert") && !list.at("static_assert")) return false;
    list.next();
    list.skipBrackets();
    list.accept(";");
    return true;
  }

  /** `#pragma pack(4)`, `pack(push, 4)`, `pack(pop)`, `pack()` */
  #isPragma(): boolean {
    const list = this.#list;
    if (!list.accept(PRAGMA_PACK)) return false;
    if (!list.accept("(")) return true;
    if (list.accept("push")) {
      this.#packs.push(this.#pack);
      list.accept(",");
    } else if (list.accept("pop")) {
      this.#pack = this.#packs.pop();
      list.accept(",");
    } else if (list.at(")")) this.#pack = undefined;
    if (!list.at(")")) this.#pack = Number(this.#value(list) ?? 0) || undefined;
    list.accept(")");
    return true;
  }

  // Specifiers

  #specifiers(): Specifiers {
    const list = this.#list;
    const attributes = noAttributes();
    const words: string[] = [];
    let type: CType | undefined;
    let isTypedef = false;
    let tagged = false;
    for (;;) {
      readAttributes(list, attributes, (inner) => this.#value(inner));
      const token = list.peek();
      if (token.kind !== "word" || token.text === PRAGMA_PACK) break;
      const { text } = token;
      if (text === "typedef") isTypedef = true;
      if (text === "typedef" || QUALIFIERS.has(text)) list.next();
      else if (isBaseWord(text) && !type) {
        words.push(text);
        list.next();
      } else if (words.length > 0 || type) break;
      else if (TAGS.has(text)) {
        type = text === "enum" ? this.#enum() : this.#record();
        tagged = true;
      } else if (TYPEOF.has(text)) {
        list.next();
        list.skipBrackets();
        type = { kind: "named", name: text, span: tokenSpan(token) };
      } else {
        list.next();
        type = this.#named(token);
      }
    }
    if (words.length > 0) type = baseType(words, this.#options.arch);
    if (!type) this.#unexpected("a type");
    return { type, isTypedef, attributes, tagged };
  }

  #named(token: CToken): CType {
    const known = this.#options.scope.typedefs.get(token.text);
    if (known) return known;
    if (token.text === "bool") return { kind: "boolean" };
    return { kind: "named", name: token.text, span: tokenSpan(token) };
  }

  // Structs and unions

  #record(): CRecord {
    const list = this.#list;
    const keyword = list.next();
    const kind = keyword.text === "union" ? "union" : "struct";
    const attributes = noAttributes();
    readAttributes(list, attributes, (inner) => this.#value(inner));
    const name = list.peek().kind === "word" ? list.next() : undefined;
    readAttributes(list, attributes, (inner) => this.#value(inner));
    const record = this.#declared(kind, name, keyword);
    if (!list.at("{")) {
      if (!name) this.#unexpected(`a name or \`{\` behind \`${kind}\``);
      return record;
    }
    const from = list.position;
    const maxAlign = this.#pack;
    const members = this.#nested(() => this.#members(record));
    readAttributes(list, attributes, (inner) => this.#value(inner));
    const body = this.#textSince(from);
    const { packed, align } = attributes;
    if (this.#isRepeated(record, body, name ?? keyword)) return record;
    Object.assign(record, { members, packed, align, maxAlign } satisfies Partial<CRecord>);
    this.#bodies.set(record, body);
    return record;
  }

  /** The record of that tag; a new one for an anonymous definition. */
  #declared(kind: "struct" | "union", name: CToken | undefined, keyword: CToken): CRecord {
    const { tags } = this.#options.scope;
    const known = name && tags.get(name.text);
    if (known?.kind === kind) return known;
    const record: CRecord = {
      kind,
      name: name?.text ?? "",
      members: undefined,
      packed: false,
      align: 1,
      maxAlign: undefined,
      span: tokenSpan(name ?? keyword),
    };
    if (name) tags.set(name.text, record);
    return record;
  }

  /** Whether a definition says again what an earlier one said, or (which is reported) something else. */
  #isRepeated(earlier: CRecord | CEnum, body: string, name: CToken): boolean {
    const known = this.#bodies.get(earlier);
    if (known === undefined) return false;
    if (known !== body && this.#options.isOwn(name.source)) {
      const message = `\`${earlier.kind} ${earlier.name}\` is defined twice, and differently`;
      const labels = [{ span: earlier.span, message: "the first definition" }];
      this.#options.diags.error("duplicate-type", tokenSpan(name), message, { labels });
    }
    return true;
  }

  #textSince(from: number): string {
    const { position } = this.#list;
    const words: string[] = [];
    for (let i = from; i < position; i++) words.push(this.#list.peek(i - position).text);
    return words.join(" ");
  }

  #members(record: CRecord): CMember[] {
    const list = this.#list;
    list.next();
    const members: CMember[] = [];
    const names = new Map<string, CToken>();
    while (!list.accept("}")) {
      if (list.ended) this.#unexpected("`}`");
      if (list.accept(";") || this.#isPragma() || this.#isAssertion()) continue;
      this.#memberDeclaration(members, names);
    }
    if (record.kind === "struct") this.#checkFlexible(members);
    return members;
  }

  #memberDeclaration(members: CMember[], names: Map<string, CToken>): void {
    const list = this.#list;
    const start = list.peek();
    const { type, attributes, tagged } = this.#specifiers();
    if (list.at(";") || list.at("}")) {
      list.accept(";");
      // A tag without a declarator makes a member only if it is anonymous.
      if (tagged && (type.kind === "struct" || type.kind === "union") && type.name === "") {
        members.push({ ...memberOf(attributes), name: "", type, span: tokenSpan(start) });
      }
      return;
    }
    do {
      const own = { ...attributes };
      const declared = list.at(":") ? { name: undefined, type } : this.#declarator(type);
      const width = list.accept(":") ? this.#width(declared.type) : undefined;
      readAttributes(list, own, (inner) => this.#value(inner));
      const { name } = declared;
      const span = tokenSpan(name ?? start);
      if (name && names.has(name.text)) {
        this.#report("duplicate-field", span, `there are two members \`${name.text}\``);
      }
      if (name) names.set(name.text, name);
      if (!name && width === undefined) this.#unexpected("the name of a member");
      members.push({ ...memberOf(own), name: name?.text ?? "", type: withMode(declared.type, own), bits: width, span });
    } while (list.accept(","));
    if (!list.accept(";") && !list.at("}")) this.#unexpected("`;` behind a member");
  }

  #width(type: CType): number {
    const token = this.#list.peek();
    const width = this.#value(this.#list);
    if (width === undefined) this.#fail("c-constant", tokenSpan(token), "the width of a bit-field must be a number");
    const bits = this.#extentOf(type)?.size;
    if (width < 0n || (bits !== undefined && width > BigInt(bits * 8))) {
      this.#fail("bit-field-width", tokenSpan(token), `a bit-field of this type cannot have ${width} bits`);
    }
    return Number(width);
  }

  #extentOf(type: CType): { size: number } | undefined {
    try {
      return this.#options.layouts.extent(type);
    } catch (error) {
      if (!(error instanceof IncompleteType)) throw error;
      return undefined;
    }
  }

  #checkFlexible(members: readonly CMember[]): void {
    for (const { type, span, name } of members.slice(0, -1)) {
      if (type.kind !== "array" || type.count !== undefined) continue;
      this.#report("flexible-array", span, `\`${name}\` has no length, so nothing can stand behind it`);
    }
  }

  // Enums

  #enum(): CEnum {
    const list = this.#list;
    const keyword = list.next();
    const attributes = noAttributes();
    readAttributes(list, attributes, (inner) => this.#value(inner));
    const name = list.peek().kind === "word" ? list.next() : undefined;
    const { tags } = this.#options.scope;
    const known = name && tags.get(name.text);
    const type: CEnum =
      known?.kind === "enum"
        ? known
        : {
            kind: "enum",
            name: name?.text ?? "",
            size: 4,
            signed: false,
            values: undefined,
            span: tokenSpan(name ?? keyword),
          };
    if (name) tags.set(name.text, type);
    const underlying = list.accept(":") ? this.#specifiers().type : undefined;
    if (!list.at("{")) {
      if (!name) this.#unexpected("a name or `{` behind `enum`");
      return type;
    }
    const from = list.position;
    const values = this.#enumerators(type);
    readAttributes(list, attributes, (inner) => this.#value(inner));
    const body = this.#textSince(from);
    if (this.#isRepeated(type, body, name ?? keyword)) return type;
    const shape =
      underlying?.kind === "integer" && underlying.size !== 16 ? underlying : shapeOf(values, attributes.packed);
    Object.assign(type, { values, size: shape.size, signed: shape.signed });
    this.#bodies.set(type, body);
    return type;
  }

  #enumerators(type: CEnum): { name: string; value: bigint }[] {
    const list = this.#list;
    list.next();
    const values: { name: string; value: bigint }[] = [];
    let next = 0n;
    while (!list.accept("}")) {
      const name = list.peek();
      if (name.kind !== "word") this.#unexpected("the name of a constant");
      list.next();
      readAttributes(list, noAttributes(), (inner) => this.#value(inner));
      if (list.accept("=")) {
        const token = list.peek();
        const value = this.#value(list);
        if (value === undefined) this.#fail("c-constant", tokenSpan(token), "this is no constant number");
        next = value;
      }
      values.push({ name: name.text, value: next });
      this.#options.scope.enumerators.set(name.text, { value: next, type });
      next++;
      if (!list.accept(",") && !list.at("}")) this.#unexpected("`,` or `}`");
    }
    return values;
  }

  // Declarators

  #declarator(base: CType): { name: CToken | undefined; type: CType } {
    const list = this.#list;
    let type = base;
    for (;;) {
      if (list.accept("*") || list.accept("^")) type = { kind: "pointer", to: type };
      else if (list.peek().kind === "word" && QUALIFIERS.has(list.peek().text)) list.next();
      else {
        const before = list.position;
        readAttributes(list, noAttributes(), (inner) => this.#value(inner));
        if (list.position === before) break;
      }
    }
    if (list.at("(") && this.#isInnerDeclarator()) return this.#nested(() => this.#innerDeclarator(type));
    const { kind, text } = list.peek();
    const name = kind === "word" && text !== PRAGMA_PACK ? list.next() : undefined;
    return { name, type: this.#suffixes(type) };
  }

  /** `(*f)(int)`: the parenthesis holds the inner part of a declarator, and no parameters. */
  #isInnerDeclarator(): boolean {
    const { kind, text } = this.#list.peek(1);
    if (kind === "punctuator") return text === "*" || text === "(" || text === "^";
    return kind === "word" && (text === "__attribute__" || !this.#isTypeWord(text));
  }

  /** What stands behind the parenthesis belongs to the type that the inside is made of. */
  #innerDeclarator(base: CType): { name: CToken | undefined; type: CType } {
    const list = this.#list;
    const open = list.position;
    list.skipBrackets();
    const type = this.#suffixes(base);
    const end = list.position;
    list.position = open + 1;
    const inner = this.#declarator(type);
    if (!list.at(")")) this.#unexpected("`)`");
    list.position = end;
    return inner;
  }

  #suffixes(base: CType): CType {
    const list = this.#list;
    if (list.at("(")) {
      list.skipBrackets();
      this.#suffixes(base);
      return { kind: "function" };
    }
    if (!list.accept("[")) return base;
    while (list.peek().kind === "word" && QUALIFIERS.has(list.peek().text)) list.next();
    const token = list.peek();
    const count = list.at("]") ? undefined : this.#count(token);
    if (!list.accept("]")) this.#unexpected("`]`");
    return { kind: "array", element: this.#nested(() => this.#suffixes(base)), count };
  }

  #count(token: CToken): number {
    const count = this.#value(this.#list);
    if (count === undefined) this.#fail("c-constant", tokenSpan(token), "the length of an array must be a number");
    if (count < 0n || count > MAX_COUNT)
      this.#fail("array-length", tokenSpan(token), `an array cannot have ${count} elements`);
    return Number(count);
  }

  // Constants

  #isTypeWord(text: string): boolean {
    return (
      TAGS.has(text) ||
      TYPEOF.has(text) ||
      isBaseWord(text) ||
      QUALIFIERS.has(text) ||
      text === "bool" ||
      this.#options.scope.typedefs.has(text)
    );
  }

  #value(list: TokenList): bigint | undefined {
    return this.constant(list)?.value;
  }

  /** The constant expression that comes next; undefined if it is none. */
  constant(list: TokenList): CNumber | undefined {
    return constant(list, {
      name: (name) => {
        const found = this.#options.scope.enumerators.get(name);
        if (!found) return undefined;
        const { value } = found;
        return BigInt.asIntN(32, value) === value ? number(value, 32, false) : number(value, 64, value > 0n);
      },
      typed: (inner, operand) => this.#inside(inner, () => this.#typed(inner, operand)),
    });
  }

  /** Runs `read` with another list as the one that is read. */
  #inside<T>(list: TokenList, read: () => T): T | undefined {
    const before = this.#list;
    this.#list = list;
    try {
      return read();
    } catch (error) {
      if (!(error instanceof Malformed) && !(error instanceof IncompleteType)) throw error;
      return undefined;
    } finally {
      this.#list = before;
    }
  }

  #typed(list: TokenList, readOperand: () => CNumber | undefined): CNumber | "no" | undefined {
    const { text } = list.peek();
    const { layouts } = this.#options;
    if (text === "sizeof") {
      list.next();
      return this.#atType(list) ? size(layouts.extent(this.#typeInParentheses()).size) : undefined;
    }
    if (text === "_Alignof" || text === "__alignof__" || text === "alignof") {
      list.next();
      return this.#atType(list) ? size(layouts.extent(this.#typeInParentheses()).align) : undefined;
    }
    if (text === "__builtin_offsetof" || text === "offsetof") return this.#offsetOf(list);
    if (!this.#atType(list)) return "no";
    const type = this.#typeInParentheses();
    const operand = readOperand();
    if (!operand) return undefined;
    if (type.kind === "boolean") return number(operand.value === 0n ? 0n : 1n, 32, false);
    if (type.kind === "pointer") return number(operand.value, 64, true);
    if (type.kind !== "integer" || type.size === 16) return undefined;
    const bits = type.size * 8;
    const value = type.signed ? BigInt.asIntN(bits, operand.value) : BigInt.asUintN(bits, operand.value);
    return number(value, type.size === 8 ? 64 : 32, type.size >= 4 && !type.signed);
  }

  #atType(list: TokenList): boolean {
    const { kind, text } = list.peek(1);
    return list.at("(") && kind === "word" && this.#isTypeWord(text);
  }

  #typeInParentheses(): CType {
    this.#list.next();
    const { type } = this.#specifiers();
    const declared = this.#declarator(type);
    if (!this.#list.accept(")")) this.#unexpected("`)`");
    return declared.type;
  }

  #offsetOf(list: TokenList): CNumber | undefined {
    list.next();
    if (!list.accept("(")) return undefined;
    let type = this.#declarator(this.#specifiers().type).type;
    if (!list.accept(",")) return undefined;
    let bits = 0;
    do {
      const name = list.next().text;
      if (type.kind !== "struct" && type.kind !== "union") return undefined;
      const found = this.#options.layouts.record(type).members.find(({ member }) => member.name === name);
      if (!found) return undefined;
      bits += found.bitOffset;
      type = found.member.type;
    } while (list.accept("."));
    return list.accept(")") ? size(bits / 8) : undefined;
  }
}

function memberOf({ packed, align }: Attributes): Pick<CMember, "packed" | "align" | "bits"> {
  return { packed, align, bits: undefined };
}

/** What gcc takes for an enum: as few bytes as an int, more only if the values need them. */
function shapeOf(values: readonly { value: bigint }[], packed: boolean): { size: 1 | 2 | 4 | 8; signed: boolean } {
  const signed = values.some(({ value }) => value < 0n);
  for (const size of packed ? ([1, 2, 4] as const) : ([4] as const)) {
    const wrap = signed ? BigInt.asIntN : BigInt.asUintN;
    if (values.every(({ value }) => wrap(size * 8, value) === value)) return { size, signed };
  }
  return { size: 8, signed };
}
