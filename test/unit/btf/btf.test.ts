/** The decoder on blobs made by hand: every kind, every question, and what it says about nonsense. */
import { describe, expect, it } from "vitest";
import { Btf } from "../../../compiler/btf/btf.ts";
import { BtfError, type TypeId } from "../../../compiler/btf/types.ts";
import { at, BtfBuilder, bitsAt, INT_BOOL, INT_CHAR, INT_SIGNED } from "../../support/btf-builder.ts";

/** A small kernel with one of everything. */
function sample() {
  const b = new BtfBuilder();
  const int = b.int("int", 4, INT_SIGNED);
  const char = b.int("char", 1, INT_SIGNED);
  const u32 = b.int("unsigned int", 4);
  const u64 = b.int("long unsigned int", 8);
  const bool = b.int("_Bool", 1, INT_BOOL);
  const uchar = b.int("unsigned char", 1, INT_CHAR);
  const double = b.float("double", 8);
  const pid = b.typedef("pid_t", b.typedef("__kernel_pid_t", int));
  const constChar = b.const(char);
  const charPtr = b.ptr(char);
  const constCharPtr = b.ptr(constChar);
  const comm = b.array(char, 16);
  const matrix = b.array(b.array(u32, 3), 2);
  const point = b.struct("", 8, [at(0, "x", int), at(4, "y", int)]);
  const either = b.union("", 8, [at(0, "whole", u64), at(0, "", point)]);
  const task: TypeId = b.nextId;
  b.struct("task_struct", 72, [
    at(0, "pid", pid),
    at(8, "", either),
    at(16, "comm", comm),
    at(32, "parent", b.nextId + 1),
    bitsAt(320, 1, "running", u32),
    bitsAt(321, 5, "prio", u32),
    bitsAt(335, 9, "straddling", u32),
    at(48, "grid", matrix),
  ]);
  const taskPtr = b.ptr(task);
  const state = b.enum("pid_type", { PIDTYPE_PID: 0, PIDTYPE_MAX: 4, NEGATIVE: -1 }, { signed: true });
  const unsigned = b.enum("", { BIG: 0xffffffff });
  const wide = b.enum64("wide", { WIDE: 0x1_0000_0001n, LOW: -2n }, { signed: true });
  const opaque = b.fwd("opaque", "struct");
  const opaqueUnion = b.fwd("opaque_union", "union");
  const handler = b.proto(int, [
    ["task", taskPtr],
    ["name", constCharPtr],
  ]);
  const handlerPtr = b.ptr(handler);
  const printk = b.func(
    "printk",
    b.proto(int, [
      ["fmt", constCharPtr],
      ["", 0],
    ]),
  );
  const nothing = b.proto(0, []);
  const jiffies = b.var("jiffies", b.volatile(u64), 2);
  const percpu = b.datasec(".data..percpu", 16, [[jiffies, 8, 8]]);
  const tag = b.declTag("kfunc", printk, -1);
  const user = b.ptr(b.typeTag("user", char));
  const restricted = b.restrict(charPtr);
  const constPtr = b.const(charPtr);
  const sched = b.tracepoint("sched_switch", [
    ["preempt", bool],
    ["prev", taskPtr],
  ]);
  const ids = {
    int,
    char,
    u32,
    u64,
    bool,
    uchar,
    double,
    pid,
    constChar,
    charPtr,
    constCharPtr,
    comm,
    matrix,
    point,
    either,
    task,
    taskPtr,
    state,
    unsigned,
    wide,
    opaque,
    opaqueUnion,
    handler,
    handlerPtr,
    printk,
    nothing,
    jiffies,
    percpu,
    tag,
    user,
    restricted,
    constPtr,
    sched,
  };
  return { builder: b, btf: Btf.parse(b.build()), ids };
}

const { builder, btf, ids } = sample();

