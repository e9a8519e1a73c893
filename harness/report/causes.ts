/**
 * From changed keys to a cause that can be said in one sentence: keys that belong together are put into groups (paths by
 * their common folder) and the groups are ranked by their share of the change.
 */
import type { MapTable } from "../baseline/values.ts";
import { decodeKey } from "../baseline/values.ts";
import type { Scenario } from "../config/scenario.ts";
import type { KeyPart } from "../metrics/ast.ts";
import { formatValue } from "../metrics/format.ts";
import { keyIdentity } from "../metrics/print.ts";
import type { Unit } from "../metrics/units.ts";
import { type Change, clearChanges, keyChanges, wholeMaps } from "./changes.ts";
import type { CauseResult, MetricResult } from "./result.ts";

/** More than this explains nothing. */
const MOST_CAUSES = 20;
const MOST_CHANGES = 50;
/** A folder stands for all below it as long as one entry in it has this share. */
const DOMINANT = 0.8;
/** How many causes the sentence names beside the largest. */
const NAMED = 2;

/** What the maps say about a metric that moved; `before` and `now` hold the scenario's maps of both sides. */
export function explain(
  metric: string,
  unit: Unit,
  scenario: Scenario,
  before: readonly MapTable[],
  now: readonly MapTable[],
): Pick<MetricResult, "changes" | "moreChanges" | "causes" | "cause"> {
  const own = keyChanges(wholeMaps(metric, scenario), before, now);
  const isOwn = own.length > 0;
  const changes = isOwn ? own : clearChanges(before, now);
  if (changes.length === 0) return {};
  const causes = causesOf(changes);
  const inUnit = new Set(isOwn && isTotal(metric, scenario) ? now.filter(holdsValues).map(({ name }) => name) : []);
  const unitOf = (map: string): Unit => (inUnit.has(map) ? unit : "count");
  const sentence = causeSentence(causes, unitOf);
  return {
    // Of other maps, whose values are not the metric's, the groups are enough.
    changes: isOwn ? own.slice(0, MOST_CHANGES).map((change) => ({ ...change, unit: unitOf(change.map) })) : undefined,
    moreChanges: isOwn && own.length > MOST_CHANGES ? own.length - MOST_CHANGES : undefined,
    causes: causes.slice(0, MOST_CAUSES).map(({ prefix: _, ...cause }) => ({ ...cause, unit: unitOf(cause.map) })),
    cause: isOwn ? sentence : `at the same time: ${sentence}`,
  };
}

/** Maps whose numbers are values of what they measure; the others' are numbers of events. */
function holdsValues({ kind }: MapTable): boolean {
  return !EVENT_KINDS.has(kind);
}

const EVENT_KINDS: ReadonlySet<MapTable["kind"]> = new Set(["count", "avg", "stats", "hist", "lhist"]);

/** A total, an extreme: the metric's unit is that of its map. What is computed from several things has its own. */
function isTotal(name: string, { metrics }: Scenario): boolean {
  return metrics.find((metric) => metric.name === name)?.expression.kind === "call";
}

/** A group of keys. `prefix` is what stands before the path: the other parts of the key, "" without any. */
export type Cause = Omit<CauseResult, "unit"> & { readonly prefix: string };

/** The groups of all maps, those of the map that changed most first, and within it the largest share first. */
function causesOf(changes: readonly Change[]): Cause[] {
  const maps = [...new Set(changes.map(({ map }) => map))].map((map) => changes.filter((change) => change.map === map));
  const groups = maps.map((own) => ({ weight: Math.abs(total(own)), causes: causesOfMap(own) }));
  return groups.sort((a, b) => b.weight - a.weight).flatMap(({ causes }) => causes);
}

