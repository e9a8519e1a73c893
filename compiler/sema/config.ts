/** Settings of a script: the config block, and the environment's BPFTRACE_* variables, which win over it. */
import { type Diagnostics, didYouMean } from "../diagnostics.ts";
import type { KernelFacts } from "../kernel-facts.ts";
import type { RuntimeConfig } from "../program.ts";
import type { Span } from "../source.ts";
import type { ConfigBlock, ConfigEntry } from "../syntax/ast.ts";
import { MOST_STRLEN } from "./limits.ts";
import { mostKeyBytes } from "./map-declarations.ts";

export interface ScriptConfig extends RuntimeConfig {
  maxMapKeys: number;
  /** Bytes of strings without a length of their own, NUL included. */
  maxStrlen: number;
  maxProbes: number;
  /** The map that time series take the time from, in place of the clock: for tests. */
  timeSeriesClock: string | undefined;
  /** Whether the script may have time series. */
  timeSeries: (typeof UNSTABLE)[number];
  unwinding: (typeof UNSTABLE)[number];
  /** What steers parts that this implementation does differently: it is checked, can be asked for, and changes nothing. */
  idle: IdleSettings;
}

interface IdleSettings {
  lazy_symbolication: boolean;
  use_blazesym: boolean;
  show_debug_info: boolean;
  max_bpf_progs: number;
  on_stack_limit: number;
}

/** What may be done with a feature whose form can still change. */
const UNSTABLE = ["enable", "warn", "error"] as const;

const DEFAULTS: ScriptConfig = {
  license: "GPL",
  printMapsOnExit: true,
  stackMode: "bpftrace",
  missingProbes: "error",
  maxCatBytes: 10_240,
  cppDemangle: true,
  strTruncTrailer: "..",
  logSize: 1_000_000,
  ringPages: 0,
  maxMapKeys: 4096,
  maxStrlen: 1024,
  maxProbes: 1024,
  timeSeriesClock: undefined,
  timeSeries: "warn",
  unwinding: "warn",
  idle: {
    lazy_symbolication: true,
    use_blazesym: false,
    show_debug_info: false,
    max_bpf_progs: 1024,
    on_stack_limit: 32,
  },
};

/** Where keys are small, two strings have room in one, and some numbers. */
const STRLEN_IN_SMALL_KEYS = 200;

/** 2 GiB, where pages have their usual size: what the kernel numbers positions in a ring with. */
const MOST_RING_PAGES = 2 ** 19;

/** Puts a value where it belongs; answers what is wrong with it, if anything is. `name` is that of the setting. */
type Setting = (config: ScriptConfig, text: string, name: string) => string | undefined;

const NUMBER = /^[0-9_]+$/;
const FLAGS: Readonly<Record<string, boolean>> = { true: true, false: false, "1": true, "0": false };

function number<K extends keyof ScriptConfig>(key: K, min = 1, max = 2 ** 32 - 1): Setting {
  return (config, text, name) => {
    if (!NUMBER.test(text)) return notANumber(name, text);
    const value = numberOf(text);
    if (value < min || value > max) return `${name}: expecting a number from ${min} to ${max}, got ${text}`;
    (config[key] as number) = value;
    return undefined;
  };
}

const numberOf = (text: string): number => Number(text.replaceAll("_", ""));

function notANumber(name: string, text: string): string {
  return `${name}: expecting a number, got ${text}`;
}

function flag<K extends keyof ScriptConfig>(key: K): Setting {
  return (config, text, name) => {
    if (!Object.hasOwn(FLAGS, text)) return notAFlag(name, text);
    (config[key] as boolean) = FLAGS[text]!;
    return undefined;
  };
}

function notAFlag(name: string, text: string): string {
  return notOneOf(name, Object.keys(FLAGS), text);
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

/** An idle setting; its default says what it takes. */
function idle<K extends keyof IdleSettings>(key: K, words: readonly string[] = []): Setting {
  const set = (config: ScriptConfig, value: string | number | boolean): undefined => {
    config.idle = { ...config.idle, [key]: value };
  };
  switch (typeof DEFAULTS.idle[key]) {
    case "number":
      return (config, text, name) => (NUMBER.test(text) ? set(config, numberOf(text)) : notANumber(name, text));
    case "boolean":
      return (config, text, name) => (Object.hasOwn(FLAGS, text) ? set(config, FLAGS[text]!) : notAFlag(name, text));
    default:
      return (config, text, name) => (words.includes(text) ? set(config, text) : notOneOf(name, words, text));
  }
}

/** Nobody can ask what it is set to. */
const cacheUserSymbols: Setting = (_, text, name) => (CACHES.includes(text) ? undefined : notOneOf(name, CACHES, text));
const CACHES: readonly string[] = ["PER_PID", "PER_PROGRAM", "NONE", "1", "0"];

const LICENSES = ["Dual MIT/GPL", "Dual BSD/GPL", "Dual MPL/GPL", "GPL and additional rights", "GPL v2", "GPL"];

const SETTINGS: Readonly<Record<string, Setting>> = {
  license: word("license", LICENSES),
  max_map_keys: number("maxMapKeys"),
  max_strlen: number("maxStrlen", 1, MOST_STRLEN),
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
  max_bpf_progs: idle("max_bpf_progs"),
  perf_rb_pages: number("ringPages", 0, MOST_RING_PAGES),
  on_stack_limit: idle("on_stack_limit"),
  cache_user_symbols: cacheUserSymbols,
  lazy_symbolication: idle("lazy_symbolication"),
  show_debug_info: idle("show_debug_info"),
  use_blazesym: idle("use_blazesym"),
  unstable_tseries: word("timeSeries", UNSTABLE),
  unstable_dw_ustack: word("unwinding", UNSTABLE),
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

/** The settings, by the names that scripts know them by and in the order in which bpftrace shows them. */
export function settingsOf(config: ScriptConfig): Record<string, string | number | boolean> {
  const { idle } = config;
  return {
    cpp_demangle: config.cppDemangle,
    lazy_symbolication: idle.lazy_symbolication,
    print_maps_on_exit: config.printMapsOnExit,
    use_blazesym: idle.use_blazesym,
    show_debug_info: idle.show_debug_info,
    log_size: config.logSize,
    max_bpf_progs: idle.max_bpf_progs,
    max_cat_bytes: config.maxCatBytes,
    max_map_keys: config.maxMapKeys,
    max_probes: config.maxProbes,
    max_strlen: config.maxStrlen,
    on_stack_limit: idle.on_stack_limit,
    perf_rb_pages: config.ringPages,
    str_trunc_trailer: config.strTruncTrailer,
    unstable_tseries: config.timeSeries,
    unstable_dw_ustack: config.unwinding,
    missing_probes: config.missingProbes,
    stack_mode: config.stackMode,
    license: config.license,
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
    const help = didYouMean(key, Object.keys(SETTINGS));
    diags.error("unknown-config", span, `${name.text}: not a known configuration option`, { help });
    return;
  }
  const problem = setting(config, String(value.value), name.text);
  if (problem !== undefined) diags.error("config-value", value.span, problem);
}
