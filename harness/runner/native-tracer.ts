/** The tracer on the real kernel: one session for each script of a scenario, traced run by run. */
import { closeSync, openSync, readSync } from "node:fs";
import type { CompiledProgram } from "../../compiler/program.ts";
import type { MapData } from "../metrics/run-data.ts";
import type { AttachError } from "../tracing/attach.ts";
import { type ByteString, bytesAt, toText } from "../tracing/bytestring.ts";
import { eventConsumer, type RecordConsumer } from "../tracing/events.ts";
import { loadsPerRun } from "../tracing/host-constants.ts";
import { mapData } from "../tracing/metric-data.ts";
import { TextOutput } from "../tracing/output/text.ts";
import type { Presentation } from "../tracing/printable.ts";
import { loadSession, type Session } from "../tracing/session.ts";
import { decodeMap, orZero, presentMap } from "../tracing/snapshot.ts";
import { hostResolver } from "../tracing/symbols/host.ts";
import type { TraceResult, Tracer, Tracing, UnattachedProbe } from "./host.ts";
import { OutputCapture, outputText } from "./output.ts";
import type { CellCgroup } from "./scope.ts";

export const nativeTracer: Tracer = {
  load: (programs, cgroup) => {
    const traces: ScriptTrace[] = [];
    try {
      for (const program of programs) traces.push(new ScriptTrace(program, cgroup));
      return new NativeTracing(traces);
    } catch (error) {
      for (const trace of traces) trace.close();
      throw error;
    }
  },
};

class NativeTracing implements Tracing {
  readonly #traces: readonly ScriptTrace[];
  #printed = new OutputCapture();

  constructor(traces: readonly ScriptTrace[]) {
    this.#traces = traces;
  }

  start(workload: number): readonly UnattachedProbe[] {
    this.#printed = new OutputCapture();
    const missing: AttachError[] = [];
    try {
      for (const trace of this.#traces) trace.prepare(workload, this.#printed);
      for (const trace of this.#traces) missing.push(...trace.attach());
    } catch (error) {
      for (const trace of this.#traces) trace.abort();
      throw error;
    }
    return missing.flatMap(({ probes, message }) => probes.map((probe) => ({ probe, reason: message })));
  }

  stop(): TraceResult {
    // All of them first, so that the last one does not count while the others are read.
    for (const trace of this.#traces) trace.detach();
    for (const trace of this.#traces) trace.finish();
    const health = this.#traces.map((trace) => trace.session.health());
    return {
      maps: this.#traces.map((trace) => trace.read()),
      output: outputText(this.#printed.read()),
      lostEvents: health.reduce((sum, { lostEvents }) => sum + BigInt(lostEvents), 0n),
      fullMaps: health.flatMap(({ failedUpdates }, program) =>
        failedUpdates.map(({ map, count }) => ({ program, map, failed: BigInt(count) })),
      ),
      missed: health.flatMap(({ missedRuns }) =>
        missedRuns.map(({ probes, count }) => ({ probe: probes.join(", "), count: BigInt(count) })),
      ),
      exited: this.#traces.some(({ exited }) => exited),
      cost: this.#traces.flatMap(({ session }) =>
        session.cost().map(({ probes, hits, ns }) => ({ probes, hits: BigInt(hits), ns: BigInt(ns) })),
      ),
    };
  }

  close(): void {
    for (const trace of this.#traces) trace.close();
  }
}

/** One script: its session, and what its events are turned into. */
class ScriptTrace {
  readonly #program: CompiledProgram;
  readonly #cgroup: CellCgroup | undefined;
  readonly #presentation: Presentation;
  #session: Session;
  #consume: RecordConsumer = () => undefined;
  exited = false;

  constructor(program: CompiledProgram, cgroup: CellCgroup | undefined) {
    this.#program = program;
    this.#cgroup = cgroup;
    this.#session = this.#load(undefined);
    const resolver = hostResolver({
      stack: (map, id) => this.#session.stack(map, id),
      // The workload is gone when its maps are read, and with it the layout of its memory.
      userSymbol: () => undefined,
    });
    this.#presentation = { resolver, truncationTrailer: program.config.strTruncTrailer };
  }

  get session(): Session {
    return this.#session;
  }

  #load(workload: number | undefined): Session {
    const scopeCgroup = this.#cgroup && { id: this.#cgroup.id, level: this.#cgroup.level };
    return loadSession(this.#program, { scopeCgroup, workloadPid: workload, cost: true });
  }

  /** Makes everything as if just loaded, and runs the begin probes. */
  prepare(workload: number, printed: OutputCapture): void {
    if (loadsPerRun(this.#program)) {
      this.#session.close();
      this.#session = this.#load(workload);
    }
    this.exited = false;
    this.#consume = this.#consumer(printed);
    this.#session.reset();
    if (this.#program.scopeTree !== undefined) this.#session.addToScope(workload);
    this.#session.onReadable(() => this.#session.drain(this.#consume));
    this.#session.begin();
  }

  attach(): AttachError[] {
    return this.#session.attach();
  }

  detach(): void {
    this.#session.detach();
    this.#session.onReadable(undefined);
  }

  /** Runs the end probes and takes what is left in the buffer. */
  finish(): void {
    this.#session.drain(this.#consume);
    this.#session.end();
    this.#session.drain(this.#consume);
  }

  /** Stops without asking for results. */
  abort(): void {
    this.detach();
  }

  read(): MapData[] {
    return this.#session.readMaps().map((snapshot) => mapData(decodeMap(snapshot), this.#presentation));
  }

  close(): void {
    this.#session.close();
  }

  #consumer(printed: OutputCapture): RecordConsumer {
    const append = (bytes: Uint8Array): void => printed.append(bytes);
    const sink = new TextOutput({ out: append, err: append }, { out: false, err: false });
    const program = this.#program;
    return eventConsumer(program, {
      sink,
      presentation: this.#presentation,
      now: () => Date.now() / 1000,
      warnings: true,
      handlers: {
        exit: () => {
          this.exited = true;
        },
        printMap: (map, selection) => {
          const decoded = decodeMap(this.#session.readMap(program.scriptMaps[map]!));
          sink.map(presentMap(orZero(decoded), this.#presentation, selection));
        },
        clearMap: (map) => this.#session.clear(program.scriptMaps[map]!),
        zeroMap: (map) => this.#session.zero(program.scriptMaps[map]!),
        system: () => {
          throw new Error("a scenario's script was compiled with system()");
        },
        cat: (path) => sink.cat(fileStart(path, program.config.maxCatBytes)),
      },
    });
  }
}

/** The first bytes of a file; what went wrong, as text, when it cannot be read. */
function fileStart(path: ByteString, limit: number): ByteString {
  const name = toText(path);
  try {
    const fd = openSync(name, "r");
    try {
      const bytes = new Uint8Array(limit);
      const length = readSync(fd, bytes, 0, limit, null);
      return bytesAt(new DataView(bytes.buffer), 0, length);
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    return `cat(${name}): ${(error as NodeJS.ErrnoException).code}\n`;
  }
}
