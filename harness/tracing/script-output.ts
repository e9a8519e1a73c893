/**
 * Joins a session to its output: records of the ring buffer become text or JSON, and what the script asks for besides
 * printing is done to the session's own maps.
 */
import { demangle } from "../../native/index.ts";
import { fromText, toBytes, toText } from "./bytestring.ts";
import { eventConsumer } from "./events.ts";
import type { OutputSink } from "./output/sink.ts";
import type { Presentation } from "./printable.ts";
import type { Session } from "./session.ts";
import { byName, decodeMap, type MapSelection, orZero, presentMap } from "./snapshot.ts";
import { hostResolver } from "./symbols/host.ts";
import { reasonOf } from "./symbols/strerror.ts";
import { UserSymbols } from "./symbols/user-symbols.ts";
import { catFile, runShell } from "./system-actions.ts";

export interface ScriptOutputOptions {
  /** False drops what warnf() prints. */
  warnings?: boolean;
}

export class ScriptOutput {
  /** What exit() was called with last, in the script's begin, its probes or its end. */
  exitCode: number | undefined;
  readonly #session: Session;
  readonly #sink: OutputSink;
  /** Gives names to what the script's values only number. */
  readonly presentation: Presentation;
  readonly #consume: (view: DataView, offset: number, length: number) => void;
  #exited = false;

  constructor(session: Session, sink: OutputSink, { warnings = true }: ScriptOutputOptions = {}) {
    this.#session = session;
    this.#sink = sink;
    const { config, scriptMaps } = session.compiled;
    const symbols = new UserSymbols((pid) => session.mappings?.mapOf(pid), config.cppDemangle ? demangle : undefined);
    this.presentation = {
      resolver: hostResolver({
        stack: (map, id, mode) => session.readStack(map, id, mode),
        userSymbol: (address, pid) => symbols.find(address, pid),
      }),
      truncationTrailer: fromText(config.strTruncTrailer),
    };
    this.#consume = eventConsumer(session.compiled, {
      sink,
      presentation: this.presentation,
      now: () => Math.floor(Date.now() / 1000),
      warnings,
      handlers: {
        exit: (code) => {
          this.exitCode = code;
          this.#exited = true;
        },
        printMap: (map, selection) => this.#printMap(map, selection),
        clearMap: (map) => session.clear(scriptMaps[map]!),
        zeroMap: (map) => session.zero(scriptMaps[map]!),
        unwatch: (address) => session.unwatch(address),
        system: (command) => this.#system(command),
        cat: (path) => this.#cat(path, config.maxCatBytes),
      },
    });
  }

  /** Takes one record: a visitor for the session's drain, which ends behind an exit(). */
  readonly visit = (view: DataView, offset: number, length: number): boolean => {
    this.#exited = false;
    this.#consume(view, offset, length);
    return !this.#exited;
  };

  /** Prints all maps that have entries, by name, unless the script's config says otherwise. */
  printMaps(): void {
    if (!this.#session.compiled.config.printMapsOnExit) return;
    for (const map of this.#session.readMaps().map(decodeMap).sort(byName))
      this.#sink.map(presentMap(map, this.presentation));
  }

  #printMap(map: number, selection: MapSelection): void {
    const { compiled } = this.#session;
    const decoded = orZero(decodeMap(this.#session.readMap(compiled.scriptMaps[map]!)));
    this.#sink.map(presentMap(decoded, this.presentation, selection));
  }

  /** What a command printed before it failed is printed too. */
  #system(command: string): void {
    const { output, failure } = runShell(command);
    if (failure === undefined || output !== "") this.#sink.system(output);
    if (failure !== undefined) this.#sink.remark("error", failure);
  }

  #cat(path: string, limit: number): void {
    try {
      this.#sink.cat(catFile(toBytes(path), limit));
    } catch (error) {
      this.#sink.remark("error", `failed to open file '${toText(path)}' (${reasonOf(error)})`);
    }
  }
}
