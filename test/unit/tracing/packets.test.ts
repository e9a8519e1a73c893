/** Packets on their way from a ring to a file: records, the file's form, and files that cannot be written. */
import { spawnSync } from "node:child_process";
import {
  existsSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, test } from "vitest";
import { packetRingBytes } from "../../../harness/tracing/kernel-maps.ts";
import { CaptureFile } from "../../../harness/tracing/packets/capture-file.ts";
import { parsePacket } from "../../../harness/tracing/packets/packet-record.ts";
import { pcapHeader, pcapRecord } from "../../../harness/tracing/packets/pcap.ts";

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

test("a file begins with its form: nanoseconds, version 2.4, packets of IP", () => {
  expect(hex(pcapHeader())).toBe("4d3cb2a102000400000000000000000000000400" + "65000000");
});

test.each<[packet: Parameters<typeof pcapRecord>[0], expected: string]>([
  [{ time: 0n, length: 0, bytes: new Uint8Array() }, "00000000 00000000 00000000 00000000"],
  [{ time: 3_000_000_007n, length: 258, bytes: Uint8Array.of(1, 2) }, "03000000 07000000 02000000 02010000 0102"],
  [{ time: 4_000_000_000_999_999_999n, length: 1, bytes: Uint8Array.of(9) }, "00286bee ffc99a3b 01000000 01000000 09"],
])("a record: %o", (packet, expected) => {
  expect(hex(pcapRecord(packet))).toBe(expected.replaceAll(" ", ""));
});

describe("records of a ring", () => {
  /** Type, size, what follows. */
  function record(type: number, bytes: string): DataView {
    const body = Buffer.from(bytes.replaceAll(" ", ""), "hex");
    const header = Buffer.alloc(12);
    header.writeUInt32LE(type, 0);
    header.writeUInt16LE(12 + body.length, 6);
    header.writeUInt32LE(body.length, 8);
    const whole = Buffer.concat([Buffer.alloc(8), header, body]);
    return new DataView(whole.buffer, whole.byteOffset + 8, 12 + body.length);
  }

  it("are packets behind a header, without what fills them up", () => {
    const header = "0700000000000000 2c010000 03000000 05000000 00000000";
    expect(parsePacket(record(9, `${header} aabbcc 0000000000`))).toEqual({
      time: 7n,
      length: 300,
      call: 5,
      bytes: Uint8Array.of(0xaa, 0xbb, 0xcc),
    });
  });

  it.each([2, 5])("of type %i are no packets", (type) => {
    expect(parsePacket(record(type, "0000000000000000"))).toBeUndefined();
  });
});

describe("rings", () => {
  const MiB = 1024 * 1024;
  it.each([
    { pages: 0, cpus: 2, free: 64 * MiB, bytes: 4 * MiB },
    { pages: 0, cpus: 3, free: 64 * MiB, bytes: 4 * MiB },
    { pages: 0, cpus: 256, free: 64 * MiB, bytes: MiB / 4 },
    { pages: 0, cpus: 2, free: 0, bytes: MiB / 4 },
    { pages: 1, cpus: 2, free: 64 * MiB, bytes: 4096 },
    { pages: 1024, cpus: 2, free: 64 * MiB, bytes: 2 * MiB },
    { pages: 1000, cpus: 3, free: 64 * MiB, bytes: 2 * MiB },
  ])("$pages pages, $cpus CPUs, $free KiB to spare", ({ pages, cpus, free, bytes }) => {
    expect(packetRingBytes(pages, cpus, 4096, free)).toBe(bytes);
  });
});

