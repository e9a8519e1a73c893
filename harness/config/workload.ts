/** Builds the commands of a scenario: defaults filled in, paths absolute, words as they are written. */
import type { ScenarioInput } from "./definition.ts";
import type { Located, LocatedMap } from "./document.ts";
import { absolute, type Folder } from "./paths.ts";
import type { Command, Driver, Ready, Step, Workload } from "./scenario.ts";
import { keySpanAt, valueAt } from "./validate.ts";

const DEFAULT_TIMEOUT_MS = 60_000;
const DEFAULT_READY_TIMEOUT_MS = 10_000;

type WorkloadInput = ScenarioInput["workload"];

/** What steps inherit from the workload. */
export interface Surroundings {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** Default: that of workloads. */
  readonly timeoutMs?: number;
}

export function buildWorkload(tree: LocatedMap, input: WorkloadInput, folder: Folder): Workload {
  const located = mapAt(tree, "workload");
  const around: Surroundings = { cwd: absolute(folder, input.cwd ?? "."), env: words(located, "env") };
  const main = buildStep(located, input.timeout, folder, around);
  const steps = (key: "setup" | "before" | "after" | "teardown"): Step[] =>
    buildSteps(located.entries.get(key)?.value, input[key], folder, around);
  const { driver } = input;
  return {
    ...main,
    span: keySpanAt(tree, ["workload"]),
    stdin: input.stdin === undefined ? undefined : absolute(folder, input.stdin),
    user: input.user === undefined ? undefined : textAt(located, "user"),
    setup: steps("setup"),
    before: steps("before"),
    after: steps("after"),
    teardown: steps("teardown"),
    expectExit: input["expect-exit"] ?? (driver ? undefined : 0),
    ready: input.ready && buildReady(input.ready, folder),
    driver: driver && buildDriver(located, driver, main.timeoutMs, folder, around),
  };
}

function buildDriver(
  workload: LocatedMap,
  input: NonNullable<WorkloadInput["driver"]>,
  timeoutMs: number,
  folder: Folder,
  around: Surroundings,
): Driver {
  const step = buildStep(mapAt(workload, "driver"), input.timeout ?? timeoutMs, folder, around);
  return { ...step, span: keySpanAt(workload, ["driver"]), expectExit: input["expect-exit"] ?? 0 };
}

function buildReady(input: NonNullable<WorkloadInput["ready"]>, folder: Folder): Ready {
  const timeoutMs = input.timeout ?? DEFAULT_READY_TIMEOUT_MS;
  if (input.tcp) return { kind: "tcp", ...input.tcp, timeoutMs };
  if (input.log !== undefined) return { kind: "log", text: input.log, timeoutMs };
  return { kind: "file", path: absolute(folder, input.file!), timeoutMs };
}

type StepsInput = WorkloadInput["setup"];
type StepInput = Exclude<NonNullable<StepsInput>, readonly unknown[]>;

/** `[word, ...]`, `{ command: ... }`, or a list of these; the empty list is no step at all. */
export function buildSteps(
  located: Located | undefined,
  input: StepsInput,
  folder: Folder,
  around: Surroundings,
): Step[] {
  if (!located || !input || (located.kind === "list" && located.items.length === 0)) return [];
  const timeoutOf = (step: unknown): number | undefined => (isStep(step) ? step.timeout : undefined);
  const several = located.kind === "list" && located.items.some((item) => item.kind !== "scalar");
  if (!several || !Array.isArray(input)) return [buildStep(located, timeoutOf(input), folder, around)];
  return located.items.map((item, i) => buildStep(item, timeoutOf(input[i]), folder, around));
}

function isStep(step: unknown): step is StepInput {
  return typeof step === "object" && step !== null && !Array.isArray(step);
}

/** A step from its mapping, or from a bare list of words. */
function buildStep(located: Located, timeoutMs: number | undefined, folder: Folder, around: Surroundings): Step {
  const cwd = located.kind === "map" ? scalarText(located.entries.get("cwd")?.value) : undefined;
  return {
    command: buildCommand(located),
    cwd: cwd === undefined ? around.cwd : absolute(folder, cwd),
    env: located.kind === "map" ? { ...around.env, ...words(located, "env") } : around.env,
    timeoutMs: timeoutMs ?? around.timeoutMs ?? DEFAULT_TIMEOUT_MS,
    span: keySpanAt(located, []),
  };
}

function buildCommand(located: Located): Command {
  const shell = located.kind === "map" ? scalarText(located.entries.get("shell")?.value) : undefined;
  if (shell !== undefined) return { kind: "shell", script: shell };
  const list = located.kind === "map" ? located.entries.get("command")?.value : located;
  const [program = "", ...args] = list?.kind === "list" ? list.items.map((item) => scalarText(item) ?? "") : [];
  return { kind: "argv", argv: [program, ...args] };
}

/** The entries of a mapping of words, as they are written. */
function words(located: LocatedMap, key: string): Record<string, string> {
  const map = located.entries.get(key)?.value;
  if (map?.kind !== "map") return {};
  return Object.fromEntries([...map.entries].map(([name, { value }]) => [name, scalarText(value) ?? ""]));
}

function scalarText(located: Located | undefined): string | undefined {
  return located?.kind === "scalar" ? located.text.text : undefined;
}

function textAt(located: LocatedMap, key: string): string | undefined {
  return scalarText(located.entries.get(key)?.value);
}

function mapAt(tree: LocatedMap, key: string): LocatedMap {
  const value = valueAt(tree, [key]);
  if (value?.kind !== "map") throw new Error(`\`${key}\` is no mapping although the definition was met`);
  return value;
}
