/**
 * A machine that exists only in a test: virtual time that jumps from timer to timer, processes that are functions, and
 * a tracer that answers what it was told to. It implements the runner's own interfaces, so that hour-long time-outs,
 * escaping daemons and full maps take no time and no privileges.
 */
import type { CompileOptions } from "../../compiler/compile.ts";
import type { Diagnostics } from "../../compiler/diagnostics.ts";
import type { CompiledProgram } from "../../compiler/program.ts";
import type { Source } from "../../compiler/source.ts";
import { MARKER } from "../../harness/runner/environment.ts";
import type {
  Child,
  Clock,
  Ended,
  Host,
  ScopeProvider,
  Spawner,
  SpawnRequest,
  TraceResult,
  Tracer,
  Tracing,
  UnattachedProbe,
} from "../../harness/runner/host.ts";
import type { ProcessInfo, ProcessTable } from "../../harness/runner/processes.ts";
import { Cell, type CellCgroup, type CpuTime, type Scope, type ScopeKind } from "../../harness/runner/scope.ts";
import type { UserDatabase } from "../../harness/runner/users.ts";
import { SpawnError, SysError } from "../../native/index.ts";
import { compiled } from "./compiled.ts";

// Time

/** Time stands still while anything runs, and jumps to the next timer when nothing does. */
export class FakeClock implements Clock {
  #now = 1_000_000_000n;
  #timers: { at: bigint; wake: () => void }[] = [];
  #pumping = false;

  now(): bigint {
    return this.#now;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = { at: this.#now + BigInt(Math.round(ms * 1e6)), wake: resolve };
      this.#timers.push(timer);
      signal?.addEventListener("abort", () => {
        this.#timers = this.#timers.filter((other) => other !== timer);
        resolve();
      });
      this.#pump();
    });
  }

  #pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    setImmediate(() => {
      this.#pumping = false;
      this.#timers.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
      const next = this.#timers.shift();
      if (next === undefined) return;
      if (next.at > this.#now) this.#now = next.at;
      next.wake();
      if (this.#timers.length > 0) this.#pump();
    });
  }
}

// Processes

/** What a program does: resolves with its exit code. It is stopped at its next wait when it is killed. */
export type FakeProgram = (process: FakeProcess) => Promise<number> | number;

class Killed extends Error {}

export class FakeProcess {
  readonly pid: number;
  readonly world: FakeWorld;
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  parent: number;
  session: number;
  group: number;
  cgroup: string | undefined;
  zombie = false;
  /** Signals that do nothing. */
  readonly ignored = new Set<NodeJS.Signals>();
  /** Not even SIGKILL ends it: it hangs in the kernel. */
  stuck = false;
  readonly dead = new AbortController();
  #output: (stream: "stdout" | "stderr", chunk: Uint8Array) => void;

  constructor(
    world: FakeWorld,
    pid: number,
    parts: Pick<FakeProcess, "argv" | "env" | "parent" | "session" | "cgroup">,
    output: (stream: "stdout" | "stderr", chunk: Uint8Array) => void,
  ) {
    this.world = world;
    this.pid = pid;
    this.argv = parts.argv;
    this.env = parts.env;
    this.parent = parts.parent;
    this.session = parts.session;
    this.group = parts.session;
    this.cgroup = parts.cgroup;
    this.#output = output;
  }

  print(text: string, stream: "stdout" | "stderr" = "stdout"): void {
    this.#output(stream, Buffer.from(text));
  }

  async sleep(ms: number): Promise<void> {
    await this.world.clock.sleep(ms, this.dead.signal);
    if (this.dead.signal.aborted) throw new Killed();
  }

  forever(): Promise<never> {
    return new Promise((_, reject) => {
      this.dead.signal.addEventListener("abort", () => reject(new Killed()));
    });
  }

  /** A child process; without a program it lives until it is killed. */
  fork(
    changes: Partial<Pick<FakeProcess, "session" | "cgroup" | "stuck">> & { env?: Record<string, string> } = {},
  ): FakeProcess {
    const child = new FakeProcess(
      this.world,
      this.world.nextPid(),
      {
        argv: this.argv,
        env: changes.env ?? this.env,
        parent: this.pid,
        session: changes.session ?? this.session,
        cgroup: "cgroup" in changes ? changes.cgroup : this.cgroup,
      },
      this.#output,
    );
    child.stuck = changes.stuck ?? false;
    if (changes.session === NEW_SESSION) child.session = child.pid;
    this.world.processes.set(child.pid, child);
    return child;
  }

  /** Ends it: its children become ours, as ours is the subreaper. */
  die(): void {
    this.dead.abort();
    for (const other of this.world.processes.values())
      if (other.parent === this.pid) other.parent = this.world.table.self;
    if (this.parent === this.world.table.self) this.zombie = true;
    else this.world.processes.delete(this.pid);
  }

