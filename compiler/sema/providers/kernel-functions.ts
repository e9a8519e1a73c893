/** kprobe, kretprobe, fentry and fexit: functions of the kernel, and instructions in them. */
import type { Btf } from "../../btf/btf.ts";
import type { BtfParam, BtfPrototype, TypeId } from "../../btf/types.ts";
import type { KernelFacts, KernelFunction } from "../../kernel-facts.ts";
import { functionArguments, functionSlots } from "../args.ts";
import { isWildcard, matcher } from "../patterns.ts";
import { type Found, type ListContext, type Provider, parseNumber, type Request, reportMissing } from "./provider.ts";

export const kernelFunctionProviders: readonly Provider[] = [
  {
    name: "kprobe",
    aliases: ["k"],
    form: "kprobe:[module:]function[+offset]",
    parts: [1, 2],
    resolve: (request) => kprobes(request, "kprobe", false),
    listing: { names: kprobeNames, declarations: argumentsByNumber },
  },
  {
    name: "kretprobe",
    aliases: ["kr"],
    form: "kretprobe:[module:]function",
    parts: [1, 2],
    resolve: (request) => kprobes(request, "kretprobe", true),
    listing: { byTypeOnly: true, names: kprobeNames, declarations: resultOf },
  },
  {
    name: "fentry",
    aliases: ["f", "kfunc"],
    form: "fentry:[module:]function",
    parts: [1, 3],
    resolve: (request) => functions(request, "fentry", false),
    listing: { names: functionNames, declarations: argumentsByName },
  },
  {
    name: "fexit",
    aliases: ["fr", "kretfunc"],
    form: "fexit:[module:]function",
    parts: [1, 3],
    resolve: (request) => functions(request, "fexit", true),
    listing: {
      byTypeOnly: true,
      names: functionNames,
      declarations: (name, facts) => [...argumentsByName(name, facts), ...resultOf(name, facts)],
    },
  },
];

const KERNEL = "vmlinux";

function kprobes(request: Request, provider: string, returns: boolean): Found[] {
  const { point, parts, context } = request;
  const { facts, diags, unsafe } = context;
  const text = parts.at(-1)!;
  const module = parts.length === 2 ? parts[0]! : undefined;
  if (text === "") {
    diags.error("attach-point-form", point.span, "kprobes should be attached to a function or an address");
    return [];
  }
  const address = parseNumber(text);
  if (address !== undefined) {
    if (!unsafe) {
      diags.error("unsafe", point.span, "Probing by address requires --unsafe");
      return [];
    }
    const event = { kind: "kprobe", symbol: "", module: undefined, offset: address, returns, multi: false } as const;
    return [{ name: `${provider}:${address}`, event }];
  }
  const plus = text.indexOf("+");
  const name = plus < 0 ? text : text.slice(0, plus);
  const offset = plus < 0 ? 0n : parseNumber(text.slice(plus + 1));
  if (offset === undefined) {
    diags.error("attach-point-form", point.span, `Invalid offset: \`${text.slice(plus + 1)}\` is no number`);
    return [];
  }
  if (plus >= 0 && returns) {
    diags.error("attach-point-form", point.span, "Offset not allowed: a return has no place of its own");
    return [];
  }
  if (isWildcard(name) || (module !== undefined && isWildcard(module))) {
    const matches = traceable(facts, module ?? "*", name);
    if (matches.length === 0) return missing(request, provider);
    const multi = facts.features.kprobeMulti && module === undefined && offset === 0n;
    return matches.map((match) => {
      const where = module === undefined ? undefined : match.module;
      return kprobe(provider, { symbol: match.name, module: where, offset, returns, multi });
    });
  }
  if (module !== undefined && module !== KERNEL && !facts.modules().includes(module)) {
    const message = `specified module ${module} in probe ${provider}:${module}:${name} is not loaded.`;
    diags.error("no-such-module", point.span, message);
    return [];
  }
  if (!facts.isTraceable(name, module)) {
    if (context.missingProbes !== "ignore") {
      const why = `either non-existing, inlined, or marked as "notrace"`;
      diags.warning("not-traceable", point.span, `${name} is not traceable (${why}); attaching to it will likely fail`);
    }
    if (!unsafe) return missing(request, provider);
  }
  return [kprobe(provider, { symbol: name, module, offset, returns, multi: false })];
}

