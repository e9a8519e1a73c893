/**
 * usdt: places that programs and libraries mark themselves, each with a provider and a name. A probe may have many
 * places (the compiler copies code), which differ in where the arguments are.
 */
import type { ElfSymbols, KernelFacts, UsdtMark } from "../../kernel-facts.ts";
import { registerFile } from "../../registers.ts";
import { starMatcher } from "../patterns.ts";
import { parseArguments, type UsdtArgument } from "../usdt-descriptor.ts";
import {
  type Found,
  type ListContext,
  once,
  type Provider,
  type Request,
  reportMissing,
  type UsdtEvent,
  type UsdtPlace,
} from "./provider.ts";

export const usdtProviders: readonly Provider[] = [
  {
    name: "usdt",
    aliases: ["U"],
    form: "usdt:binary:[provider:]name",
    parts: [0, 9],
    resolve,
    listing: { names: listedNames, declarations },
  },
];

/** All that a process, or any of them, has mapped as code. */
const ALL_FILES = "*";

interface UsdtPoint {
  target: string;
  provider: string;
  name: string;
}

/** A probe of a file with its places. */
interface UsdtProbe {
  provider: string;
  name: string;
  marks: UsdtMark[];
}

function resolve(request: Request): Found[] {
  const point = read(request);
  if (!point) return [];
  const { facts, diags, targetPid, unsafe } = request.context;
  const files = filesOf(point.target, facts, { pid: targetPid, anyFile: unsafe });
  if (files.length === 0) {
    const help = "it is a path, a program in PATH, or a library such as `libc`";
    return fail(request, "no-such-binary", missingFile(point.target), help);
  }
  const errors = diags.errors.length;
  const found = files.flatMap((path) => {
    const elf = facts.elfSymbols(path);
    return probesIn(elf, point).flatMap((probe) => toFound(request, path, elf!, probe));
  });
  if (found.length > 0 || diags.errors.length > errors) return found;
  const wanted = { ...point, target: files.length === 1 ? files[0]! : point.target };
  return reportMissing(request, "no-such-probe", { provider: "usdt", pattern: label(wanted) }, () =>
    files.flatMap((target) =>
      usdtProbes(facts.elfSymbols(target)).map((probe) => label({ ...wanted, ...probe, target })),
    ),
  );
}

/**
 * The parts as the language has them: `[binary:][provider:]name`. Without a binary, under -p all files of the process are meant, under
 * -c the program, whose libraries are not known before it starts.
 */
function read(request: Request): UsdtPoint | undefined {
  const { parts, context } = request;
  const own = context.targetPid === undefined ? context.command : ALL_FILES;
  const [target, provider, name] =
    parts.length === 3
      ? parts
      : parts.length === 2
        ? [parts[0], "", parts[1]]
        : own !== undefined
          ? ["", "", parts[0]]
          : [];
  if (target === undefined || provider === undefined || name === undefined || parts.length > 3) {
    fail(request, "attach-point-form", `usdt probe type requires 2 or 3 arguments, found ${parts.length}`);
    return undefined;
  }
  if (name === "") {
    fail(request, "attach-point-form", "usdt probe must have a target function or wildcard");
    return undefined;
  }
  const file = target || own;
  if (file !== undefined) return { target: file, provider: provider || "*", name };
  const message =
    "usdt probe must specify at least path or pid to probe. To target all paths/pids set the path to '*'.";
  fail(request, "attach-point-form", message);
  return undefined;
}

/** A pattern means files of the traced process, if it has some of these names. */
function filesOf(
  target: string,
  facts: KernelFacts,
  options: Parameters<KernelFacts["binaries"]>[1],
): readonly string[] {
  if (options.pid !== undefined && target.includes("*")) {
    const matches = starMatcher(target);
    const mapped = facts.binaries(ALL_FILES, options).filter(matches);
    if (mapped.length > 0) return mapped;
  }
  const files = facts.binaries(target, options);
  return target.includes("*") ? files : files.slice(0, 1);
}

function missingFile(target: string): string {
  return `usdt target file '${target}' does not exist or is not executable`;
}

/** `path:provider:name`. */
function* listedNames(parts: readonly string[], context: ListContext): Generator<string> {
  const { facts, targetPid: pid, anyType, warn } = context;
  const [target, provider, name, ...rest] =
    parts.length < 3 ? [parts.at(-2) ?? ALL_FILES, ALL_FILES, parts.at(-1) ?? "*"] : parts;
  if (rest.length > 0 || (anyType && !target!.includes("/") && pid === undefined)) return;
  const files = filesOf(target || ALL_FILES, facts, { pid, anyFile: false });
  if (files.length === 0 && !anyType) warn(missingFile(target!));
  const point = { provider: provider || "*", name: name || "*" };
  for (const path of files) {
    const names = probesIn(facts.elfSymbols(path), point).map((probe) => `${path}:${probe.provider}:${probe.name}`);
    yield* names.sort();
  }
}

