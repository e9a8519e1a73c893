/** Random structs in C, for comparing layouts with those of a C compiler. */

export interface RandomStruct {
  name: string;
  /** The definition, on one line. */
  text: string;
  /** Members whose offset can be asked for, as paths. */
  members: string[];
  /** Bit-fields, as paths. */
  bitFields: string[];
}

const INTEGERS = [
  ["char", 8],
  ["unsigned char", 8],
  ["short", 16],
  ["unsigned short", 16],
  ["int", 32],
  ["unsigned int", 32],
  ["long", 64],
  ["unsigned long long", 64],
] as const;

/** `count` structs that may contain the ones before them; the same for the same seed. */
export function randomStructs(seed: number, count: number): RandomStruct[] {
  const random = generator(seed);
  const structs: RandomStruct[] = [];
  for (let i = 0; i < count; i++) structs.push(new Writer(random, structs).struct(`s${i}`));
  return structs;
}

class Writer {
  readonly #random: (below: number) => number;
  readonly #earlier: readonly RandomStruct[];
  readonly #members: string[] = [];
  readonly #bitFields: string[] = [];
  #names = 0;

  constructor(random: (below: number) => number, earlier: readonly RandomStruct[]) {
    this.#random = random;
    this.#earlier = earlier;
  }

  struct(name: string): RandomStruct {
    const body = this.#body("", 0);
    const attributes =
      this.#random(4) === 0 ? this.#pick([PACKED, ALIGNED(8), ALIGNED(16), `${PACKED} ${ALIGNED(2)}`]) : "";
    const definition = `struct ${name} { ${body} } ${attributes};`;
    const pack = this.#random(8) === 0 ? this.#pick(["1", "2", "4"]) : undefined;
    const text = pack ? `\n#pragma pack(push, ${pack})\n${definition}\n#pragma pack(pop)\n` : definition;
    return { name, text, members: this.#members, bitFields: this.#bitFields };
  }

  #body(path: string, depth: number): string {
    const parts: string[] = [];
    for (let i = 1 + this.#random(6); i > 0; i--) parts.push(this.#member(path, depth));
    return parts.join(" ");
  }

  #name(path: string, list: string[]): string {
    const name = `m${this.#names++}`;
    list.push(path + name);
    return name;
  }

  #member(path: string, depth: number): string {
    const [type, bits] = this.#pick(INTEGERS);
    switch (this.#random(12)) {
      case 0:
      case 1:
      case 2: {
        const width = 1 + this.#random(bits);
        return `${type} ${this.#name(path, this.#bitFields)} : ${width};`;
      }
      case 3:
        return `${type} : ${this.#random(2) === 0 ? 0 : 1 + this.#random(bits)};`;
      case 4:
        return `${type} ${this.#name(path, this.#members)}[${1 + this.#random(5)}];`;
      case 5:
        return this.#pick([
          (name: string) => `void *${name};`,
          (name: string) => `struct later *${name}[2];`,
          (name: string) => `int (*${name})(void *, int);`,
          (name: string) => `long (*${name})[3];`,
        ])(this.#name(path, this.#members));
      case 6:
      case 7: {
        if (depth > 2) return `${type} ${this.#name(path, this.#members)};`;
        const kind = this.#pick(["struct", "union"]);
        if (this.#random(2) === 0) return `${kind} { ${this.#body(path, depth + 1)} };`;
        const name = this.#name(path, this.#members);
        return `${kind} { ${this.#body(`${path}${name}.`, depth + 1)} } ${name};`;
      }
      case 8: {
        const inner = this.#earlier[this.#random(this.#earlier.length)];
        return `${inner ? `struct ${inner.name}` : type} ${this.#name(path, this.#members)};`;
      }
      case 9:
        return `${type} ${this.#name(path, this.#members)} ${this.#pick([PACKED, ALIGNED(8), ALIGNED(32)])};`;
      default:
        return `${type} ${this.#name(path, this.#members)};`;
    }
  }

  #pick<T>(list: readonly T[]): T {
    return list[this.#random(list.length)]!;
  }
}

const PACKED = "__attribute__((packed))";
const ALIGNED = (bytes: number): string => `__attribute__((aligned(${bytes})))`;

function generator(seed: number): (below: number) => number {
  let state = seed >>> 0 || 1;
  return (below) => {
    state ^= state << 13;
    state >>>= 0;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state % below;
  };
}
