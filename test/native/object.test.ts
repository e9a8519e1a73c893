import { execFileSync } from "node:child_process";
import { mkdtempSync, rmdirSync, statfsSync, unlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  asMap,
  BpfCommand,
  bpfProbe,
  btfInfo,
  enableStats,
  type Fd,
  FileSystem,
  getFdById,
  getNextId,
  MapType,
  mapCreate,
  mapGetFdById,
  mapInfo,
  mapLookup,
  mapUpdate,
  type ObjectKind,
  objGet,
  objGetInfo,
  objPin,
  openFds,
  ProgType,
  progInfo,
  progLoad,
  progTestRun,
  rawTracepointOpen,
} from "../../native/index.ts";
import { describeKernel } from "../support/privileges.ts";
import { RETURN_ZERO } from "./support/instructions.ts";
import { expectNoLeaks } from "./support/leaks.ts";
import { linkInfo } from "./support/link.ts";
import { isOlderThan } from "./support/release.ts";
import { errorOf, fromU64, u32, u64 } from "./support/values.ts";

const HASH = { type: MapType.HASH, keySize: 4, valueSize: 8, maxEntries: 4, name: "shared" };
const load = (): Fd => progLoad({ type: ProgType.RAW_TRACEPOINT, insns: RETURN_ZERO, license: "GPL", name: "seen" }).fd;