describe("decoding", () => {
  it.each([
    ["void", 0, { kind: "void" }],
    ["int", ids.int, { kind: "int", name: "int", size: 4, bits: 32, signed: true, encoding: "plain" }],
    ["bool", ids.bool, { kind: "int", name: "_Bool", size: 1, signed: false, encoding: "bool" }],
    ["char", ids.uchar, { kind: "int", signed: false, encoding: "char" }],
    ["float", ids.double, { kind: "float", name: "double", size: 8 }],
    ["ptr", ids.charPtr, { kind: "ptr", type: ids.char }],
    ["array", ids.comm, { kind: "array", element: ids.char, count: 16 }],
    ["union", ids.either, { kind: "union", name: "", size: 8 }],
    ["fwd struct", ids.opaque, { kind: "fwd", name: "opaque", of: "struct" }],
    ["fwd union", ids.opaqueUnion, { kind: "fwd", name: "opaque_union", of: "union" }],
    ["const", ids.constChar, { kind: "const", type: ids.char }],
    ["restrict", ids.restricted, { kind: "restrict", type: ids.charPtr }],
    ["func", ids.printk, { kind: "func", name: "printk", linkage: "global" }],
    ["prototype", ids.handler, { kind: "func_proto", returns: ids.int, variadic: false }],
    ["var", ids.jiffies, { kind: "var", name: "jiffies", linkage: "extern" }],
    ["datasec", ids.percpu, { kind: "datasec", size: 16, variables: [{ type: ids.jiffies, offset: 8, size: 8 }] }],
    ["decl tag", ids.tag, { kind: "decl_tag", name: "kfunc", type: ids.printk, component: -1 }],
  ])("%s", (_, id, expected) => {
    expect(btf.type(id)).toMatchObject({ id, ...expected });
  });

  it.each([
    ["signed enum", ids.state, "PIDTYPE_MAX", 4n],
    ["negative value", ids.state, "NEGATIVE", -1n],
    ["unsigned value", ids.unsigned, "BIG", 0xffffffffn],
    ["64-bit value", ids.wide, "WIDE", 0x1_0000_0001n],
    ["negative 64-bit value", ids.wide, "LOW", -2n],
  ])("enumerator: %s", (_, type, name, value) => {
    expect(btf.enumerator(name)).toMatchObject({ value, type: { kind: "enum", id: type } });
  });

  it("a variadic prototype loses its marker", () => {
    expect(btf.func("printk")?.proto).toMatchObject({ variadic: true, params: [{ name: "fmt" }] });
  });

  it("counts void", () => expect(btf.typeCount).toBe(builder.nextId));
});

describe("finding", () => {
  it.each([
    ["int", [], ids.int],
    ["task_struct", ["struct"], ids.task],
    ["task_struct", ["typedef", "struct"], ids.task],
    ["task_struct", ["union"], undefined],
    ["pid_type", ["enum"], ids.state],
    ["wide", ["enum"], ids.wide],
    ["printk", ["func"], ids.printk],
    ["printk", [], ids.printk],
    ["printk", ["struct", "typedef"], undefined],
    ["opaque", ["fwd"], ids.opaque],
    ["jiffies", ["var"], ids.jiffies],
    ["task_struc", [], undefined],
    ["ask_struct", [], undefined],
    ["", [], undefined],
  ] as const)("%s as %j", (name, kinds, id) => expect(btf.find(name, ...kinds)).toBe(id));

  it.each([
    ["struct task_struct", ids.task],
    ["  const  struct   task_struct ", ids.task],
    ["enum pid_type", ids.state],
    ["unsigned", ids.u32],
    ["unsigned int", ids.u32],
    ["int unsigned", ids.u32],
    ["signed", ids.int],
    ["signed int", ids.int],
    ["unsigned long", ids.u64],
    ["unsigned long int", ids.u64],
    ["long unsigned int", ids.u64],
    ["unsigned char", ids.uchar],
    ["char", ids.char],
    ["bool", ids.bool],
    ["pid_t", ids.pid],
    ["double", ids.double],
    ["union task_struct", undefined],
    ["task_struct", undefined],
    ["struct", undefined],
    ["struct task_struct *", undefined],
    ["struct a b", undefined],
    ["short", undefined],
    ["constructor", undefined],
    ["", undefined],
    ["const", undefined],
  ])("spelling %j", (spelling, id) => expect(btf.findSpelling(spelling)).toBe(id));

  it("the first of several types of a name wins", () => {
    const b = new BtfBuilder();
    const first = b.struct("twice", 4, []);
    const second = b.typedef("twice", b.int("int", 4));
    b.struct("twice", 8, []);
    const twice = Btf.parse(b.build());
    expect([twice.find("twice"), twice.find("twice", "struct"), twice.find("twice", "typedef")]).toEqual([
      first,
      first,
      second,
    ]);
  });

  it("finds the same by looking at all names, and by an index of them", () => {
    const b = new BtfBuilder();
    const int = b.int("int", 4, INT_SIGNED);
    const structs = Array.from({ length: 300 }, (_, i) => b.struct(`s${i}`, 4, [at(0, `m${i}`, int)]));
    const functions = Array.from({ length: 100 }, (_, i) => b.func(`f${i}`, b.proto(int, [])));
    const many = Btf.parse(b.build());
    for (const [i, id] of structs.entries()) {
      expect([many.find(`s${i}`, "struct"), many.field(id, `m${i}`)?.type, many.func(`s${i}`)]).toEqual([
        id,
        int,
        undefined,
      ]);
    }
    expect(functions.map((_, i) => many.func(`f${i}`)?.id)).toEqual(functions);
    expect([...many.named("struct")].map(({ id }) => id)).toEqual(structs);
    for (let i = 0; i < 10; i++) expect([many.find("nothing"), many.find("s30x")]).toEqual([undefined, undefined]);
    expect(() => many.type(many.typeCount)).toThrow(BtfError);
  });

  it("lists the names of a kind, without anonymous types", () => {
    expect([...btf.named("struct")]).toEqual([{ id: ids.task, name: "task_struct" }]);
    expect([...btf.named("enum")].map((e) => e.name)).toEqual(["pid_type", "wide"]);
    expect([...btf.named("ptr")]).toEqual([]);
  });

  it.each(["nothing", "PIDTYPE", "pid", ""])("no enumerator %j", (name) => {
    expect(btf.enumerator(name)).toBeUndefined();
  });
});

