/**
 * uprobe and uretprobe: functions and instructions of executables and libraries. The symbols are matched here, so that
 * what is attached is a list of places in files.
 */

import { didYouMean } from "../../diagnostics.ts";
import { type SourcePlace, sourcePlaces } from "../../dwarf/source-places.ts";
import { declaration } from "../../dwarf/spelling.ts";
import type { ElfFunction, ElfSymbols, KernelFacts } from "../../kernel-facts.ts";
import { type Arguments, programArguments } from "../args.ts";
import { starMatcher } from "../patterns.ts";
import {
  type Found,
  type ListContext,
  type Listing,
  type Provider,
  parseNumber,
  type Request,
  reportMissing,
  type UserEvent,
} from "./provider.ts";

export const userProviders: readonly Provider[] = [
  provider("uprobe", ["u"], "uprobe:binary:function[+offset]", false),
  provider("uretprobe", ["ur"], "uretprobe:binary:function", true),
];

/** Languages whose compilers mangle names. */
const LANGUAGES: ReadonlySet<string> = new Set(["cpp"]);

interface UserPoint {
  target: string;
  /** `cpp` goes by the names that functions have in C++, instead of those of their symbols. */
  place: { function: string; offset: number; cpp: boolean } | { address: number } | { source: SourcePlace };
}

type UserRequest = Request & { provider: string; returns: boolean };

function provider(name: string, aliases: string[], form: string, returns: boolean): Provider {
  const resolve = (request: Request): Found[] => places({ ...request, provider: name, returns });
  // What is at a function's start is at its return as well.
  const names: Listing["names"] = (pattern, context) => functionNames(name, pattern, context);
  const listing: Listing = returns ? { byTypeOnly: true, names } : { names, declarations };
  return { name, aliases, form, parts: [1, 5], resolve, listing };
}

function places(request: UserRequest): Found[] {
  const point = read(request);
  if (!point) return [];
  const { context, provider: name } = request;
  const { facts, targetPid: pid, unsafe } = context;
  const paths = facts.binaries(point.target, { pid, anyFile: unsafe });
  if (paths.length === 0) {
    const message = missingFile(name, point.target);
    return fail(request, "no-such-binary", message, "it is a path, a program in PATH, or a library such as `libc`");
  }
  const files = point.target.includes("*") ? paths : paths.slice(0, 1);
  const errors = context.diags.errors.length;
  const found = files.flatMap((path) => placesIn(request, point, path, facts.elfSymbols(path)));
  // Addresses that cannot be had were reported where they were looked for.
  if (found.length > 0 || context.diags.errors.length > errors || !("function" in point.place)) return found;
  const { cpp, function: wanted } = point.place;
  const named = (path: string, name: string): string => `${path}:${cpp ? "cpp:" : ""}${name}`;
  const pattern = named(files.length === 1 ? files[0]! : point.target, wanted);
  const known = (fn: ElfFunction): string => (cpp ? cppName(facts, fn, wanted) : fn.name);
  return reportMissing(request, "no-such-function", { provider: name, pattern }, () =>
    files.flatMap((path) => (facts.elfSymbols(path)?.functions() ?? []).map((fn) => named(path, known(fn)))),
  );
}

function missingFile(provider: string, target: string): string {
  return `${provider} target file '${target}' does not exist or is not executable`;
}

