/** skboutput(): packets on the loopback device are in the file as they were sent, or counted as lost. */
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { compile } from "../../compiler/compile.ts";
import { Diagnostics, renderDiagnostics } from "../../compiler/diagnostics.ts";
import type { CompiledProgram } from "../../compiler/program.ts";
import { Source } from "../../compiler/source.ts";
import { hostFacts } from "../../harness/tracing/facts/host-facts.ts";
import { loadSession, type Session } from "../../harness/tracing/session.ts";
import { describeKernel } from "../support/privileges.ts";
import { descriptors } from "../support/sessions.ts";

const facts = hostFacts();
const traced = facts.features.tpBtf && facts.btf()?.tracepoint("netif_receive_skb") !== undefined;

function program(script: string, environment: Record<string, string> = {}): CompiledProgram {
  const diags = new Diagnostics();
  const compiled = compile(new Source("test.bt", script), facts, diags, { environment });
  if (!compiled) throw new Error(renderDiagnostics(diags.items));
  return compiled;
}

interface Captured {
  /** Milliseconds since 1970. */
  time: number;
  length: number;
  bytes: Buffer;
}

/** The records of a file, of which the form is checked. */
function packets(path: string): Captured[] {
  const file = readFileSync(path);
  expect([file.readUInt32LE(0), file.readUInt32LE(20)]).toEqual([0xa1b23c4d, 101]);
  const found: Captured[] = [];
  for (let at = 24; at < file.length; ) {
    const size = file.readUInt32LE(at + 8);
    const time = file.readUInt32LE(at) * 1e3 + file.readUInt32LE(at + 4) / 1e6;
    found.push({ time, length: file.readUInt32LE(at + 12), bytes: file.subarray(at + 16, at + 16 + size) });
    at += 16 + size;
  }
  return found;
}

/** Bytes of the headers of IPv4 and UDP. */
const HEADERS = 28;