describe("sizes and references", () => {
  it.each([
    ["void", 0, undefined],
    ["typedef", ids.pid, 4],
    ["pointer", ids.constPtr, 8],
    ["array", ids.comm, 16],
    ["array of arrays", ids.matrix, 24],
    ["struct", ids.task, 72],
    ["enum", ids.wide, 8],
    ["float", ids.double, 8],
    ["function", ids.printk, undefined],
    ["prototype", ids.handler, undefined],
    ["forward declaration", ids.opaque, undefined],
  ])("size of %s", (_, id, size) => expect(btf.sizeOf(id)).toBe(size));

  it.each([
    ["typedefs", ids.pid, ids.int],
    ["const", ids.constChar, ids.char],
    ["nothing", ids.task, ids.task],
    ["void", 0, 0],
  ])("resolve through %s", (_, id, target) => expect(btf.resolve(id).id).toBe(target));

  it.each([
    ["pointer", ids.charPtr, ids.char],
    ["const pointer", ids.constPtr, ids.char],
    ["restrict pointer", ids.restricted, ids.char],
    ["integer", ids.int, undefined],
    ["struct", ids.task, undefined],
  ])("pointee of %s", (_, id, target) => expect(btf.pointee(id)).toBe(target));
});

describe("members", () => {
  it.each([
    ["plain", "pid", { type: ids.pid, offset: 0, size: 4 }],
    ["of an anonymous union", "whole", { type: ids.u64, offset: 8, size: 8 }],
    ["two levels down", "y", { type: ids.int, offset: 12, size: 4 }],
    ["array", "comm", { type: ids.comm, offset: 16, size: 16 }],
    ["one bit", "running", { offset: 40, size: 1, bits: { offset: 0, size: 1 } }],
    ["bits of the same byte", "prio", { offset: 40, size: 1, bits: { offset: 1, size: 5 } }],
    ["bits over a byte's end", "straddling", { offset: 40, size: 4, bits: { offset: 15, size: 9 } }],
  ])("%s", (_, name, expected) => {
    expect(btf.field(ids.task, name)).toEqual({ name, bits: undefined, type: ids.u32, ...expected });
  });

  it.each([
    ["unknown", ids.task, "nope"],
    ["of a pointer", ids.taskPtr, "pid"],
    ["of an integer", ids.int, "pid"],
    ["unnamed", ids.task, ""],
  ])("none: %s", (_, id, name) => expect(btf.field(id, name)).toBeUndefined());

  it("all of them, flattened and in order", () => {
    const names = btf.fields(ids.task).map((f) => `${f.name}@${f.offset}`);
    expect(names).toEqual([
      "pid@0",
      "whole@8",
      "x@8",
      "y@12",
      "comm@16",
      "parent@32",
      "running@40",
      "prio@40",
      "straddling@40",
      "grid@48",
    ]);
    expect(btf.fields(ids.int)).toEqual([]);
  });

  it.each([
    ["an unaligned word", 12, bitsAt(3, 31, "f", ids.u64), { offset: 0, size: 8, bits: { offset: 3, size: 31 } }],
    [
      "no word fits in the struct",
      5,
      bitsAt(4, 30, "f", ids.u64),
      { offset: 0, size: 8, bits: { offset: 4, size: 30 } },
    ],
    ["straddles two words", 12, bitsAt(60, 8, "f", ids.u64), { offset: 7, size: 2, bits: { offset: 4, size: 8 } }],
    ["at the very end", 9, bitsAt(62, 10, "f", ids.u64), { offset: 7, size: 2, bits: { offset: 6, size: 10 } }],
    ["nine bytes", 16, bitsAt(4, 64, "f", ids.u64), { offset: 0, size: 16, bits: { offset: 4, size: 64 } }],
  ])("packed bit-field: %s", (_, size, member, expected) => {
    const b = new BtfBuilder();
    b.struct("packed", size, [member]);
    const packed = Btf.parse(b.build());
    const field = packed.fields(1);
    expect(field).toMatchObject([expected]);
  });

  it("takes a bit-field's width from the integer, as old BTF does", () => {
    const b = new BtfBuilder();
    const three = b.int("unsigned int", 4, 0, 3);
    const id = b.struct("old", 4, [{ name: "f", type: three, bit: 5 }]);
    expect(Btf.parse(b.build()).field(id, "f")).toMatchObject({ offset: 0, size: 1, bits: { offset: 5, size: 3 } });
  });
});

