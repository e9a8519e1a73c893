/** The addon in several threads at once, in threads that end without tidying up, and in processes that want to end. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { Worker } from "node:worker_threads";
import { expect, it } from "vitest";
import { binding } from "../../native/addon.ts";
import { patient } from "../support/patience.ts";
import { describeKernel } from "../support/privileges.ts";
import { descriptors, expectNoLeaks } from "./support/leaks.ts";
import { ADDON_SCRIPT } from "./support/script.ts";

/** Maps, a program that writes to a ring buffer, and children: all of it a few hundred times. */
const WORK = `
  const insns = (ring) => {
    const bytes = [];
    const insn = (op, regs, off, imm) => { const b = Buffer.alloc(8); b[0] = op; b[1] = regs;
      b.writeInt16LE(off, 2); b.writeInt32LE(imm, 4); bytes.push(...b); };
    insn(0x79, 0x16, 0, 0);        // r6 = argument
    insn(0x7b, 0x6a, -8, 0);       // *(r10 - 8) = r6
    insn(0x18, 0x11, 0, ring); insn(0, 0, 0, 0);
    insn(0xbf, 0xa2, 0, 0); insn(0x07, 0x02, 0, -8);
    insn(0xb7, 0x03, 0, 8); insn(0xb7, 0x04, 0, 0);
    insn(0x85, 0, 0, 130); insn(0x95, 0, 0, 0);
    return Uint8Array.from(bytes);
  };
  // Before 5.11 maps count as locked memory, and for a while even when they are gone.
  addon.setrlimitMemlock((1n << 64n) - 1n, (1n << 64n) - 1n);
  const must = (result) => { if (result < 0) throw new Error("errno " + -result); return result; };
  const map = (type, keySize, valueSize, maxEntries) => must(addon.mapCreate({ type, keySize, valueSize, maxEntries,
    flags: 0, innerMapFd: 0, name: "t", btfFd: 0, btfKeyTypeId: 0, btfValueTypeId: 0, extra: 0n }));
  const work = (rounds, seed) => {
    const ring = map(27, 0, 0, 4096);
    const rb = addon.ringbufOpen(ring, 4096);
    const prog = must(addon.progLoad({ type: 17, expectedAttachType: 0, insns: insns(ring), license: "GPL", name: "t",
      flags: 0, kernVersion: 0, attachBtfId: 0, attachFd: 0, fdArray: null, btfFd: 0, funcInfo: null,
      funcInfoRecordSize: 0, lineInfo: null, lineInfoRecordSize: 0, logLevel: 0, log: null }));
    const staging = new Uint8Array(65536);
    let sum = 0;
    for (let i = 0; i < rounds; i++) {
      const hash = map(1, 4, 8, 16);
      const value = new BigUint64Array([BigInt(seed * 1000 + i)]);
      must(addon.mapUpdate(hash, new Uint32Array([i]), value, 0n));
      const read = new BigUint64Array(1);
      must(addon.mapLookup(hash, new Uint32Array([i]), read, 0n));
      must(addon.progTestRun(prog, read, null, 0, 0, 0, new Uint32Array(2)));
      const bytes = must(rb.drain(staging));
      if (bytes !== 16) throw new Error("drained " + bytes);
      const got = Number(new DataView(staging.buffer).getBigUint64(8, true));
      if (got !== seed * 1000 + i) throw new Error("got " + got);
      sum += got;
      addon.close(hash);
      if (i % 10 === 0) {
        const child = spawnStopped(["sh", "-c", "exit " + seed]);
        release(child);
        const code = wait(child);
        if (code !== seed) throw new Error("exit code " + code);
      }
    }
    rb.close();
    addon.close(prog);
    addon.close(ring);
    return sum;
  };
`;

const inWorker = (script: string): Worker =>
  new Worker(`${ADDON_SCRIPT} ${WORK} const { parentPort } = require("node:worker_threads"); ${script}`, {
    eval: true,
  });

const mappings = (): string[] => readFileSync("/proc/self/maps", "utf8").match(/anon_inode:bpf-map/g) ?? [];