/** The parts as the language has them: `[binary:][cpp:]function[+offset]`, or an address. */
function read(request: UserRequest): UserPoint | undefined {
  const { context, provider: name, returns } = request;
  const parts = [...request.parts];
  const { targetPid, command } = context;
  if (parts.length === 1 || (parts.length === 2 && LANGUAGES.has(parts[0]!))) {
    const own = targetPid === undefined ? command : context.facts.executable(targetPid);
    if (own !== undefined) parts.unshift(own);
    else if (targetPid !== undefined) {
      return none(request, "no-such-binary", `the file of process ${targetPid} cannot be told`);
    }
  }
  if (parts[1] === "@") return readSource(request, parts);
  if (parts.length !== 2 && parts.length !== 3) {
    return none(request, "attach-point-form", `${name} probe type requires 2 or 3 arguments, found ${parts.length}`);
  }
  const target = parts[0]!;
  const language = parts.length === 3 ? parts[1]! : undefined;
  if (target === "") return none(request, "attach-point-form", `${name} should have a target`);
  const cpp = language === "cpp";
  if (language !== undefined && language !== "" && !cpp) {
    return none(request, "attach-point-form", `unsupported language type: ${language}`);
  }
  const text = parts.at(-1)!;
  const address = parseNumber(text);
  if (address !== undefined) {
    if (target.includes("*")) {
      return none(request, "attach-point-form", "Cannot use wildcards with absolute address");
    }
    return { target, place: { address: Number(address) } };
  }
  // `operator+` ends in no offset.
  const plus = cpp && !/\+\w+$/.test(text) ? -1 : text.lastIndexOf("+");
  if (plus < 0) {
    if (text === "")
      return none(request, "attach-point-form", `${name} should be attached to a function or an address`);
    return { target, place: { function: text, offset: 0, cpp } };
  }
  const offset = parseNumber(text.slice(plus + 1));
  if (offset === undefined) return none(request, "attach-point-form", `\`${text.slice(plus + 1)}\` is no offset`);
  if (returns) return none(request, "attach-point-form", "Offset not allowed: a return has no place of its own");
  return { target, place: { function: text.slice(0, plus), offset: Number(offset), cpp } };
}

/** `path:function`, and `path:cpp:function` where the pattern is about names in C++. */
function* functionNames(
  provider: string,
  parts: readonly string[],
  { facts, targetPid: pid, anyType, warn }: ListContext,
): Generator<string> {
  const [target = "*", ...rest] = parts.length < 2 ? ["*", ...parts] : parts;
  if (anyType && !target.includes("/") && pid === undefined) return;
  const files = facts.binaries(target || "*", { pid, anyFile: false });
  if (files.length === 0 && !anyType) warn(missingFile(provider, target));
  const cpp = rest.length > 1 && rest[0] === "cpp";
  if (rest.length > 1 && !cpp) return;
  const wanted = (cpp ? rest.slice(1).join(":") : rest[0]) || "*";
  for (const path of target.includes("*") || target === "" ? files : files.slice(0, 1)) {
    const elf = facts.elfSymbols(path);
    if (!elf) continue;
    const prefix = cpp ? `${path}:cpp:` : `${path}:`;
    const names = cpp
      ? cppFunctions(elf, wanted, facts).map((fn) => cppName(facts, fn, wanted))
      : functionsNamed(elf, wanted).map(({ name }) => name);
    for (const name of [...new Set(names)].sort()) yield prefix + name;
  }
}

/** The arguments of a function, where debug information has them; `name` is one of the list. */
function declarations(name: string, facts: KernelFacts): string[] {
  const cpp = name.indexOf(":cpp:");
  const end = cpp < 0 ? name.lastIndexOf(":") : cpp;
  const path = name.slice(0, end);
  const elf = facts.elfSymbols(path);
  const wanted = name.slice(cpp < 0 ? end + 1 : end + ":cpp:".length);
  const [fn] = !elf ? [] : cpp < 0 ? functionsNamed(elf, wanted) : cppFunctions(elf, wanted, facts);
  const dwarf = fn && facts.debugInfo(path);
  return dwarf?.ask(() => dwarf.functionAt(fn!.address)?.parameters.map((p) => declaration(p.type, p.name))) ?? [];
}

/** `binary@file:line[:column]` */
function readSource(request: UserRequest, [target = "", , file, ...numbers]: readonly string[]): UserPoint | undefined {
  const { provider: name, returns } = request;
  const refuse = (message: string, help?: string): undefined => none(request, "attach-point-form", message, help);
  if (returns) return refuse("Source code location not allowed", "a return has no place of its own");
  if (target === "") return refuse(`${name} should have a target`);
  if (target.includes("*")) return refuse("Cannot use wildcards with source code location");
  const [line, column] = numbers;
  if (!file || !line || numbers.length > 2) {
    return refuse(`Invalid ${name} arguments, expected format: ${name}:TARGET@FILE:LINE[:COL]`);
  }
  const read = numbers.map(parseNumber);
  if (read[0] === undefined) return refuse(`Invalid line number: invalid integer: ${line}`);
  if (column !== undefined && read[1] === undefined) return refuse(`Invalid column number: invalid integer: ${column}`);
  const source = { file, line: Number(read[0]), column: read[1] === undefined ? undefined : Number(read[1]) };
  return { target, place: { source } };
}

