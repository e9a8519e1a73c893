/**
 * The preprocessor of C: conditions, definitions and headers. It works through the pieces of C that stand in scripts and
 * through the headers that they include, and leaves the tokens of declarations. Headers of a system are taken as they are:
 * what cannot be understood in them is passed over, while mistakes in a script are reported.
 */
import type { Diagnostics } from "../diagnostics.ts";
import { type FileHost, folderOf, pathFrom } from "../file-host.ts";
import { outermost, Source, type Span } from "../source.ts";
import { BUILTIN_HEADERS, predefinedMacros } from "./builtin-headers.ts";
import { constant } from "./constant.ts";
import { type CMacro, expandTokens, isWithinCall, TooManyTokens } from "./macro-expansion.ts";
import { int } from "./numbers.ts";
import { TokenList } from "./token-list.ts";
import { type CToken, cTokens, tokenSpan, unquoted } from "./tokens.ts";

export interface PreprocessorOptions {
  arch: "x64" | "arm64";
  files: FileHost | undefined;
  /** Whether the kernel's types are known without headers. */
  hasBtf: boolean;
  diags: Diagnostics;
}

/** Headers that include each other go no deeper. */
const MAX_INCLUDE_DEPTH = 200;

/** Folders of the kernel's own headers: with BTF, the types in them are known without them. */
const KERNEL_HEADER =
  /^(?:acpi|asm|asm-generic|block|crypto|drm|generated|kernel|keys|kvm|linux|math-emu|media|memory|misc|net|pcmcia|ras|rdma|scsi|soc|sound|target|trace|uapi|vdso|video|xen)\//;

interface Condition {
  opened: CToken;
  /** Whether the text around it counts. */
  outer: boolean;
  /** Whether the text behind it counts. */
  active: boolean;
  /** Whether one of its branches has been taken. */
  taken: boolean;
  hasElse: boolean;
}

/** Which of the folders with headers a source was found in; -1: beside the file that included it. */
interface Header {
  source: Source;
  folder: number;
}

/** So many tokens are nobody's arguments: a parenthesis is missing. */
const MAX_ARGUMENTS = 10_000;

/** What the kernel's own build puts before everything. */
const KERNEL_CONFIGURATION = "#define __KERNEL__ 1\n#define __BPF_TRACING__ 1\n#include <linux/kconfig.h>\n";

export class Preprocessor {
  readonly macros = new Map<string, CMacro>();
  readonly #options: PreprocessorOptions;
  readonly #conditions: Condition[] = [];
  readonly #headers: Header[] = [];
  readonly #once = new Set<string>();
  /** Conditions that are open outside of the current file. */
  #outside = 0;
  /** Whether the kernel's configuration is still to be read: with the first header, if there is any. */
  #unconfigured: boolean;
  #output: CToken[] = [];

  constructor(options: PreprocessorOptions) {
    this.#options = options;
    this.#unconfigured = options.files?.hasKernelHeaders ?? false;
    this.#all(cTokens(new Source("<predefined>", predefinedMacros(options.arch, options.hasBtf))));
  }

  /** The tokens of the declarations in a piece of C, ending with an "end" token. */
  run(source: Source, start: number, end: number): CToken[] {
    this.#output = [];
    const tokens = cTokens(source, start, end);
    this.#all(tokens);
    return [...this.#output, tokens.at(-1)!];
  }

  /** Complains about conditions that were never closed. */
  finish(): void {
    for (const { opened } of this.#conditions) {
      this.#options.diags.error("unclosed-condition", tokenSpan(opened), `this \`#${opened.text}\` has no \`#endif\``);
    }
  }

  /** Replaces macros, in tokens without an "end". */
  expand(tokens: readonly CToken[]): CToken[] {
    try {
      return expandTokens(tokens, this.macros);
    } catch (error) {
      if (!(error instanceof TooManyTokens)) throw error;
      const first = tokens[0];
      if (first) this.#options.diags.error("macro-too-large", tokenSpan(first), "the macros here become too large");
      return [];
    }
  }

  /** Works through the tokens of a file, up to its "end". */
  #all(tokens: readonly CToken[]): void {
    let at = 0;
    let waiting: CToken[] = [];
    while (tokens[at]!.kind !== "end") {
      const from = at;
      if (isDirective(tokens[at]!)) {
        at++;
        while (!tokens[at]!.startsLine) at++;
        this.#directive(tokens.slice(from + 1, at), tokens[from]!);
      } else {
        while (tokens[at]!.kind !== "end" && !isDirective(tokens[at]!)) at++;
        if (!this.#isActive) continue;
        const reached = tokens.slice(from, at);
        waiting = waiting.length > 0 ? [...waiting, ...reached] : reached;
        // GNU: there may be conditions among the arguments of a macro.
        if (waiting.length < MAX_ARGUMENTS && isWithinCall(waiting, this.macros)) continue;
        this.#write(waiting);
        waiting = [];
      }
    }
    this.#write(waiting);
  }

  #write(tokens: readonly CToken[]): void {
    for (const token of this.expand(tokens)) this.#output.push(token);
  }