/** The arguments as the first place has them: they are elsewhere at others, and as wide. */
function declarations(name: string, facts: KernelFacts): string[] {
  const [, path, provider, probe] = /^(.*):([^:]*):([^:]*)$/.exec(name) ?? [];
  const elf = path === undefined ? undefined : facts.elfSymbols(path);
  const [mark] = elf?.marks().filter((each) => each.provider === provider && each.name === probe) ?? [];
  return parseArguments(mark?.arguments ?? "", facts.arch).map(({ size, signed, source }, i) =>
    source.from === "nowhere" ? `arg${i}: ${source.reason}` : `${signed ? "int" : "uint"}${size * 8} arg${i}`,
  );
}

/** The probes that a file has, in the order of their first places. */
function usdtProbes(elf: ElfSymbols | undefined): UsdtProbe[] {
  const probes = new Map<string, UsdtProbe>();
  for (const mark of elf?.marks() ?? []) {
    const { provider, name } = mark;
    const key = `${provider}:${name}`;
    const known = probes.get(key);
    if (known) known.marks.push(mark);
    else probes.set(key, { provider, name, marks: [mark] });
  }
  return [...probes.values()];
}

function probesIn(elf: ElfSymbols | undefined, wanted: Pick<UsdtPoint, "provider" | "name">): UsdtProbe[] {
  const [isProvider, isName] = [starMatcher(wanted.provider), starMatcher(wanted.name)];
  return usdtProbes(elf).filter(({ provider, name }) => isProvider(provider) && isName(name));
}

function toFound(request: Request, path: string, elf: ElfSymbols, { provider, name, marks }: UsdtProbe): Found[] {
  const places = marks.map((mark) => placeOf(request, elf, mark));
  const label = `usdt:${path}:${provider}:${name}`;
  if (!places.every((place) => place !== undefined)) {
    // A pattern takes what can be had.
    if (request.parts.some((part) => part.includes("*"))) return [];
    const message = `${label} lies in no part of the file that is loaded`;
    request.context.diags.error("probe-place", request.point.span, message, { elsewhere: true });
    return [];
  }
  const event: UsdtEvent = {
    kind: "usdt",
    path: elf.file,
    provider,
    symbol: name,
    places,
    alone: request.needs.loadAddress,
  };
  return [{ name: label, event }];
}

/** Where a place and its counter lie in the file; undefined when they lie in no part of it that is loaded. */
function placeOf({ context }: Request, elf: ElfSymbols, mark: UsdtMark): UsdtPlace | undefined {
  const offset = elf.fileOffset(mark.address);
  const semaphore = mark.semaphore === 0 ? 0 : elf.fileOffset(mark.semaphore);
  if (offset === undefined || semaphore === undefined) return undefined;
  const { arch } = context.facts;
  const { instruction } = registerFile(arch);
  const list = once(() =>
    parseArguments(mark.arguments, arch).map((argument) => located(argument, mark, elf, instruction)),
  );
  return { offset, address: mark.address, semaphore, arguments: list };
}

/** Puts its address in the place of the symbol: relative to the probed instruction, where the file is loaded anywhere. */
function located(argument: UsdtArgument, mark: UsdtMark, elf: ElfSymbols, instruction: string): UsdtArgument {
  const { source } = argument;
  if (source.from !== "memory" || source.at.symbol === undefined) return argument;
  const { symbol, base, index, displacement } = source.at;
  const nowhere = (reason: string): UsdtArgument => ({ ...argument, source: { from: "nowhere", reason } });
  const address = elf.symbol(symbol)?.address;
  if (address === undefined) return nowhere(`it is at \`${symbol}\`, which the file does not tell the address of`);
  const absolute = address + displacement;
  const isRelative = base === instruction || (base === undefined && elf.relocated);
  if (isRelative) {
    const at = { symbol: undefined, base: instruction, index, displacement: absolute - mark.address };
    return { ...argument, source: { from: "memory", at } };
  }
  if (elf.relocated) return nowhere(`it is at an address that is relative to \`${symbol}\` and to a register`);
  return { ...argument, source: { from: "memory", at: { symbol: undefined, base, index, displacement: absolute } } };
}

function label({ target, provider, name }: UsdtPoint): string {
  return provider === "*" ? `${target}:${name}` : `${target}:${provider}:${name}`;
}

function fail({ point, context }: Request, code: string, message: string, help?: string): [] {
  context.diags.error(code, point.span, message, help === undefined ? {} : { help });
  return [];
}
