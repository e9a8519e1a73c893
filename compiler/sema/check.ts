/**
 * Type checking. Types of variables and maps follow from all their uses, so every unit is visited until nothing changes
 * (a type only ever grows, so this ends); what the last visit finds wrong is reported. The tree stays untouched: types go
 * to side tables.
 */
import { functions, variables } from "../builtins/index.ts";
import { Diagnostics as Collector, type Diagnostic, type Diagnostics, didYouMean } from "../diagnostics.ts";
import type { KernelFacts } from "../kernel-facts.ts";
import type { Span } from "../source.ts";
import type * as ast from "../syntax/ast.ts";
import { Checks } from "./check-expressions.ts";
import { StatementChecks } from "./check-statements.ts";
import type { ScriptConfig } from "./config.ts";
import { keeps, refusal } from "./conversions.ts";
import { joinTypes } from "./joins.ts";
import { hasUnknownPart, reportTooLarge } from "./limits.ts";
import { checkDeclaredValue, checkKeySize, declaredMaps } from "./map-declarations.ts";
import { checkDefaults, checkNamedParameters } from "./named-parameters.ts";
import type { Names } from "./names.ts";
import type { ResolvedBlock } from "./probes.ts";
import { programTypes } from "./program-types.ts";
import { similarFunction, similarValue } from "./suggestions.ts";
import { TypeQueries } from "./type-queries.ts";
import type { MapInfo, TypedScript, Unit, VariableInfo } from "./typed.ts";
import { int64, isAggregate, isNumericAggregate, knownInteger, type Type, typeName, unknown, widen } from "./types.ts";
import { splitIntoUnits } from "./units.ts";
import { checkUsdtArguments } from "./usdt-arguments.ts";

export interface CheckSettings {
  /** Bytes of str() and buf() without a length, NUL included. */
  maxStrlen: number;
  unsafe: boolean;
  parameters: readonly string[];
  namedParameters: Readonly<Record<string, string | true>>;
  config: ScriptConfig;
  names: Names;
  /** Names of the script's macros, which are expanded by now. */
  macros: readonly string[];
}

/**
 * Types become known, and grow, by one step a round. After so many rounds strings are taken to be made of themselves,
 * `@s = str_concat(@s, "x")`, which would grow for ever.
 */
const ROUNDS_OF_GROWTH = 32;
/** Maps may wait for each other in a chain; a longer one nobody writes. */
const MOST_ROUNDS = 200;

/** Where blocks were left out because of errors, it is only said what is wrong whatever stands in those. */
export function check(
  script: ast.Script,
  blocks: readonly ResolvedBlock[],
  facts: KernelFacts,
  settings: CheckSettings,
  diags: Diagnostics,
): TypedScript {
  const incomplete = diags.hasErrors;
  const maps = declaredMaps(script.mapDeclarations, settings.names, diags);
  checkNamedParameters(script, settings.namedParameters, diags);
  const units = blocks.flatMap(({ block, probes }) => splitIntoUnits(block, probes));
  const checkers = units.map((unit) => new Checker(unit, maps, facts, settings));
  let found = settle(checkers);
  const open = () => [...maps.values()].filter(({ value, read }) => read && value.kind === "unknown");
  if (open().length > 0 && !incomplete) {
    // `@sum = @sum + n`: what only its own old value could tell is a number, as is what is never stored.
    for (const checker of checkers) checker.assumesNumbers = true;
    settle(checkers);
    for (const map of open()) map.value = int64;
    found = settle(checkers);
  }
  for (const item of found.items) if (!incomplete || item.severity === "error") diags.add(item);
  for (const map of maps.values()) {
    map.key = widen(map.key);
    map.value = widen(map.value);
  }
  for (const unit of units) for (const variable of unit.variables.values()) variable.type = widen(variable.type);
  for (const map of maps.values()) {
    reportUnset(map, maps, diags);
    checkDeclaredValue(map, diags);
    checkKeySize(map, facts, diags);
    if (map.value.kind === "tseries") checkClock(settings.config.timeSeriesClock, maps, script.span, diags);
    if (map.declaration && map.keyed === undefined && !incomplete) {
      diags.warning("unused-map", map.span, `Unused map: ${map.name}`, { help: "remove its declaration" });
    }
  }
  if (!diags.hasErrors) checkDefaults(units, diags);
  checkUsdtArguments(units, diags);
  if (!diags.hasErrors) for (const unit of units) reportUnresolved(unit, diags);
  if (!diags.hasErrors) reportTooLarge(units, maps.values(), diags);
  return { units, maps };
}