  get #isActive(): boolean {
    return this.#conditions.at(-1)?.active ?? true;
  }

  get #inHeader(): boolean {
    return this.#headers.length > 0;
  }

  #report(code: string, at: Span, message: string, help?: string): void {
    if (!this.#inHeader) this.#options.diags.error(code, at, message, { help });
  }

  // Directives

  #directive(line: readonly CToken[], hash: CToken): void {
    const [name, ...rest] = line;
    if (!name) return;
    if (this.#conditional(name, rest)) return;
    if (!this.#isActive) return;
    switch (name.text) {
      case "define":
        this.#define(rest, name);
        return;
      case "undef":
        if (rest[0]) this.macros.delete(rest[0].text);
        return;
      case "include":
      case "include_next":
        this.#include(name, rest);
        return;
      case "pragma":
        this.#pragma(rest, hash);
        return;
      case "error":
        this.#report("c-error", tokenSpan(name), lineText(rest) || "#error");
        return;
      case "warning":
        if (!this.#inHeader) this.#options.diags.warning("c-warning", tokenSpan(name), lineText(rest));
        return;
      case "line":
      case "ident":
        return;
      default:
        this.#report("unknown-directive", tokenSpan(name), `there is no directive \`#${name.text}\``);
    }
  }

  #conditional(name: CToken, rest: readonly CToken[]): boolean {
    switch (name.text) {
      case "if":
      case "ifdef":
      case "ifndef": {
        const outer = this.#isActive;
        const active = outer && this.#opens(name, rest);
        this.#conditions.push({ opened: name, outer, active, taken: active, hasElse: false });
        return true;
      }
      case "elif":
      case "else": {
        const condition = this.#conditions.slice(this.#outside).at(-1);
        if (!condition || condition.hasElse) {
          this.#report("misplaced-directive", tokenSpan(name), `this \`#${name.text}\` belongs to no \`#if\``);
          return true;
        }
        const untaken = condition.outer && !condition.taken;
        condition.active = untaken && (name.text === "else" || this.#isTrue(name, rest));
        condition.taken ||= condition.active;
        condition.hasElse = name.text === "else";
        return true;
      }
      case "endif":
        if (this.#conditions.length > this.#outside) this.#conditions.pop();
        else this.#report("misplaced-directive", tokenSpan(name), "this `#endif` ends nothing");
        return true;
      default:
        return false;
    }
  }

  #opens(name: CToken, rest: readonly CToken[]): boolean {
    if (name.text === "if") return this.#isTrue(name, rest);
    const [macro] = rest;
    if (macro?.kind !== "word") this.#report("bad-directive", tokenSpan(name), `\`#${name.text}\` needs a name`);
    return this.#isDefined(macro?.text ?? "") === (name.text === "ifdef");
  }

  #isDefined(name: string): boolean {
    return this.macros.has(name) || HAS.has(name);
  }

  #isTrue(name: CToken, rest: readonly CToken[]): boolean {
    const tokens = this.expand(this.#withoutQuestions(rest));
    const list = new TokenList([...tokens, { ...name, kind: "end" }]);
    const value = constant(list, { name: () => int(0) });
    if (value && list.ended) return value.value !== 0n;
    this.#report("bad-condition", tokenSpan(name), "this condition cannot be evaluated");
    return false;
  }

  /** Answers `defined(X)`, `__has_include(<x.h>)` and the like, whose operands must not be expanded. */
  #withoutQuestions(tokens: readonly CToken[]): CToken[] {
    const result: CToken[] = [];
    for (let i = 0; i < tokens.length; i++) {
      const token = tokens[i]!;
      if (token.text !== "defined" && !HAS.has(token.text)) {
        result.push(token);
        continue;
      }
      const inBrackets = tokens[i + 1]?.text === "(";
      const first = i + (inBrackets ? 2 : 1);
      let last = first;
      if (inBrackets) while (last < tokens.length && tokens[last]!.text !== ")") last++;
      result.push({
        ...token,
        kind: "number",
        text: this.#answer(token.text, tokens.slice(first, last + 1)) ? "1" : "0",
      });
      i = last;
    }
    return result;
  }

  #answer(question: string, operand: readonly CToken[]): boolean {
    if (question === "defined") return this.#isDefined(operand[0]?.text ?? "");
    if (!question.startsWith("__has_include")) return false;
    const header = this.#headerName(operand);
    return header !== undefined && this.#find(header, operand[0]!, question === "__has_include_next") !== undefined;
  }

  #define(line: readonly CToken[], directive: CToken): void {
    const [name, ...rest] = line;
    if (name?.kind !== "word") {
      this.#report("bad-define", tokenSpan(name ?? directive), "`#define` needs a name");
      return;
    }
    const [open] = rest;
    if (open?.text !== "(" || open.spaced) {
      this.macros.set(name.text, { name, parameters: undefined, variadic: false, body: rest });
      return;
    }
    const close = rest.findIndex(({ text }) => text === ")");
    const parameters = readParameters(rest.slice(1, close));
    if (close < 0 || !parameters) {
      this.#report(
        "bad-define",
        tokenSpan(open),
        "these are no parameters of a macro",
        "write `#define name(a, b) ...`",
      );
      return;
    }
    this.macros.set(name.text, { name, ...parameters, body: rest.slice(close + 1) });
  }

  #pragma([what, ...rest]: readonly CToken[], hash: CToken): void {
    const header = this.#headers.at(-1);
    if (what?.text === "once" && header) this.#once.add(header.source.name);
    // How tightly structs are packed is said in the middle of declarations: it goes along with them.
    if (what?.text === "pack") this.#output.push({ ...hash, kind: "word", text: PRAGMA_PACK }, ...rest);
  }

  // Headers

  #include(directive: CToken, rest: readonly CToken[]): void {
    const header = this.#headerName(rest) ?? this.#headerName(this.expand(rest));
    if (!header) {
      this.#report("bad-include", tokenSpan(directive), '`#include` takes a header: `<name.h>` or `"name.h"`');
      return;
    }
    this.#configure();
    const found = this.#find(header, directive, directive.text === "include_next");
    if (!found) this.#notFound(header, directive);
    else if (this.#headers.length >= MAX_INCLUDE_DEPTH) {
      const { source } = this.#headers[0]!;
      this.#options.diags.error(
        "include-depth",
        source.importedBy!,
        `\`${source.name}\` includes itself again and again`,
      );
    } else if (!this.#once.has(found.source.name)) this.#enter(found);
  }

  #configure(): void {
    if (!this.#unconfigured) return;
    this.#unconfigured = false;
    this.#enter({ source: new Source("<kernel>", KERNEL_CONFIGURATION), folder: -1 });
  }

  #enter(header: Header): void {
    this.#headers.push(header);
    const outside = this.#outside;
    this.#outside = this.#conditions.length;
    this.#all(cTokens(header.source));
    // A condition does not reach from one file into another.
    this.#conditions.length = this.#outside;
    this.#outside = outside;
    this.#headers.pop();
  }

  #headerName(tokens: readonly CToken[]): HeaderName | undefined {
    const [first, ...rest] = tokens;
    if (first?.kind === "string") return { name: unquoted(first), quoted: true };
    if (first?.text !== "<") return undefined;
    const last = rest.findIndex(({ text }) => text.endsWith(">"));
    if (last < 0) return undefined;
    const { source, end } = rest[last]!;
    // Cut out of the source, because a path is no sequence of tokens.
    const isPlain = rest.slice(0, last + 1).every((token) => token.source === first.source);
    const inner = isPlain ? source.text.slice(first.end, end) : lineText(rest.slice(0, last + 1));
    return { name: inner.slice(0, inner.lastIndexOf(">")).trim(), quoted: false };
  }

  #find({ name, quoted }: HeaderName, directive: CToken, next: boolean): Header | undefined {
    const { files } = this.#options;
    const current = this.#headers.at(-1);
    const importedBy = tokenSpan(directive);
    const folders = files?.includePaths ?? [];
    const open = (path: string, folder: number): Header | undefined => {
      const found = files?.open(path);
      const content = found?.kind === "file" ? found.read() : undefined;
      return content && "text" in content
        ? { source: new Source(path, content.text, undefined, importedBy), folder }
        : undefined;
    };
    if (name.startsWith("/")) return open(name, -1);
    if (quoted && !next) {
      const beside = open(pathFrom(folderOf(outermost(importedBy).source.name), name), -1);
      if (beside) return beside;
    }
    for (let folder = next && current ? current.folder + 1 : 0; folder < folders.length; folder++) {
      const header = open(pathFrom(folders[folder]!, name), folder);
      if (header) return header;
    }
    const own = Object.hasOwn(BUILTIN_HEADERS, name) ? BUILTIN_HEADERS[name]! : undefined;
    if (own === undefined) return undefined;
    return { source: new Source(`<${name}>`, own, undefined, importedBy), folder: folders.length };
  }

  #notFound({ name }: HeaderName, directive: CToken): void {
    const { diags, hasBtf, files } = this.#options;
    const at = tokenSpan(directive);
    const where = files?.includePaths.join(", ") || "nowhere";
    if (hasBtf && KERNEL_HEADER.test(name)) {
      diags.warning("header-not-found", at, `'${name}' file not found: the kernel's type information has to do`, {
        help: `types come from there; constants of the header are missing. Looked in ${where}`,
      });
      return;
    }
    diags.error("header-not-found", at, `'${name}' file not found`, {
      help: `looked in ${where}; system headers come with the C library's development package`,
    });
  }
}

