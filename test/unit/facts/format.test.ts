/** Format files of tracepoints: every form of field that kernels write, and what is no such file. */
import { describe, expect, it } from "vitest";
import { parseFormat } from "../../../harness/tracing/facts/format.ts";

const file = (...fields: string[]): string =>
  ["name: thing", "ID: 372", "format:", ...fields.map((f) => `\t${f}`), "", 'print fmt: "x=%d", REC->x', ""].join("\n");

const field = (declaration: string, size = 4, signed = 0): string =>
  `field:${declaration};\toffset:8;\tsize:${size};\tsigned:${signed};`;

const only = (text: string) => parseFormat(file(text)).fields[0];

describe("fields", () => {
  it.each([
    ["int common_pid", 4, "int", "common_pid", undefined, undefined],
    ["unsigned short common_type", 2, "unsigned short", "common_type", undefined, undefined],
    ["const char * filename", 8, "const char *", "filename", undefined, undefined],
    ["const char *const * argv", 8, "const char *const *", "argv", undefined, undefined],
    ["const void* ip", 8, "const void*", "ip", undefined, undefined],
    ["char *name", 8, "char *", "name", undefined, undefined],
    [
      "const struct landlock_ruleset_attr *const attr",
      8,
      "const struct landlock_ruleset_attr *const",
      "attr",
      undefined,
      undefined,
    ],
    ["struct robust_list_head * * head_ptr", 8, "struct robust_list_head * *", "head_ptr", undefined, undefined],
    ["enum zone_type zid", 4, "enum zone_type", "zid", undefined, undefined],
    ["void __seg_gs * base", 8, "void __seg_gs *", "base", undefined, undefined],
    ["char comm[16]", 16, "char", "comm", 16, undefined],
    ["unsigned long args[6]", 48, "unsigned long", "args", 6, undefined],
    ["unsigned long args[]", 0, "unsigned long", "args", 0, undefined],
    ["u8 matrix[2][3]", 6, "u8", "matrix", 6, undefined],
    ["u8 fsid [16]", 16, "u8", "fsid", 16, undefined],
    ["char comm[TASK_COMM_LEN]", 16, "char", "comm", 16, undefined],
    ["__u32 words[8 / 2]", 16, "__u32", "words", 4, undefined],
    ["const unsigned long stack[DEPTH]", 24, "const unsigned long", "stack", 3, undefined],
    ["struct odd things[COUNT]", 24, "struct odd", "things", undefined, undefined],
    ["__data_loc char[] name", 4, "char", "name", undefined, "data"],
    ["__data_loc unsigned int[] lengths", 4, "unsigned int", "lengths", undefined, "data"],
    ["__data_loc u64[]addrs", 4, "u64", "addrs", undefined, "data"],
    ["__data_loc char [] name", 4, "char", "name", undefined, "data"],
    ["__rel_loc char[] cmd", 4, "char", "cmd", undefined, "relative"],
    ['char __attribute__((btf_type_tag("user"))) * path', 8, "char *", "path", undefined, undefined],
    ["void (*callback)(struct rcu_head *)", 8, "void (*)(struct rcu_head *)", "callback", undefined, undefined],
  ])("%s", (declaration, size, type, name, count, location) => {
    expect(only(field(declaration, size))).toEqual({ name, type, offset: 8, size, signed: false, count, location });
  });

  it.each([
    ["signed", field("int x", 4, 1), true],
    ["unsigned", field("int x", 4, 0), false],
    ["without a sign, as long ago", "field:int x;\toffset:8;\tsize:4;", false],
    ["with spaces", "field:int x; offset: 8; size: 4; signed: 1;", true],
    ["special", "field special:int x;\toffset:8;\tsize:4;\tsigned:1;", true],
  ])("%s", (_, text, signed) => {
    expect(only(text)).toMatchObject({ name: "x", offset: 8, size: 4, signed });
  });
});

it("reads the id and the fields in order, across blank lines", () => {
  const text = file(field("unsigned short common_type", 2), "", field("long prev_state", 8, 1));
  const format = parseFormat(text);
  expect(format.id).toBe(372);
  expect(format.fields.map((f) => f.name)).toEqual(["common_type", "prev_state"]);
});

it("takes no fields from the print format", () => {
  expect(parseFormat(`${file(field("int x"))}\n${field("int fake")}\n`).fields).toHaveLength(1);
});

it.each<[string, string, RegExp]>([
  ["nothing", "", /no ID line/],
  ["another file", "hello\nworld\n", /no ID line/],
  ["a field without an offset", file("field:int x;\tsize:4;\tsigned:1;"), /not a field of a tracepoint: field:int x/],
  ["a field without a size", file("field:int x;\toffset:8;"), /not a field of a tracepoint/],
])("refuses %s", (_, text, message) => expect(() => parseFormat(text)).toThrow(message));
