/**
 * Arguments of USDT probes. They lie elsewhere at each place of a probe, and one program serves all places; so its cookie
 * says which probe a place belongs to, and which of the program's lists of arguments it has.
 */
import type { VReg } from "../ir/ir.ts";
import type { ResolvedProbe, UsdtPlace } from "../sema/providers/provider.ts";
import { integer, type Size } from "../sema/types.ts";
import { argumentsRead } from "../sema/usdt-arguments.ts";
import type { UsdtAddress, UsdtArgument } from "../sema/usdt-descriptor.ts";
import type { Probe } from "../syntax/ast.ts";
import type { Lowering } from "./lowering.ts";
import { register, registers } from "./registers.ts";

/** Bits of a cookie that are the list's; the probe's id lies above them. */
const LIST_BITS = 24;

/** The different lists of arguments that a program has to tell apart; there are none where it reads no argument. */
export class ArgumentLists {
  readonly lists: (readonly UsdtArgument[])[] = [];
  readonly #numbers = new Map<string, number>();

  constructor(blocks: readonly Probe[], probes: readonly ResolvedProbe[]) {
    if (probes[0]?.event.kind !== "usdt" || !blocks.some((block) => argumentsRead(block).size > 0)) return;
    for (const { event } of probes) if (event.kind === "usdt") for (const place of event.places) this.#number(place);
  }

  cookie(id: number, place: UsdtPlace): number {
    return this.#isTold ? id * 2 ** LIST_BITS + this.#number(place) : id;
  }

  /** What the program's cookie says of the probe. */
  probeId(l: Lowering, cookie: VReg): VReg {
    return this.#isTold ? l.b.alu("rsh", cookie, { imm: BigInt(LIST_BITS) }) : cookie;
  }

  /** One of the arguments, of whichever place fired; 0 where it has no such argument. */
  value(l: Lowering, index: number): VReg {
    return l.b.once(`usdt argument ${index}`, () => {
      const runs = this.#runs(index);
      if (runs.length === 1) return argumentValue(l, runs[0]!.argument);
      const cookie = l.b.call("get_attach_cookie", [l.context], { pure: true });
      const number = l.b.alu("and", cookie, { imm: BigInt(2 ** LIST_BITS - 1) });
      return choose(l, number, runs);
    });
  }

  get #isTold(): boolean {
    return this.lists.length > 1;
  }

  #number({ arguments: list }: UsdtPlace): number {
    const key = keyOf(list());
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    this.#numbers.set(key, this.lists.length);
    return this.lists.push(list()) - 1;
  }

  /** Lists that follow one another and have the argument in the same way, by the number of the first. */
  #runs(index: number): [Run, ...Run[]] {
    const [first, ...others] = this.lists;
    const runs: [Run, ...Run[]] = [{ first: 0, argument: first?.[index] }];
    let last = keyOf(first?.[index]);
    others.forEach((list, i) => {
      const key = keyOf(list[index]);
      if (key !== last) runs.push({ first: i + 1, argument: list[index] });
      last = key;
    });
    return runs;
  }
}

interface Run {
  first: number;
  argument: UsdtArgument | undefined;
}

function keyOf(value: unknown): string {
  return JSON.stringify(value, (_, part) => (typeof part === "bigint" ? String(part) : part)) ?? "";
}

/** A binary search over the runs, as branches. */
function choose(l: Lowering, number: VReg, runs: readonly [Run, ...Run[]]): VReg {
  if (runs.length === 1) return argumentValue(l, runs[0].argument);
  const middle = runs.length >> 1;
  const [lower, upper] = [runs.slice(0, middle), runs.slice(middle)] as [[Run], [Run]];
  return l.choose(
    "lt",
    number,
    { imm: BigInt(upper[0].first) },
    () => choose(l, number, lower),
    () => choose(l, number, upper),
  );
}

function argumentValue(l: Lowering, argument: UsdtArgument | undefined): VReg {
  const { b } = l;
  const { size = 8, signed = false, source } = argument ?? {};
  switch (source?.from) {
    case "constant":
      return b.const((signed ? BigInt.asIntN : BigInt.asUintN)(size * 8, source.value));
    case "register": {
      const { register: name, byte, width } = source;
      const offset = registers(l).offsets[name]! + byte;
      return b.load(l.context, offset, Math.min(size, width) as Size, { signed, invariant: true });
    }
    case "memory":
      return l.read({ ...addressOf(l, source.at), space: "user" }, integer(size, signed));
    default:
      return b.const(0);
  }
}

function addressOf(l: Lowering, { base, index, displacement }: UsdtAddress): { base: VReg; offset: number } {
  const { b } = l;
  const start = base === undefined ? undefined : register(l, base);
  if (!index)
    return start === undefined ? { base: b.const(displacement), offset: 0 } : { base: start, offset: displacement };
  const { register: name, scale } = index;
  const scaled = b.alu("lsh", register(l, name), { imm: BigInt(Math.log2(scale)) });
  return { base: start === undefined ? scaled : b.alu("add", scaled, start), offset: displacement };
}
