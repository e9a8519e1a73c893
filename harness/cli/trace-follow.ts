/** A trace from the moment its programs are loaded: attach, print what the script says until it is over, clean up. */

import { openSync } from "node:fs";
import type { AttachTarget } from "../../compiler/program.ts";
import { type ExitStatus, type Fd, Poller, type StoppedProcess } from "../../native/index.ts";
import { plural } from "../plural.ts";
import { JsonOutput } from "../tracing/output/json.ts";
import type { OutputSink } from "../tracing/output/sink.ts";
import { TextOutput } from "../tracing/output/text.ts";
import { describeRefusal } from "../tracing/refusals.ts";
import { ScriptOutput } from "../tracing/script-output.ts";
import type { Session } from "../tracing/session.ts";
import { reasonOf } from "../tracing/symbols/strerror.ts";
import { releaseToEntry } from "../tracing/unwind/run-to-entry.ts";
import { ExitCode } from "./exit-code.ts";
import { Failure } from "./failure.ts";
import { isTerminal } from "./is-terminal.ts";
import { Sink } from "./sink.ts";
import type { TraceArgs } from "./trace-args.ts";
import { writeAll } from "./write-all.ts";

export interface Trace {
  session: Session;
  args: TraceArgs;
  /** The command of -c, not yet running. */
  child: StoppedProcess | undefined;
  /** The process of -p. */
  target: Fd | undefined;
}

/** Why a trace ends. `idle`: there is nothing to wait for, as the script has only begin and end, or iterators that are done. */
type Reason = "idle" | "exit" | "signal" | "child" | "target" | "broken";

/**
 * Attaches, follows the trace to its end, and answers the exit code: what the script gave to exit(), or 0. Throws
 * what loading and attaching throw, and Failure when the output cannot be written.
 */
export async function followTrace({ session, args, child, target }: Trace): Promise<number> {
  const over = deferred<Reason>();
  const out = new Sink(openOutput(args.output), args.buffering, () => over.resolve("broken"));
  const sink = makeSink(out, args);
  const script = new ScriptOutput(session, sink, { warnings: args.warnings > 0 });
  const unwatchSignals = onSignals(() => over.resolve("signal"));
  const unwatchProbes = onProbedSignals(session);
  try {
    if (args.purpose !== "trace") {
      const { runOnDemand } = await import("./trace-on-demand.ts");
      const code = runOnDemand(session, args.purpose, sink);
      await finish(out);
      return code;
    }
    const attached = attach(session, sink, args);
    if (attached === 0) {
      writeAll(2, "No probes to attach\n");
      return ExitCode.invalidInput;
    }
    await announce(out);
    const childEnd = release(child, session, args, over);
    const reason = await follow({ session, script, out, sink, child, target, over });
    if (reason !== "child") child?.kill("SIGTERM");
    session.stop(script.visit, reason === "exit" ? "discard" : within(LAST_RECORDS_MS, script.visit));
    reportHoles(session, sink, args);
    sink.end();
    script.printMaps();
    await childEnd?.(CHILD_GRACE_MS);
    await finish(out);
    return script.exitCode ?? ExitCode.ok;
  } finally {
    unwatchSignals();
    unwatchProbes();
  }
}

function openOutput(path: string | undefined): number {
  if (path === undefined) return 1;
  try {
    return openSync(path, "w");
  } catch (error) {
    throw new Failure(`failed to open output file '${path}': ${reasonOf(error)}`, ExitCode.invalidInput);
  }
}

async function finish(out: Sink): Promise<void> {
  try {
    await out.end();
  } catch (error) {
    throw new Failure(`cannot write the output: ${(error as Error).message}`, ExitCode.invalidMeasurement);
  }
}

function makeSink(out: Sink, args: TraceArgs): OutputSink {
  const streams = {
    out: (bytes: Uint8Array) => out.write(bytes),
    err: (bytes: Uint8Array) => writeAll(2, bytes),
  };
  if (args.format === "json") return new JsonOutput(streams);
  return new TextOutput(streams, { out: args.output === undefined && isTerminal(1), err: isTerminal(2) });
}

