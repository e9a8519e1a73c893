/**
 * A GitHub runner, as far as an action sees one: inputs and files in the environment, and a log in which some lines are
 * commands. Which lines those are is what the real runner does: `::name k=v::data` after any space, and, for old times'
 * sake, `##[name k=v]data` anywhere in a line; while commands are stopped, only the word that was given resumes them.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { temporaryTree } from "./temporary.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

export interface RunnerCommand {
  readonly name: string;
  readonly properties: Readonly<Record<string, string>>;
  readonly data: string;
}

const KNOWN = new Set(
  "add-mask add-matcher add-path debug echo endgroup error group notice remove-matcher save-state set-env set-output warning stop-commands".split(
    " ",
  ),
);

/** The commands that a runner would carry out. */
export function commandsIn(log: string): RunnerCommand[] {
  const carriedOut: RunnerCommand[] = [];
  let token: string | undefined;
  for (const line of log.split(/\r?\n/)) {
    const command = parseNew(line, token) ?? parseOld(line, token);
    if (command === undefined) continue;
    if (token !== undefined) {
      if (command.name.toLowerCase() === token.toLowerCase()) token = undefined;
    } else if (command.name === "stop-commands") token = command.data;
    else carriedOut.push(command);
  }
  return carriedOut;
}

function parseNew(line: string, token: string | undefined): RunnerCommand | undefined {
  const match = /^\s*::([^ :]+)(?: (.*?))?::(.*)$/.exec(line);
  return match === null ? undefined : known(match[1]!, (match[2] ?? "").split(","), match[3]!, token);
}

function parseOld(line: string, token: string | undefined): RunnerCommand | undefined {
  const match = /##\[([^ \]]+)(?: ([^\]]*))?\](.*)$/.exec(line);
  return match === null ? undefined : known(match[1]!, (match[2] ?? "").split(";"), match[3]!, token);
}

function known(name: string, properties: string[], data: string, token: string | undefined): RunnerCommand | undefined {
  if (!KNOWN.has(name.toLowerCase()) && name.toLowerCase() !== token?.toLowerCase()) return undefined;
  const pairs = properties.filter((text) => text.includes("=")).map((text) => text.split("=", 2) as [string, string]);
  const decoded = pairs.map(([key, value]) => [key, unescapeText(value)] as const);
  return { name: name.toLowerCase(), properties: Object.fromEntries(decoded), data: unescapeText(data) };
}

function unescapeText(text: string): string {
  return text
    .replace(/%(0D|0A|3A|2C)/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)))
    .replace(/%25/g, "%");
}

export interface StepResult {
  readonly status: number | NodeJS.Signals;
  readonly log: string;
  readonly commands: readonly RunnerCommand[];
  readonly outputs: Readonly<Record<string, string>>;
  readonly state: Readonly<Record<string, string>>;
  readonly summary: string;
}

/** Makes the finished action in a folder outside of the package: nothing that it needs may be found by chance. */
export function buildAction(folder: string): void {
  execFileSync(process.execPath, [join(ROOT, "harness/action/bundle.mjs"), folder]);
}

export class Runner {
  readonly workspace: string;
  readonly #action: string;
  readonly #temp: string;
  #state: Readonly<Record<string, string>> = {};

  constructor(action: string, workspace: string) {
    this.#action = action;
    this.workspace = workspace;
    this.#temp = temporaryTree();
  }

  get temp(): string {
    return this.#temp;
  }

  /** Starts a step; `done` is what came of it. */
  start(
    script: "main.js" | "post.js",
    inputs: Readonly<Record<string, string>> = {},
    options: { env?: Readonly<Record<string, string>>; uid?: number } = {},
  ): { process: ChildProcess; done: Promise<StepResult> } {
    const files = mkdtempSync(join(this.#temp, "commands-"));
    const file = (name: string): string => {
      const path = join(files, name);
      writeFileSync(path, "", { mode: 0o666 });
      return path;
    };
    const [output, state, summary, environment] = ["output", "state", "summary", "env"].map(file);
    mkdirSync(join(this.#temp, "_temp"), { recursive: true, mode: 0o777 });
    const child = spawn(process.execPath, [join(this.#action, script)], {
      cwd: this.workspace,
      uid: options.uid,
      gid: options.uid,
      env: {
        PATH: process.env.PATH,
        HOME: process.env.HOME,
        GITHUB_ACTIONS: "true",
        GITHUB_WORKSPACE: this.workspace,
        GITHUB_OUTPUT: output,
        GITHUB_STATE: state,
        GITHUB_STEP_SUMMARY: summary,
        GITHUB_ENV: environment,
        GITHUB_SERVER_URL: "https://github.example",
        GITHUB_REPOSITORY: "owner/name",
        GITHUB_SHA: "0123456789abcdef0123456789abcdef01234567",
        RUNNER_TEMP: join(this.#temp, "_temp"),
        ...Object.fromEntries(Object.entries(inputs).map(([name, value]) => [`INPUT_${name.toUpperCase()}`, value])),
        ...Object.fromEntries(Object.entries(this.#state).map(([name, value]) => [`STATE_${name}`, value])),
        ...options.env,
      },
    });
    let log = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        log += text;
      });
    }
    const done = new Promise<StepResult>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (code, signal) => {
        const read = (path: string | undefined): string => readFileSync(path!, "utf8");
        this.#state = { ...this.#state, ...pairsIn(read(state)) };
        resolve({
          status: code ?? signal!,
          log,
          commands: commandsIn(log),
          outputs: pairsIn(read(output)),
          state: this.#state,
          summary: read(summary),
        });
      });
    });
    return { process: child, done };
  }

  main(inputs?: Readonly<Record<string, string>>, options?: Parameters<Runner["start"]>[2]): Promise<StepResult> {
    return this.start("main.js", inputs, options).done;
  }

  post(options?: Parameters<Runner["start"]>[2]): Promise<StepResult> {
    return this.start("post.js", {}, options).done;
  }
}

/** `name<<delimiter`, lines, delimiter: how a step hands over values. */
function pairsIn(text: string): Record<string, string> {
  return Object.fromEntries(
    [...text.matchAll(/^(\S+?)<<(.+)\n([\s\S]*?)\n?\2$/gm)].map(([, name, , value]) => [name!, value!]),
  );
}
