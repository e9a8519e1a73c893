/**
 * Tests that need the real kernel. Whether they can run is found out by doing it: creating a map and loading a program.
 * Without the privileges they are skipped, and say so; where REQUIRE_KERNEL=1 they fail instead, so that a CI run can
 * never be green because nothing was tested.
 */
import { describe, it } from "vitest";
import { MapType, mapCreate, ProgType, progLoad, SysError } from "../../native/index.ts";

/** r0 = 0; exit */
const RETURN_ZERO = Uint8Array.of(0xb7, 0, 0, 0, 0, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0);

/** Why kernel tests cannot run here, or null when they can. A missing addon throws: that is a broken build. */
export const kernelObstacle: string | null = findObstacle();

function findObstacle(): string | null {
  try {
    mapCreate({ type: MapType.HASH, keySize: 4, valueSize: 4, maxEntries: 1, name: "privileges" }).close();
    progLoad({ type: ProgType.RAW_TRACEPOINT, insns: RETURN_ZERO, license: "GPL", name: "privileges" }).fd.close();
    return null;
  } catch (error) {
    if (error instanceof SysError) return error.message;
    throw error;
  }
}

if (kernelObstacle !== null) {
  const consequence = process.env.REQUIRE_KERNEL === "1" ? "fail because REQUIRE_KERNEL=1" : "are SKIPPED";
  console.warn(`\n*** kernel tests ${consequence}: ${kernelObstacle}. Run them as root. ***\n`);
}

/** `describe` for tests that need the real kernel. */
export function describeKernel(name: string, body: () => void): void {
  if (kernelObstacle === null) describe(name, body);
  else if (process.env.REQUIRE_KERNEL === "1") describe(name, () => it("needs the kernel", fail));
  else describe.skip(name, body);
}

/** `it` for a single test that needs the real kernel. */
export function itKernel(name: string, body: () => void | Promise<void>): void {
  if (kernelObstacle === null) it(name, body);
  else if (process.env.REQUIRE_KERNEL === "1") it(name, fail);
  else it.skip(name, body);
}

function fail(): void {
  throw new Error(`the kernel refused: ${kernelObstacle}`);
}