function placesIn(request: UserRequest, { place }: UserPoint, path: string, elf: ElfSymbols | undefined): Found[] {
  if ("address" in place) return atAddress(request, path, elf, place.address);
  if ("source" in place) return atSource(request, path, elf, place.source);
  if (!elf) return [];
  const { function: name, offset, cpp } = place;
  const functions = cpp ? cppFunctions(elf, name, request.context.facts) : functionsNamed(elf, name);
  return functions.flatMap((fn) => {
    const problem = boundsProblem(fn, offset, request) ?? cutProblem(elf, path, fn, offset, request);
    const label = cpp ? `cpp:${nameOf(fn, offset)}` : nameOf(fn, offset);
    if (problem === undefined) return [found(request, path, elf, fn, offset, label)];
    // A pattern takes what can be had.
    if (functions.length > 1) return [];
    return refuse(request, problem);
  });
}

/** All matches of a pattern; of several functions with the name itself the first. */
function functionsNamed(elf: ElfSymbols, name: string): ElfFunction[] {
  if (!name.includes("*")) {
    return elf.functions(name).slice(0, 1);
  }
  const matches = starMatcher(name);
  const seen = new Set<string>();
  return elf.functions().filter((fn) => {
    if (!matches(fn.name) || seen.has(fn.name)) return false;
    seen.add(fn.name);
    return true;
  });
}

/** All functions of a C++ name, or pattern: without parameters in it, whatever theirs are. */
function cppFunctions(elf: ElfSymbols, name: string, facts: KernelFacts): ElfFunction[] {
  const matches = starMatcher(name);
  return elf.functions().filter((fn) => matches(cppName(facts, fn, name)));
}

/** The C++ name of a function, with the types of its parameters if the wanted one has some. */
function cppName(facts: KernelFacts, { name }: ElfFunction, wanted: string): string {
  const full = facts.demangle(name);
  if (full === undefined) return name;
  return hasParameters(wanted) ? full : full.slice(0, parametersOf(full));
}

function hasParameters(name: string): boolean {
  return name.replace("operator()", "").includes("(");
}

/** Where the last pair of parentheses begins, which holds the parameters; the end without one. */
function parametersOf(name: string): number {
  let depth = 0;
  for (let i = name.lastIndexOf(")"); i >= 0; i--) {
    if (name[i] === ")") depth++;
    else if (name[i] === "(" && --depth === 0) return i;
  }
  return name.length;
}

const UNSAFE =
  "Use --unsafe to force attachment. WARNING: This option could lead to data corruption in the target process.";

function boundsProblem({ name, size }: ElfFunction, offset: number, { context }: UserRequest): string | undefined {
  if (size === 0 && offset === 0) {
    return context.unsafe ? undefined : `Could not determine boundary for ${name} (symbol has size 0).\n${UNSAFE}`;
  }
  return offset < size ? undefined : `Offset outside the function bounds ('${name}' size is ${size})`;
}

/** A probe within an instruction overwrites a part of it. */
function cutProblem(
  elf: ElfSymbols,
  path: string,
  fn: ElfFunction,
  offset: number,
  { point, context }: UserRequest,
): string | undefined {
  if (offset === 0 || elf.isInstruction(fn, offset) !== false) return undefined;
  const where = `${path}:${nameOf(fn, offset)}`;
  if (!context.unsafe) return `Could not add uprobe into middle of instruction: ${where}\n${UNSAFE}`;
  context.diags.warning("probe-place", point.span, `Unsafe uprobe in the middle of the instruction: ${where}`);
  return undefined;
}

