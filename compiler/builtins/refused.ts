/** Names of the language that are refused in words: what bpftrace has, and what is not to be had here. */
import type { BuiltinFunction, Functions } from "./table.ts";

export const refusedFunctions: Functions = {
  skboutput: refused(
    "skboutput(path, packet, length, offset)",
    [4, 4],
    "writing packets to a capture file is not supported",
    "count or print what matters of the packet, or run tcpdump beside",
  ),
};

function refused(form: string, args: [number, number], message: string, help: string): BuiltinFunction {
  return {
    args,
    form,
    check: (c, call) => c.error("unsupported", call.span, message, help),
    lower: { effect: () => {} },
  };
}
