/**
 * When a server is ready. Looking must not disturb what is measured: whether a port of this machine is listened on is
 * read from the kernel's table, since a connection to find out would be one more accept in the server's counters.
 */
import { existsSync, readFileSync } from "node:fs";
import { connect } from "node:net";
import { unreachable } from "../../compiler/unreachable.ts";
import type { Ready } from "../config/scenario.ts";
import type { Clock } from "./host.ts";
import type { Launched } from "./launch.ts";

/** Resolves once the server accepts work, or when `stop` aborts. */
export async function untilReady(ready: Ready, server: Launched, clock: Clock, stop: AbortSignal): Promise<void> {
  if (ready.kind === "log") return untilPrinted(ready.text, server, stop);
  for (let pause = 1; !stop.aborted; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
    if (await isReady(ready, server.child.pid)) return;
    await clock.sleep(pause, stop);
  }
}

/** Looking more rarely would delay the driver, more often would take CPU time from a server that is starting. */
const LONGEST_PAUSE_MS = 20;

async function isReady(ready: Exclude<Ready, { kind: "log" }>, pid: number): Promise<boolean> {
  switch (ready.kind) {
    case "file":
      return existsSync(ready.path);
    case "tcp":
      return isLocal(ready.host) ? isListening(ready.port, pid) : canConnect(ready.host, ready.port);
    default:
      return unreachable(ready, "kind of readiness");
  }
}

/** Resolves when one of the streams has said `text`; it may come in pieces, and be lost from what is kept. */
function untilPrinted(text: string, server: Launched, stop: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const searches = { stdout: new TextSearch(text), stderr: new TextSearch(text) };
    const unsubscribe = server.onOutput((stream, chunk) => {
      if (searches[stream].feed(chunk)) finish();
    });
    const finish = (): void => {
      unsubscribe();
      stop.removeEventListener("abort", finish);
      resolve();
    };
    stop.addEventListener("abort", finish);
    if (stop.aborted) finish();
  });
}

/** Finds a text in a stream of bytes. */
class TextSearch {
  readonly #decoder = new TextDecoder();
  readonly #text: string;
  /** The end of what was searched, as long as a beginning of the text can be. */
  #rest = "";

  constructor(text: string) {
    this.#text = text;
  }

  feed(chunk: Uint8Array): boolean {
    const window = this.#rest + this.#decoder.decode(chunk, { stream: true });
    this.#rest = this.#text.length > 1 ? window.slice(1 - this.#text.length) : "";
    return window.includes(this.#text);
  }
}

/** What the harness waits for, to be said when it waited in vain. */
export function readyText(ready: Ready): string {
  switch (ready.kind) {
    case "file":
      return `the file ${ready.path}`;
    case "log":
      return `the text ${JSON.stringify(ready.text)} in its output`;
    case "tcp":
      return `a listener on ${ready.host}:${ready.port}`;
    default:
      return unreachable(ready, "kind of readiness");
  }
}

/** What makes the server seem ready before it has started: the answer would come from somebody else. */
export function alreadyReady(ready: Ready): string | undefined {
  switch (ready.kind) {
    case "file":
      return existsSync(ready.path) ? `the file ${ready.path} exists before the workload has started` : undefined;
    case "log":
      return undefined;
    case "tcp":
      return isLocal(ready.host) && isListening(ready.port, process.pid)
        ? `port ${ready.port} is in use before the workload has started`
        : undefined;
    default:
      return unreachable(ready, "kind of readiness");
  }
}

function isLocal(host: string): boolean {
  return host === "localhost" || host === "::1" || host === "0.0.0.0" || host === "::" || /^127\./.test(host);
}

/** Whether a TCP port is listened on in the network namespace of a process. */
function isListening(port: number, pid: number): boolean {
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  return ["tcp", "tcp6"].some((table) =>
    readTable(`/proc/${pid}/net/${table}`)
      .split("\n")
      .some((line) => {
        //  0: 0100007F:1F90 00000000:0000 0A ...
        const [, local, , state] = line.trim().split(/\s+/);
        return state === LISTEN && local!.endsWith(wanted);
      }),
  );
}

/** TCP_LISTEN */
const LISTEN = "0A";

function readTable(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    // No IPv6, or the process has just ended: nobody listens there. Reading through a zombie's /proc says EINVAL.
    if (["ENOENT", "ESRCH", "EINVAL"].includes((error as NodeJS.ErrnoException).code ?? "")) return "";
    throw error;
  }
}

function canConnect(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: 1000 });
    const settle = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.once("connect", () => settle(true));
    socket.once("error", () => settle(false));
    socket.once("timeout", () => settle(false));
  });
}
