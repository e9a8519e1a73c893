/**
 * Everything that can be found wrong without running anything: each script of each scenario is compiled, and each
 * metric is held against the maps that the scripts have. All errors of the whole suite come out together.
 */
import { type Diagnostic, Diagnostics } from "../../compiler/diagnostics.ts";
import type { CompiledProgram, ScopeFilter } from "../../compiler/program.ts";
import type { ProbeScript, Scenario } from "../config/scenario.ts";
import type { Expression } from "../metrics/ast.ts";
import { checkMaps, mapsIn } from "../metrics/check.ts";
import type { MapShape } from "../metrics/run-data.ts";
import { mapShape } from "../tracing/metric-data.ts";
import { childEnvironment } from "./environment.ts";
import type { Host } from "./host.ts";
import type { Problem } from "./problems.ts";
import { capability, isSystemError } from "./tracing-problems.ts";
import { resolveUser, type User, UserError } from "./users.ts";

export interface PreparedScenario {
  readonly scenario: Scenario;
  readonly user: User | undefined;
  readonly scripts: readonly PreparedScript[];
  /** Programs that it requires and that are not there. */
  readonly missing: readonly Problem[];
  /** Why it cannot be measured on this machine. */
  readonly unsupported: Problem | undefined;
}

export interface PreparedScript {
  readonly script: ProbeScript;
  readonly program: CompiledProgram;
  /** The same script with room for more entries in the named maps. */
  enlarge(maxEntries: Readonly<Record<string, number>>): CompiledProgram;
}

/** What preparing needs of a host: it neither runs nor loads anything. */
export type PreparationHost = Pick<Host, "compile" | "users" | "hasProgram"> & {
  /** How a workload's tasks will be told from others. */
  readonly scopes: { readonly kind: ScopeFilter };
};

/** Compiles and checks. Undefined when `diags` has received errors; nothing has been loaded or run in either case. */
export function prepare(
  scenarios: readonly Scenario[],
  host: PreparationHost,
  diags: Diagnostics,
): readonly PreparedScenario[] | undefined {
  const prepared = scenarios.map((scenario) => prepareOne(scenario, host, diags));
  return diags.hasErrors ? undefined : prepared;
}

/** Reports what is wrong in scripts whose scenarios will not be prepared, because something else is wrong. */
export function checkScripts(scripts: readonly ProbeScript[], host: PreparationHost, diags: Diagnostics): void {
  for (const script of scripts) {
    try {
      prepareScript(script, host, diags);
    } catch (error) {
      // What this machine lacks is of no interest before the mistakes are mended.
      if (!isSystemError(error)) throw error;
    }
  }
}

function prepareOne(scenario: Scenario, host: PreparationHost, diags: Diagnostics): PreparedScenario {
  const user = userOf(scenario, host, diags);
  const missing = missingPrograms(scenario, user, host);
  try {
    const scripts = scenario.probes.map((script) => prepareScript(script, host, diags));
    // With a broken script its maps are unknown, and each metric over them would be one more, misleading error.
    if (scripts.every((script) => script !== undefined)) {
      checkExpressions(scenario, scripts, diags);
      return { scenario, user, scripts, missing, unsupported: undefined };
    }
    return { scenario, user, scripts: [], missing, unsupported: undefined };
  } catch (error) {
    if (!isSystemError(error)) throw error;
    return { scenario, user, scripts: [], missing, unsupported: capability(error) };
  }
}

function userOf({ workload }: Scenario, host: PreparationHost, diags: Diagnostics): User | undefined {
  try {
    return resolveUser(workload.user, host.users);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    diags.error("bad-user", workload.span, error.message, { help: "`user` takes a name or a number" });
    return undefined;
  }
}

/** Looked for where the workload will look for its own. */
function missingPrograms({ requires, workload }: Scenario, user: User | undefined, host: PreparationHost): Problem[] {
  const { PATH = "" } = childEnvironment(host.users.env, user, workload.env, "");
  return requires
    .filter((name) => !host.hasProgram(name, PATH))
    .map((name) => ({
      kind: "missing-program",
      message: `\`${name}\` was not found in PATH`,
      help: `install ${name} to have this measured`,
    }));
}

function prepareScript(script: ProbeScript, host: PreparationHost, diags: Diagnostics): PreparedScript | undefined {
  const compile = (into: Diagnostics, maxEntries: Readonly<Record<string, number>>): CompiledProgram | undefined =>
    host.compile(script.source, into, {
      scope: script.scope === "system" ? "system" : host.scopes.kind,
      workload: host.scopes.kind,
      parameters: script.params.positional,
      namedParameters: script.params.named,
      maxEntries,
    });
  // Of its own, because the compiler goes no further once there are errors, wherever they are from.
  const own = new Diagnostics();
  const program = compile(own, {});
  for (const diagnostic of own.items) diags.add(diagnostic);
  if (program === undefined) return undefined;
  return {
    script,
    program,
    enlarge: (maxEntries) => {
      const quiet = new Diagnostics();
      const enlarged = compile(quiet, maxEntries);
      if (enlarged === undefined) throw new Error(`a script that compiled before no longer does: ${summary(quiet)}`);
      return enlarged;
    },
  };
}

function summary({ errors }: Diagnostics): string {
  return errors.map(({ message }: Diagnostic) => message).join("; ");
}

/** Each map that a metric or an assertion reads must exist once, with values that can be read that way. */
function checkExpressions(scenario: Scenario, scripts: readonly PreparedScript[], diags: Diagnostics): void {
  const shapes = new Map<string, MapShape>();
  const owners = new Map<string, ProbeScript[]>();
  for (const { script, program } of scripts) {
    for (const shape of program.scriptMaps.map(mapShape)) {
      shapes.set(shape.name, shape);
      owners.set(shape.name, [...(owners.get(shape.name) ?? []), script]);
    }
  }
  for (const { expression } of [...scenario.metrics, ...scenario.assertions]) {
    checkMaps(expression, shapes, diags);
    for (const name of mapsIn(expression)) checkOwner(name, expression, owners.get(name) ?? [], diags);
  }
}

/** Scripts keep their maps to themselves, so two may have one of the same name; a metric could mean either. */
function checkOwner(name: string, { span }: Expression, owners: readonly ProbeScript[], diags: Diagnostics): void {
  if (owners.length < 2) return;
  const labels = owners.map((owner) => ({ span: owner.span, message: `\`${name}\` is in this script` }));
  diags.error("ambiguous-map", span, `\`${name}\` is a map of ${owners.length} scripts: which one is meant?`, {
    labels,
    help: "rename it in one of them",
  });
}