function causesOfMap(changes: readonly Change[]): Cause[] {
  const keys = changes.map((change) => ({ change, key: decodeKey(change.key) }));
  const position = pathPosition(keys.map(({ key }) => key));
  // Where what came and what went cancel out, shares are of all that moved.
  const whole = total(changes) || changes.reduce((sum, { before, now }) => sum + Math.abs(now - before), 0);
  const members = keys.map(({ change, key }): PathChange => {
    const path = position === undefined ? undefined : key[position];
    const prefix = key.filter((_, i) => i !== position).map(partText);
    return { change, prefix: prefix.join(", "), path: typeof path === "string" ? partText(path) : undefined };
  });
  return [...grouped(members, ({ prefix }) => prefix)]
    .flatMap(([prefix, members]) => groupByFolder(members).map((group) => causeOf(prefix, group, whole)))
    .sort((a, b) => b.share - a.share);
}

/** The part of the keys that holds paths. */
function pathPosition(keys: readonly (readonly KeyPart[])[]): number | undefined {
  const longest = Math.max(0, ...keys.map((key) => key.length));
  for (let i = longest - 1; i >= 0; i--) if (keys.some((key) => isPath(key[i]))) return i;
  return undefined;
}

/** Stacks have several lines. */
function isPath(part: KeyPart | undefined): boolean {
  return typeof part === "string" && part.includes("/") && !part.includes("\n");
}

/** Nothing is hard to read. */
function partText(part: KeyPart): string {
  return typeof part === "string" && part !== "" ? part : keyIdentity([part]);
}

interface PathChange {
  readonly change: Change;
  readonly prefix: string;
  readonly path: string | undefined;
}

interface Group {
  /** The folder that holds the members' paths, or the one path; undefined for keys without any. */
  readonly place: string | undefined;
  readonly folder: boolean;
  readonly changes: readonly Change[];
}

/** Changes of both directions are kept apart, so that what came is not hidden by what went. */
function groupByFolder(members: readonly PathChange[]): Group[] {
  const bare = members.filter(({ path }) => path === undefined);
  const grew = members.filter(({ path, change }) => path !== undefined && change.now > change.before);
  const shrank = members.filter(({ path, change }) => path !== undefined && change.now < change.before);
  return [
    ...(bare.length === 0 ? [] : [{ place: undefined, folder: false, changes: bare.map(({ change }) => change) }]),
    ...foldersOf(grew, 0),
    ...foldersOf(shrank, 0),
  ];
}

/** Follows the one folder that has most of the change; where the change is spread, the folder reached so far is it. */
function foldersOf(members: readonly PathChange[], depth: number): Group[] {
  if (members.length === 0) return [];
  if (members.length === 1) return [{ place: members[0]!.path, folder: false, changes: [members[0]!.change] }];
  const weight = Math.abs(total(members.map(({ change }) => change)));
  const entries = grouped(members, ({ path }) => componentsOf(path!)[depth] ?? "");
  const ranked = [...entries.values()].sort((a, b) => sizeOf(b) - sizeOf(a));
  const isTop = depth === 0 || (depth === 1 && members[0]!.path!.startsWith("/"));
  const dominant = sizeOf(ranked[0]!) >= DOMINANT * weight && componentsOf(ranked[0]![0]!.path!).length > depth;
  // "Somewhere in the file system" says nothing.
  if (isTop && !dominant) return ranked.flatMap((group) => foldersOf(group, depth + 1));
  if (!dominant) return [folderGroup(members, depth)];
  const rest = ranked.slice(1).flat();
  return [...foldersOf(ranked[0]!, depth + 1), ...(isTop ? foldersOf(rest, depth) : leftOver(rest, depth))];
}

function leftOver(members: readonly PathChange[], depth: number): Group[] {
  return members.length > 1 ? [folderGroup(members, depth)] : foldersOf(members, depth);
}

function folderGroup(members: readonly PathChange[], depth: number): Group {
  const place = componentsOf(members[0]!.path!).slice(0, depth).join("/");
  return { place, folder: true, changes: members.map(({ change }) => change) };
}

function sizeOf(members: readonly PathChange[]): number {
  return Math.abs(total(members.map(({ change }) => change)));
}

