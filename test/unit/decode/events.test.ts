import { describe, expect, it } from "vitest";
import type { EventLayout, ValueLayout } from "../../../compiler/program.ts";
import { Source, span } from "../../../compiler/source.ts";
import { DecodeError } from "../../../harness/tracing/decode.ts";
import { type EventHandlers, eventConsumer } from "../../../harness/tracing/events.ts";
import { JsonOutput } from "../../../harness/tracing/output/json.ts";
import { TextOutput } from "../../../harness/tracing/output/text.ts";
import { bytes, i64, text, u32, u64, viewOf, zeros } from "../../support/bytes.ts";
import { compiled } from "../../support/compiled.ts";
import { presentation } from "../../support/output.ts";

const U64: ValueLayout = { kind: "integer", size: 8, signed: false };
const S64: ValueLayout = { kind: "integer", size: 8, signed: true };
const U32: ValueLayout = { kind: "integer", size: 4, signed: false };
const STR: ValueLayout = { kind: "string", size: 8 };
const at = span(new Source("s.bt", "begin { }"), 0, 5);
const field = (offset: number, layout: ValueLayout) => ({ offset, layout });

/** Everything that happened, in its order; output and actions alike. */
class Recorder implements EventHandlers {
  readonly log: string[] = [];
  readonly exit = (code: number) => this.log.push(`exit ${code}`);
  readonly printMap = (map: number, { top, divisor }: { top?: number; divisor?: number }) =>
    this.log.push(`print map ${map} top ${top} div ${divisor}`);
  readonly clearMap = (map: number) => this.log.push(`clear ${map}`);
  readonly unwatch = (address: bigint) => this.log.push(`unwatch ${address}`);
  readonly zeroMap = (map: number) => this.log.push(`zero ${map}`);
  readonly system = (command: string) => this.log.push(`system ${command}`);
  readonly cat = (path: string) => this.log.push(`cat ${path}`);
}

function run(
  events: EventLayout[],
  records: readonly Uint8Array[],
  options: { warnings?: boolean; json?: boolean } = {},
): string[] {
  const recorder = new Recorder();
  const log = (name: string) => (data: Uint8Array) =>
    recorder.log.push(`${name} ${Buffer.from(data).toString("latin1")}`);
  const sinks = { out: log("out"), err: log("err") };
  const sink = options.json ? new JsonOutput(sinks) : new TextOutput(sinks, { out: false, err: false });
  const consume = eventConsumer(compiled({ events }), {
    sink,
    handlers: recorder,
    presentation,
    now: () => 1_700_000_000,
    warnings: options.warnings ?? true,
  });
  for (const record of records) {
    // Records lie somewhere in a larger buffer, next to others.
    const around = bytes(zeros(8), record, zeros(24).fill(0xff));
    consume(viewOf(around), 8, record.length);
  }
  return recorder.log;
}

const printf: EventLayout = {
  kind: "printf",
  size: 32,
  format: "%d %s\n",
  args: [field(8, S64), field(16, STR)],
  span: at,
};
const printMap: EventLayout = { kind: "print_map", size: 16, map: 2, top: field(8, U32), div: field(12, U32) };