/**
 * Looks at everything until nothing changes any more: a map may be read before it is assigned. What was wrong in the last round
 * is what is wrong; before, types were missing.
 */
function settle(checkers: readonly Checker[]): Diagnostics {
  for (let round = 0; ; round++) {
    const found = new Collector();
    for (const checker of checkers) checker.round(found);
    const open = checkers.find((checker) => checker.changed);
    if (!open) return found;
    if (round === ROUNDS_OF_GROWTH) for (const checker of checkers) checker.stringsGrow = true;
    if (round < MOST_ROUNDS) continue;
    const message = "the types in this block depend on each other over too many steps";
    const help = "declare some of the variables and maps before they are used";
    found.error("unresolved-type", open.unit.block.span, message, { help });
    return found;
  }
}

/** What has no type by now never gets one: of two variables each is assigned only the other, for instance. */
function reportUnresolved(unit: Unit, diags: Diagnostics): void {
  for (const [node, type] of unit.types) {
    if (!hasUnknownPart(type)) continue;
    const help = node.kind === "variable" ? `declare it: \`let ${node.name}: uint64\`, for instance` : undefined;
    diags.error("unresolved-type", node.span, "nothing tells the type of this", { help });
  }
}

function reportUnset(map: MapInfo, maps: ReadonlyMap<string, MapInfo>, diags: Diagnostics): void {
  if (map.assigned || diags.hasErrors) return;
  if (map.declaration && map.span === map.declaration.map.span) return;
  const assigned = [...maps.values()].filter((other) => other.assigned).map(({ name }) => name);
  const help = didYouMean(map.name, assigned) ?? (map.read ? undefined : "nothing is ever stored in it");
  if (map.read) diags.warning("unset-map", map.span, `Nothing is ever stored in ${map.name}: it reads as 0`, { help });
  else diags.error("undefined-map", map.span, `Undefined map: ${map.name}`, { help });
}

/** The map that stands in for the clock of time series, if there is one. */
function checkClock(
  name: string | undefined,
  maps: ReadonlyMap<string, MapInfo>,
  script: Span,
  diags: Diagnostics,
): void {
  const map = name === undefined ? undefined : maps.get(name);
  if (name === undefined || (map?.keyed === false && typeName(map.value) === "uint64")) return;
  diags.error("config-value", script, `BPFTRACE_DUMMY_TS_MAP takes a map without keys of uint64, not \`${name}\``);
}

/** Checks one unit. Builtins' rows call back into it. */
export class Checker {
  readonly unit: Unit;
  readonly facts: KernelFacts;
  readonly settings: CheckSettings;
  /** What names of types and constants mean in this unit. */
  readonly names: Names;
  readonly maps: Map<string, MapInfo>;
  readonly queries: TypeQueries;
  readonly #checks: Checks;
  readonly #statements: StatementChecks;
  readonly #declared = new Map<ast.Variable, VariableInfo>();
  #scopes: Map<string, VariableInfo>[] = [];
  #diags: Diagnostics = new Collector();
  /** Whether the code that is looked at can never run, because its condition is known to be false. */
  isUnreached = false;
  /** The calls that maps are assigned: aggregations can stand nowhere else. */
  readonly assignedCalls = new Set<ast.Call>();
  changed = false;
  /** Whether an operand that nothing has told the type of counts as a number by now. */
  assumesNumbers = false;
  /** Whether strings that are put together take all the room that a string can have, since they would need ever more. */
  stringsGrow = false;

  constructor(unit: Unit, maps: Map<string, MapInfo>, facts: KernelFacts, settings: CheckSettings) {
    this.unit = unit;
    this.maps = maps;
    this.facts = facts;
    this.settings = settings;
    this.names = settings.names.within(programTypes(unit.probes, facts));
    this.queries = new TypeQueries(this, this.names);
    this.#checks = new Checks(this);
    this.#statements = new StatementChecks(this, this.#checks);
  }

  /** One visit of the whole unit. */
  round(diags: Diagnostics): void {
    this.#diags = diags;
    this.changed = false;
    this.#scopes = [new Map()];
    const { predicate, body } = this.unit.block;
    if (predicate) this.condition(predicate);
    this.statements(body.statements);
  }