describeKernel("threads", () => {
  expectNoLeaks();

  it("work at the same time", async () => {
    const workers = [1, 2].map((seed) => inWorker(`parentPort.postMessage(work(200, ${seed}));`));
    const sums = await Promise.all(workers.map(async (worker) => (await once(worker, "message"))[0]));
    await Promise.all(workers.map((worker) => worker.terminate()));
    expect(sums).toEqual([1, 2].map((seed) => seed * 1000 * 200 + (199 * 200) / 2));
  });

  it.each([
    ["ends by itself", "parentPort.postMessage(fds); watch.unref();"],
    ["is terminated", "parentPort.postMessage(fds); setInterval(() => {}, 1000);"],
    ["exits", "parentPort.postMessage(fds); setTimeout(() => process.exit(0), 10);"],
  ])("that %s with everything open takes mappings and watches with it", async (how, ending) => {
    const before = descriptors();
    const worker = inWorker(`
      const ring = map(27, 0, 0, 4096);
      globalThis.rb = addon.ringbufOpen(ring, 4096);
      const array = must(addon.mapCreate({ type: 2, keySize: 4, valueSize: 8, maxEntries: 8, flags: 1024, innerMapFd: 0,
        name: "t", btfFd: 0, btfKeyTypeId: 0, btfValueTypeId: 0, extra: 0n }));
      globalThis.memory = addon.mapMemory(array, 64, false);
      globalThis.watch = addon.pollerOpen(ring, () => {});
      const fds = [ring, array];
      ${ending}`);
    const exited = once(worker, "exit");
    const [fds] = (await once(worker, "message")) as [number[]];
    if (how === "is terminated") await worker.terminate();
    await exited;
    expect(mappings()).toEqual([]);
    const left = descriptors().filter((line) => !before.includes(line));
    expect(left.map((line) => Number.parseInt(line, 10)).sort()).toEqual([...fds].sort());
    for (const fd of fds) binding().close(fd);
  });

  it.each([
    ["ends by itself", ""],
    ["is terminated", "setInterval(() => {}, 1000);"],
  ])("that %s takes the descriptors with it that were to be closed in the end", async (how, ending) => {
    const before = descriptors();
    const worker = inWorker(`
      const [owned, given, disowned] = [map(1, 4, 8, 16), map(1, 4, 8, 16), map(1, 4, 8, 16)];
      for (const fd of [owned, disowned]) addon.closeAtEnd(fd, true);
      addon.closeAtEnd(disowned, false);
      parentPort.postMessage([owned, given, disowned]);
      ${ending}`);
    const exited = once(worker, "exit");
    const [[, given, disowned]] = (await once(worker, "message")) as [[number, number, number]];
    if (how === "is terminated") await worker.terminate();
    await exited;
    const left = descriptors().filter((line) => !before.includes(line));
    expect(left.map((line) => Number.parseInt(line, 10)).sort()).toEqual([given, disowned].sort());
    for (const fd of [given, disowned]) binding().close(fd);
  });

  it("may close a watch while what its callback threw is handled", async () => {
    const worker = inWorker(`
      const ring = map(27, 0, 0, 4096);
      const prog = must(addon.progLoad({ type: 17, expectedAttachType: 0, insns: insns(ring), license: "GPL", name: "t",
        flags: 0, kernVersion: 0, attachBtfId: 0, attachFd: 0, fdArray: null, btfFd: 0, funcInfo: null,
        funcInfoRecordSize: 0, lineInfo: null, lineInfoRecordSize: 0, logLevel: 0, log: null }));
      const watch = addon.pollerOpen(ring, () => { throw new Error("from the callback"); });
      process.on("uncaughtException", (error) => {
        watch.close();
        addon.close(ring);
        addon.close(prog);
        parentPort.postMessage(error.message);
      });
      must(addon.progTestRun(prog, new BigUint64Array([1n]), null, 0, 0, 0, new Uint32Array(2)));`);
    const exited = once(worker, "exit");
    expect((await once(worker, "message"))[0]).toBe("from the callback");
    expect((await exited)[0]).toBe(0);
  });

  it("reports what a callback throws as uncaught", async () => {
    const worker = inWorker(`
      const ring = map(27, 0, 0, 4096);
      const prog = must(addon.progLoad({ type: 17, expectedAttachType: 0, insns: insns(ring), license: "GPL", name: "t",
        flags: 0, kernVersion: 0, attachBtfId: 0, attachFd: 0, fdArray: null, btfFd: 0, funcInfo: null,
        funcInfoRecordSize: 0, lineInfo: null, lineInfoRecordSize: 0, logLevel: 0, log: null }));
      // A watch that nobody holds ends with its object.
      globalThis.watch = addon.pollerOpen(ring, () => { addon.close(ring); addon.close(prog); throw new Error("from the callback"); });
      must(addon.progTestRun(prog, new BigUint64Array([1n]), null, 0, 0, 0, new Uint32Array(2)));`);
    const exited = new Promise((resolve) => worker.once("exit", resolve));
    const [error] = await once(worker, "error");
    await exited;
    expect(error.message).toBe("from the callback");
  });
});

describeKernel("the process", () => {
  expectNoLeaks();

  /** Whether a process that runs this ends by itself within a second, on a usual machine. */
  const endsByItself = async (script: string): Promise<boolean> => {
    const setup = `const ring = map(27, 0, 0, 4096); const watch = addon.pollerOpen(ring, () => {});`;
    const child = spawn(process.execPath, ["-e", `${ADDON_SCRIPT} ${WORK} ${setup} ${script}; console.log("ready");`], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    await once(child.stdout, "data");
    const timer = setTimeout(() => child.kill("SIGKILL"), patient(1000));
    const [code] = await once(child, "close");
    clearTimeout(timer);
    return code === 0;
  };

  it.each([
    ["watch", false],
    ["watch.unref()", true],
    ["watch.unref(); watch.ref()", false],
    ["watch.close()", true],
    ["watch.close(); watch.close(); watch.ref()", true],
    ["addon.close(ring); watch.close()", true],
  ])("after `%s` ends by itself: %s", async (script, ends) => expect(await endsByItself(script)).toBe(ends));
});
