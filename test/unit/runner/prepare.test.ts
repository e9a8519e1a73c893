import { describe, expect, it } from "vitest";
import { Diagnostics, location } from "../../../compiler/diagnostics.ts";
import { span } from "../../../compiler/source.ts";
import { prepare } from "../../../harness/runner/prepare.ts";
import { SysError } from "../../../native/index.ts";
import { FakeWorld } from "../../support/fake-host.ts";
import { scenarioOf, scenariosOf } from "../../support/scenarios.ts";

const WORK = 'workload: { command: ["true"] }';

function errors(world: FakeWorld, yaml: string): string[] {
  const diags = new Diagnostics();
  prepare([scenarioOf(`${WORK}\n${yaml}`)], world, diags);
  return diags.items.map((d) => `${location(d.span).split(":").slice(1).join(":")} ${d.code}: ${d.message}`);
}

describe("preparation", () => {
  it("compiles each script for its scope, with its parameters", () => {
    const world = new FakeWorld({}, "tree");
    const yaml = `${WORK}\nprobes: [{ bpftrace: x, params: { a: 1 } }, { bpftrace: y, scope: system }]`;
    expect(prepare([scenarioOf(yaml)], world, new Diagnostics())).toHaveLength(1);
    expect(world.compiles).toMatchObject([{ scope: "tree", namedParameters: { a: "1" } }, { scope: "system" }]);
  });

  it("accepts metrics over the maps of the scripts", () => {
    const world = new FakeWorld({});
    world.maps = { x: [{ name: "@a", keyed: true }] };
    expect(errors(world, "probes: [{ bpftrace: x }]\nmetrics: { m: sum(@a) }")).toEqual([]);
  });

  it.each<[string, string, string[]]>([
    ["a map that no script has", "metrics: { m: '@b' }", ["5:16 unknown-map: no script has a map `@b`"]],
    ["a map in an assertion", "assert: ['@b == 1']", ["5:11 unknown-map: no script has a map `@b`"]],
    [
      "a map that holds something else",
      "metrics: { m: p99(@a) }",
      ["5:15 wrong-map-kind: `p99` cannot read `@a`, which holds counts"],
    ],
  ])("reports %s", (_, metrics, expected) => {
    const world = new FakeWorld({});
    world.maps = { x: [{ name: "@a", keyed: true }] };
    expect(errors(world, `probes: [{ bpftrace: x }]\n${metrics}`)).toEqual(expected);
  });

  it("reports a map that two scripts have, but only when a metric reads it", () => {
    const world = new FakeWorld({});
    world.maps = { x: [{ name: "@a" }, { name: "@start" }], y: [{ name: "@a" }, { name: "@start" }] };
    expect(errors(world, "probes: [{ bpftrace: x }, { bpftrace: y }]\nmetrics: { m: '@a' }")).toEqual([
      "5:16 ambiguous-map: `@a` is a map of 2 scripts: which one is meant?",
    ]);
  });

  it("reports the errors of all scripts of all scenarios together, and nothing runs", () => {
    const world = new FakeWorld({});
    world.compileWith = (source, diags) => {
      if (diags.hasErrors) throw new Error("a script must not see the errors of another");
      diags.error("bad", span(source, 0, 1), `bad ${source.text}`);
      return undefined;
    };
    const diags = new Diagnostics();
    const scenario = (name: string) =>
      `  - { name: ${name}, ${WORK}, probes: [{ bpftrace: ${name}1 }, { bpftrace: ${name}2 }], metrics: { m: '@x' } }`;
    const scenarios = scenariosOf(`version: 1\nscenarios:\n${scenario("a")}\n${scenario("b")}\n`);
    expect(prepare(scenarios, world, diags)).toBeUndefined();
    expect(diags.items.map(({ message }) => message)).toEqual(["bad a1", "bad a2", "bad b1", "bad b2"]);
    expect(world.log).toEqual([]);
  });

  it("reports a user who does not exist", () => {
    const world = new FakeWorld({});
    const diags = new Diagnostics();
    prepare([scenarioOf('workload: { command: ["true"], user: nosuch }')], world, diags);
    expect(diags.items).toMatchObject([{ code: "bad-user", message: "there is no user `nosuch` in /etc/passwd" }]);
  });

  it("looks for required programs where the workload will look for its own", () => {
    const world = new FakeWorld({ here: () => 0 });
    const asked: [string, string][] = [];
    const { hasProgram } = world;
    Object.assign(world, {
      hasProgram: (name: string, path: string) => {
        asked.push([name, path]);
        return hasProgram(name);
      },
    });
    const scenario = (env: string): string => `requires: [here, gone]\nworkload: { command: [here]${env} }`;
    for (const env of ["", ", env: { PATH: /mine }"]) {
      expect(prepare([scenarioOf(scenario(env))], world, new Diagnostics())![0]!.missing).toEqual([
        { kind: "missing-program", message: "`gone` was not found in PATH", help: expect.stringContaining("gone") },
      ]);
    }
    expect(asked.map(([, path]) => path)).toEqual(["/bin", "/bin", "/mine", "/mine"]);
  });

  it("keeps what the machine refuses apart from what the user got wrong", () => {
    const world = new FakeWorld({});
    world.compileWith = () => {
      throw new SysError("open", 13, { path: "/sys/kernel/tracing" });
    };
    const diags = new Diagnostics();
    const prepared = prepare([scenarioOf(`${WORK}\nprobes: [{ bpftrace: x }]`)], world, diags);
    expect(diags.items).toEqual([]);
    expect(prepared?.[0]?.unsupported).toMatchObject({
      kind: "capability",
      message: expect.stringContaining("EACCES"),
    });
  });

  it("does not hide a bug of the compiler", () => {
    const world = new FakeWorld({});
    world.compileWith = () => {
      throw new TypeError("bug");
    };
    expect(() => errors(world, "probes: [{ bpftrace: x }]")).toThrow("bug");
  });
});
