/**
 * iter: objects of the kernel, one after the other. The kernel has a function `bpf_iter_NAME` for each kind of object that it goes
 * through, and a struct `bpf_iter__NAME` of what a program gets with each.
 */
import type { KernelFacts } from "../../kernel-facts.ts";
import { typeFromBtf } from "../btf-types.ts";
import { isWildcard, matching } from "../patterns.ts";
import { pointer, type Type } from "../types.ts";
import {
  type Found,
  type IteratorEvent,
  type ListContext,
  type Provider,
  type Request,
  reportMissing,
} from "./provider.ts";

export const iteratorProviders: readonly Provider[] = [
  {
    name: "iter",
    aliases: ["it"],
    form: "iter:object",
    parts: [1, 2],
    resolve: iterators,
    candidates: iteratorNames,
    listing: { names: listed, declarations: members },
  },
];

const CONTEXT = "bpf_iter__";

/** Those that go through the elements of a map which has to be named, and a script can name none of the kernel's. */
const OF_ONE_MAP: ReadonlySet<string> = new Set(["bpf_map_elem", "bpf_sk_storage_map", "sockmap"]);

function iterators(request: Request): Found[] {
  const { point, parts, context } = request;
  const { facts, diags } = context;
  const [iterator] = parts as [string];
  if (parts.some(isWildcard)) {
    diags.error("attach-point-form", point.span, "iter probe type does not support wildcards");
    return [];
  }
  if (parts.length > 1) {
    const help = "without a pin, the iterator runs as soon as the script is started";
    diags.error("unsupported", point.span, "iterators cannot be pinned to a file yet", { help });
    return [];
  }
  const btf = facts.btf();
  if (!btf) {
    diags.error("kernel-feature", point.span, "iter probes need the kernel's type information (BTF)");
    return [];
  }
  const btfId = btf.func(`bpf_iter_${iterator}`)?.id;
  if (btfId === undefined || btf.find(`${CONTEXT}${iterator}`, "struct") === undefined) {
    return reportMissing(request, "no-such-iterator", { provider: "iter", pattern: iterator }, () =>
      iteratorNames(facts),
    );
  }
  if (OF_ONE_MAP.has(iterator)) {
    diags.error("unsupported", point.span, `iter:${iterator} goes through one of the kernel's maps`, {
      help: "a script cannot say which",
    });
    return [];
  }
  return [{ name: `iter:${iterator}`, event: { kind: "iter", iterator, btfId } }];
}

/** What the kernel can go through. */
function iteratorNames(facts: KernelFacts): string[] {
  const names: string[] = [];
  for (const { name } of facts.btf()?.named("struct") ?? []) {
    const iterator = name.startsWith(CONTEXT) ? name.slice(CONTEXT.length) : "";
    // The verifier has structs of its own beside the iterators'.
    if (iterator !== "" && !iterator.includes("__") && !OF_ONE_MAP.has(iterator)) names.push(iterator);
  }
  return names.sort();
}

function listed(parts: readonly string[], { facts }: ListContext): string[] {
  return parts.length > 1 ? [] : matching(parts[0] || "*", iteratorNames(facts));
}

/** What a program gets with each object. */
function members(name: string, facts: KernelFacts): string[] {
  const btf = facts.btf();
  const context = btf?.find(`${CONTEXT}${name}`, "struct");
  if (!btf || context === undefined) return [];
  return btf.fields(context).map((field) => `${btf.format(field.type)} ${field.name}`);
}

/** What `ctx` is in a program of the iterator. */
export function iteratorContext({ iterator }: IteratorEvent, facts: KernelFacts): Type {
  const btf = facts.btf()!;
  return pointer(typeFromBtf(btf, btf.find(`${CONTEXT}${iterator}`, "struct")!, "kernel"), "kernel");
}
