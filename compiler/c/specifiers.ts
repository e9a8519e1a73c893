/** The words that make up the basic types of C, in any order. */
import type { CType } from "./types.ts";

/** Words that say nothing about a type's layout; among them the kernel's annotations, which its headers define away. */
export const QUALIFIERS: ReadonlySet<string> = new Set(
  (
    "const volatile restrict register auto static extern inline __const __const__ __volatile __volatile__ __restrict " +
    "__restrict__ __inline __inline__ __extension__ __thread _Thread_local _Noreturn _Atomic " +
    "__user __kernel __iomem __rcu __percpu __force __bitwise"
  ).split(" "),
);

const BASE_WORDS: ReadonlySet<string> = new Set(
  (
    "void char short int long signed unsigned float double _Bool __signed __signed__ _Complex __complex__ __int128 " +
    "__int128_t __uint128_t __builtin_va_list _Float16 _Float32 _Float64 _Float128 _Float32x _Float64x __float128 __float80"
  ).split(" "),
);

export function isBaseWord(word: string): boolean {
  return BASE_WORDS.has(word);
}

const FLOATS: Readonly<Record<string, 2 | 4 | 8 | 16>> = {
  float: 4,
  double: 8,
  _Float16: 2,
  _Float32: 4,
  _Float64: 8,
  _Float32x: 8,
  _Float64x: 16,
  _Float128: 16,
  __float128: 16,
  __float80: 16,
};

/** The type that some basic words stand for together: `unsigned`, `long`, `long` make an unsigned 64-bit integer. */
export function baseType(words: readonly string[], arch: "x64" | "arm64"): CType {
  const has = (word: string): boolean => words.includes(word);
  if (has("void")) return { kind: "void" };
  if (has("_Bool")) return { kind: "boolean" };
  if (has("__builtin_va_list")) return vaList(arch);
  const float = words.find((word) => Object.hasOwn(FLOATS, word));
  if (float) {
    const size = float === "double" && has("long") ? 16 : FLOATS[float]!;
    const isComplex = has("_Complex") || has("__complex__");
    return isComplex ? { kind: "array", element: { kind: "float", size }, count: 2 } : { kind: "float", size };
  }
  const signed = !has("unsigned") && !has("__uint128_t");
  if (has("char")) {
    const isPlain = signed && !words.some((word) => word.includes("signed"));
    return { kind: "integer", size: 1, signed, ...(isPlain ? { plain: true } : {}) };
  }
  if (has("__int128") || has("__int128_t") || has("__uint128_t")) return { kind: "integer", size: 16, signed };
  if (has("short")) return { kind: "integer", size: 2, signed };
  return { kind: "integer", size: has("long") ? 8 : 4, signed };
}

/** Opaque; only its extent matters, for structs that hold one. */
function vaList(arch: "x64" | "arm64"): CType {
  return { kind: "array", element: { kind: "integer", size: 8, signed: false }, count: arch === "x64" ? 3 : 4 };
}