describe("functions and tracepoints", () => {
  it("a tracepoint has the names that its iterator knows", () => {
    expect(btf.tracepoint("sched_switch")?.id).toBe(ids.sched);
    expect(btf.tracepoint("sched_switch")?.params).toEqual([
      { name: "preempt", type: ids.bool },
      { name: "prev", type: ids.taskPtr },
    ]);
  });

  it("without an iterator its parameters have no names", () => {
    const b = new BtfBuilder();
    const int = b.int("int", 4);
    b.typedef(
      "btf_trace_x",
      b.ptr(
        b.proto(0, [
          ["", b.ptr(0)],
          ["", int],
        ]),
      ),
    );
    expect(Btf.parse(b.build()).tracepoint("x")?.params).toEqual([{ name: "", type: int }]);
  });

  it("unknown ones are undefined", () => {
    expect(btf.tracepoint("nope")).toBeUndefined();
    expect(btf.func("nope")).toBeUndefined();
    expect(btf.func("task_struct")).toBeUndefined();
  });
});

describe("printing", () => {
  it.each([
    ["void", 0, "x", "void x"],
    ["pointer", ids.taskPtr, "", "struct task_struct *"],
    ["pointer with a name", ids.taskPtr, "prev", "struct task_struct *prev"],
    ["pointer to const", ids.constCharPtr, "s", "const char *s"],
    ["const pointer", ids.constPtr, "s", "char *const s"],
    ["const pointer without a name", ids.constPtr, "", "char *const"],
    ["restrict pointer", ids.restricted, "s", "char *restrict s"],
    ["array", ids.comm, "comm", "char comm[16]"],
    ["array of arrays", ids.matrix, "m", "unsigned int m[2][3]"],
    ["function pointer", ids.handlerPtr, "fn", "int (*fn)(struct task_struct *task, const char *name)"],
    ["prototype", ids.nothing, "f", "void f(void)"],
    ["function", ids.printk, "", "int printk(const char *fmt, ...)"],
    ["variable", ids.jiffies, "", "volatile long unsigned int jiffies"],
    ["typedef", ids.pid, "p", "pid_t p"],
    ["enum", ids.state, "e", "enum pid_type e"],
    ["anonymous", ids.point, "p", "struct {...} p"],
    ["forward", ids.opaque, "", "struct opaque"],
    ["type tag", ids.user, "buf", "char *buf"],
  ])("%s", (_, id, name, text) => expect(btf.format(id, name)).toBe(text));

  it("writes a struct out", () => {
    expect(btf.definition(ids.task)).toBe(
      [
        "struct task_struct {",
        "\tpid_t pid;",
        "\tunion {",
        "\t\tlong unsigned int whole;",
        "\t\tstruct {",
        "\t\t\tint x;",
        "\t\t\tint y;",
        "\t\t};",
        "\t};",
        "\tchar comm[16];",
        "\tstruct task_struct *parent;",
        "\tunsigned int running: 1;",
        "\tunsigned int prio: 5;",
        "\tunsigned int straddling: 9;",
        "\tunsigned int grid[2][3];",
        "};",
      ].join("\n"),
    );
  });

  it.each([
    ["enum", ids.wide, "enum wide {\n\tWIDE = 4294967297,\n\tLOW = -2,\n};"],
    ["typedef", ids.pid, "typedef __kernel_pid_t pid_t;"],
    ["function", ids.printk, "int printk(const char *fmt, ...);"],
    ["integer", ids.int, "int;"],
  ])("definition of %s", (_, id, text) => expect(btf.definition(id)).toBe(text));
});

