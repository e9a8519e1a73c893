/** watchpoint: an address that the processor keeps an eye on, whoever reads it, writes there or executes what it finds. */
import type { KernelFacts } from "../../kernel-facts.ts";
import {
  type Found,
  isKernelAddress,
  type Provider,
  parseNumber,
  type Request,
  type WatchpointEvent,
} from "./provider.ts";

export const watchpointProviders: readonly Provider[] = [
  { name: "watchpoint", aliases: ["w"], form: "watchpoint:address:length:mode", parts: [3, 3], resolve: watchpoint },
];

/** What the processors can watch for; x64 has nothing for reads alone. */
const MODES: Readonly<Record<KernelFacts["arch"], readonly WatchpointEvent["mode"][]>> = {
  x64: ["w", "rw", "x"],
  arm64: ["r", "w", "rw", "x"],
};

const LENGTHS = [1, 2, 4, 8];

function watchpoint(request: Request): Found[] {
  const { point, parts, context } = request;
  const { facts, diags } = context;
  const [where, size, how] = parts as [string, string, string];
  const refuse = (message: string, help: string): [] => {
    diags.error("attach-point-form", point.span, message, { help });
    return [];
  };
  const address = parseNumber(where);
  if (address === undefined || address > MAX_ADDRESS) {
    const help = "addresses of variables are in /proc/kallsyms for the kernel, and shown by `nm` for programs";
    return refuse(`Invalid function/address argument: \`${where}\` is no address`, help);
  }
  if (address === 0n)
    return refuse("watchpoint must be attached to a non-zero address", "nothing can lie at address 0");
  const length = Number(parseNumber(size) ?? 0n);
  if (!LENGTHS.includes(length)) {
    return refuse(
      `Invalid length argument: \`${size}\``,
      `the processor watches ${LENGTHS.join(", ")} bytes at a time`,
    );
  }
  const modes = MODES[facts.arch];
  const mode = modes.find((known) => known === how);
  if (mode === undefined) {
    return refuse(`watchpoint mode \`${how}\` is none of ${modes.join(", ")}`, "r: read, w: written, x: executed");
  }
  if (facts.arch === "x64" && mode !== "x" && address % BigInt(length) !== 0n) {
    const help = `watch ${LENGTHS.findLast((bytes) => address % BigInt(bytes) === 0n)} bytes there, or begin further in front`;
    return refuse(`watchpoint address ${where} is no multiple of its length ${length}`, help);
  }
  if (!isKernelAddress(address) && !context.hasProcess) {
    const help = "name one with -p, or have one started with -c";
    return refuse("a watchpoint on an address of user space needs a process", help);
  }
  const event: WatchpointEvent = { kind: "watchpoint", address, length, mode };
  return [{ name: `watchpoint:${parts.join(":")}`, event }];
}

const MAX_ADDRESS = (1n << 64n) - 1n;
