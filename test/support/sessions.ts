/** Programs written by hand for the tests of sessions, and what these show of them. */
import { readdirSync } from "node:fs";
import { afterEach, beforeEach, expect } from "vitest";
import {
  add64,
  atomic,
  call,
  exit,
  type Instruction,
  imm,
  jeq,
  jlt,
  label,
  ldImm64,
  mov64,
  R0,
  R1,
  R2,
  R3,
  R4,
  R6,
  R10,
  st,
} from "../../compiler/asm/instructions.ts";
import type { AttachTarget, CompiledProgram, ScriptMap } from "../../compiler/program.ts";
import type { EntrySnapshot } from "../../harness/tracing/maps.ts";
import { loadSession, type Session, type SessionOptions } from "../../harness/tracing/session.ts";
import { openFds } from "../../native/index.ts";
import { compiled, globals, program } from "./compiled.ts";

// *(u64 *)(globals + offset) += 1, atomically
export function count(offset = 0, map = 0): Instruction[] {
  return [ldImm64(R1, { mapValue: map, offset }), mov64(R2, imm(1)), atomic("add", 8, R1, 0, R2)];
}

export const SYS_ENTER = { kind: "raw_tracepoint", tracepoint: "sys_enter", btfModule: undefined } as const;

export const returnZero: Instruction[] = [mov64(R0, imm(0)), exit()];

// for (r6 = from; r6 < to; r6++) update(map, &r6, &r6)
export function fill(map: number, to: number, from = 0): Instruction[] {
  return [
    mov64(R6, imm(from)),
    label(`loop${map}`),
    st(8, R10, -8, R6),
    st(8, R10, -16, R6),
    ldImm64(R1, { map }),
    mov64(R2, R10),
    add64(R2, imm(-8)),
    mov64(R3, R10),
    add64(R3, imm(-16)),
    mov64(R4, imm(0)),
    call("map_update_elem"),
    add64(R6, imm(1)),
    jlt(R6, imm(to), `loop${map}`),
  ];
}

// record = reserve(ring, 16); if (record) { record[0] = value; submit(record) }
export function emit(value: number, ring = 0): Instruction[] {
  return [
    ldImm64(R1, { map: ring }),
    mov64(R2, imm(16)),
    mov64(R3, imm(0)),
    call("ringbuf_reserve"),
    jeq(R0, imm(0), `lost${value}`),
    st(8, R0, 0, imm(value)),
    st(8, R0, 8, imm(0)),
    mov64(R1, R0),
    mov64(R2, imm(0)),
    call("ringbuf_submit"),
    label(`lost${value}`),
  ];
}

export const COUNTER: ScriptMap = {
  name: "@",
  key: undefined,
  value: { kind: "count", size: 8 },
  storage: { kind: "global", map: 0, offset: 0, stride: 8, copies: 1, presence: undefined },
};

export function keyed(map: number, perCpu = false): ScriptMap {
  const integer = { kind: "integer", size: 8, signed: false } as const;
  return { name: `@${map}`, key: integer, value: integer, storage: { kind: "hash", map, perCpu } };
}

/** A program that counts its events in `@`. */
export function counting(attach: AttachTarget, more: Parameters<typeof program>[2] = {}): CompiledProgram {
  return compiled({
    maps: [globals(64)],
    scriptMaps: [COUNTER],
    programs: [program(attach, [...count(), ...returnZero], more)],
  });
}

export function number(bytes: Uint8Array | undefined): number {
  return bytes === undefined ? 0 : Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
}

export function sum(entries: readonly EntrySnapshot[]): number {
  return entries.flatMap(({ copies }) => copies.map(number)).reduce((a, b) => a + b, 0);
}

export function total(session: Session, map = 0): number {
  return sum(session.readMaps()[map]!.entries);
}

export function numbers(session: Session): number[] {
  const seen: number[] = [];
  session.drain((view, offset) => void seen.push(Number(view.getBigUint64(offset, true))));
  return seen;
}

export function descriptors(): { owned: readonly string[]; open: number } {
  return { owned: openFds().map(({ label }) => label), open: readdirSync("/proc/self/fd").length };
}

/** Sessions of a test file, which are closed at the end of each test; then nothing may be open that was not before. */
export function sessionsOfTests(): {
  load(parts: CompiledProgram, options?: SessionOptions): Session;
  expectNothingOpen(): void;
} {
  const sessions: Session[] = [];
  let before: ReturnType<typeof descriptors>;
  const expectNothingOpen = () => expect(descriptors()).toEqual(before);
  beforeEach(() => {
    before = descriptors();
  });
  afterEach(async () => {
    for (const session of sessions.splice(0)) session.close();
    for (let turn = 0; turn < 2; turn++) await new Promise(setImmediate); // the event loop closes what it watched
    expectNothingOpen();
  });
  const load = (parts: CompiledProgram, options?: SessionOptions): Session => {
    const session = loadSession(parts, options);
    sessions.push(session);
    return session;
  };
  return { load, expectNothingOpen };
}
