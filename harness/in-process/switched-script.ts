/**
 * A script that stays attached and is switched: one write to memory begins the counting, another ends it. Its programs are
 * loaded once and see nothing while they are off.
 */

import { type CompiledProgram, SCOPE_SWITCH } from "../../compiler/program.ts";
import type { MapData } from "../metrics/run-data.ts";
import { plural } from "../plural.ts";
import type { AttachError } from "../tracing/attach.ts";
import { mapData } from "../tracing/metric-data.ts";
import { TextOutput } from "../tracing/output/text.ts";
import { describeRefusal } from "../tracing/refusals.ts";
import { ScriptOutput } from "../tracing/script-output.ts";
import { loadSession, type Session } from "../tracing/session.ts";
import { decodeMap } from "../tracing/snapshot.ts";
import type { Caller } from "./caller.ts";
import { TraceError } from "./errors.ts";

export class SwitchedScript {
  readonly session: Session;
  readonly #caller: Caller;
  readonly #switch: DataView;
  readonly #output: ScriptOutput;
  #printed: Uint8Array[] = [];

  /** Loads and attaches; off at first. Throws what loading and attaching throw. */
  constructor(program: CompiledProgram, caller: Caller, { cost = false } = {}) {
    this.#caller = caller;
    this.session = loadSession(program, {
      cost,
      workloadPid: process.pid,
      unwound: [process.pid],
      kernelPid: (pid) => kernelPid(pid, caller),
    });
    try {
      const missing = this.session.attach();
      if (missing.length > 0) throw missing[0] as AttachError;
      this.#switch = this.session.scopeSwitch;
      const append = (bytes: Uint8Array): void => void this.#printed.push(bytes);
      this.#output = new ScriptOutput(
        this.session,
        new TextOutput({ out: append, err: append }, { out: false, err: false }),
      );
    } catch (error) {
      this.session.close();
      throw error;
    }
  }

  /** Makes everything as if just loaded, lets `others` into the scope, and runs the begin probes and iterators. */
  prepare(others: Iterable<number> = []): void {
    this.#printed = [];
    this.session.reset();
    for (const thread of others) this.session.addToScope(thread);
    this.#switch.setBigUint64(SCOPE_SWITCH.process, BigInt(this.#caller.process), true);
    this.session.begin();
    this.session.drain(this.#output.visit);
    while (this.session.iterate()) this.session.drain(this.#output.visit);
  }

  /** From here on the caller's system calls are seen: neither this nor `off` makes any. */
  on(): void {
    this.#switch.setBigUint64(SCOPE_SWITCH.id, BigInt(this.#caller[this.#caller.scope]), true);
  }

  off(): void {
    this.#switch.setBigUint64(SCOPE_SWITCH.id, 0n, true);
  }

  /** Takes what was printed so far out of the kernel's buffer; for what runs long. */
  drain(): void {
    this.session.drain(this.#output.visit);
  }

  /** Runs the end probes, and throws TraceError if anything is missing from the numbers. */
  finish(): void {
    this.drain();
    this.session.end();
    this.drain();
    const { lostEvents, endlessLoops, failedUpdates, refusals, missedRuns } = this.session.health();
    const [full] = failedUpdates;
    if (full !== undefined) {
      throw new TraceError(
        `the map ${full.map} was full: ${full.count} entries had no room\n  help: give it more, with \`config = { max_map_keys = 100000 }\` at the head of the script`,
      );
    }
    const [refusal] = refusals;
    if (refusal !== undefined) {
      const { message, help } = describeRefusal(refusal);
      throw new TraceError(`${message}\n  help: ${help}`);
    }
    if (lostEvents > 0)
      throw new TraceError(
        `${plural(lostEvents, "event was lost", "events were lost")}: the probes print faster than can be read`,
      );
    if (endlessLoops > 0)
      throw new TraceError(`the kernel ended ${plural(endlessLoops, "loop")} of the probes that went on for too long`);
    const [missed] = missedRuns;
    if (missed !== undefined)
      throw new TraceError(
        `the kernel has not counted ${plural(missed.count, "event")} of ${missed.probes.join(", ")}`,
      );
    if (this.#output.exitCode !== undefined)
      throw new TraceError("a probe called exit() before the function had ended");
  }

  maps(): MapData[] {
    return this.session.readMaps().map((snapshot) => mapData(decodeMap(snapshot), this.#output.presentation));
  }

  /** Whether its probes can print at all, or write packets. */
  get prints(): boolean {
    const { ringBuffer, packets } = this.session.compiled;
    return ringBuffer !== undefined || packets !== undefined;
  }

  /** What printf and print wrote. */
  get printed(): string {
    return Buffer.concat(this.#printed).toString("utf8");
  }

  close(): void {
    this.session.close();
  }
}

/** Of this process and, where the kernel counts as we do, of all others. */
function kernelPid(pid: number, caller: Caller): number {
  if (pid === process.pid) return caller.process;
  if (caller.process === process.pid) return pid;
  throw new Error(`the kernel's number of process ${pid} is not known`);
}
