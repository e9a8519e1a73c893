/** Settings of a script: the config block, and the environment's BPFTRACE_* variables, which win over it. */
import { type Diagnostics, nearest } from "../diagnostics.ts";
import type { KernelFacts } from "../kernel-facts.ts";
import type { RuntimeConfig } from "../program.ts";
import type { Span } from "../source.ts";
import type { ConfigBlock, ConfigEntry } from "../syntax/ast.ts";
import { mostKeyBytes } from "./map-declarations.ts";

export interface ScriptConfig extends RuntimeConfig {
  maxMapKeys: number;
  /** Bytes of strings without a length of their own, NUL included. */
  maxStrlen: number;
  maxProbes: number;
  /** The map that time series take the time from, in place of the clock: for tests. */
  timeSeriesClock: string | undefined;
}

const DEFAULTS: ScriptConfig = {
  license: "GPL",
  printMapsOnExit: true,
  stackMode: "bpftrace",
  missingProbes: "error",
  maxCatBytes: 10_240,
  cppDemangle: true,
  strTruncTrailer: "..",
  logSize: 1_000_000,
  maxMapKeys: 4096,
  maxStrlen: 1024,
  maxProbes: 1024,
  timeSeriesClock: undefined,
};

/** Where keys are small, two strings have room in one, and some numbers. */
const STRLEN_IN_SMALL_KEYS = 200;

/** Puts a value where it belongs; answers what is wrong with it, if anything is. `name` is that of the setting. */
type Setting = (config: ScriptConfig, text: string, name: string) => string | undefined;

const NUMBER = /^[0-9_]+$/;
const FLAGS: Readonly<Record<string, boolean>> = { true: true, false: false, "1": true, "0": false };

function number<K extends keyof ScriptConfig>(key: K, min = 1, max = 2 ** 32 - 1): Setting {
  return (config, text, name) => {
    const value = Number(text.replaceAll("_", ""));
    if (!NUMBER.test(text)) return `${name}: expecting a number, got ${text}`;
    if (value < min || value > max) return `${name}: expecting a number from ${min} to ${max}, got ${text}`;
    (config[key] as number) = value;
    return undefined;
  };
}

function flag<K extends keyof ScriptConfig>(key: K): Setting {
  return (config, text, name) => {
    if (!Object.hasOwn(FLAGS, text)) return notOneOf(name, Object.keys(FLAGS), text);
    (config[key] as boolean) = FLAGS[text]!;
    return undefined;
  };
}

function word<K extends keyof ScriptConfig>(key: K, words: readonly string[]): Setting {
  return (config, text, name) => {
    if (!words.includes(text)) return notOneOf(name, words, text);
    (config[key] as string) = text;
    return undefined;
  };
}

function notOneOf(name: string, words: readonly string[], text: string): string {
  return `Invalid value for ${name}. Found: ${text}. Valid values: ${words.join(", ")}`;
}

// Settings that steer parts which this implementation does differently: they are checked, and change nothing.

const idleNumber: Setting = (_, text, name) =>
  NUMBER.test(text) ? undefined : `${name}: expecting a number, got ${text}`;

function idleWord(...words: readonly string[]): Setting {
  return (_, text, name) => (words.includes(text) ? undefined : notOneOf(name, words, text));
}

const idleFlag = idleWord(...Object.keys(FLAGS));
const unstable = idleWord("enable", "warn", "error");

const LICENSES = ["Dual MIT/GPL", "Dual BSD/GPL", "Dual MPL/GPL", "GPL and additional rights", "GPL v2", "GPL"];

const SETTINGS: Readonly<Record<string, Setting>> = {
  license: word("license", LICENSES),
  max_map_keys: number("maxMapKeys"),
  max_strlen: number("maxStrlen", 1, 1 << 20),
  max_probes: number("maxProbes"),
  max_cat_bytes: number("maxCatBytes"),
  print_maps_on_exit: flag("printMapsOnExit"),
  stack_mode: word("stackMode", ["bpftrace", "raw", "perf", "build_id"]),
  missing_probes: word("missingProbes", ["ignore", "warn", "error"]),
  cpp_demangle: flag("cppDemangle"),
  log_size: number("logSize", 1, 2 ** 30 - 1),
  str_trunc_trailer(config, text) {
    config.strTruncTrailer = text;
    return undefined;
  },
  max_bpf_progs: idleNumber,
  perf_rb_pages: idleNumber,
  on_stack_limit: idleNumber,
  cache_user_symbols: idleWord("PER_PID", "PER_PROGRAM", "NONE", "1", "0"),
  lazy_symbolication: idleFlag,
  show_debug_info: idleFlag,
  use_blazesym: idleFlag,
  unstable_tseries: unstable,
  unstable_dw_ustack: unstable,
};