/** SIGINT and SIGTERM end the trace in order; the second one has its usual effect. */
function onSignals(callback: () => void): () => void {
  for (const signal of SIGNALS) process.once(signal, callback);
  return () => {
    for (const signal of SIGNALS) process.off(signal, callback);
  };
}

/** Runs the script's probes on signals that we get. */
function onProbedSignals(session: Session): () => void {
  const run = (signal: NodeJS.Signals): void => session.signal(signal);
  const signals = session.signals as NodeJS.Signals[];
  for (const signal of signals) process.on(signal, run);
  return () => {
    for (const signal of signals) process.off(signal, run);
  };
}

/** Answers how many probes are attached. */
function attach(session: Session, sink: OutputSink, args: TraceArgs): number {
  const missing = session.start();
  const { config, programs } = session.compiled;
  if (config.missingProbes === "warn" && args.warnings > 0)
    for (const { message } of missing) sink.remark("warning", message);
  const count = [...programs.map(({ probes }) => probes.length), ...missing.map(({ probes }) => -probes.length)];
  const attached = count.reduce((sum, n) => sum + n, 0);
  if (attached > 0 && !args.quiet) sink.attachedProbes(attached);
  return attached;
}

/** Tells a test that waits for it that all probes are attached. */
async function announce(out: Sink): Promise<void> {
  if (process.env[NOTIFY] !== "1") return;
  await out.flush();
  writeAll(1, `${NOTIFY}\n`);
}

/**
 * Lets the command of -c run. The answer waits for its end, and kills it if that takes longer than so many milliseconds.
 */
function release(
  child: StoppedProcess | undefined,
  session: Session,
  args: TraceArgs,
  over: Deferred<Reason>,
): ((graceMs: number) => Promise<void>) | undefined {
  if (child === undefined) return undefined;
  if (session.unwinds) releaseToEntry(child, () => session.unwind(child.pid)).catch(over.reject);
  else child.release();
  const ended = child.wait().then((status) => {
    if (args.verbose) writeAll(2, `the command ${describe(status)}\n`);
    over.resolve("child");
  });
  return async (graceMs) => {
    const impatience = setTimeout(() => child.kill("SIGKILL"), graceMs);
    await ended;
    clearTimeout(impatience);
  };
}

function describe({ code, signal }: ExitStatus): string {
  return signal === null ? `exited with status ${code}` : `was ended by ${signal}`;
}

interface Following {
  session: Session;
  script: ScriptOutput;
  out: Sink;
  sink: OutputSink;
  child: StoppedProcess | undefined;
  target: Fd | undefined;
  over: Deferred<Reason>;
}

/** Prints what comes until there is a reason to end. */
async function follow({ session, script, out, sink, child, target, over }: Following): Promise<Reason> {
  const poller = target && new Poller(target, () => over.resolve("target"));
  // also keeps the process alive while a script that prints nothing is attached
  const watch = setInterval(lostEventReporter(session, sink), LOST_EVENTS_MS);
  try {
    const kinds = new Set(session.compiled.programs.map(({ attach }) => attach.kind));
    const waits = [...kinds].some((kind) => !ENDING.has(kind)) || (target !== undefined && !kinds.has("iter"));
    const iterated = (): void => {
      if (!waits && child === undefined) over.resolve("idle");
    };
    pump({ session, script, out, over, iterated });
    return await over.promise;
  } finally {
    clearInterval(watch);
    poller?.close();
    session.onReadable(undefined);
  }
}

/** Programs that are over by themselves. */
const ENDING: ReadonlySet<AttachTarget["kind"]> = new Set(["begin", "end", "iter"]);

interface Pump extends Pick<Following, "session" | "script" | "out" | "over"> {
  /** Called once, when all iterators have been gone through. */
  iterated: () => void;
}