describeKernel("objects", () => {
  expectNoLeaks();

  it.skipIf(isOlderThan(5, 16))("knows a program", () => {
    using fd = load();
    const info = progInfo(fd);
    expect(info).toMatchObject({ type: ProgType.RAW_TRACEPOINT, name: "seen", runCnt: 0n, verifiedInsns: 2 });
    expect(info.id).toBeGreaterThan(0);
    expect(info.xlatedLen).toBe(16);
  });

  it("knows a map", () => {
    using map = mapCreate(HASH);
    expect(mapInfo(map)).toMatchObject({ ...HASH, flags: 0 });
  });

  it("knows a link", () => {
    using fd = load();
    using link = rawTracepointOpen("sys_enter", fd);
    expect(linkInfo(link)).toMatchObject({ type: 1, progId: progInfo(fd).id });
  });

  it.skipIf(isOlderThan(5, 11))("knows the kernel's BTF", () => {
    const first = getNextId("btf", 0)!;
    using fd = getFdById("btf", first);
    const info = btfInfo(fd);
    expect(info).toMatchObject({ id: first, kernel: true, name: "vmlinux" });
    expect(info.size).toBeGreaterThan(1_000_000);
  });

  it("copies as much information as fits", () => {
    using map = mapCreate(HASH);
    const bytes = new Uint8Array(12).fill(0xff);
    expect(objGetInfo(map, bytes)).toBe(12);
    expect(bytes.subarray(8)).toEqual(u32(4));
  });

  it("opens programs, maps and links by id", () => {
    using map = mapCreate(HASH);
    using prog = load();
    using link = rawTracepointOpen("sys_enter", prog);
    mapUpdate(map, u32(1), u64(5n));
    using sameMap = mapGetFdById(mapInfo(map).id);
    using sameProg = getFdById("prog", progInfo(prog).id);
    using sameLink = getFdById("link", linkInfo(link).id);
    const value = new Uint8Array(8);
    expect(mapLookup(sameMap, u32(1), value)).toBe(true);
    expect(fromU64(value)).toEqual([5n]);
    expect(progInfo(sameProg).id).toBe(progInfo(prog).id);
    expect(linkInfo(sameLink).id).toBe(linkInfo(link).id);
  });

  it.for<[ObjectKind, since: [major: number, minor: number]]>([
    ["prog", [5, 8]],
    ["map", [5, 8]],
    ["btf", [5, 11]],
    ["link", [5, 8]],
  ])("enumerates every %s", ([kind, since], { skip }) => {
    skip(isOlderThan(...since));
    using prog = load();
    using map = mapCreate(HASH);
    using link = rawTracepointOpen("sys_enter", prog);
    const wanted = { prog: progInfo(prog).id, map: mapInfo(map).id, link: linkInfo(link).id, btf: 1 }[kind];
    const ids: number[] = [];
    for (let id = getNextId(kind, 0); id !== null; id = getNextId(kind, id)) ids.push(id);
    expect(ids).toContain(wanted);
    expect(ids).toEqual([...ids].sort((a, b) => a - b));
  });

  it.each([
    ["BPF_PROG_GET_FD_BY_ID", () => getFdById("prog", 0x7fff_ffff)],
    ["BPF_MAP_GET_FD_BY_ID", () => mapGetFdById(0x7fff_ffff)],
    ["BPF_LINK_GET_FD_BY_ID", () => getFdById("link", 0x7fff_ffff)],
  ])("%s of an id that nobody has", (operation, action) => {
    expect(errorOf(action)).toMatchObject({ operation, code: "ENOENT", object: { id: 0x7fff_ffff } });
    expect(openFds()).toEqual([]);
  });

  it("refuses to take for a map what is none, and closes it", () => {
    const prog = load();
    expect(() => asMap(prog)).toThrow("program seen is no map but anon_inode:bpf-prog");
    expect(prog.closed).toBe(true);
  });

  it("counts runs and their time while statistics are enabled", () => {
    using _stats = enableStats(); // somebody else may have done so too: nothing can be said about disabled ones
    using prog = load();
    expect(progInfo(prog)).toMatchObject({ runCnt: 0n, runTimeNs: 0n });
    for (let i = 0; i < 10; i++) progTestRun(prog);
    const info = progInfo(prog);
    expect(info.runCnt).toBe(10n);
    expect(info.runTimeNs).toBeGreaterThan(0n);
    expect(info.recursionMisses).toBe(0n);
  });

  describe("pinned", () => {
    let folder: string;
    beforeAll(() => {
      folder = mkdtempSync(join(tmpdir(), "probewright-bpffs-"));
      execFileSync("mount", ["-t", "bpf", "bpf", folder]);
    });
    afterAll(() => {
      execFileSync("umount", [folder]);
      rmdirSync(folder);
    });

    it("in a bpffs", () => expect(statfsSync(folder).type).toBe(FileSystem.BPF));

    it("a map outlives its descriptor", () => {
      const path = join(folder, "map");
      using map = mapCreate(HASH);
      mapUpdate(map, u32(1), u64(5n));
      objPin(map, path);
      map.close();
      using again = asMap(objGet(path));
      unlinkSync(path);
      const value = new Uint8Array(8);
      expect(mapLookup(again, u32(1), value)).toBe(true);
      expect(fromU64(value)).toEqual([5n]);
      expect(again).toMatchObject({ keySize: 4, userValueSize: 8 });
    });

    it("a name is taken only once", () => {
      const path = join(folder, "twice");
      using map = mapCreate(HASH);
      objPin(map, path);
      expect(errorOf(() => objPin(map, path))).toMatchObject({ operation: "BPF_OBJ_PIN", code: "EEXIST" });
      unlinkSync(path);
    });

    it("nothing is found where nothing is", () => {
      const path = join(folder, "missing");
      expect(errorOf(() => objGet(path))).toMatchObject({ operation: "BPF_OBJ_GET", code: "ENOENT", object: { path } });
    });

    it("other file systems take no pins", () => {
      using map = mapCreate(HASH);
      expect(errorOf(() => objPin(map, "/tmp/probewright-pin"))).toMatchObject({ operation: "BPF_OBJ_PIN" });
      expect(errorOf(() => objGet("/etc/hostname"))).toMatchObject({ code: "EACCES" });
    });
  });

  describe("probing", () => {
    const mapAttr = (type: number): Uint8Array => u32(type, 4, 8, 1);

    it("closes what came of it", () => {
      expect(bpfProbe(BpfCommand.MAP_CREATE, mapAttr(MapType.HASH))).toBe(0);
      expect(openFds()).toEqual([]);
    });

    it("answers with the errno", () => expect(bpfProbe(BpfCommand.MAP_CREATE, mapAttr(9999))).toBe(22));

    it("answers EINVAL to a command that does not exist", () => expect(bpfProbe(9999, u32(0))).toBe(22));

    it("fills pointers in", () => {
      const attr = new Uint8Array(120);
      attr.set(u32(ProgType.SOCKET_FILTER, RETURN_ZERO.length / 8));
      const license = Buffer.from("GPL\0");
      const pointers = [
        { offset: 8, bytes: RETURN_ZERO },
        { offset: 16, bytes: license },
      ];
      expect(bpfProbe(BpfCommand.PROG_LOAD, attr, pointers)).toBe(0);
      expect(bpfProbe(BpfCommand.PROG_LOAD, attr.fill(0, 8, 16), [pointers[1]!])).toBe(14); // EFAULT
    });

    it.each([-1, 1, 9])("refuses a pointer at %i of 8", (offset) => {
      expect(() => bpfProbe(0, new Uint8Array(8), [{ offset, bytes: new Uint8Array(1) }])).toThrow(RangeError);
    });
  });
});