export function settingNames(): string[] {
  return Object.keys(SETTINGS);
}

/** Names that settings had before. */
const RENAMED: Readonly<Record<string, string>> = {
  strlen: "max_strlen",
  no_cpp_demangle: "cpp_demangle",
  cat_bytes_max: "max_cat_bytes",
  map_keys_max: "max_map_keys",
};

/** Settings of old that change nothing any more. */
const OBSOLETE: ReadonlySet<string> = new Set([
  "symbol_source",
  "max_ast_nodes",
  "max_type_res_iterations",
  "unstable_addr",
  "unstable_import",
  "unstable_import_statement",
  "unstable_macro",
  "unstable_map_decl",
  "unstable_typeinfo",
]);
const ENVIRONMENT_ONLY: ReadonlySet<string> = new Set(["btf", "kernel_build", "kernel_source", "vmlinux"]);

/** The settings that have an effect, by the names that scripts know them by. */
export function settingsOf(config: ScriptConfig): Record<string, string | number | boolean> {
  return {
    cpp_demangle: config.cppDemangle,
    print_maps_on_exit: config.printMapsOnExit,
    max_cat_bytes: config.maxCatBytes,
    max_map_keys: config.maxMapKeys,
    max_probes: config.maxProbes,
    max_strlen: config.maxStrlen,
    str_trunc_trailer: config.strTruncTrailer,
    missing_probes: config.missingProbes,
    stack_mode: config.stackMode,
    license: config.license,
    log_size: config.logSize,
  };
}

export function readConfig(
  block: ConfigBlock | undefined,
  environment: Readonly<Record<string, string>>,
  whole: Span,
  { facts, diags }: { facts: KernelFacts; diags: Diagnostics },
): ScriptConfig {
  const config = { ...DEFAULTS, timeSeriesClock: environment.dummy_ts_map };
  if (mostKeyBytes(facts) !== undefined) config.maxStrlen = STRLEN_IN_SMALL_KEYS;
  for (const entry of block?.entries ?? []) applyEntry(config, entry, diags);
  for (const [key, text] of Object.entries(environment)) {
    const setting = Object.hasOwn(SETTINGS, key) ? SETTINGS[key] : undefined;
    const problem = setting?.(config, text, `BPFTRACE_${key.toUpperCase()}`);
    if (problem !== undefined) {
      diags.error("config-value", { source: whole.source, start: 0, end: 0 }, problem, { elsewhere: true });
    }
  }
  return config;
}

function applyEntry(config: ScriptConfig, { name, value, span }: ConfigEntry, diags: Diagnostics): void {
  const given = name.text.toLowerCase().replace(/^bpftrace_/, "");
  const renamed = Object.hasOwn(RENAMED, given) ? RENAMED[given] : undefined;
  if (renamed) diags.warning("old-config", span, `${name.text} has been renamed, please use ${renamed}`);
  if (OBSOLETE.has(given)) {
    diags.warning("old-config", span, `${name.text} is deprecated and has no effect`, { help: "leave it out" });
    return;
  }
  if (ENVIRONMENT_ONLY.has(given)) {
    diags.error("unknown-config", span, `${name.text}: can only be set as an environment variable`);
    return;
  }
  const key = renamed ?? given;
  const setting = Object.hasOwn(SETTINGS, key) ? SETTINGS[key] : undefined;
  if (!setting) {
    const near = nearest(key, Object.keys(SETTINGS));
    const help = near && `did you mean \`${near}\`?`;
    diags.error("unknown-config", span, `${name.text}: not a known configuration option`, { help });
    return;
  }
  const problem = setting(config, String(value.value), name.text);
  if (problem !== undefined) diags.error("config-value", value.span, problem);
}