describe("events", () => {
  it.each<[string, EventLayout, Uint8Array, string[]]>([
    ["printf", printf, bytes(u64(0), i64(-5), text("sh", 16)), ["out -5 sh\n"]],
    [
      "printf without arguments",
      { kind: "printf", size: 8, format: "100%\n", args: [], span: at },
      u64(0),
      ["out 100%\n"],
    ],
    [
      "errorf",
      { kind: "errorf", size: 16, format: "%d", args: [field(8, S64)], span: at },
      i64(0, -1),
      ["err s.bt:1:1-6: ERROR: -1\n"],
    ],
    ["warnf", { kind: "warnf", size: 8, format: "x\n", args: [], span: at }, u64(0), ["err s.bt:1:1-6: WARNING: x\n"]],
    ["print of a value", { kind: "print", size: 16, value: field(8, U64), span: at }, u64(0, 7), ["out 7\n"]],
    [
      "print of a map's value",
      { kind: "print_map_value", size: 24, map: 0, key: field(8, U64), value: field(16, U64) },
      u64(0, 1, 9),
      ["out 9\n"],
    ],
    ["print of a map", printMap, bytes(u64(0), u32(5), u32(1000)), ["print map 2 top 5 div 1000"]],
    [
      "print of a whole map",
      { kind: "print_map", size: 8, map: 1, top: undefined, div: undefined },
      u64(0),
      ["print map 1 top 0 div 0"],
    ],
    ["clear", { kind: "clear_map", size: 8, map: 4 }, u64(0), ["clear 4"]],
    ["unwatch", { kind: "unwatch", size: 16, address: field(8, U64) }, u64(0, -1), ["unwatch 18446744073709551615"]],
    ["zero", { kind: "zero_map", size: 8, map: 4 }, u64(0), ["zero 4"]],
    ["exit", { kind: "exit", size: 8, code: undefined }, u64(0), ["exit 0"]],
    ["exit with a code", { kind: "exit", size: 16, code: field(8, S64) }, i64(0, 7), ["exit 7"]],
    ["exit with more than a code", { kind: "exit", size: 16, code: field(8, S64) }, i64(0, -1), ["exit 255"]],
    ["time", { kind: "time", size: 8, format: "%H:%M:%S %Z %f\n" }, u64(0), ["out 22:13:20 UTC %f\n"]],
    [
      "join",
      { kind: "join", size: 32, separator: ", ", args: [field(8, STR), field(16, STR), field(24, STR)] },
      bytes(u64(0), text("ls", 8), text("-l", 8), text("", 8)),
      ["out ls, -l\n"],
    ],
    [
      "join, up to the first empty argument",
      { kind: "join", size: 32, separator: " ", args: [field(8, STR), field(16, STR), field(24, STR)] },
      bytes(u64(0), text("ls", 8), text("", 8), text("old", 8)),
      ["out ls\n"],
    ],
    [
      "system",
      { kind: "system", size: 16, format: "kill %d", args: [field(8, U64)], span: at },
      u64(0, 12),
      ["system kill 12"],
    ],
    [
      "cat",
      { kind: "cat", size: 16, format: "/proc/%d/stat", args: [field(8, U64)], span: at },
      u64(0, 12),
      ["cat /proc/12/stat"],
    ],
    [
      "a failed helper",
      { kind: "runtime_error", size: 16, error: "helper", helper: "probe_read_user", result: field(8, S64), span: at },
      i64(0, -14),
      [
        "err s.bt:1:1-6: WARNING: Bad address\nAdditional Info - helper: probe_read_user, retcode: -14\nbegin { }\n~~~~~\n",
      ],
    ],
  ])("%s", (_, layout, record, expected) => {
    expect(run([layout], [record])).toEqual(expected);
  });

  it("keep their order, whatever they are", () => {
    const events: EventLayout[] = [
      printf,
      printMap,
      { kind: "clear_map", size: 8, map: 2 },
      { kind: "exit", size: 8, code: undefined },
      { kind: "time", size: 8, format: "t" },
    ];
    const records = [
      bytes(u64(1), u32(0), u32(0)),
      bytes(u64(0), i64(1), text("a", 16)),
      u64(2),
      bytes(u64(0), i64(2), text("b", 16)),
      u64(4),
      u64(3),
      bytes(u64(0), i64(3), text("c", 16)),
    ];
    expect(run(events, records)).toEqual([
      "print map 2 top 0 div 0",
      "out 1 a\n",
      "clear 2",
      "out 2 b\n",
      "out t",
      "exit 0",
      "out 3 c\n",
    ]);
  });

  it("warnings can be switched off, errors cannot", () => {
    const events: EventLayout[] = [
      { kind: "warnf", size: 8, format: "w", args: [], span: at },
      { kind: "errorf", size: 8, format: "e", args: [], span: at },
    ];
    expect(run(events, [u64(0), u64(1)], { warnings: false })).toEqual(["err s.bt:1:1-6: ERROR: e\n"]);
  });

  it("go to JSON as well", () => {
    expect(run([printf], [bytes(u64(0), i64(-5), text("sh", 16))], { json: true })).toEqual([
      'out {"type": "printf", "data": "-5 sh\\n"}\n',
    ]);
  });

  it("may be followed by the padding of the ring buffer", () => {
    expect(run([{ kind: "clear_map", size: 8, map: 0 }], [u64(0, 0)])).toEqual(["clear 0"]);
  });
});

describe("bad records", () => {
  it.each<[string, EventLayout, Uint8Array, string]>([
    ["empty", printf, zeros(0), "a record of 0 bytes has no room for an event's number"],
    ["too short for a number", printf, zeros(7), "a record of 7 bytes has no room"],
    ["of an unknown event", printf, u64(1), "a record of an unknown event, 1 of 1"],
    ["of an absurd event", printf, u64((1n << 64n) - 1n), "a record of an unknown event, 18446744073709551615 of 1"],
    ["cut", printf, bytes(u64(0), i64(1), zeros(15)), "a record of 31 bytes, but event 0 (printf) has 32"],
    [
      "with an argument beyond its end",
      { ...printf, size: 20 },
      bytes(u64(0), zeros(12)),
      "does not fit into 20 bytes",
    ],
    [
      "with a code that is no number",
      { kind: "exit", size: 16, code: field(8, STR) },
      u64(0, 0),
      "a string where a number was expected",
    ],
  ])("%s", (_, layout, record, message) => {
    const consume = () => run([layout], [record]);
    expect(consume).toThrow(DecodeError);
    expect(consume).toThrow(message);
  });

  it("do not see their neighbours' bytes", () => {
    const layout: EventLayout = { kind: "print", size: 8, value: field(8, U64), span: at };
    expect(() => run([layout], [u64(0)])).toThrow("does not fit into 8 bytes");
  });
});
