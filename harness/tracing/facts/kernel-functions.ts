/** Functions of the kernel that can be traced, and its modules. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { KernelFunction } from "../../../compiler/kernel-facts.ts";
import { errnoOf } from "./capability-error.ts";
import type { SymbolTable } from "./kallsyms.ts";

/** The module of the kernel proper. */
export const KERNEL = "vmlinux";

/** Functions whose tracing is known to hang a system, to bring it down, or to slow it beyond use. */
const DANGEROUS =
  /^(rcu_|__rcu_read_(un)?lock$|__ftrace_invalid_address__|arch_cpu_idle$|default_idle$|bpf_dispatcher_xdp_func$)/;
/** Pieces that the compiler cut off functions are no functions to the kernel's tracers. */
const PIECE = /\.part\.\d+$/;

/**
 * Functions that the kernel's tracers can be attached to. Where no list of them is to be had, as on kernels without ftrace,
 * all functions count that have a symbol. Throws CapabilityError when the symbols may not be read either.
 */
export function readKernelFunctions(tracefs: string, symbols: () => SymbolTable): KernelFunction[] {
  const list = readIfPossible(join(tracefs, "available_filter_functions"));
  const functions = list === undefined ? [...symbols().functions()].filter(isCompiled) : parseFilterFunctions(list);
  return functions.filter(isSafe);
}

/** The same from a file of that form. Throws what node:fs throws. */
export function readFunctionList(path: string): KernelFunction[] {
  return parseFilterFunctions(readFileSync(path, "utf8")).filter(isSafe);
}

/** Code that the kernel made itself, such as that of our own programs, has symbols, and cannot be probed. */
function isCompiled({ module }: KernelFunction): boolean {
  return module !== "bpf" && !module.startsWith("__builtin__");
}

function isSafe({ name }: KernelFunction): boolean {
  return !DANGEROUS.test(name) && !PIECE.test(name);
}

/** Lines of `name` or `name [module]`. */
function parseFilterFunctions(text: string): KernelFunction[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const bracket = line.indexOf(" [");
      if (bracket < 0) return { name: line, module: KERNEL };
      return { name: line.slice(0, bracket), module: line.slice(bracket + 2, -1) };
    });
}

/** The loaded modules. */
export function readModules(root: string): string[] {
  const text = readIfPossible(join(root, "/proc/modules")) ?? "";
  return text
    .split("\n")
    .flatMap((line) => line.split(" ", 1))
    .filter((name) => name !== "");
}

function readIfPossible(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return undefined;
  }
}