  // Messages

  error(code: string, span: Span, message: string, help?: string, more: Pick<Diagnostic, "elsewhere"> = {}): Type {
    this.#diags.error(code, span, message, { ...more, ...(help && { help }) });
    return unknown;
  }

  warn(code: string, span: Span, message: string, help?: string): void {
    this.#diags.warning(code, span, message, help === undefined ? {} : { help });
  }

  // Expressions

  /** The type of an expression; noted in the side table. */
  type(node: ast.Expression): Type {
    const type = this.names.own(this.#checks.expression(node));
    this.unit.types.set(node, type);
    return type;
  }

  /** Notes a type for a node that a builtin looks at in a way of its own. */
  note(node: ast.Expression, type: Type): Type {
    this.unit.types.set(node, type);
    return type;
  }

  /** A value that is true or false. */
  condition(node: ast.Expression): Type {
    const type = this.type(node);
    if (this.#checks.isTruthy(type)) return type;
    return this.error(
      "condition-type",
      node.span,
      `a condition must be a number, a pointer or a bool, not ${typeName(type)}`,
    );
  }

  /** Looks at code that never runs. */
  unreached(body: () => void): void {
    const before = this.isUnreached;
    this.isUnreached = true;
    body();
    this.isUnreached = before;
  }

  integer(node: ast.Expression, what: string): Type {
    const type = this.type(node);
    if (!this.#checks.isInteger(type)) {
      this.error("integer-expected", node.span, `${what} must be an integer, not ${typeName(type)}`);
    }
    return type;
  }

  /** An integer that is known now. */
  constant(node: ast.Expression | ast.TypeName | ast.Block | undefined, what: string): bigint | undefined {
    if (!node) return undefined;
    if (node.kind === "type-name" || node.kind === "block") {
      this.error("constant-expected", node.span, `${what} must be a number`);
      return undefined;
    }
    const type = this.type(node);
    const value = knownInteger(type);
    if (value !== undefined) return value;
    if (type.kind !== "unknown" || !this.#diags.hasErrors) {
      this.error("constant-expected", node.span, `${what} must be a number that is known when the script is compiled`);
    }
    return undefined;
  }

  /** A string literal (or a positional parameter, which is one). */
  literal(node: ast.Expression | ast.TypeName | ast.Block | undefined, what: string): string | undefined {
    if (!node) return undefined;
    if (node.kind !== "type-name" && node.kind !== "block") {
      const type = this.type(node);
      if (type.kind === "string" && type.value !== undefined) return type.value;
    }
    this.error("literal-expected", node.span, `${what} must be a string literal`);
    return undefined;
  }

  /** The expression that an argument must be. */
  expressionArg(call: ast.Call, index: number): ast.Expression | undefined {
    const arg = call.args[index];
    if (!arg) return undefined;
    if (arg.kind === "type-name" || arg.kind === "block") {
      this.error("argument-type", arg.span, `${call.callee.text}() takes a value here`);
      return undefined;
    }
    return arg;
  }

  /** The map that an argument must name: `@x`. */
  mapArg(call: ast.Call, index = 0): MapInfo | undefined {
    const arg = call.args[index];
    if (arg?.kind !== "map") {
      this.error("map-expected", (arg ?? call).span, `${call.callee.text}() takes a map here, such as \`@x\``);
      return undefined;
    }
    return this.map(arg);
  }

  // Variables

  declare(node: ast.Variable, type: Type, isTyped = false): VariableInfo {
    let info = this.#declared.get(node);
    if (!info) {
      info = { name: node.name, type, declaration: node, isTyped };
      this.#declared.set(node, info);
      this.changed = true;
    } else if (isTyped) info.type = type;
    else this.#grow(info, type, node.span);
    this.#scopes.at(-1)!.set(node.name, info);
    this.unit.variables.set(node, info);
    return info;
  }

  /** The variable of that name that can be seen from here. */
  visible(name: string): VariableInfo | undefined {
    return this.#scopes.findLast((scope) => scope.has(name))?.get(name);
  }

  lookup(node: ast.Variable): VariableInfo | undefined {
    const info = this.visible(node.name);
    if (info) this.unit.variables.set(node, info);
    return info;
  }

  variableNames(): string[] {
    return this.#scopes.flatMap((scope) => [...scope.keys()]);
  }

  assign(node: ast.Variable, type: Type, value: ast.Expression | undefined): void {
    if (type.kind === "void") {
      this.error("void-value", value?.span ?? node.span, "this gives no value to assign");
      return;
    }
    if (isAggregate(type) && !isNumericAggregate(type)) {
      this.error("aggregate-value", node.span, `${typeName(type)} values live in maps only`);
      return;
    }
    const stored = isNumericAggregate(type) ? this.#checks.coerced(type) : type;
    const span = value?.span ?? node.span;
    const known = this.lookup(node);
    if (known) this.#grow(known, stored, span);
    const info = known ?? this.declare(node, stored);
    if (value) this.#warnOfLoss(info.type, stored, value);
  }

  /** Warns of an integer that may become another one where it is stored. */
  #warnOfLoss(place: Type, given: Type, node: ast.Expression): void {
    if (place.kind === "tuple" && given.kind === "tuple" && node.kind === "tuple") {
      for (const [i, element] of node.elements.entries()) {
        this.#warnOfLoss(place.elements[i] ?? unknown, given.elements[i] ?? unknown, element);
      }
    }
    if (keeps(place, given) || refusal(place, given) !== undefined) return;
    const [from, to] = [typeName(given), typeName(place)];
    const help = `write (${to}) in front of it if that is intended`;
    this.warn("integer-conversion", node.span, `a value of type ${from} is stored as ${to}, which may change it`, help);
  }

  /** In a scope of its own. */
  scoped(body: () => void): void {
    this.#scopes.push(new Map());
    body();
    this.#scopes.pop();
  }

  #grow(info: VariableInfo, type: Type, span: Span): void {
    if (info.isTyped) {
      const reason = refusal(info.type, type);
      if (reason === undefined) return;
      this.error("variable-type", span, `\`${info.name}\` is declared as ${typeName(info.type)}, ${reason}`);
      return;
    }
    const joined = joinTypes(info.type, type);
    if (!joined) {
      this.error(
        "variable-type",
        span,
        `\`${info.name}\` is of type ${typeName(info.type)} and cannot take a value of type ${typeName(type)}`,
      );
      return;
    }
    if (describe(joined) === describe(info.type)) return;
    info.type = joined;
    this.changed = true;
  }