  receive(signal: NodeJS.Signals): void {
    if (this.dead.signal.aborted || this.stuck || this.ignored.has(signal)) return;
    this.onSignal(signal);
  }

  onSignal: (signal: NodeJS.Signals) => void = () => this.die();
}

/** For fork: a session of its own. */
export const NEW_SESSION = -1;

const USAGE = {
  userTimeUs: 2000,
  systemTimeUs: 1000,
  maxRssKiB: 4096,
  minorFaults: 90,
  majorFaults: 10,
  voluntarySwitches: 5,
  involuntarySwitches: 2,
};

class FakeChild implements Child {
  readonly pid: number;
  readonly exited: Promise<Ended>;
  readonly outputEnded: Promise<void>;
  readonly #process: FakeProcess;
  readonly #program: FakeProgram | SysError;
  #settle!: (ended: Ended) => void;
  closed = false;

  constructor(process: FakeProcess, program: FakeProgram | SysError) {
    this.#process = process;
    this.#program = program;
    this.pid = process.pid;
    this.exited = new Promise((resolve) => {
      this.#settle = resolve;
    });
    this.outputEnded = this.exited.then(() => undefined);
    process.onSignal = (signal) => this.#end(null, signal);
  }

  release(): void {
    this.#process.world.log.push(`release ${this.#process.argv[0]}`);
    const program = this.#program;
    if (program instanceof SysError) {
      this.#end(127, null);
      throw program;
    }
    void Promise.resolve()
      .then(() => program(this.#process))
      .then(
        (code) => this.#end(code, null),
        (error) => {
          if (!(error instanceof Killed)) throw error;
        },
      );
  }

  #end(code: number | null, signal: NodeJS.Signals | null): void {
    if (this.#process.dead.signal.aborted) return;
    this.#process.world.log.push(`end ${this.#process.argv[0]}`);
    this.#process.die();
    this.#settle({ status: { code, signal, usage: USAGE }, at: this.#process.world.clock.now() });
  }

  onOutput(listener: Parameters<Child["onOutput"]>[0]): void {
    this.#process.world.outputs.set(this.pid, listener);
  }

  kill(signal: NodeJS.Signals, whom: "process" | "group"): boolean {
    const alive = [...this.#process.world.processes.values()].filter(
      (other) => !other.dead.signal.aborted && (whom === "group" ? other.group === this.pid : other.pid === this.pid),
    );
    for (const target of alive) target.receive(signal);
    return alive.length > 0;
  }

  close(): void {
    this.closed = true;
    this.#process.world.processes.delete(this.pid);
    this.#process.world.open.delete(this.pid);
  }
}

// The machine

export interface FakeMap {
  readonly name: string;
  readonly value?: "count" | "hist" | "integer" | "sum";
  readonly keyed?: boolean;
  readonly entries?: number;
}

/** What one traced run of the fake tracer yields, in its order. */
export type FakeTrace = Partial<TraceResult> & {
  readonly unattached?: readonly UnattachedProbe[];
  /** In place of a result. */
  readonly failure?: Error;
};

export class FakeWorld implements Host {
  readonly clock = new FakeClock();
  readonly processes = new Map<number, FakeProcess>();
  readonly outputs = new Map<number, Parameters<Child["onOutput"]>[0]>();
  /** Children whose descriptors are open. */
  readonly open = new Set<number>();
  /** What happened, in order. */
  readonly log: string[] = [];
  readonly requests: SpawnRequest[] = [];
  /** What programs do, by argv[0]; anything else is not found. */
  readonly programs: Record<string, FakeProgram>;
  /** One for each traced run; the last one stays. */
  traces: FakeTrace[] = [];
  loadError: unknown;
  attachError: unknown;
  /** The maps of the script, by its text; maxEntries comes from the options. */
  maps: Record<string, readonly FakeMap[]> = {};
  compiles: CompileOptions[] = [];
  compileWith:
    | ((source: Source, diags: Diagnostics, options: CompileOptions) => CompiledProgram | undefined)
    | undefined;
  users: UserDatabase = { passwd: "", group: "", uid: 1000, env: { PATH: "/bin" } };
  openScopes = 0;
  cpu: CpuTime = { user: 0n, system: 0n };
  /** In every PATH: the programs above. */
  readonly hasProgram = (name: string): boolean => Object.hasOwn(this.programs, name);
  readonly #kind: ScopeKind;
  #pid = 100;

  constructor(programs: Record<string, FakeProgram>, kind: ScopeKind = "cgroup") {
    this.programs = programs;
    this.#kind = kind;
  }

  nextPid(): number {
    return ++this.#pid;
  }

  readonly table: ProcessTable = {
    self: 1,
    exists: (pid) => this.processes.has(pid),
    list: () => [
      { pid: 1, parent: 0, session: 1, startTime: "0", command: "self", zombie: false },
      ...[...this.processes.values()].map(
        (p): ProcessInfo => ({
          pid: p.pid,
          parent: p.parent,
          session: p.session,
          startTime: String(p.pid),
          command: p.argv[0]!,
          zombie: p.zombie,
        }),
      ),
    ],
    cgroup: (pid) => this.processes.get(pid)?.cgroup?.replace("/cgroup", "") ?? "/",
    marker: (pid) => this.processes.get(pid)?.env[MARKER],
    kill: ({ pid }) => this.processes.get(pid)?.receive("SIGKILL"),
    reap: ({ pid }) => {
      this.processes.delete(pid);
    },
  };

  readonly spawner: Spawner = {
    spawn: (request) => {
      this.requests.push(request);
      const [program] = request.argv;
      const behaviour = this.programs[program] ?? new SpawnError("exec", 2, { command: program });
      const pid = this.nextPid();
      const process = new FakeProcess(
        this,
        pid,
        { argv: request.argv, env: request.env, parent: 1, session: pid, cgroup: request.cgroup },
        (stream, chunk) => this.outputs.get(pid)?.(stream, chunk),
      );
      this.processes.set(pid, process);
      this.open.add(pid);
      this.log.push(`spawn ${program}`);
      return new FakeChild(process, behaviour);
    },
  };

  get scopes(): ScopeProvider {
    return { kind: this.#kind, open: () => this.#openScope() };
  }

  #openScope(): Scope {
    this.openScopes++;
    const cell = (role: string, sibling?: Cell): Cell => {
      const path = `/probewright-1-${this.openScopes}/${role}`;
      const cgroup = this.#kind === "cgroup" ? this.#cgroup(path) : undefined;
      return new Cell({ marker: role, cgroup, table: this.table, clock: this.clock, sibling });
    };
    const support = cell("support");
    const workload = cell("workload", support);
    support.begin();
    const close = async (): Promise<void> => {
      this.openScopes--;
    };
    return { kind: this.#kind, workload, support, close };
  }

  #cgroup(path: string): CellCgroup {
    const members = (): FakeProcess[] =>
      [...this.processes.values()].filter((p) => !p.dead.signal.aborted && p.cgroup === `/cgroup${path}`);
    return {
      directory: `/cgroup${path}`,
      path,
      id: 7n,
      level: 2,
      members: () => members().map(({ pid }) => pid),
      killAll: () => {
        for (const process of members()) process.receive("SIGKILL");
      },
      cpuTime: () => this.cpu,
    };
  }

  readonly tracer: Tracer = {
    load: () => {
      if (this.loadError !== undefined) throw this.loadError;
      this.log.push("load");
      return new FakeTracing(this);
    },
  };

  compile(source: Source, diags: Diagnostics, options: CompileOptions): CompiledProgram | undefined {
    this.compiles.push(options);
    if (this.compileWith !== undefined) return this.compileWith(source, diags, options);
    const maps = this.maps[source.text.trim()] ?? [];
    return compiled({
      maps: maps.map(({ name, entries = 64 }) => ({
        name,
        type: "hash",
        keySize: 8,
        valueSize: 8,
        maxEntries: options.maxEntries?.[name] ?? entries,
        flags: 0,
      })),
      scriptMaps: maps.map(({ name, value = "count", keyed = false }, map) => ({
        name,
        key: keyed ? { kind: "string", size: 8 } : undefined,
        value:
          value === "hist"
            ? { kind: "hist", size: 64, bits: 0 }
            : value === "count"
              ? { kind: "count", size: 8 }
              : { kind: value, size: 8, signed: false },
        storage: { kind: "hash", map, perCpu: false },
      })),
    });
  }
}

class FakeTracing implements Tracing {
  readonly #world: FakeWorld;
  #current: FakeTrace = {};

  constructor(world: FakeWorld) {
    this.#world = world;
  }

  start(): readonly UnattachedProbe[] {
    const world = this.#world;
    if (world.attachError !== undefined) throw world.attachError;
    world.log.push("attach");
    this.#current = (world.traces.length > 1 ? world.traces.shift() : world.traces[0]) ?? {};
    return this.#current.unattached ?? [];
  }

  release(workload: Child): void {
    workload.release();
  }

  stop(): TraceResult {
    this.#world.log.push("detach");
    const { failure } = this.#current;
    if (failure) throw failure;
    return {
      maps: [[]],
      output: "",
      lostEvents: 0n,
      endlessLoops: 0n,
      fullMaps: [],
      refusals: [],
      missed: [],
      exited: false,
      cost: [],
      warnings: [],
      ...this.#current,
    };
  }

  close(): void {
    this.#world.log.push("unload");
  }
}
