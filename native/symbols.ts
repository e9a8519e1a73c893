/** Names of symbols as their language has them. */
import { binding } from "./addon.ts";

/** The C++ name that a symbol's name encodes, with the types of its parameters; undefined for a name that is none. */
export function demangle(name: string): string | undefined {
  return name.startsWith("_Z") && !name.includes("\0") ? binding().demangle(name) : undefined;
}