interface Place {
  symbol: string;
  module: string | undefined;
  offset: bigint;
  returns: boolean;
  multi: boolean;
}

function kprobe(provider: string, place: Place): Found {
  const { symbol, module, offset } = place;
  const name = `${provider}:${module === undefined ? "" : `${module}:`}${symbol}${offset === 0n ? "" : `+${offset}`}`;
  return { name, event: { kind: "kprobe", ...place, module: module === KERNEL ? undefined : module } };
}

function missing(request: Request, provider: string): [] {
  const pattern = request.parts.join(":");
  return reportMissing(request, "no-such-function", { provider, pattern }, () =>
    request.context.facts.kernelFunctions().map(({ name }) => name),
  );
}

function traceable(facts: KernelFacts, module: string, name: string): { name: string; module: string }[] {
  const seen = new Set<string>();
  return functionsNamed(facts, module, name).filter((fn) => {
    const key = `${fn.module} ${fn.name}`;
    return !seen.has(key) && seen.add(key);
  });
}

/** All with matching names, some of which several functions have. */
function functionsNamed(facts: KernelFacts, module: string, name: string): KernelFunction[] {
  const inModule = matcher(module);
  const matches = matcher(name);
  return facts.kernelFunctions().filter((fn) => matches(fn.name) && inModule(fn.module));
}

function functions(request: Request, provider: string, returns: boolean): Found[] {
  const { point, parts, context } = request;
  const { facts, diags } = context;
  if (parts[0] === "bpf" || parts.length === 3) {
    diags.error("unsupported", point.span, `${provider} probes on BPF programs are not supported yet`);
    return [];
  }
  if (!facts.btf()) {
    diags.error("kernel-feature", point.span, `${provider} probes need the kernel's type information (BTF)`, {
      help: `a ${returns ? "kretprobe" : "kprobe"} does without`,
    });
    return [];
  }
  const name = parts.at(-1)!;
  const module = parts.length === 2 ? parts[0]! : undefined;
  if (name === "") {
    diags.error("attach-point-form", point.span, "fentry/fexit should specify a function");
    return [];
  }
  const found =
    isWildcard(name) || (module !== undefined && isWildcard(module))
      ? traceable(facts, module ?? "*", name)
      : (module === undefined ? [KERNEL, ...facts.modules()] : [module]).map((m) => ({ name, module: m }));
  const candidates = found.flatMap((fn) => typedFunction(facts, fn, provider, returns));
  if (candidates.length === 0) return missing(request, provider);
  if (module === undefined && !isWildcard(name) && candidates.length > 1) {
    diags.error("ambiguous-function", point.span, `there are ${candidates.length} functions \`${name}\``, {
      help: `say in which module: ${candidates.map((c) => c.name).join(", ")}`,
    });
    return [];
  }
  return candidates;
}

function typedFunction(
  facts: KernelFacts,
  { name, module }: { name: string; module: string },
  provider: string,
  returns: boolean,
): Found[] {
  const inModule = module === KERNEL ? undefined : module;
  const btf = facts.btf(inModule);
  const fn = btf?.func(name);
  if (!btf || !fn || !isOwn(facts, btf, name, inModule)) return [];
  const slots = functionSlots(btf, fn.proto);
  if (slots === undefined) return [];
  const fullName = `${provider}:${module}:${name}`;
  return [
    {
      name: fullName,
      event: { kind: "function", name, module: inModule, btfId: fn.id, returns, slots },
      arguments: () => functionArguments(fullName, btf, fn.proto, returns),
    },
  ];
}

