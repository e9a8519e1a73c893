/** Where the arguments of USDT probes are: the notation of SystemTap, with the operands of both processors. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseArguments, type UsdtAddress, type UsdtArgument } from "../../../compiler/sema/usdt-descriptor.ts";

/** One argument as short as it can be said: `-4 bx`, `8 [counter+bp+si*4-16]`. */
function said({ size, signed, source }: UsdtArgument): string {
  const width = `${signed ? "-" : ""}${size}`;
  switch (source.from) {
    case "constant":
      return `${width} =${source.value}`;
    case "register":
      return `${width} ${source.register}${source.byte ? `+${source.byte}` : ""}/${source.width}`;
    case "memory":
      return `${width} [${address(source.at)}]`;
    case "nowhere":
      return `nowhere: ${source.reason}`;
  }
}

function address({ symbol, base, index, displacement }: UsdtAddress): string {
  const scaled = index && `${index.register}*${index.scale}`;
  const parts = [symbol, base, scaled, displacement === 0 ? undefined : String(displacement)];
  return parts.filter((part) => part !== undefined).join(" ");
}

const parsed = (text: string, arch: "x64" | "arm64"): string[] => parseArguments(text, arch).map(said);

describe("x86-64", () => {
  it.each([
    ["-4@$5", "-4 =5"],
    ["8@$-579005069656919568", "8 =-579005069656919568"],
    ["4@$0x10", "4 =16"],
    ["-2@$-0x10", "-2 =-16"],
    ["8@%rax", "8 ax/8"],
    ["-4@%edi", "-4 di/4"],
    ["2@%si", "2 si/2"],
    ["-1@%bpl", "-1 bp/1"],
    ["1@%spl", "1 sp/1"],
    ["1@%cl", "1 cx/1"],
    ["1@%ah", "1 ax+1/1"],
    ["8@%r8", "8 r8/8"],
    ["4@%r9d", "4 r9/4"],
    ["2@%r10w", "2 r10/2"],
    ["-1@%r15b", "-1 r15/1"],
    ["8@%rip", "8 ip/8"],
    ["8@%eax", "8 ax/4"],
    ["-8@(%rsp)", "-8 [sp]"],
    ["4@-20(%rbp)", "4 [bp -20]"],
    ["4@0x20(%rbp)", "4 [bp 32]"],
    ["8@(%rax,%rdx,8)", "8 [ax dx*8]"],
    ["1@-8(%rdx,%rax)", "1 [dx ax*1 -8]"],
    ["8@(,%rcx,4)", "8 [cx*4]"],
    ["8@16( %rax , %rbx , 2 )", "8 [ax bx*2 16]"],
    ["-4@counter(%rip)", "-4 [counter ip]"],
    ["-4@counter+8(%rip)", "-4 [counter ip 8]"],
    ["-4@8+counter(%rip)", "-4 [counter ip 8]"],
    ["-4@counter-8(%rip)", "-4 [counter ip -8]"],
    ["8@_ZN1a.b$c(%rip)", "8 [_ZN1a.b$c ip]"],
    ["8@counter", "8 [counter]"],
    ["8@table(,%rax,8)", "8 [table ax*8]"],
    ["8@4198400", "8 [4198400]"],
    ["%rdi", "-8 di/8"],
    ["$1", "-8 =1"],
  ])("%s", (text, expected) => expect(parsed(text, "x64")).toEqual([expected]));

  it.each([
    ["", []],
    ["   ", []],
    ["-4@%eax 8@-16(%rbp) 8@$5", ["-4 ax/4", "8 [bp -16]", "8 =5"]],
    ["  8@%rax\t8@(%rax, %rbx, 4)  ", ["8 ax/8", "8 [ax bx*4]"]],
    [Array.from({ length: 12 }, (_, i) => `8@$${i}`).join(" "), Array.from({ length: 12 }, (_, i) => `8 =${i}`)],
  ])("several: %j", (text, expected) => expect(parsed(text, "x64")).toEqual(expected));

  it.each([
    ["8f@%xmm0", "it is a floating-point number"],
    ["-4f@-16(%rbp)", "it is a floating-point number"],
    ["16@%rax", "it is 16 bytes wide"],
    ["3@%rax", "it is 3 bytes wide"],
    ["0@%rax", "it is 0 bytes wide"],
    ["8@%fs:16", "it is in a segment of its own, such as a variable of the thread"],
    ["8@%fs:counter@tpoff", "it is in a segment of its own, such as a variable of the thread"],
    ["8@%xmm0", "`%xmm0` is not understood"],
    ["8@%st", "`%st` is not understood"],
    ["8@%", "`%` is not understood"],
    ["8@$", "`$` is not understood"],
    ["8@$x", "`$x` is not understood"],
    ["8@$1.5", "`$1.5` is not understood"],
    ["8@", "`` is not understood"],
    ["8@(%eax)", "`(%eax)` is not understood"],
    ["8@(%rax,%ebx)", "`(%rax,%ebx)` is not understood"],
    ["8@(%rax,%rbx,3)", "`(%rax,%rbx,3)` is not understood"],
    ["8@(%rax,%rbx,4,5)", "`(%rax,%rbx,4,5)` is not understood"],
    ["8@(%rax", "`(%rax` is not understood"],
    ["8@%rax)", "`%rax)` is not understood"],
    ["8@(%nothing)", "`(%nothing)` is not understood"],
    ["8@a+b(%rip)", "`a+b(%rip)` is not understood"],
    ["8@-a(%rip)", "`-a(%rip)` is not understood"],
    ["8@a@GOTPCREL(%rip)", "`a@GOTPCREL(%rip)` is not understood"],
    ["8@4*2(%rax)", "`4*2(%rax)` is not understood"],
    ["x0", undefined],
    ["8@[sp, 16]", "`[sp, 16]` is not understood"],
  ])("cannot be read: %s", (text, reason) => {
    // A bare word is a symbol.
    expect(parsed(text, "x64")).toEqual([reason === undefined ? `-8 [${text}]` : `nowhere: ${reason}`]);
  });
});