/** An absolute path begins with an empty component. */
function componentsOf(path: string): string[] {
  return path.replace(/(?<=.)\/+$/, "").split(/\/+/);
}

function total(changes: readonly Change[]): number {
  return changes.reduce((sum, { before, now }) => sum + now - before, 0);
}

function causeOf(prefix: string, { place, folder, changes }: Group, whole: number): Cause {
  const before = changes.reduce((sum, change) => sum + change.before, 0);
  const now = changes.reduce((sum, change) => sum + change.now, 0);
  const where = place === undefined ? [] : [folder ? `under ${place}` : place];
  return {
    map: changes[0]!.map,
    label: [...(prefix === "" ? [] : [prefix]), ...where].join(" "),
    folder,
    keys: changes.length,
    kind: before === 0 ? "new" : now === 0 ? "gone" : now > before ? "grew" : "shrank",
    before,
    now,
    share: (now - before) / whole,
    prefix,
  };
}

/** The largest causes of the map that changed most: `+412 openat, 398 of them under node_modules`. */
function causeSentence(causes: readonly Cause[], unitOf: (map: string) => Unit): string {
  const { map } = causes[0]!;
  const own = causes.filter((cause) => cause.map === map);
  const unit = unitOf(map);
  const direction = Math.sign(amount(own)) || 1;
  const groups = [...grouped(own, ({ prefix }) => prefix)].map(([prefix, members]) => ({ prefix, members }));
  // What went the other way is no cause of it.
  const ranked = groups
    .filter(({ members }) => Math.sign(amount(members)) === direction)
    .sort((a, b) => Math.abs(amount(b.members)) - Math.abs(amount(a.members)));
  const [named, rest] = [ranked.slice(0, 1 + NAMED), ranked.slice(1 + NAMED)];
  const sentences = named.map(({ prefix, members }, i) => {
    const sum = `${signed(amount(members), unit)} ${subject(map, prefix)}`;
    return i === 0 ? sum + detail(members, unit) : sum;
  });
  if (rest.length > 0) sentences.push(`${signed(amount(rest.flatMap(({ members }) => members)), unit)} elsewhere`);
  return sentences.join("; ");
}

/** A name speaks for itself; a number such as a descriptor needs to be told of what. */
function subject(map: string, prefix: string): string {
  if (/\p{L}/u.test(prefix)) return prefix;
  return prefix === "" ? `in ${map}` : `in ${map}[${prefix}]`;
}

function amount(causes: readonly Cause[]): number {
  return causes.reduce((sum, { before, now }) => sum + now - before, 0);
}

/** Where the most of it happened. */
function detail(members: readonly Cause[], unit: Unit): string {
  const all = amount(members);
  const ranked = [...members].sort((a, b) => (amount([b]) - amount([a])) * Math.sign(all));
  const first = ranked[0]!;
  const place = placeOf(first);
  if (place === "") return "";
  const part = amount([first]);
  if (part === all && members.length === 1) return `, all ${place}`;
  if (Math.abs(part) <= Math.abs(all)) return `, ${formatValue(Math.abs(part), unit)} of them ${place}`;
  // More came there than in all, because less came elsewhere.
  const opposite = ranked.at(-1)!;
  return `: ${signed(part, unit)} ${place}, ${signed(amount([opposite]), unit)} ${placeOf(opposite)}`;
}

/** "under node_modules", "for src/a.ts"; "" for keys without paths. */
function placeOf({ label, prefix, folder }: Cause): string {
  const place = label.slice(prefix.length).trim();
  return place === "" || folder ? place : `for ${place}`;
}

function signed(amount: number, unit: Unit): string {
  return `${amount < 0 ? "-" : "+"}${formatValue(Math.abs(amount), unit)}`;
}

function grouped<T>(items: readonly T[], groupOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) groups.set(groupOf(item), [...(groups.get(groupOf(item)) ?? []), item]);
  return groups;
}
