import { spawnSync } from "node:child_process";
import { readFileSync, readSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { Btf } from "../../compiler/btf/btf.ts";
import {
  AttachType,
  btfLoad,
  type Fd,
  iterCreate,
  LoadError,
  linkCreate,
  linkDetach,
  type MapFd,
  MapType,
  mapCreate,
  mapLookup,
  openFds,
  PerfSoftware,
  PerfType,
  type ProgSpec,
  ProgType,
  perfEventOpen,
  progInfo,
  progLoad,
  progTestRun,
  rawTracepointOpen,
  TestRunFlag,
} from "../../native/index.ts";
import { describeKernel } from "../support/privileges.ts";
import { entryOf } from "./support/elf.ts";
import {
  addImm,
  atomicAdd64,
  call,
  context,
  countInto,
  exit,
  insn,
  jumpIfEqual,
  load64,
  loadMap,
  mov,
  movImm,
  program,
  RETURN_ZERO,
  storeImm32,
} from "./support/instructions.ts";
import { expectNoLeaks } from "./support/leaks.ts";
import { linkInfo } from "./support/link.ts";
import { isOlderThan } from "./support/release.ts";
import { errorOf, fromU64 } from "./support/values.ts";

const RAW: Omit<ProgSpec, "insns"> = { type: ProgType.RAW_TRACEPOINT, license: "GPL", name: "p" };
const UNINITIALISED = program(exit());

const load = (spec: Omit<ProgSpec, "license" | "name">): Fd => progLoad({ license: "GPL", name: "p", ...spec }).fd;
const counter = (): MapFd => mapCreate({ type: MapType.ARRAY, keySize: 4, valueSize: 8, maxEntries: 1, name: "count" });

function count(map: MapFd): bigint {
  const value = new Uint8Array(8);
  mapLookup(map, new Uint8Array(4), value);
  return fromU64(value)[0]!;
}

describeKernel("programs", () => {
  expectNoLeaks();

  let vmlinux: Btf;
  beforeAll(() => {
    vmlinux = Btf.parse(readFileSync("/sys/kernel/btf/vmlinux"));
  });

  describe("loading", () => {
    it.each([
      ["RAW_TRACEPOINT", ProgType.RAW_TRACEPOINT],
      ["TRACEPOINT", ProgType.TRACEPOINT],
      ["PERF_EVENT", ProgType.PERF_EVENT],
      ["KPROBE", ProgType.KPROBE],
      ["SOCKET_FILTER", ProgType.SOCKET_FILTER],
    ])("a %s", (_, type) => {
      using fd = load({ type, insns: RETURN_ZERO });
      expect(fd.label).toBe("program p");
    });

    it("says nothing unless asked", () => {
      const { fd, log } = progLoad({ ...RAW, insns: RETURN_ZERO });
      fd.close();
      expect(log).toBe("");
    });

    it("returns the verifier's log", () => {
      const { fd, log } = progLoad({ ...RAW, insns: RETURN_ZERO, logLevel: 1 });
      fd.close();
      expect(log).toMatch(/^processed 2 insns/);
    });

    it("carries the log in the error when the verifier refuses", () => {
      const error = errorOf(() => progLoad({ ...RAW, name: "broken", insns: UNINITIALISED, logLevel: 1 }));
      expect(error).toBeInstanceOf(LoadError);
      expect(error).toMatchObject({ code: "EACCES", object: { program: "broken" } });
      expect((error as LoadError).log).toContain("R0 !read_ok");
    });

    it("has an empty log in the error when none was asked for", () => {
      expect(errorOf(() => progLoad({ ...RAW, insns: UNINITIALISED }))).toMatchObject({ log: "", code: "EACCES" });
    });

    it("says ENOSPC when the log does not fit, and keeps what did", () => {
      const long = program(...Array.from({ length: 500 }, () => movImm(0, 1)), exit());
      const error = errorOf(() => progLoad({ ...RAW, insns: long, logLevel: 2, logSize: 256 }));
      expect(error).toMatchObject({ code: "ENOSPC" });
      expect((error as LoadError).log.length).toBe(255);
    });

    it.each([
      ["no instructions", { insns: new Uint8Array(0) }, "E2BIG"],
      ["half an instruction", { insns: new Uint8Array(12) }, "EINVAL"],
      ["an unknown type", { type: 9999, insns: RETURN_ZERO }, "EINVAL"],
      ["unknown flags", { flags: 1 << 30, insns: RETURN_ZERO }, "EINVAL"],
      ["unreachable code", { insns: program(movImm(0, 0), exit(), exit()) }, "EINVAL"],
      ["a log level without a kernel that knows it", { logLevel: 64, insns: RETURN_ZERO }, "EINVAL"],
      ["a BTF type without BTF", { attachBtfId: 5, insns: RETURN_ZERO }, "EINVAL"],
    ])("refuses %s", (_, change, code) => {
      expect(errorOf(() => progLoad({ ...RAW, ...change }))).toMatchObject({ operation: "BPF_PROG_LOAD", code });
      expect(openFds()).toEqual([]);
    });

    it("refuses a GPL-only helper to a program under another licence", () => {
      const insns = program(mov(1, 10), addImm(1, -8), movImm(2, 8), movImm(3, 0), call(113), movImm(0, 0), exit());
      progLoad({ ...RAW, insns }).fd.close();
      const error = errorOf(() => progLoad({ ...RAW, license: "Proprietary", insns, logLevel: 1 }));
      expect((error as LoadError).log).toContain("GPL");
    });

    it("refuses a text with NUL rather than cutting it", () => {
      expect(() => progLoad({ ...RAW, license: "GPL\0x", insns: RETURN_ZERO })).toThrow(TypeError);
    });

    it.skipIf(isOlderThan(5, 14))("takes maps by index into the descriptor array", () => {
      using map = counter();
      const insns = program([...insn(0x18, 1, 5, 0, 0), ...insn(0)], movImm(0, 0), exit());
      using fd = load({ type: ProgType.RAW_TRACEPOINT, insns, fdArray: [map] });
      expect(progTestRun(fd).retval).toBe(0);
    });

    it("takes line information", () => {
      // types: int; FUNC_PROTO int(void); FUNC p
      const strings = "\0int\0p\0return 0;\0";
      const types = [1, 0x01000000, 4, 0x01000020, 0, 0x0d000000, 1, 5, 0x0c000000, 2];
      using btf = btfLoad(btfBlob(types, strings)).fd;
      const funcInfo = { records: new Uint8Array(Uint32Array.of(0, 3).buffer), recordSize: 8 };
      const lineInfo = {
        records: new Uint8Array(Uint32Array.of(0, 5, 7, (3 << 10) | 1, 1, 5, 7, (4 << 10) | 1).buffer),
        recordSize: 16,
      };
      const { fd, log } = progLoad({ ...RAW, insns: RETURN_ZERO, btf: { fd: btf, funcInfo, lineInfo }, logLevel: 2 });
      fd.close();
      expect(log).toContain("; return 0;");
    });
  });

  describe("BTF", () => {
    it("loads", () => {
      using btf = btfLoad(btfBlob([1, 0x01000000, 4, 0x01000020], "\0int\0")).fd;
      expect(btf.closed).toBe(false);
    });

    it.each([
      ["a wrong magic number", (blob: Uint8Array) => blob.fill(0, 0, 2)],
      ["a type beyond the strings", (blob: Uint8Array) => blob.fill(0x7f, 24, 25)],
      ["nothing", () => new Uint8Array(0)],
    ])("refuses %s", (_, spoil) => {
      const blob = spoil(btfBlob([1, 0x01000000, 4, 0x01000020], "\0int\0"));
      expect(errorOf(() => btfLoad(blob))).toMatchObject({ operation: "BPF_BTF_LOAD", code: "EINVAL" });
    });

    it("says why", () => {
      const blob = btfBlob([1, 0x01000000, 4, 0x01000020], "\0int\0").fill(0x7f, 24, 25);
      expect((errorOf(() => btfLoad(blob, { logLevel: 1 })) as LoadError).log).toMatch(/name_offset|Invalid name/);
    });
  });

  describe("running by hand", () => {
    it.each([0, 7, 0x7fffffff, -1])("answers what the program returned: %i", (value) => {
      using fd = load({ type: ProgType.RAW_TRACEPOINT, insns: program(movImm(0, value), exit()) });
      expect(progTestRun(fd).retval).toBe(value >>> 0);
    });

    it("passes the context", () => {
      using fd = load({ type: ProgType.RAW_TRACEPOINT, insns: program(load64(0, 1, 8), exit()) });
      expect(progTestRun(fd, { ctxIn: context(5n, 77n) }).retval).toBe(77);
    });

    it("runs on the CPU it is told", () => {
      using fd = load({ type: ProgType.RAW_TRACEPOINT, insns: program(call(8), exit()) });
      for (const cpu of [0, 1]) expect(progTestRun(fd, { flags: TestRunFlag.ON_CPU, cpu }).retval).toBe(cpu);
    });

    it("reaches maps", () => {
      using map = counter();
      using fd = load({ type: ProgType.RAW_TRACEPOINT, insns: countInto(map) });
      for (let i = 0; i < 3; i++) progTestRun(fd);
      expect(count(map)).toBe(3n);
    });

    it("times programs that take packets", () => {
      using fd = load({ type: ProgType.SOCKET_FILTER, insns: RETURN_ZERO });
      expect(progTestRun(fd, { dataIn: new Uint8Array(64), repeat: 1000 })).toMatchObject({ retval: 0 });
    });

    it.each([
      ["a CPU that does not exist", { flags: TestRunFlag.ON_CPU, cpu: 100_000, ctxIn: context(1n, 2n, 3n) }, "ENXIO"],
      ["a context that is too short", { ctxIn: new Uint8Array(4) }, "EINVAL"],
      ["a packet for a tracepoint", { dataIn: new Uint8Array(64) }, "EINVAL"],
      ["unknown flags", { flags: 1 << 9 }, "EINVAL"],
    ])("refuses %s", (_, options, code) => {
      using fd = load({ type: ProgType.RAW_TRACEPOINT, insns: program(load64(0, 1, 16), exit()) });
      expect(errorOf(() => progTestRun(fd, options))).toMatchObject({ operation: "BPF_PROG_TEST_RUN", code });
    });
  });

  describe("raw tracepoints", () => {
    it("see events until they are closed", () => {
      using map = counter();
      using fd = load({ type: ProgType.RAW_TRACEPOINT, insns: countInto(map) });
      const link = rawTracepointOpen("sched_process_exec", fd);
      spawnSync("true");
      link.close();
      const seen = count(map);
      expect(seen).toBeGreaterThanOrEqual(1n);
      spawnSync("true");
      expect(count(map)).toBe(seen);
    });

    it("attach by BTF", () => {
      using map = counter();
      using fd = load({
        type: ProgType.TRACING,
        expectedAttachType: AttachType.TRACE_RAW_TP,
        attachBtfId: vmlinux.find("btf_trace_sched_process_exec", "typedef")!,
        insns: countInto(map),
      });
      using link = rawTracepointOpen(null, fd);
      spawnSync("true");
      expect(count(map)).toBeGreaterThanOrEqual(1n);
      expect(linkInfo(link).progId).toBe(progInfo(fd).id);
    });

    it.skipIf(isOlderThan(6, 10))("give the program its cookie", () => {
      using map = counter();
      const insns = program(
        call(174), // get_attach_cookie
        mov(6, 0),
        storeImm32(10, -4, 0),
        mov(2, 10),
        addImm(2, -4),
        loadMap(1, map),
        call(1),
        jumpIfEqual(0, 0, 1),
        atomicAdd64(0, 0, 6),
        movImm(0, 0),
        exit(),
      );
      using fd = load({ type: ProgType.RAW_TRACEPOINT, insns });
      using _link = rawTracepointOpen("sched_process_exec", fd, 0x1_0000_0001n);
      spawnSync("true");
      expect(count(map) % 0x1_0000_0001n).toBe(0n);
      expect(count(map)).toBeGreaterThan(0n);
    });

    it.each([
      ["a tracepoint that does not exist", "no_such_tracepoint", ProgType.RAW_TRACEPOINT, "ENOENT"],
      ["an empty name", "", ProgType.RAW_TRACEPOINT, "ENOENT"],
      ["a program of another type", "sys_enter", ProgType.TRACEPOINT, "EINVAL"],
      ["no name for a program that needs one", null, ProgType.RAW_TRACEPOINT, "EFAULT"],
    ])("refuse %s", (_, name, type, code) => {
      using fd = load({ type, insns: RETURN_ZERO });
      expect(errorOf(() => rawTracepointOpen(name, fd))).toMatchObject({ operation: "BPF_RAW_TRACEPOINT_OPEN", code });
    });

    it("refuse a program that is closed", () => {
      const fd = load({ type: ProgType.RAW_TRACEPOINT, insns: RETURN_ZERO });
      fd.close();
      expect(errorOf(() => rawTracepointOpen("sys_enter", fd))).toMatchObject({ code: "EBADF" });
    });
  });

  describe("links", () => {
    const softwareEvent = (): Fd =>
      perfEventOpen({ type: PerfType.SOFTWARE, config: PerfSoftware.CPU_CLOCK, samplePeriod: 1_000_000, cpu: 0 });

    it.skipIf(isOlderThan(5, 15))("attach to a perf event with a cookie", () => {
      using fd = load({ type: ProgType.PERF_EVENT, insns: RETURN_ZERO });
      using event = softwareEvent();
      using link = linkCreate(fd, event, AttachType.PERF_EVENT, { kind: "perf-event", cookie: 5n });
      expect(linkInfo(link).type).toBe(7);
    });

    it.skipIf(isOlderThan(6, 10))("attach a tp_btf program, with a cookie", () => {
      using fd = load({
        type: ProgType.TRACING,
        expectedAttachType: AttachType.TRACE_RAW_TP,
        attachBtfId: vmlinux.find("btf_trace_sched_process_exec", "typedef")!,
        insns: RETURN_ZERO,
      });
      using link = linkCreate(fd, null, AttachType.TRACE_RAW_TP, { kind: "tracing", cookie: 7n });
      expect(linkInfo(link).progId).toBeGreaterThan(0);
    });

    const iterator = (name: string, insns = RETURN_ZERO): Fd =>
      load({
        type: ProgType.TRACING,
        expectedAttachType: AttachType.TRACE_ITER,
        attachBtfId: vmlinux.find(name, "func")!,
        insns,
      });

    /** Some kernels load iterators over tasks, but none whose programs get a buffer to read from. */
    function permitsMapIterators(): boolean {
      try {
        iterator("bpf_iter_sockmap").close();
        return true;
      } catch (error) {
        if (error instanceof LoadError && error.code === "EPERM") return false;
        throw error;
      }
    }

    it("iterate over the elements of a map, or say that this kernel does not permit it", () => {
      using map = mapCreate({ type: MapType.ARRAY, keySize: 4, valueSize: 8, maxEntries: 5, name: "five" });
      using seen = counter();
      if (!permitsMapIterators()) {
        expect(errorOf(() => iterator("bpf_iter_bpf_map_elem"))).toMatchObject({ code: "EPERM" });
        return;
      }
      using fd = iterator("bpf_iter_bpf_map_elem", countInto(seen));
      using link = linkCreate(fd, null, AttachType.TRACE_ITER, { kind: "iter", over: { map } });
      using iter = iterCreate(link);
      while (readSync(iter.value, Buffer.alloc(64)) > 0);
      expect(count(seen)).toBe(6n); // five elements and the end
    });

    it.skipIf(isOlderThan(6, 1))("iterate over one task", () => {
      using seen = counter();
      using fd = iterator("bpf_iter_task", countInto(seen));
      const over = { tid: process.pid };
      using link = linkCreate(fd, null, AttachType.TRACE_ITER, { kind: "iter", over });
      using iter = iterCreate(link);
      while (readSync(iter.value, Buffer.alloc(64)) > 0);
      expect(count(seen)).toBe(2n);
    });

    it("refuse to iterate with a program that is no iterator", () => {
      using fd = load({ type: ProgType.RAW_TRACEPOINT, insns: RETURN_ZERO });
      expect(errorOf(() => linkCreate(fd, null, AttachType.TRACE_ITER, { kind: "iter" }))).toMatchObject({
        operation: "BPF_LINK_CREATE",
        code: "EINVAL",
        object: { kind: "iter" },
      });
    });

    it("cannot be detached where the kernel has no such thing", () => {
      using fd = iterator("bpf_iter_task");
      using link = linkCreate(fd, null, AttachType.TRACE_ITER, { kind: "iter" });
      expect(errorOf(() => linkDetach(link))).toMatchObject({ operation: "BPF_LINK_DETACH", code: "EOPNOTSUPP" });
    });

    it("make no iterator of anything else", () => {
      using fd = load({ type: ProgType.RAW_TRACEPOINT, insns: RETURN_ZERO });
      using link = rawTracepointOpen("sys_enter", fd);
      expect(errorOf(() => iterCreate(link))).toMatchObject({ operation: "BPF_ITER_CREATE", code: "EINVAL" });
    });

    const uprobe = (map: MapFd): Fd =>
      load({
        type: ProgType.KPROBE,
        expectedAttachType: AttachType.TRACE_UPROBE_MULTI,
        insns: countInto(map),
      });

    it.skipIf(isOlderThan(6, 6))("attach to many user-space instructions at once", () => {
      const { path, offset } = entryOf("/usr/bin/true");
      using map = counter();
      using fd = uprobe(map);
      const offsets = BigUint64Array.of(offset);
      const cookies = BigUint64Array.of(9n);
      using link = linkCreate(fd, null, AttachType.TRACE_UPROBE_MULTI, {
        kind: "uprobe-multi",
        path,
        offsets,
        cookies,
      });
      spawnSync(path);
      spawnSync(path);
      expect(count(map)).toBe(2n);
      link.close();
      spawnSync(path);
      expect(count(map)).toBe(2n);
    });

    it.skipIf(isOlderThan(6, 6))("attach to the user-space instructions of one process only", () => {
      const { path, offset } = entryOf("/usr/bin/true");
      using map = counter();
      using fd = uprobe(map);
      const offsets = BigUint64Array.of(offset);
      const options = { kind: "uprobe-multi", path, offsets, pid: process.pid } as const;
      using _link = linkCreate(fd, null, AttachType.TRACE_UPROBE_MULTI, options);
      spawnSync(path);
      expect(count(map)).toBe(0n);
    });

    it.skipIf(isOlderThan(6, 6)).each([
      ["a file that does not exist", { path: "/nonexistent", offsets: BigUint64Array.of(0n) }, "ENOENT"],
      ["no places", { path: "/usr/bin/true", offsets: BigUint64Array.of() }, "EINVAL"],
    ])("refuse %s", (_, where, code) => {
      using map = counter();
      using fd = uprobe(map);
      const attach = () => linkCreate(fd, null, AttachType.TRACE_UPROBE_MULTI, { kind: "uprobe-multi", ...where });
      expect(errorOf(attach)).toMatchObject({ operation: "BPF_LINK_CREATE", code });
    });

    it("check that every place has its cookie", () => {
      using map = counter();
      using fd = uprobe(map);
      const where = { path: "/usr/bin/true", offsets: BigUint64Array.of(0n, 8n), cookies: BigUint64Array.of(1n) };
      expect(() => linkCreate(fd, null, AttachType.TRACE_UPROBE_MULTI, { kind: "uprobe-multi", ...where })).toThrow(
        RangeError,
      );
    });

    it("refuse kernel functions that do not exist", () => {
      using fd = load({
        type: ProgType.KPROBE,
        expectedAttachType: AttachType.TRACE_KPROBE_MULTI,
        insns: RETURN_ZERO,
      });
      const at = { symbols: ["probewright_no_such_function"] };
      const attach = () => linkCreate(fd, null, AttachType.TRACE_KPROBE_MULTI, { kind: "kprobe-multi", at });
      expect(["ESRCH", "ENOENT", "EINVAL", "EOPNOTSUPP"]).toContain(errorOf(attach).code);
    });

    it("refuse a program that does not fit the attach type", () => {
      using fd = load({ type: ProgType.RAW_TRACEPOINT, insns: RETURN_ZERO });
      expect(errorOf(() => linkCreate(fd, null, AttachType.TRACE_FENTRY))).toMatchObject({
        operation: "BPF_LINK_CREATE",
        code: "EINVAL",
      });
    });
  });
});

/** A .BTF section of these words of types and this string table. */
function btfBlob(types: number[], strings: string): Uint8Array {
  const header = Uint32Array.of(0x0001eb9f, 24, 0, types.length * 4, types.length * 4, strings.length);
  const body = Uint32Array.from(types);
  return Buffer.concat([new Uint8Array(header.buffer), new Uint8Array(body.buffer), Buffer.from(strings, "latin1")]);
}
