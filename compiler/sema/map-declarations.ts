/**
 * `let @x = lruhash(100);`: which types of maps there are, and what a declaration asks of a map's values; and what the kernel asks of
 * any map's keys.
 */
import { type Diagnostics, didYouMean } from "../diagnostics.ts";
import { isSince, type KernelFacts } from "../kernel-facts.ts";
import type { Expression, MapDeclaration } from "../syntax/ast.ts";
import { foldBinary } from "./constants.ts";
import { sizeOf } from "./layout.ts";
import type { Names } from "./names.ts";
import type { MapInfo } from "./typed.ts";
import { isAggregate, knownInteger, typeName, unknown } from "./types.ts";

/** Whether each CPU has values of its own, by the type's name. */
const PER_CPU: Readonly<Record<string, boolean>> = {
  hash: false,
  lruhash: false,
  percpuhash: true,
  percpulruhash: true,
};

const MAX_ENTRIES = 0xffff_ffffn;

/** Maps as they are declared, by name; nothing is known of their keys and values yet. */
export function declaredMaps(
  declarations: readonly MapDeclaration[],
  names: Names,
  diags: Diagnostics,
): Map<string, MapInfo> {
  const maps = new Map<string, MapInfo>();
  for (const declaration of declarations) {
    const { name, span } = declaration.map;
    const earlier = maps.get(name);
    if (earlier) {
      const labels = [{ span: earlier.span, message: "the first declaration" }];
      diags.error("duplicate-map", span, `map \`${name}\` is declared twice`, { labels });
      continue;
    }
    checkType(declaration, diags);
    const entries = entriesOf(declaration, names, diags);
    const open = { keyed: undefined, key: unknown, value: unknown, assigned: undefined, read: false, iterated: false };
    maps.set(name, { name, ...open, span, declaration, entries });
  }
  return maps;
}

function checkType({ mapType: { text, span } }: MapDeclaration, diags: Diagnostics): void {
  if (Object.hasOwn(PER_CPU, text)) return;
  const types = Object.keys(PER_CPU);
  diags.error("map-type", span, `there is no type of map \`${text}\``, {
    help: didYouMean(text, types) ?? `the types are ${types.join(", ")}`,
  });
}

function entriesOf({ maxEntries }: MapDeclaration, names: Names, diags: Diagnostics): number | undefined {
  const entries = constantOf(maxEntries, names);
  if (entries === undefined) {
    diags.error(
      "constant-expected",
      maxEntries.span,
      "the size of a map must be a number that is known when compiling",
    );
  } else if (entries < 1n || entries > MAX_ENTRIES) {
    diags.error("argument-range", maxEntries.span, `a map can have from 1 to ${MAX_ENTRIES} entries, not ${entries}`);
  } else return Number(entries);
  return undefined;
}

function constantOf(node: Expression, names: Names): bigint | undefined {
  switch (node.kind) {
    case "integer":
      return node.value;
    case "identifier": {
      const type = names.constant(node.name);
      return type && knownInteger(type);
    }
    case "unary": {
      const operand = constantOf(node.operand, names);
      return operand !== undefined && node.operator === "-" ? -operand : undefined;
    }
    case "binary": {
      const [left, right] = [constantOf(node.left, names), constantOf(node.right, names)];
      if (left === undefined || right === undefined) return undefined;
      const value = foldBinary(node.operator, left, right);
      return typeof value === "bigint" ? value : undefined;
    }
    default:
      return undefined;
  }
}

/** Aggregates, and only they, are kept for each CPU. */
export function checkDeclaredValue({ name, value, declaration }: MapInfo, diags: Diagnostics): void {
  const perCpu = declaration && PER_CPU[declaration.mapType.text];
  if (!declaration || perCpu === undefined || value.kind === "unknown" || perCpu === isAggregate(value)) return;
  const type = declaration.mapType.text;
  diags.error(
    "map-type",
    declaration.mapType.span,
    `\`${name}\` is declared as ${type}, and holds ${typeName(value)}`,
    {
      help: perCpu
        ? "only counts, sums and other aggregates are kept for each CPU: take `hash` or `lruhash`"
        : "aggregates are kept for each CPU: take `percpuhash` or `percpulruhash`",
    },
  );
}

/** Before Linux 5.11 a key had to fit on a program's stack; undefined where it may be as long as any value. */
export function mostKeyBytes(facts: KernelFacts): number | undefined {
  return isSince(facts, 5, 11) ? undefined : 512;
}

export function checkKeySize({ name, keyed, key, value, span }: MapInfo, facts: KernelFacts, diags: Diagnostics): void {
  const most = mostKeyBytes(facts);
  if (!keyed || most === undefined || key.kind === "unknown") return;
  // The number of the interval.
  const room = value.kind === "tseries" ? most - 8 : most;
  if (sizeOf(key) <= room) return;
  diags.error("kernel-feature", span, `the keys of ${name} have ${sizeOf(key)} bytes, and this kernel takes ${room}`, {
    help: "make their strings shorter, with str(x, n) or max_strlen; since Linux 5.11 keys may be longer",
  });
}