interface HeaderName {
  name: string;
  quoted: boolean;
}

/** A word that no script can write; the tokens of a `#pragma pack` stand behind it. */
export const PRAGMA_PACK = "#pragma pack";

/** Questions that compilers answer; to all but those about headers the answer is no. */
const HAS: ReadonlySet<string> = new Set([
  "__has_include",
  "__has_include_next",
  "__has_attribute",
  "__has_c_attribute",
  "__has_cpp_attribute",
  "__has_declspec_attribute",
  "__has_builtin",
  "__has_extension",
  "__has_feature",
  "__has_warning",
]);

function isDirective({ startsLine, text }: CToken): boolean {
  return startsLine && text === "#";
}

function readParameters(tokens: readonly CToken[]): Pick<CMacro, "parameters" | "variadic"> | undefined {
  const parameters: string[] = [];
  let variadic = false;
  for (let i = 0; i < tokens.length; i++) {
    const { kind, text } = tokens[i]!;
    if (text === "...") {
      variadic = true;
      parameters.push("__VA_ARGS__");
    } else if (kind === "word") {
      parameters.push(text);
      // GNU: `args...`
      if (tokens[i + 1]?.text === "...") {
        variadic = true;
        i++;
      }
    } else return undefined;
    const comma = tokens[++i];
    if (comma && (comma.text !== "," || variadic || i === tokens.length - 1)) return undefined;
  }
  return { parameters, variadic };
}

function lineText(tokens: readonly CToken[]): string {
  return tokens.map(({ text, spaced }, i) => (spaced && i > 0 ? ` ${text}` : text)).join("");
}