  // Maps

  map(node: ast.MapName): MapInfo {
    let info = this.maps.get(node.name);
    if (!info) {
      const { name, span } = node;
      info = {
        name,
        keyed: undefined,
        key: unknown,
        value: unknown,
        span,
        assigned: undefined,
        read: false,
        iterated: false,
        declaration: undefined,
        entries: undefined,
      };
      this.maps.set(name, info);
      this.changed = true;
    }
    if (info.declaration && info.span === info.declaration.map.span) info.span = node.span;
    return info;
  }

  /** Notes how a map is used: with a key of some type, or as a scalar. */
  useMap(node: ast.MapName | ast.MapAccess): MapInfo {
    const info = this.map(node.kind === "map" ? node : node.map);
    if (node.kind === "map") this.#keyed(info, false, node.span);
    else this.useKey(info, node.key, node.span);
    return info;
  }

  /** `use` is what it is the key in. */
  useKey(info: MapInfo, node: ast.Expression, use = node.span): void {
    const key = this.type(node);
    if (!this.#keyed(info, true, use)) return;
    if (key.kind === "void" || (isAggregate(key) && !isNumericAggregate(key))) {
      this.error("map-key", node.span, `a value of type ${typeName(key)} cannot be a key`);
      return;
    }
    const joined = joinTypes(info.key, isNumericAggregate(key) ? this.#checks.coerced(key) : key);
    if (!joined) {
      this.error(
        "map-key",
        node.span,
        `Argument mismatch for ${info.name}: trying to access with arguments: '${typeName(key)}' ` +
          `when map expects arguments: '${typeName(info.key)}'`,
      );
      return;
    }
    this.#warnOfLoss(info.key, key, node);
    if (describe(joined) === describe(info.key)) return;
    info.key = joined;
    this.changed = true;
  }

  /** Whether the map has been used like that so far. */
  #keyed(info: MapInfo, keyed: boolean, span: Span): boolean {
    if (info.keyed === undefined) {
      info.keyed = keyed;
      this.changed = true;
    }
    if (info.keyed === keyed) return true;
    const scalar = "without an explicit key (scalar map)";
    const keyedMap = "with an explicit key (non-scalar map)";
    const [now, before] = keyed ? [keyedMap, scalar] : [scalar, keyedMap];
    this.error("map-key", span, `${info.name} used as a map ${now}, previously used ${before}`);
    return false;
  }

  /** Notes a value that is stored in a map. */
  store(info: MapInfo, type: Type, span: Span, value?: ast.Expression): void {
    info.assigned ??= span;
    if (type.kind === "void") {
      this.error("void-value", span, "this gives no value to store");
      return;
    }
    const joined = joinTypes(info.value, type);
    if (!joined) {
      const help =
        isAggregate(type) !== isAggregate(info.value)
          ? "a map holds either plain values or one kind of aggregate; use a second map"
          : undefined;
      this.error(
        "map-value",
        span,
        `\`${info.name}\` holds values of type ${typeName(info.value)} and cannot take one of type ${typeName(type)}`,
        help,
      );
      return;
    }
    if (value) this.#warnOfLoss(info.value, type, value);
    if (describe(joined) === describe(info.value)) return;
    info.value = joined;
    this.changed = true;
  }

  // Statements

  statements(list: readonly ast.Statement[]): void {
    this.#statements.all(list);
  }

  // Names

  /** A builtin without arguments, or a constant of an enum. */
  identifier(node: ast.Identifier): Type {
    const { name, span } = node;
    const builtin = Object.hasOwn(variables, name) ? variables[name] : argumentBuiltin(name);
    if (builtin) return builtin.check(this, node);
    if (Object.hasOwn(functions, name)) {
      return this.error(
        "unknown-builtin",
        span,
        `\`${name}\` is a function`,
        `write it as \`${functions[name]!.form}\``,
      );
    }
    const constant = this.names.constant(name);
    if (constant) return constant;
    return this.error("unknown-builtin", span, `Unknown identifier: '${name}'`, similarValue(name, this.settings));
  }

  call(node: ast.Call): Type {
    const { text: name, span } = node.callee;
    const builtin = Object.hasOwn(functions, name) ? functions[name] : undefined;
    if (builtin) {
      const [fewest, most] = builtin.args;
      if (node.args.length < fewest || node.args.length > most) {
        return this.error("argument-count", node.span, `wrong number of arguments: it is \`${builtin.form}\``);
      }
      if (builtin.unsafe && !this.settings.unsafe) {
        const message = `${name}() is unsafe. To use you need the --unsafe flag`;
        return this.error("unsafe", span, message, "it can change the system");
      }
      const type = builtin.check(this, node);
      if (!("aggregate" in builtin.lower) || this.assignedCalls.has(node) || type.kind === "unknown") return type;
      return this.error(
        "aggregate-value",
        node.span,
        `${name}() must be assigned to a map`,
        `write \`@x = ${name}(...)\`, and use \`@x\` as a value`,
      );
    }
    const variable = Object.hasOwn(variables, name) ? variables[name] : undefined;
    if (variable && node.args.length === 0) return variable.check(this, node);
    for (const arg of node.args) if (arg.kind !== "type-name" && arg.kind !== "block") this.type(arg);
    if (variable) return this.error("argument-count", node.span, `\`${name}\` takes no arguments`);
    return this.error("unknown-function", span, `Unknown function: '${name}'`, similarFunction(name, this.settings));
  }

  /** Fails when a probe of the unit is none of those that offer something. */
  onlyIn(span: Span, what: string, providers: readonly string[]): boolean {
    const other = this.unit.probes.find((probe) => !providers.includes(probe.provider));
    if (!other) return true;
    this.error(
      "wrong-probe",
      span,
      `${what} cannot be used in ${other.provider} probes`,
      `it is there in: ${providers.join(", ")}`,
    );
    return false;
  }
}

function argumentBuiltin(name: string) {
  return /^s?arg\d+$/.test(name) ? variables.argN : undefined;
}

/** A type in full, known values included: what decides whether another round is needed. */
function describe(type: Type): string {
  const value = type.kind === "integer" ? `=${type.value ?? ""}` : "";
  const sign = "signed" in type ? type.signed : "";
  return `${typeName(type)}${value}${sign}`;
}