/**
 * Shows records whenever there are some: so long in a row that signals are heard, and none while the reader is slow. Whenever there
 * are none, iterators go on, to their end even if one of them calls exit().
 */
function pump({ session, script, out, over, iterated }: Pump): void {
  let iterating = true;
  const turn = (): void => {
    if (over.done) return;
    try {
      const visit = within(TURN_MS, script.visit);
      let more = false;
      session.drain((view, offset, length) => {
        more = !visit(view, offset, length);
        return !more && !out.congested;
      });
      if (script.exitCode !== undefined && !session.iterates) {
        over.resolve("exit");
      } else if (out.congested) {
        session.onReadable(undefined);
        out.settled().then(start, over.reject);
      } else if (more) {
        setImmediate(turn); // what was taken from the ring and not shown yet does not make it readable
      } else if (iterating) {
        iterating = session.iterate();
        setImmediate(iterating ? turn : last);
      }
    } catch (error) {
      over.reject(error);
    }
  };
  const last = (): void => {
    turn();
    iterated();
  };
  const start = (): void => {
    if (over.done) return;
    session.onReadable(turn);
    turn();
  };
  start();
}

/** A visitor that ends its drain after so many milliseconds. `performance` would be one more module to load. */
function within(ms: number, visit: ScriptOutput["visit"]): ScriptOutput["visit"] {
  const deadline = process.uptime() + ms / 1e3;
  return (view, offset, length) => visit(view, offset, length) && process.uptime() < deadline;
}

function lostEventReporter(session: Session, sink: OutputSink): () => void {
  let known = 0;
  return () => {
    const { lostEvents } = session;
    if (lostEvents > known) sink.lostEvents(lostEvents - known);
    known = lostEvents;
  };
}

/** Says at the end what the numbers do not contain. */
function reportHoles(session: Session, sink: OutputSink, { warnings }: TraceArgs): void {
  if (warnings === 0) return;
  const { lostEvents, endlessLoops, failedUpdates, refusals, missedRuns } = session.health();
  if (lostEvents > 0) sink.remark("warning", `Total lost event count: ${lostEvents}`);
  if (endlessLoops > 0) {
    sink.remark("warning", `the kernel ended ${plural(endlessLoops, "loop")} that went on for too long`);
  }
  for (const { map, count } of failedUpdates) {
    sink.remark(
      "warning",
      `Map full; can't update element. ${map} lost ${plural(count, "update")}; give it more room with max_map_keys or \`let ${map} = hash(n)\``,
    );
  }
  for (const refusal of refusals) {
    const { message, help } = describeRefusal(refusal);
    sink.remark("warning", `${message}; ${help}`);
  }
  for (const { probes, count } of missedRuns)
    sink.remark("warning", `${probes.join(", ")} missed ${plural(count, "event")}`);
}

interface Deferred<T> {
  promise: Promise<T>;
  done: boolean;
  resolve(value: T): void;
  reject(error: unknown): void;
}

function deferred<T>(): Deferred<T> {
  let settle: Pick<Deferred<T>, "resolve" | "reject"> | undefined;
  const promise = new Promise<T>((resolve, reject) => {
    settle = { resolve, reject };
  });
  const result: Deferred<T> = {
    promise,
    done: false,
    resolve: (value) => {
      result.done = true;
      settle?.resolve(value);
    },
    reject: (error) => {
      result.done = true;
      settle?.reject(error);
    },
  };
  return result;
}

const SIGNALS = ["SIGINT", "SIGTERM"] as const;
const NOTIFY = "__BPFTRACE_NOTIFY_PROBES_ATTACHED";
/** How long records are shown without listening for signals. */
const TURN_MS = 20;
/** How long those are shown that were waiting at the end. There may be half a million, and each may run a command. */
const LAST_RECORDS_MS = 2000;
const LOST_EVENTS_MS = 200;
const CHILD_GRACE_MS = 1000;