describeKernel("packets", () => {
  let folder: string;
  let receiver: Socket;
  let sender: Socket;
  let port: number;
  let before: ReturnType<typeof descriptors>;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "pw-packets-"));
    [receiver, sender] = [createSocket("udp4"), createSocket("udp4")];
    receiver.bind(0, "127.0.0.1");
    sender.bind(0, "127.0.0.1");
    await Promise.all([once(receiver, "listening"), once(sender, "listening")]);
    ({ port } = receiver.address() as AddressInfo);
    await send("open everything that sockets need");
  });
  afterAll(() => {
    receiver.close();
    sender.close();
    rmSync(folder, { recursive: true });
  });
  beforeEach(() => {
    before = descriptors();
  });
  // What the event loop watches is closed with its next round.
  afterEach(() => expect.poll(descriptors).toEqual(before));

  async function send(...texts: string[]): Promise<void> {
    for (const text of texts) {
      const arrived = once(receiver, "message");
      sender.send(text, port, "127.0.0.1");
      await arrived;
    }
  }

  /** The text of each UDP packet to our receiver, behind so many bytes of other headers. */
  function texts(path: string, ahead = 0): string[] {
    return packets(path)
      .map(({ bytes }) => bytes.subarray(ahead))
      .filter((bytes) => bytes.length >= HEADERS && bytes[9] === 17 && bytes.readUInt16BE(22) === port)
      .map((bytes) => bytes.subarray(HEADERS).toString());
  }

  const stop = (session: Session): void => session.stop(() => {});
  const pathOf = (name: string): string => join(folder, name);
  const capture = (path: string, length: string, offset = 0, tracepoint = "netif_receive_skb"): string =>
    `rawtracepoint:${tracepoint} { @[skboutput("${path}", args.skb, ${length}, ${offset})] = count(); }`;

  it.runIf(traced)("are written from the offset on, with their times and both lengths", async () => {
    const [whole, behind] = [pathOf("whole.pcap"), pathOf("behind.pcap")];
    const script = `${capture(whole, "args.skb.len")} ${capture(behind, "30", 14, "net_dev_queue")}`;
    using session = loadSession(program(script));
    session.start();
    const start = Date.now();
    await send("first", "second one");
    const end = Date.now();
    stop(session);
    expect(texts(whole)).toEqual(["first", "second one"]);
    // The device's header precedes the packet, and is not in the file.
    expect(texts(behind)).toEqual(["fi", "se"]);
    const lengths = packets(behind).map(({ length, bytes }) => [length, bytes.length]);
    expect(lengths).toEqual(
      expect.arrayContaining([
        [HEADERS + 5, 30],
        [HEADERS + 10, 30],
      ]),
    );
    const times = packets(whole).map(({ time }) => time);
    expect(times).toEqual([...times].sort((a, b) => a - b));
    expect(times[0]).toBeGreaterThan(start - 50);
    expect(times.at(-1)).toBeLessThan(end + 50);
    expect(session.health().refusals).toEqual([]);
  });

  it.runIf(traced)("are as long as a record can be, whatever was asked for", async () => {
    const path = pathOf("long.pcap");
    using session = loadSession(program(capture(path, "-1 + args.skb.len - args.skb.len")));
    session.start();
    await send("x".repeat(65_507));
    stop(session);
    const largest = packets(path).find(({ length }) => length === 65_535);
    expect(largest?.bytes.length).toBe(65_492);
    expect(session.health().refusals).toEqual([]);
  });

  it.runIf(traced)("are left out if the offset lies behind their end", async () => {
    const path = pathOf("short.pcap");
    using session = loadSession(program(capture(path, "100", 60_000)));
    session.start();
    await send("short");
    stop(session);
    expect(packets(path)).toEqual([]);
    expect(session.health().refusals).toEqual([]);
  });

  it.runIf(traced)("are written while the trace goes on, when somebody waits for records", async () => {
    const path = pathOf("follow.pcap");
    using session = loadSession(program(capture(path, "args.skb.len")));
    session.onReadable(() => session.drain(() => {}));
    session.start();
    await send("now");
    await expect.poll(() => texts(path)).toEqual(["now"]);
    session.onReadable(undefined);
    session.detach();
  });

  it.runIf(traced)("begin anew with a reset: a file has those of the last run", async () => {
    const path = pathOf("runs.pcap");
    using session = loadSession(program(capture(path, "args.skb.len")));
    for (const run of ["one", "two"]) {
      session.reset();
      session.start();
      await send(run);
      stop(session);
      expect(texts(path)).toEqual([run]);
    }
  });

  it.runIf(traced)("are counted as lost if they find no room, and the call gives the error", async () => {
    const path = pathOf("lost.pcap");
    using session = loadSession(program(capture(path, "args.skb.len"), { perf_rb_pages: "1" }));
    session.start();
    await send("fits", "x".repeat(5000));
    stop(session);
    expect(texts(path)).toEqual(["fits"]);
    const { refusals } = session.health();
    expect(refusals).toEqual([{ of: "packets", errno: 28, count: expect.any(Number) }]);
    expect(refusals[0]!.count).toBeGreaterThan(0);
    const keys = session
      .readMaps()[0]!
      .entries.map(({ key }) => new DataView(key!.buffer, key!.byteOffset).getInt32(0, true));
    expect(keys.sort()).toEqual([-28, 0]);
    session.reset();
    expect(session.health().refusals).toEqual([]);
  });

  it.runIf(traced)("have no file before something is attached", () => {
    const path = pathOf("loaded.pcap");
    loadSession(program(capture(path, "1"))).close();
    expect(statSync(path, { throwIfNoEntry: false })).toBeUndefined();
  });

  it.runIf(traced)("whose file cannot be written keep everything from being attached", () => {
    using session = loadSession(program(`${capture(pathOf("a.pcap"), "1")} ${capture("/nowhere/b.pcap", "1")}`));
    const open = descriptors();
    expect(() => session.attach()).toThrow("cannot write packets to '/nowhere/b.pcap': No such file or directory");
    expect(descriptors()).toEqual(open);
  });
});
