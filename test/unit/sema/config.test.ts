/** Settings: what each of them takes from a script and from the environment, and what `config` shows of them. */
import { describe, expect, it } from "vitest";
import { Diagnostics } from "../../../compiler/diagnostics.ts";
import { readConfig, settingNames, settingsOf } from "../../../compiler/sema/config.ts";
import { Source } from "../../../compiler/source.ts";
import { parse } from "../../../compiler/syntax/parser.ts";
import { fakeFacts } from "../../support/fake-facts.ts";

function read(text: string, environment: Record<string, string> = {}) {
  const diags = new Diagnostics();
  const script = parse(new Source("test.bt", `config = { ${text} } begin {}`), diags);
  const config = readConfig(script.config, environment, script.span, { facts: fakeFacts(), diags });
  return { settings: settingsOf(config), messages: diags.items.map(({ message }) => message) };
}

describe("settings", () => {
  it("are all shown, but for the one that bpftrace does not show either", () => {
    const shown = Object.keys(read("").settings);
    expect([...shown, "cache_user_symbols"].sort()).toEqual(settingNames().sort());
  });

  it("have bpftrace's defaults", () => {
    expect(read("").settings).toEqual({
      cpp_demangle: true,
      lazy_symbolication: true,
      print_maps_on_exit: true,
      use_blazesym: false,
      show_debug_info: false,
      log_size: 1_000_000,
      max_bpf_progs: 1024,
      max_cat_bytes: 10_240,
      max_map_keys: 4096,
      max_probes: 1024,
      max_strlen: 1024,
      on_stack_limit: 32,
      perf_rb_pages: 0,
      str_trunc_trailer: "..",
      unstable_tseries: "warn",
      unstable_dw_ustack: "warn",
      missing_probes: "error",
      stack_mode: "bpftrace",
      license: "GPL",
    });
  });

  it.each<[string, Record<string, string>, Record<string, unknown>]>([
    ["max_strlen = 64", {}, { max_strlen: 64 }],
    ["max_strlen = 64", { max_strlen: "1_00" }, { max_strlen: 100 }],
    ["lazy_symbolication = 0", {}, { lazy_symbolication: false }],
    ["", { use_blazesym: "true" }, { use_blazesym: true }],
    ["on_stack_limit = 64; perf_rb_pages = 0", {}, { on_stack_limit: 64, perf_rb_pages: 0 }],
    ["perf_rb_pages = 524_288", { perf_rb_pages: "64" }, { perf_rb_pages: 64 }],
    ["max_bpf_progs = 5", { max_bpf_progs: "6" }, { max_bpf_progs: 6 }],
    ["unstable_dw_ustack = error", {}, { unstable_dw_ustack: "error" }],
    ["", { unstable_tseries: "enable" }, { unstable_tseries: "enable" }],
    ["cache_user_symbols = NONE", {}, {}],
    ["", { nothing_of_the_sort: "x", color: "x" }, {}],
  ])("%s, %o", (text, environment, changed) => {
    expect(read(text, environment)).toEqual({ settings: { ...read("").settings, ...changed }, messages: [] });
  });

  it.each([
    ["max_strlen", "", "BPFTRACE_MAX_STRLEN: expecting a number, got "],
    ["max_strlen", "-1", "BPFTRACE_MAX_STRLEN: expecting a number, got -1"],
    ["max_strlen", "0", "BPFTRACE_MAX_STRLEN: expecting a number from 1 to 1048576, got 0"],
    ["perf_rb_pages", "x", "BPFTRACE_PERF_RB_PAGES: expecting a number, got x"],
    ["perf_rb_pages", "524289", "BPFTRACE_PERF_RB_PAGES: expecting a number from 0 to 524288, got 524289"],
    ["on_stack_limit", "1e3", "BPFTRACE_ON_STACK_LIMIT: expecting a number, got 1e3"],
    ["show_debug_info", "2", "Invalid value for BPFTRACE_SHOW_DEBUG_INFO. Found: 2. Valid values: 0, 1, true, false"],
    ["cpp_demangle", "", "Invalid value for BPFTRACE_CPP_DEMANGLE. Found: . Valid values: 0, 1, true, false"],
    [
      "unstable_tseries",
      "x",
      "Invalid value for BPFTRACE_UNSTABLE_TSERIES. Found: x. Valid values: enable, warn, error",
    ],
    [
      "cache_user_symbols",
      "x",
      "Invalid value for BPFTRACE_CACHE_USER_SYMBOLS. Found: x. Valid values: PER_PID, PER_PROGRAM, NONE, 1, 0",
    ],
  ])("%s=%s in the environment is refused", (name, text, message) => {
    expect(read("", { [name]: text }).messages).toEqual([message]);
  });
});