describe("split BTF", () => {
  const module = new BtfBuilder(builder);
  const own = module.struct("module_thing", 16, [at(0, "task", ids.taskPtr), at(8, "pid", ids.pid)]);
  const shadow = module.struct("task_struct", 8, [at(0, "other", ids.int)]);
  module.enum("", { MODULE_CONSTANT: 7 });
  const split = Btf.parse(module.build(), btf);

  it.each([
    ["own type", split.find("module_thing"), own],
    ["type of the base", split.find("pid_t"), ids.pid],
    ["own type hides the base's", split.find("task_struct", "struct"), shadow],
    ["function of the base", split.find("printk", "func"), ids.printk],
  ])("%s", (_, found, id) => expect(found).toBe(id));

  it("decodes across the border", () => {
    expect(split.typeCount).toBe(module.nextId);
    expect(split.format(ids.taskPtr)).toBe("struct task_struct *");
    expect(split.field(own, "pid")).toMatchObject({ type: ids.pid, offset: 8, size: 4 });
    expect(split.enumerator("MODULE_CONSTANT")?.value).toBe(7n);
    expect(split.enumerator("WIDE")?.value).toBe(0x1_0000_0001n);
    expect([...split.named("struct")].map((s) => s.name)).toEqual(["task_struct", "module_thing", "task_struct"]);
  });

  it("names of the base are found in own types", () => {
    // `pid_t` and `comm` are strings of the base.
    const b = new BtfBuilder(builder);
    const id = b.struct("comm", 4, [at(0, "pid", ids.int)]);
    const reusing = Btf.parse(b.build(), btf);
    expect(reusing.find("comm", "struct")).toBe(id);
    expect(reusing.field(id, "pid")).toBeDefined();
  });
});

describe("malformed blobs", () => {
  const good = builder.build();
  const changed = (offset: number, ...bytes: number[]): Uint8Array => {
    const copy = good.slice();
    copy.set(bytes, offset);
    return copy;
  };

  it.each<[string, Uint8Array, RegExp]>([
    ["empty", new Uint8Array(0), /0 bytes is shorter than its header/],
    ["only a header's beginning", good.slice(0, 23), /shorter than its header/],
    ["no magic", changed(0, 0x7f, 0x45), /not BTF/],
    ["the other byte order", changed(0, 0xeb, 0x9f), /big-endian/],
    ["an unknown version", changed(2, 9), /version 9/],
    ["a short header", changed(4, 8), /header has the odd length 8/],
    ["a truncated blob", good.slice(0, good.length - 1), /truncated: its strings end/],
    ["types beyond the end", changed(12, 0xff, 0xff, 0xff, 0x7f), /truncated: its types end/],
    ["unaligned types", changed(8, 1), /not aligned|truncated/],
    ["a ragged type section", changed(12, good[12]! - 2), /not aligned/],
    ["no kind", changed(24 + 7, 0), /type 1 has no kind/],
    ["an unknown kind", changed(24 + 7, 25), /type 1 has the kind 25, which this decoder does not know/],
    ["a last type cut off", changed(12, good[12]! - 4), /is cut off/],
    ["names without an end", changed(good.length - 1, 0x41), /do not end in a NUL/],
  ])("%s", (_, bytes, message) => {
    const parse = (): Btf => Btf.parse(bytes);
    expect(parse).toThrow(BtfError);
    expect(parse).toThrow(message);
  });

  it("accepts a blob at any address", () => {
    const shifted = new Uint8Array(good.length + 1);
    shifted.set(good, 1);
    expect(Btf.parse(shifted.subarray(1)).find("task_struct")).toBe(ids.task);
  });

  it("accepts a longer header", () => {
    const longer = new Uint8Array(good.length + 8);
    longer.set(good.subarray(0, 24));
    longer.set(good.subarray(24), 32);
    longer[4] = 32;
    expect(Btf.parse(longer).find("task_struct")).toBe(ids.task);
  });
});

