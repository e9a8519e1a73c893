/**
 * One type record into a value. The index pass has checked that the record lies inside the blob; names and numbers are
 * checked here, references to other types when they are followed.
 */
import { countOf, ELEMENT_WORDS, HEAD_WORDS, Kind, kindOf } from "./blob.ts";
import type { StringTable } from "./strings.ts";
import { BtfError, type BtfType, type IntEncoding, type Linkage, type TypeId } from "./types.ts";

const INT_SIGNED = 1;
const INT_CHAR = 2;
const INT_BOOL = 4;

/** Decodes the record at `position` of `words`. Throws BtfError when a field is out of range. */
export function decodeType(words: Uint32Array, position: number, strings: StringTable, id: TypeId): BtfType {
  const info = words[position + 1]!;
  const kind = kindOf(info);
  const flag = info >>> 31 === 1;
  const count = countOf(info);
  /** Size or type, depending on the kind. */
  const third = words[position + 2]!;
  const name = (): string => strings.text(words[position]!);
  const body = position + HEAD_WORDS;

  /** Each element of a variable-length record, given the place of its first word. */
  function elements<T>(decode: (at: number) => T): T[] {
    const width = ELEMENT_WORDS[kind]!;
    return Array.from({ length: count }, (_, i) => decode(body + i * width));
  }
  const text = (at: number): string => strings.text(words[at]!);

  switch (kind) {
    case Kind.INT: {
      const detail = words[body]!;
      const encoding = detail >>> 24;
      return {
        kind: "int",
        id,
        name: name(),
        size: integerSize(third, id),
        bits: detail & 0xff,
        signed: (encoding & INT_SIGNED) !== 0,
        encoding: intEncoding(encoding),
      };
    }
    case Kind.FLOAT:
      return { kind: "float", id, name: name(), size: third };
    case Kind.PTR:
      return { kind: "ptr", id, type: third };
    case Kind.ARRAY:
      return { kind: "array", id, element: words[body]!, index: words[body + 1]!, count: words[body + 2]! };
    case Kind.STRUCT:
    case Kind.UNION:
      return {
        kind: kind === Kind.STRUCT ? "struct" : "union",
        id,
        name: name(),
        size: third,
        members: elements((at) => {
          const offset = words[at + 2]!;
          return {
            name: text(at),
            type: words[at + 1]!,
            bitOffset: flag ? offset & 0xffffff : offset,
            bitSize: flag ? offset >>> 24 : 0,
          };
        }),
      };
    case Kind.ENUM:
      return {
        kind: "enum",
        id,
        name: name(),
        size: integerSize(third, id),
        signed: flag,
        values: elements((at) => ({ name: text(at), value: BigInt(flag ? words[at + 1]! | 0 : words[at + 1]!) })),
      };
    case Kind.ENUM64:
      return {
        kind: "enum",
        id,
        name: name(),
        size: integerSize(third, id),
        signed: flag,
        values: elements((at) => {
          const value = (BigInt(words[at + 2]!) << 32n) | BigInt(words[at + 1]!);
          return { name: text(at), value: flag ? BigInt.asIntN(64, value) : value };
        }),
      };
    case Kind.FWD:
      return { kind: "fwd", id, name: name(), of: flag ? "union" : "struct" };
    case Kind.TYPEDEF:
      return { kind: "typedef", id, name: name(), type: third };
    case Kind.CONST:
      return { kind: "const", id, type: third };
    case Kind.VOLATILE:
      return { kind: "volatile", id, type: third };
    case Kind.RESTRICT:
      return { kind: "restrict", id, type: third };
    case Kind.TYPE_TAG:
      return { kind: "type_tag", id, name: name(), type: third };
    case Kind.FUNC:
      // The linkage hides where other kinds count their elements.
      return { kind: "func", id, name: name(), type: third, linkage: linkage(count, id) };
    case Kind.FUNC_PROTO: {
      const params = elements((at) => ({ name: text(at), type: words[at + 1]! }));
      // A last parameter without name and type stands for `...`.
      const last = params.at(-1);
      const variadic = last !== undefined && last.type === 0 && last.name === "";
      return { kind: "func_proto", id, returns: third, params: variadic ? params.slice(0, -1) : params, variadic };
    }
    case Kind.VAR:
      return { kind: "var", id, name: name(), type: third, linkage: linkage(words[body]!, id) };
    case Kind.DATASEC:
      return {
        kind: "datasec",
        id,
        name: name(),
        size: third,
        variables: elements((at) => ({ type: words[at]!, offset: words[at + 1]!, size: words[at + 2]! })),
      };
    case Kind.DECL_TAG:
      return { kind: "decl_tag", id, name: name(), type: third, component: words[body]! | 0 };
    default:
      throw new BtfError(`BTF type ${id} has the unknown kind ${kind}`);
  }
}

function intEncoding(encoding: number): IntEncoding {
  if (encoding & INT_BOOL) return "bool";
  return encoding & INT_CHAR ? "char" : "plain";
}

function integerSize(size: number, id: TypeId): number {
  if (![1, 2, 4, 8, 16].includes(size)) throw new BtfError(`BTF type ${id} is an integer of ${size} bytes`);
  return size;
}

const LINKAGES: readonly Linkage[] = ["static", "global", "extern"];

function linkage(value: number, id: TypeId): Linkage {
  const found = LINKAGES[value];
  if (!found) throw new BtfError(`BTF type ${id} has the unknown linkage ${value}`);
  return found;
}