describe("arm64", () => {
  it.each([
    ["-4@5", "-4 =5"],
    ["8@-5", "8 =-5"],
    ["8@#5", "8 =5"],
    ["8@x0", "8 r0/8"],
    ["-4@w1", "-4 r1/4"],
    ["2@w10", "2 r10/4"],
    ["8@x30", "8 r30/8"],
    ["8@sp", "8 sp/8"],
    ["-4@[x0]", "-4 [r0]"],
    ["-4@[sp, 60]", "-4 [sp 60]"],
    ["-4@[x29,-8]", "-4 [r29 -8]"],
    ["8@[x1, x2]", "8 [r1 r2*1]"],
    ["8@[x1, x2, lsl 3]", "8 [r1 r2*8]"],
    ["8@[x1, x2, lsl #2]", "8 [r1 r2*4]"],
  ])("%s", (text, expected) => expect(parsed(text, "arm64")).toEqual([expected]));

  it("several, with blanks in brackets", () => {
    expect(parsed("-4@[sp, 12] 8@x0 -4@1", "arm64")).toEqual(["-4 [sp 12]", "8 r0/8", "-4 =1"]);
  });

  it.each([
    ["8@x31"],
    ["8@x"],
    ["8@d0"],
    ["8@[w0]"],
    ["8@[]"],
    ["8@[x0, w1, sxtw 3]"],
    ["8@[x0, x1, lsl 4]"],
    ["8@[x0, 4, 5]"],
    ["8@[x0, x1, lsl 3, 1]"],
    ["8@[x0, #:lo12:counter]"],
    ["8@[x0"],
    ["8@%rax"],
    ["8@counter"],
  ])("cannot be read: %s", (text) => {
    expect(parsed(text, "arm64").join()).toBe(`nowhere: \`${text.slice(2)}\` is not understood`);
  });
});

it.each(["x64", "arm64"] as const)("any text has as many arguments as words, and none that is wrong: %s", (arch) => {
  const piece = fc.constantFrom(
    "4@",
    "-",
    "8f@",
    "%rax",
    "(",
    ")",
    "[",
    "]",
    ",",
    " ",
    "$",
    "5",
    "x0",
    "sym",
    "+",
    ":",
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      for (const { size } of parseArguments(pieces.join(""), arch)) expect([1, 2, 4, 8]).toContain(size);
    }),
  );
});
