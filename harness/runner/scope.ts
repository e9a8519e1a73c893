/**
 * Where the processes of a scenario live. A scope has two cells: the workload's, whose events are counted, and that of
 * hooks and driver, whose events are not. A cell is a cgroup v2 directory where the machine lets us make one; else it is
 * the tree of processes that descend from the ones we spawned. Whichever it is: emptying a cell leaves nothing alive.
 */
import type { Clock } from "./host.ts";
import { descendants, identity, type ProcessInfo, type ProcessTable, relatives } from "./processes.ts";

export type ScopeKind = "cgroup" | "tree";

export interface Scope {
  readonly kind: ScopeKind;
  readonly workload: Cell;
  readonly support: Cell;
  /** Removes what the scope made. Both cells have to be empty. */
  close(): Promise<void>;
}

/** The cgroup behind a cell. */
export interface CellCgroup {
  /** Absolute path of the directory. */
  readonly directory: string;
  /** Path within the hierarchy as /proc/<pid>/cgroup writes it. */
  readonly path: string;
  /** What the kernel calls it: the directory's inode number. */
  readonly id: bigint;
  /** Depth in the hierarchy; the root has 0. */
  readonly level: number;
  /** Processes in it and below, by pid. */
  members(): number[];
  killAll(): void;
  /** CPU time of everything that ever ran in it, ns. */
  cpuTime(): CpuTime;
}

export interface CpuTime {
  readonly user: bigint;
  readonly system: bigint;
}

export interface Survivors {
  /** Still in the scope. */
  readonly inside: readonly ProcessInfo[];
  /** Started by us and alive, but in another cgroup. */
  readonly outside: readonly ProcessInfo[];
}

/** How long killed processes may take to go away: one in uninterruptible sleep cannot be killed at all. */
const KILL_PATIENCE_MS = 10_000;

export class Cell {
  readonly marker: string;
  readonly cgroup: CellCgroup | undefined;
  readonly #table: ProcessTable;
  readonly #clock: Clock;
  readonly #roots = new Set<number>();
  readonly #bystanders = new Set<string>();
  /** Pids that were spawned for the other cell. */
  readonly #strangers: ReadonlySet<number>;

  constructor(options: {
    marker: string;
    cgroup: CellCgroup | undefined;
    table: ProcessTable;
    clock: Clock;
    /** The cell whose processes are none of this one's. */
    sibling?: Cell;
  }) {
    this.marker = options.marker;
    this.cgroup = options.cgroup;
    this.#table = options.table;
    this.#clock = options.clock;
    this.#strangers = options.sibling?.roots ?? new Set();
  }

  get roots(): ReadonlySet<number> {
    return this.#roots;
  }

  /** Declares all that lives now to be none of this cell's, and forgets the roots of an earlier run. */
  begin(): void {
    this.#roots.clear();
    this.#bystanders.clear();
    for (const process of descendants(this.#table)) this.#bystanders.add(identity(process));
  }

  /** Takes in a process that was spawned for this cell. */
  adopt(pid: number): void {
    this.#roots.add(pid);
  }

  /** What of this cell is alive. Zombies are taken off the table on the way. */
  survivors(): Survivors {
    const inside: ProcessInfo[] = [];
    const outside: ProcessInfo[] = [];
    const related = relatives(this.#table, {
      marker: this.marker,
      roots: this.#roots,
      bystanders: this.#bystanders,
      strangers: this.#strangers,
    });
    for (const process of related) {
      // How a root ended is asked by whoever spawned it.
      if (process.zombie && !this.#roots.has(process.pid)) this.#table.reap(process);
      else if (process.zombie) continue;
      else if (this.#contains(process.pid)) inside.push(process);
      else outside.push(process);
    }
    // A cgroup also holds those whom nothing else ties to us.
    const seen = new Set(related.map((process) => process.pid));
    const members = new Set(this.cgroup?.members());
    for (const process of members.size > 0 ? this.#table.list() : [])
      if (members.has(process.pid) && !seen.has(process.pid) && !process.zombie) inside.push(process);
    return { inside, outside };
  }

  #contains(pid: number): boolean {
    if (this.cgroup === undefined) return true;
    const path = this.#table.cgroup(pid);
    // Unknown: it has ended since.
    return path === undefined || path === this.cgroup.path || path.startsWith(`${this.cgroup.path}/`);
  }

  /** Kills all that is alive. Answers with those who would not die. */
  async empty(): Promise<readonly ProcessInfo[]> {
    const deadline = this.#clock.now() + BigInt(KILL_PATIENCE_MS) * 1_000_000n;
    for (let pause = 1; ; pause = Math.min(pause * 2, 50)) {
      const { inside, outside } = this.survivors();
      const alive = [...inside, ...outside];
      if (alive.length === 0 || this.#clock.now() > deadline) return alive;
      if (inside.length > 0) this.cgroup?.killAll();
      for (const process of this.cgroup === undefined ? alive : outside) this.#table.kill(process);
      await this.#clock.sleep(pause);
    }
  }
}
