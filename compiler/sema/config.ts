/** Settings of a script: the config block, and the environment's BPFTRACE_* variables, which win over it. */
import { type Diagnostics, nearest } from "../diagnostics.ts";
import type { RuntimeConfig } from "../program.ts";
import type { Span } from "../source.ts";
import type { ConfigBlock } from "../syntax/ast.ts";

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

/** What a setting takes, and where it goes. `undefined` from a reader means that the value is not one of its kind. */
interface Setting {
  takes: string;
  apply(config: ScriptConfig, value: string): boolean;
}

function number<K extends keyof ScriptConfig>(key: K, min = 1, max = 2 ** 32 - 1): Setting {
  return {
    takes: `a number from ${min} to ${max}`,
    apply(config, text) {
      const value = Number(text.replaceAll("_", ""));
      if (!Number.isSafeInteger(value) || value < min || value > max) return false;
      (config[key] as number) = value;
      return true;
    },
  };
}

function flag<K extends keyof ScriptConfig>(key: K): Setting {
  return {
    takes: "true or false",
    apply(config, text) {
      if (!["true", "false", "1", "0"].includes(text)) return false;
      (config[key] as boolean) = text === "true" || text === "1";
      return true;
    },
  };
}

function word<K extends keyof ScriptConfig>(key: K, words: readonly string[]): Setting {
  return {
    takes: words.join(", "),
    apply(config, text) {
      if (!words.includes(text)) return false;
      (config[key] as string) = text;
      return true;
    },
  };
}

/** Settings that steer parts which this implementation does differently: they are checked, and change nothing. */
function withoutEffect(takes: string, pattern: RegExp): Setting {
  return { takes, apply: (_config, text) => pattern.test(text) };
}

const NUMBER = /^[0-9_]+$/;
const UNSTABLE = withoutEffect("error, warn, enable", /^(error|warn|enable)$/);

const LICENSES = ["GPL", "GPL v2", "GPL and additional rights", "Dual BSD/GPL", "Dual MIT/GPL", "Dual MPL/GPL"];

const SETTINGS: Record<string, Setting> = {
  license: word("license", LICENSES),
  max_map_keys: number("maxMapKeys"),
  max_strlen: number("maxStrlen", 1, 1 << 20),
  max_probes: number("maxProbes"),
  max_cat_bytes: number("maxCatBytes"),
  print_maps_on_exit: flag("printMapsOnExit"),
  stack_mode: word("stackMode", ["bpftrace", "perf", "raw", "build_id"]),
  missing_probes: word("missingProbes", ["error", "warn", "ignore"]),
  cpp_demangle: flag("cppDemangle"),
  log_size: number("logSize", 1, 2 ** 30 - 1),
  str_trunc_trailer: {
    takes: "a string",
    apply(config, text) {
      config.strTruncTrailer = text;
      return true;
    },
  },
  max_bpf_progs: withoutEffect("a number", NUMBER),
  perf_rb_pages: withoutEffect("a number", NUMBER),
  on_stack_limit: withoutEffect("a number", NUMBER),
  cache_user_symbols: withoutEffect("PER_PROGRAM, PER_PID, NONE", /^(PER_PROGRAM|PER_PID|NONE|0|1)$/i),
  lazy_symbolication: withoutEffect("true or false", /^(true|false|0|1)$/),
  show_debug_info: withoutEffect("true or false", /^(true|false|0|1)$/),
  use_blazesym: withoutEffect("true or false", /^(true|false|0|1)$/),
  max_ast_nodes: withoutEffect("a number", NUMBER),
  unstable_tseries: UNSTABLE,
  unstable_dw_ustack: UNSTABLE,
  unstable_map_decl: UNSTABLE,
  unstable_import: UNSTABLE,
  unstable_import_statement: UNSTABLE,
  unstable_typeinfo: UNSTABLE,
  unstable_addr: UNSTABLE,
  unstable_macro: UNSTABLE,
};

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
  diags: Diagnostics,
): ScriptConfig {
  const config = { ...DEFAULTS, timeSeriesClock: environment.dummy_ts_map };
  for (const { name, value } of block?.entries ?? []) {
    const key = name.text.toLowerCase().replace(/^bpftrace_/, "");
    const setting = Object.hasOwn(SETTINGS, key) ? SETTINGS[key] : undefined;
    if (!setting) {
      const near = nearest(key, Object.keys(SETTINGS));
      diags.error("unknown-config", name.span, `unknown setting \`${name.text}\``, {
        help: near && `did you mean \`${near}\`?`,
      });
    } else if (!setting.apply(config, String(value.value))) {
      diags.error("config-value", value.span, `\`${name.text}\` takes ${setting.takes}`);
    }
  }
  for (const [key, text] of Object.entries(environment)) {
    const setting = Object.hasOwn(SETTINGS, key) ? SETTINGS[key] : undefined;
    if (setting && !setting.apply(config, text)) {
      diags.error("config-value", whole, `BPFTRACE_${key.toUpperCase()} takes ${setting.takes}, not \`${text}\``);
    }
  }
  return config;
}