/** A module's type information includes the kernel's. */
function isOwn(facts: KernelFacts, btf: Btf, name: string, module: string | undefined): boolean {
  return module === undefined || facts.btf()?.func(name)?.id !== btf.func(name)?.id;
}

const ASK_THE_DOCTOR = "`probewright doctor` says what it has to be built with";

function kprobeNames(parts: readonly string[], { facts, anyType, warn }: ListContext): string[] {
  if (parts.length > 2) return [];
  if (!facts.features.kprobe) {
    if (!anyType) warn("this kernel takes no kprobes", ASK_THE_DOCTOR);
    return [];
  }
  const [module, name] = parts.length === 2 ? parts : [undefined, parts[0]];
  const found = functionsNamed(facts, module || "*", name || "*");
  return [...new Set(found.map((fn) => (module === undefined ? fn.name : `${fn.module}:${fn.name}`)))].sort();
}

function functionNames(parts: readonly string[], { facts, anyType, warn }: ListContext): string[] {
  if (parts.length > 2) return [];
  if (!facts.features.fentry) {
    if (!anyType) warn("this kernel takes no programs on its functions", ASK_THE_DOCTOR);
    return [];
  }
  const [module, name] = parts.length === 2 ? parts : ["*", parts[0]];
  const wanted = new Map<string, Set<string>>();
  for (const fn of functionsNamed(facts, module || "*", name || "*")) {
    const names = wanted.get(fn.module);
    if (names) names.add(fn.name);
    else wanted.set(fn.module, new Set([fn.name]));
  }
  return [...wanted].flatMap(([where, names]) => typedNames(facts, where, names)).sort();
}

/** Those whose type is known. All functions of a module are gone through, which takes no longer than looking for some thousand. */
function typedNames(facts: KernelFacts, module: string, wanted: Set<string>): string[] {
  const btf = facts.btf(module);
  const names: string[] = [];
  for (const { id, name } of btf?.ownNamed("func") ?? []) {
    if (wanted.delete(name) && canBeEntered(btf!, id)) names.push(`${module}:${name}`);
  }
  return names;
}

function canBeEntered(btf: Btf, id: TypeId): boolean {
  const fn = btf.type(id);
  const proto = fn.kind === "func" ? btf.type(fn.type) : fn;
  return proto.kind === "func_proto" && functionSlots(btf, proto) !== undefined;
}

/** The type of a function by its name in a list, `[module:]function[+offset]`; undefined where there is none. */
function prototypeOf(name: string, facts: KernelFacts): { btf: Btf; proto: BtfPrototype } | undefined {
  const [fn, module] = name.split("+", 1)[0]!.split(":").reverse();
  for (const each of module === undefined ? [KERNEL, ...facts.modules()] : [module]) {
    const btf = facts.btf(each);
    const found = btf?.func(fn!);
    if (btf && found) return { btf, proto: found.proto };
  }
  return undefined;
}

function argumentsByName(name: string, facts: KernelFacts): string[] {
  return declareArguments(name, facts, (param, i) => param.name || `arg${i}`);
}

/** A kprobe has no names of its function's arguments. */
function argumentsByNumber(name: string, facts: KernelFacts): string[] {
  return declareArguments(name, facts, (_, i) => `arg${i}`);
}

function declareArguments(
  name: string,
  facts: KernelFacts,
  nameOf: (param: BtfParam, index: number) => string,
): string[] {
  const found = prototypeOf(name, facts);
  return (found?.proto.params ?? []).map((param, i) => `${found!.btf.format(param.type)} ${nameOf(param, i)}`);
}

function resultOf(name: string, facts: KernelFacts): string[] {
  const found = prototypeOf(name, facts);
  if (!found || found.btf.resolve(found.proto.returns).kind === "void") return [];
  return [`${found.btf.format(found.proto.returns)} retval`];
}
