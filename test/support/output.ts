/** Output that is kept, and a resolver that knows a small world by heart. */
import { fromText } from "../../harness/tracing/bytestring.ts";
import type { OutputStreams } from "../../harness/tracing/output/sink.ts";
import { UTC } from "../../harness/tracing/output/timezone.ts";
import type { Presentation, Printable } from "../../harness/tracing/printable.ts";
import type { Resolver } from "../../harness/tracing/symbols/resolver.ts";

/** What was written, one character a byte. */
export class CapturedStreams implements OutputStreams {
  stdout = "";
  stderr = "";

  out(bytes: Uint8Array): void {
    this.stdout += Buffer.from(bytes).toString("latin1");
  }

  err(bytes: Uint8Array): void {
    this.stderr += Buffer.from(bytes).toString("latin1");
  }
}

/**
 * Kernel functions every 0x1000 bytes from 0xffffffff81000000 on, a libc in every process, root and one user, a cgroup
 * with the id 42, and a stack map with the stack 7. The clocks stood at 0 on 2023-11-14 22:13:20 UTC.
 */
const fakeResolver: Resolver = {
  kernelSymbol(address) {
    if (address < 0xffffffff81000000n) return undefined;
    const distance = Number(address - 0xffffffff81000000n);
    return { name: `kfunc${distance >> 12}`, offset: distance & 0xfff };
  },
  userSymbol(address, pid) {
    if (address < 0x7f0000000000n) return undefined;
    return { name: `ufunc_of_${pid}`, offset: Number(address & 0xffn), object: "/lib/libc.so.6" };
  },
  stack(map, id) {
    if (map !== 3) return [];
    if (id === 7n) return [0xffffffff81000010n, 0xffffffff81001020n, 0x55n];
    if (id === 8n) return [0x7f0000000011n, 0x55n];
    if (id === 9n) return [{ buildId: "\x01\xab", offset: 5n }];
    return [];
  },
  username: (uid) => (uid === 0n ? "root" : undefined),
  cgroupPath: (id, filter) => (id === 42n ? `unified:/user.slice${filter}` : ""),
  realTime: (ns, clock) => ns + (clock === "realtime" ? 0n : 1_700_000_000_000_000_000n),
  zone: UTC,
};

export const presentation: Presentation = { resolver: fakeResolver, truncationTrailer: ".." };

// Printable values, short to write

export const int = (value: number | bigint): Printable => ({ kind: "integer", value: BigInt(value) });
export const bool = (value: boolean): Printable => ({ kind: "boolean", value });
export const str = (value: string): Printable => ({ kind: "text", bytes: fromText(value) });
/** One character a byte. */
export const raw = (bytes: string): Printable => ({ kind: "text", bytes });
export const buf = (bytes: string): Printable => ({ kind: "buffer", bytes });
export const named = (text: string, value: number | bigint): Printable => ({
  kind: "symbolic",
  text,
  value: BigInt(value),
});
export const tuple = (...elements: readonly Printable[]): Printable => ({ kind: "tuple", elements });
export const array = (...elements: readonly Printable[]): Printable => ({ kind: "array", elements });
export const rec = (fields: Readonly<Record<string, Printable>>): Printable => ({
  kind: "record",
  fields: Object.entries(fields).map(([name, value]) => ({ name, value })),
});