describe("malformed types", () => {
  const parse = (build: (b: BtfBuilder) => unknown): Btf => {
    const b = new BtfBuilder();
    build(b);
    return Btf.parse(b.build());
  };

  it.each<[string, () => unknown, RegExp]>([
    ["an id beyond the end", () => btf.type(btf.typeCount), /does not exist/],
    ["a negative id", () => btf.type(-1), /does not exist/],
    ["a fraction", () => btf.type(1.5), /does not exist/],
    ["a dangling reference", () => parse((b) => b.typedef("t", 99)).resolve(1), /type 99 does not exist/],
    ["a typedef of itself", () => parse((b) => b.typedef("t", 1)).resolve(1), /cycle/],
    ["two types that qualify each other", () => parse((b) => [b.const(2), b.volatile(1)]).sizeOf(1), /cycle/],
    ["an array of itself", () => parse((b) => b.array(1, 2)).sizeOf(1), /array of itself/],
    [
      "an endless array",
      () => parse((b) => [b.array(2, 2 ** 31), b.array(3, 2 ** 31), b.int("int", 4)]).sizeOf(1),
      /larger than any memory/,
    ],
    ["a pointer to itself, printed", () => parse((b) => b.ptr(1)).format(1), /contains itself/],
    ["a struct in itself, listed", () => parse((b) => b.struct("s", 4, [at(0, "", 1)])).fields(1), /contains itself/],
    [
      "a struct in itself, printed",
      () => parse((b) => b.struct("", 4, [at(0, "", 1)])).definition(1),
      /contains itself/,
    ],
    [
      "structs that double at each level",
      () => {
        const doubling = parse((b) => {
          for (let i = 0; i < 60; i++) b.struct("", 4, [at(0, "", b.nextId + 1), at(0, "", b.nextId + 1)]);
          b.struct("", 4, []);
        });
        return doubling.fields(1);
      },
      /contains itself/,
    ],
    [
      "a long chain of anonymous structs",
      () =>
        parse((b) => {
          for (let i = 0; i < 20_000; i++) b.struct("", 4, [at(0, "", b.nextId + 1)]);
          b.struct("", 4, []);
        }).field(1, "x"),
      /nested too deeply/,
    ],
    ["a name outside", () => badName().type(1), /lies outside/],
    ["an integer of three bytes", () => parse((b) => b.int("odd", 3)).type(1), /integer of 3 bytes/],
    ["an unknown linkage", () => parse((b) => b.func("f", 0, 9)).type(1), /unknown linkage 9/],
    ["a function without a prototype", () => parse((b) => b.func("f", 0)).func("f"), /no prototype/],
    ["a tracepoint that is an integer", () => parse((b) => b.typedef("btf_trace_x", 0)).tracepoint("x"), /no pointer/],
    [
      "a member outside its struct",
      () => parse((b) => b.struct("s", 4, [at(4, "f", 2)]) && b.int("int", 4)).fields(1),
      /ends outside/,
    ],
    [
      "a bit-field outside its struct",
      () => parse((b) => b.struct("s", 1, [bitsAt(7, 2, "f", 0)])).field(1, "f"),
      /ends outside/,
    ],
    [
      "a member within a byte",
      () => parse((b) => b.struct("s", 4, [{ name: "f", type: 0, bit: 3 }])).field(1, "f"),
      /starts within a byte/,
    ],
  ])("%s", (_, act, message) => {
    expect(act).toThrow(BtfError);
    expect(act).toThrow(message);
  });

  it("a struct in itself has no unknown member", () => {
    expect(parse((b) => b.struct("s", 4, [at(0, "", 1)])).field(1, "x")).toBeUndefined();
  });

  function badName(): Btf {
    const b = new BtfBuilder();
    b.typedef("t", 0);
    const blob = b.build();
    blob.set([0xff, 0xff, 0, 0], 24);
    return Btf.parse(blob);
  }
});