describe("files", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "pw-packets-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));
  const open = (): string[] => readdirSync("/proc/self/fd");

  it("have the records that were added, once they are flushed, and none after a restart", () => {
    const path = join(folder, "a.pcap");
    writeFileSync(path, "what was there before ".repeat(10));
    const before = open();
    const file = new CaptureFile(path);
    const header = hex(pcapHeader());
    expect(hex(readFileSync(path))).toBe(header);
    file.add(Uint8Array.of(1));
    file.add(Uint8Array.of(2, 3));
    expect(hex(readFileSync(path))).toBe(header);
    file.flush();
    file.add(Uint8Array.of(4));
    file.flush();
    expect(hex(readFileSync(path))).toBe(`${header}01020304`);
    file.restart();
    expect(hex(readFileSync(path))).toBe(header);
    expect(file.failure).toBeUndefined();
    file.close();
    expect(open()).toEqual(before);
  });

  it("are nobody else's, and their names may have any characters", () => {
    const path = join(folder, "ä \u{1f4e6}.pcap");
    new CaptureFile(Buffer.from(path).toString("latin1"), undefined).close();
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it.runIf(process.getuid!() === 0)("belong to the caller of sudo, if they are new", () => {
    const path = join(folder, "a.pcap");
    new CaptureFile(path, { uid: 65_534, gid: 65_533 }).close();
    expect(statSync(path)).toMatchObject({ uid: 65_534, gid: 65_533 });
    new CaptureFile(path, { uid: 1, gid: 1 }).close();
    expect(statSync(path)).toMatchObject({ uid: 65_534, gid: 65_533 });
  });

  it("are not reached through links", () => {
    const [path, target] = [join(folder, "link"), join(folder, "target")];
    symlinkSync(target, path);
    const message = `cannot write packets to '${path}': it is a symbolic link, and those are not followed`;
    expect(() => new CaptureFile(path)).toThrow(
      expect.objectContaining({ name: "CaptureError", code: "ELOOP", message }),
    );
    writeFileSync(target, "kept");
    expect(() => new CaptureFile(path)).toThrow(message);
    expect(readFileSync(target, "utf8")).toBe("kept");
    expect(lstatSync(path).isSymbolicLink()).toBe(true);
  });

  it.each([
    ["in no folder", () => "/nowhere/a.pcap", "No such file or directory"],
    ["that are folders", () => folder, "Is a directory"],
    ["that are devices", () => "/dev/null", "it is no regular file"],
    [
      "that are pipes",
      () => {
        spawnSync("mkfifo", [join(folder, "pipe")]);
        return join(folder, "pipe");
      },
      "it is no regular file",
    ],
  ])("%s are refused, and nothing stays open", (_, where, reason) => {
    const path = where();
    const before = open();
    expect(() => new CaptureFile(path)).toThrow(`cannot write packets to '${path}': ${reason}`);
    expect(open()).toEqual(before);
  });

  it("are written by one at a time", () => {
    const path = join(folder, "a.pcap");
    const first = new CaptureFile(path);
    first.add(Uint8Array.of(1));
    first.flush();
    expect(() => new CaptureFile(join(folder, ".", "a.pcap"))).toThrow("packets are written to it already");
    expect(readFileSync(path)).toHaveLength(25);
    first.close();
    new CaptureFile(path).close();
    expect(existsSync(path)).toBe(true);
  });

  const mounted = (): boolean => spawnSync("mount", ["-t", "tmpfs", "-o", "size=8k", "none", folder]).status === 0;

  it.runIf(process.getuid!() === 0)("keep the whole records that found room, and say how many did not", ({ skip }) => {
    if (!mounted()) skip();
    try {
      const path = join(folder, "a.pcap");
      const file = new CaptureFile(path);
      for (let n = 0; n < 5; n++) file.add(new Uint8Array(3000));
      file.flush();
      expect(file.failure).toEqual({ errno: 28, count: 3 });
      expect(statSync(path).size).toBe(24 + 2 * 3000);
      file.add(new Uint8Array(1));
      file.flush();
      expect(file.failure).toEqual({ errno: 28, count: 4 });
      expect(statSync(path).size).toBe(24 + 2 * 3000);
      file.close();
    } finally {
      spawnSync("umount", [folder]);
    }
  });
});
