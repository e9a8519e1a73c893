/**
 * The compiler's questions, answered by the running kernel. Nothing is read before it is asked for, and nothing twice:
 * a script that counts page faults should not wait for five megabytes of type information.
 */
import { existsSync, readFileSync } from "node:fs";
import { release, version } from "node:os";
import { join } from "node:path";
import { Btf } from "../../../compiler/btf/btf.ts";
import { Dwarf } from "../../../compiler/dwarf/dwarf.ts";
import type { ElfSymbols, Features, KernelFacts, TracepointFormat } from "../../../compiler/kernel-facts.ts";
import { countCpus, demangle, mapFile, SysError } from "../../../native/index.ts";
import { debugFilesOf } from "../elf/debug-sections.ts";
import { ElfError } from "../elf/file.ts";
import { CapabilityError, errnoOf } from "./capability-error.ts";
import { cgroupId } from "./cgroup.ts";
import { readElf } from "./elf.ts";
import { kernelProber, lazyFeatures, once, type Prober } from "./features.ts";
import { findSymbol, SymbolTable } from "./kallsyms.ts";
import { KERNEL, readFunctionList, readKernelFunctions, readModules } from "./kernel-functions.ts";
import { executableOf, inFirstPidNamespace } from "./processes.ts";
import { findTargets } from "./targets.ts";
import { findTracefs, readFormat, readTracepoints } from "./tracefs.ts";
import { parseVersion } from "./version.ts";

export interface HostFactsOptions {
  /** Where /proc and /sys are looked for; "/" but in tests. */
  root?: string;
  prober?: Prober;
  /** A file that lists the functions that can be traced, in place of tracefs' own. */
  traceableFunctions?: string | undefined;
  /** A file with the kernel's type information, in place of the kernel's own. */
  typeInformation?: string | undefined;
  /** Folders in which debug files are looked for before the usual ones. */
  debugFolders?: readonly string[];
  /** As uname says. */
  release?: string;
  build?: string;
  /** As process.arch says. */
  arch?: string;
}

/** {@link KernelFacts} of this machine, and what else the harness wants to know about its kernel. */
export interface HostFacts extends KernelFacts {
  /** Where tracefs is mounted. Throws CapabilityError when it is not. */
  tracefs(): string;
  /** All kernel symbols, for turning addresses into names. Throws CapabilityError when they are hidden. */
  symbolTable(): SymbolTable;
}

/** The facts of the machine that we run on. Throws CapabilityError on a processor that the compiler does not know. */
export function hostFacts(options: HostFactsOptions = {}): HostFacts {
  const { root = "/", prober = kernelProber, arch = process.arch } = options;
  if (arch !== "x64" && arch !== "arm64")
    throw new CapabilityError(`no tracing on processors of type ${arch}`, "use an x86-64 or arm64 machine");

  const at = (path: string): string => join(root, path);
  const formats = new Map<string, TracepointFormat | undefined>();
  const btfs = new Map<string, Btf | undefined>();
  const symbols = new Map<string, bigint | undefined>();
  const debug = new Map<string, Dwarf | undefined>();
  const elves = new Map<string, ElfSymbols | undefined>();

  const btf = (module = "vmlinux"): Btf | undefined =>
    remembered(btfs, module, () => {
      if (module === "vmlinux") return readBtf(options.typeInformation ?? at("/sys/kernel/btf/vmlinux"));
      // Part of a path from here on.
      return /^[\w-]+$/.test(module) ? readBtf(at(`/sys/kernel/btf/${module}`), btf()) : undefined;
    });

  const kernelVersion = once(() => parseVersion(options.release ?? release(), options.build ?? version()));
  const possibleCpus = once(() => countCpus(readFileSync(at("/sys/devices/system/cpu/possible"), "utf8")));
  const isInFirstPidNamespace = once(() => inFirstPidNamespace(root));
  const tracefs = once(() => findTracefs(root));
  const tracepoints = once(() => readTracepoints(tracefs()));
  const symbolTable = once(() => SymbolTable.read(at("/proc/kallsyms")));
  const kernelFunctions = once(() => {
    const { traceableFunctions: list } = options;
    return list === undefined ? readKernelFunctions(tracefs(), symbolTable) : readFunctionList(list);
  });
  /** Most functions are found in the type information, which is known sooner than the list of what can be traced. */
  const isTraceable = (name: string, module: string | undefined): boolean => {
    const inKernel = module === undefined || module === KERNEL;
    if (options.traceableFunctions === undefined && inKernel && btf()?.func(name)) return true;
    return kernelFunctions().some((fn) => fn.name === name && (module === undefined || fn.module === module));
  };
  const modules = once(() => readModules(root));
  const features: Features = lazyFeatures(prober, {
    tracepoint: () => btf()?.tracepoint("sys_enter")?.id,
    // The kernel has it for being attached to.
    kernelFunction: () => btf()?.func("bpf_fentry_test1")?.id,
    hasKprobes: () => existsSync(at("/sys/bus/event_source/devices/kprobe/type")),
  });

  return {
    arch,
    get version() {
      return kernelVersion();
    },
    get possibleCpus() {
      return possibleCpus();
    },
    get inFirstPidNamespace() {
      return isInFirstPidNamespace();
    },
    features,
    btf,
    tracefs,
    tracepoints,
    tracepointFormat: (category, name) =>
      remembered(formats, `${category}:${name}`, () => readFormat(tracefs(), category, name)),
    kernelSymbol: (name) => remembered(symbols, name, () => findSymbol(at("/proc/kallsyms"), name)),
    symbolTable,
    cgroupId,
    binaries: (name, options) => findTargets(name, { arch, path: process.env.PATH ?? "", root }, options),
    executable: (pid) => executableOf(pid, root),
    demangle,
    kernelFunctions,
    isTraceable,
    modules,
    debugInfo: (path) => remembered(debug, path, () => openDebugInfo(path.startsWith("/") ? at(path) : path, options)),
    elfSymbols: (path) => remembered(elves, path, () => readElfIfPossible(path.startsWith("/") ? at(path) : path)),
  };
}

function remembered<T>(known: Map<string, T>, key: string, find: () => T): T {
  const found = known.get(key);
  if (found !== undefined || known.has(key)) return found as T;
  const value = find();
  known.set(key, value);
  return value;
}

/** Type information; undefined on a kernel built without. Throws CapabilityError and BtfError. */
/** The kernel hands type information out page by page, unless it lets it be mapped (6.16). */
function contentOf(path: string): Uint8Array {
  try {
    return mapFile(path);
  } catch (error) {
    if (error instanceof SysError) return readFileSync(path);
    throw error;
  }
}

function readBtf(path: string, base?: Btf): Btf | undefined {
  try {
    return Btf.parse(contentOf(path), base);
  } catch (error) {
    const code = errnoOf(error);
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    if (code === "EACCES" || code === "EPERM")
      throw new CapabilityError("the kernel's type information may not be read", "run as root", error);
    throw error;
  }
}

function openDebugInfo(path: string, { debugFolders }: HostFactsOptions): Dwarf | undefined {
  const files = debugFilesOf(path, debugFolders);
  return files && Dwarf.open(files);
}

function readElfIfPossible(path: string): ElfSymbols | undefined {
  try {
    return readElf(path);
  } catch (error) {
    if (error instanceof ElfError || errnoOf(error) !== undefined) return undefined;
    throw error;
  }
}
