/** What is counted when the kernel does not change a map: a full one by its name, every other reason by its error number. */
import { describe, expect, it } from "vitest";
import { compile } from "../../compiler/compile.ts";
import { Diagnostics, renderDiagnostics } from "../../compiler/diagnostics.ts";
import { errnoOfFull, HEALTH_SLOTS, REFUSALS, refusalSlot } from "../../compiler/program.ts";
import { Source } from "../../compiler/source.ts";
import { fakeFacts } from "../support/fake-facts.ts";
import { Vm } from "./interpreter.ts";

const facts = fakeFacts({ possibleCpus: 4 });

/** Runs a script of whose maps every update is answered with `-errno`; the counters of health that are not 0. */
function losses(statement: string, errno: number): Record<string, number> {
  const diags = new Diagnostics();
  const text = `config = { max_map_keys = 100 } ${statement}`;
  const program = compile(new Source("test.bt", text), facts, diags);
  if (!program) throw new Error(renderDiagnostics(diags.errors));
  const vm = new Vm({ maps: program.maps, cpus: 4 });
  for (const map of vm.maps) if (!map.isArray) map.refusal = BigInt(-errno);
  vm.run(program.programs[0]!, { context: [0n, 0n] });
  const { bytes } = vm.maps[program.health!]!.directValue();
  const counters = new BigUint64Array(bytes.buffer, bytes.byteOffset, bytes.length / 8);
  return Object.fromEntries([...counters].flatMap((count, i) => (count === 0n ? [] : [[nameOf(i), Number(count)]])));

  function nameOf(slot: number): string {
    const { scriptMaps, maps } = program!;
    for (const own of ["stacks", "processes"] as const) {
      const errno = Array.from({ length: REFUSALS }, (_, i) => i).find((i) => refusalSlot(own, i) === slot);
      if (errno !== undefined) return `${own} ${errno}`;
    }
    const index = Math.floor((slot - HEALTH_SLOTS.firstMap) / REFUSALS);
    const map = scriptMaps[index];
    if (!map) return `slot ${slot}`;
    const found = Array.from({ length: REFUSALS }, (_, errno) => errno).find(
      (errno) => refusalSlot(index, errno) === slot,
    );
    return `${map.name} ${found === errnoOfFull(maps[map.storage.map]!.type) ? "full" : found}`;
  }
}

const E2BIG = 7;
const ENOMEM = 12;
const EBUSY = 16;
const EDEADLK = 35;
const ETIMEDOUT = 110;

describe("an update that the kernel refuses", () => {
  it.each<[string, number, Record<string, number>]>([
    ["begin { @a[pid] = count() }", E2BIG, { "@a full": 1 }],
    ["begin { @a[pid] = count() }", ENOMEM, { "@a 12": 1 }],
    ["begin { @a[pid] = count() }", EBUSY, { "@a 16": 1 }],
    ["begin { @a[pid] = count(); @b[pid] = count() }", EDEADLK, { "@a 35": 1, "@b 35": 1 }],
    ["begin { @a[comm] = hist(pid) }", ETIMEDOUT, { "@a 110": 1 }],
    ["begin { @a[pid] = 1 }", E2BIG, { "@a full": 1 }],
    ["begin { @a[pid] = 1 }", ENOMEM, { "@a 12": 1 }],
    ["begin { @a[1] = (1, comm) }", ENOMEM, { "@a 12": 1 }],
    ["begin { @a[comm]++ }", ENOMEM, { "@a 12": 1 }],
    ["begin { @a[1] = 1; @b[1] += 2 }", E2BIG, { "@a full": 1, "@b full": 1 }],
    ["begin { @a = tseries(pid, 1s, 10) }", ENOMEM, { "@a 12": 1 }],
    // A map that forgets is full when it has nothing that it could forget.
    ["let @a = lruhash(10); begin { @a[pid] = 1 }", ENOMEM, { "@a full": 1 }],
    ["let @a = lruhash(10); begin { @a[pid] = 1 }", EBUSY, { "@a 16": 1 }],
    ["let @a = percpulruhash(10); begin { @a[pid] = count() }", ENOMEM, { "@a full": 1 }],
    ["begin { $s = kstack; print(nsecs) }", E2BIG, { "stacks 7": 1 }],
    ["begin { @a[ustack(5)] = count() }", EBUSY, { "stacks 16": 1, "@a 16": 1 }],
  ])("%s answered with %i", (text, errno, expected) => {
    expect(losses(text, errno)).toEqual(expected);
  });

  it("as many error numbers are told apart as there are counters", () => {
    expect(losses("begin { @a[pid] = 1 }", REFUSALS - 1)).toEqual({ [`@a ${REFUSALS - 1}`]: 1 });
  });
});
