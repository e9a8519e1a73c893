import { execFileSync } from "node:child_process";
import { closeSync, constants, mkdtempSync, openSync, readFileSync, readSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Sink } from "../../../harness/cli/sink.ts";
import type { Buffering } from "../../../harness/cli/trace-args.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sink-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const bytes = (text: string): Uint8Array => Buffer.from(text, "latin1");

function toFile(buffering: Buffering): { sink: Sink; content(): string } {
  const path = join(folder, "out");
  return { sink: new Sink(openSync(path, "w"), buffering), content: () => readFileSync(path, "latin1") };
}

/** Both ends of a pipe with a name; ours does not block. */
function pipe(): { reader: number; writer: number } {
  const path = join(folder, "pipe");
  execFileSync("mkfifo", [path]);
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  return { reader, writer: openSync(path, constants.O_WRONLY | constants.O_NONBLOCK) };
}

function readAll(fd: number): string {
  const chunk = Buffer.alloc(1 << 20);
  let text = "";
  try {
    for (let n = -1; n !== 0; ) {
      n = readSync(fd, chunk);
      text += chunk.toString("latin1", 0, n);
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
  }
  return text;
}

describe("Sink", () => {
  it.each<{ buffering: Buffering; writes: string[]; settled: string }>([
    { buffering: "line", writes: ["a", "b\nc", "d"], settled: "ab\n" },
    { buffering: "line", writes: ["a\n", "b\n"], settled: "a\nb\n" },
    { buffering: "none", writes: ["a", "b\nc", "d"], settled: "ab\ncd" },
    { buffering: "full", writes: ["a\n", "b\n"], settled: "" },
    { buffering: "full", writes: ["x".repeat(70_000), "y"], settled: "x".repeat(70_000) },
  ])("$buffering: writes in time, and the rest at the end", async ({ buffering, writes, settled }) => {
    const { sink, content } = toFile(buffering);
    for (const text of writes) sink.write(bytes(text));
    await sink.settled();
    expect(content()).toBe(settled);
    await sink.end();
    expect(content()).toBe(writes.join(""));
  });

  it("keeps the order of what is written while it writes", async () => {
    const { sink, content } = toFile("line");
    let expected = "";
    for (let i = 0; i < 200; i++) {
      sink.write(bytes(`${i}\n`));
      expected += `${i}\n`;
      if (i % 10 === 0) await new Promise(setImmediate);
    }
    await sink.end();
    expect(content()).toBe(expected);
  });

  it("writes bytes as they are", async () => {
    const { sink, content } = toFile("line");
    sink.write(bytes("\xff\xfe\x00\n"));
    await sink.end();
    expect(content()).toBe("\xff\xfe\x00\n");
  });

  it("is congested while the reader does not read, and not after", async () => {
    const { reader, writer } = pipe();
    const sink = new Sink(writer, "line");
    const text = `${"x".repeat(2 << 20)}\n`;
    sink.write(bytes(text));
    expect(sink.congested).toBe(true);
    let seen = "";
    const reading = setInterval(() => {
      seen += readAll(reader);
    }, 1);
    await sink.settled();
    expect(sink.congested).toBe(false);
    await sink.end();
    clearInterval(reading);
    seen += readAll(reader);
    expect(seen).toBe(text);
    closeSync(reader);
  });

  it("gives up quietly when the reader has gone, and says so once", async () => {
    const { reader, writer } = pipe();
    let broken = 0;
    const sink = new Sink(writer, "line", () => broken++);
    closeSync(reader);
    for (let i = 0; i < 3; i++) {
      sink.write(bytes("hello\n"));
      await sink.settled();
    }
    await sink.end();
    expect(broken).toBe(1);
  });

  it("reports a full disk", async () => {
    let broken = 0;
    const sink = new Sink(openSync("/dev/full", "w"), "line", () => broken++);
    sink.write(bytes("hello\n"));
    await expect(sink.settled()).rejects.toThrow("ENOSPC");
    expect(broken).toBe(1);
    sink.write(bytes("more\n"));
    await expect(sink.end()).rejects.toThrow("ENOSPC");
  });
});
