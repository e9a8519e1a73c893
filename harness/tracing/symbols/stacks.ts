/** Addresses and stacks as text, in the layouts that kstack(), ustack(), ksym() and usym() print. */
import { unreachable } from "../../../compiler/unreachable.ts";
import type { ByteString } from "../bytestring.ts";
import type { Value } from "../decode.ts";
import type { Resolver, StackFrame, SymbolPlace, UserSymbolPlace } from "./resolver.ts";

type Stack = Extract<Value, { kind: "kstack" | "ustack" }>;

const INDENT = " ".repeat(8);

/** A line break, then one line a frame. */
export function stackText(stack: Stack, resolver: Resolver): ByteString {
  let text = "\n";
  // A negative id is an error number: there is no stack.
  const frames = stack.id < 0n ? [] : resolver.stack(stack.map, stack.id, stack.mode);
  for (const frame of frames.slice(0, Math.min(stack.limit, stack.frames))) {
    text += `${frameText(frame, stack, resolver)}\n`;
  }
  return text;
}

function frameText(frame: StackFrame, stack: Stack, resolver: Resolver): ByteString {
  if (typeof frame !== "bigint") {
    const hex = Array.from(frame.buildId, (byte) => byte.charCodeAt(0).toString(16).padStart(2, "0")).join("");
    return `${hex} 0x${frame.offset.toString(16).padStart(2, "0")}`;
  }
  const found = place(frame, stack, resolver);
  const name = found ? `${found.name}+${found.offset}` : hexAddress(frame);
  switch (stack.mode) {
    case "bpftrace":
      return INDENT + name;
    case "perf":
      return `\t${frame.toString(16)} ${name}${stack.kind === "ustack" ? ` (${objectOf(found)})` : ""}`;
    case "raw":
    case "build_id":
      return frame.toString(16);
    default:
      return unreachable(stack.mode, "stack mode");
  }
}

type Place = SymbolPlace | UserSymbolPlace | undefined;

function place(address: bigint, stack: Stack, resolver: Resolver): Place {
  return stack.kind === "kstack" ? resolver.kernelSymbol(address) : resolver.userSymbol(address, stack.pid);
}

function objectOf(found: Place): ByteString {
  return found && "object" in found ? found.object : "[unknown]";
}

/** The name alone, as ksym() and usym() print it; the address where it has none. */
export function symbolText(address: bigint, found: SymbolPlace | undefined): ByteString {
  return found?.name ?? hexAddress(address);
}

/** As C++ prints a pointer. */
function hexAddress(address: bigint): string {
  return address === 0n ? "0" : `0x${address.toString(16)}`;
}