/** The file that is probed does not permit the probe. */
function refuse({ point, context }: Request, message: string): [] {
  context.diags.error("probe-place", point.span, message, { elsewhere: true });
  return [];
}

function atAddress(request: UserRequest, path: string, elf: ElfSymbols | undefined, address: number): Found[] {
  const fn = elf?.functions().find((f) => address >= f.address && address < f.address + f.size);
  const { returns, context } = request;
  if (fn) {
    const offset = address - fn.address;
    if (returns && offset !== 0) {
      const message = `uretprobes cannot be attached at function offset. (address resolved to: ${fn.name}+${offset})`;
      return refuse(request, message);
    }
    const problem = elf && cutProblem(elf, path, fn, offset, request);
    if (problem !== undefined) return refuse(request, problem);
    return [found(request, path, elf, fn, offset, String(address))];
  }
  if (!context.unsafe) {
    return refuse(request, `Could not resolve address: ${path}:0x${address.toString(16)}\n${UNSAFE}`);
  }
  // Code without symbols, and files that are no ELF files at all: the number is the place in the file then.
  const offset = elf?.fileOffset(address) ?? address;
  return [found(request, path, elf, { name: "", address, offset, size: 0 }, 0, String(address))];
}

function atSource(request: UserRequest, path: string, elf: ElfSymbols | undefined, source: SourcePlace): Found[] {
  const { facts } = request.context;
  const dwarf = facts.debugInfo(path);
  if (!dwarf) {
    const message = `No DWARF debug info found for '${path}', cannot attach by source code location.`;
    return fail(request, "no-debug-information", message, "compile it with -g, or install its debug symbols");
  }
  const { file, line, column } = source;
  const answer = dwarf.ask(() => sourcePlaces(dwarf, source));
  switch (answer.found) {
    case "code":
      return answer.addresses.flatMap((address) => atAddress(request, path, elf, address));
    case "no-file": {
      const help = didYouMean(file.slice(file.lastIndexOf("/") + 1), answer.files);
      return fail(request, "no-such-source", `No compilation unit matches ${file}`, help);
    }
    case "several": {
      const message = `Ambiguous source path, matches multiple files: ${answer.paths.join(", ")}`;
      return fail(request, "no-such-source", message, "give more of the path");
    }
    case "no-code": {
      const place = column === undefined ? `${file}:${line}` : `${file}:${line}:${column}`;
      const near = answer.near.map((each) => (each === line ? `${each} (in other columns)` : each)).join(" and ");
      const help = near === "" ? `no line of ${answer.path} has code` : `the nearest with code are ${near}`;
      return fail(request, "no-such-source", `Unable to map '${place}' to address`, help);
    }
  }
}

function found(
  request: UserRequest,
  path: string,
  elf: ElfSymbols | undefined,
  fn: ElfFunction,
  offset: number,
  label = nameOf(fn, offset),
): Found {
  const event: UserEvent = {
    kind: "uprobe",
    path: elf?.file ?? path,
    symbol: fn.name,
    offset: fn.offset + offset,
    address: fn.address + offset,
    entry: fn.name !== "" && offset === 0,
    returns: request.returns,
    alone: request.needs.loadAddress,
  };
  const full = `${request.provider}:${path}:${label}`;
  return { name: full, event, arguments: () => argumentsAt(full, event, request.context.facts) };
}

/** What a function was called with is known where it begins. */
function argumentsAt(name: string, event: UserEvent, facts: KernelFacts): Arguments | undefined {
  const { path, address, symbol } = event;
  if (!event.entry || event.returns) return undefined;
  const dwarf = facts.debugInfo(path);
  return dwarf?.ask(() => {
    const fn = dwarf.functionAt(address);
    return fn && programArguments(name, dwarf, fn, { symbol, arch: facts.arch });
  });
}

function nameOf({ name }: ElfFunction, offset: number): string {
  return offset === 0 ? name : `${name}+${offset}`;
}

function fail({ point, context }: Request, code: string, message: string, help?: string): [] {
  context.diags.error(code, point.span, message, help === undefined ? {} : { help });
  return [];
}

function none(request: Request, code: string, message: string, help?: string): undefined {
  fail(request, code, message, help);
}
