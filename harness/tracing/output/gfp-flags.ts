/**
 * Flags of the kernel's page allocator as it prints them itself: the usual combinations have names of their own, and
 * what is left over is told bit by bit. Only the bits that mean the same in all kernels are here; where later ones lie
 * depends on how a kernel was configured, so they stay a number.
 */

const BITS = (
  "GFP_DMA __GFP_HIGHMEM GFP_DMA32 __GFP_MOVABLE __GFP_RECLAIMABLE __GFP_HIGH __GFP_IO __GFP_FS __GFP_ZERO - " +
  "__GFP_DIRECT_RECLAIM __GFP_KSWAPD_RECLAIM __GFP_WRITE __GFP_NOWARN __GFP_RETRY_MAYFAIL __GFP_NOFAIL __GFP_NORETRY " +
  "__GFP_MEMALLOC __GFP_COMP __GFP_NOMEMALLOC __GFP_HARDWALL __GFP_THISNODE __GFP_ACCOUNT __GFP_ZEROTAGS"
).split(" ");

/** Larger ones first: what a combination takes is not looked at again. */
const NAMES: readonly (readonly [name: string, flags: bigint])[] = [
  ["GFP_TRANSHUGE", 0x1c24can],
  ["GFP_TRANSHUGE_LIGHT", 0x1c20can],
  ["GFP_HIGHUSER_MOVABLE", 0x100ccan],
  ["GFP_HIGHUSER", 0x100cc2n],
  ["GFP_USER", 0x100cc0n],
  ["GFP_KERNEL_ACCOUNT", 0x400cc0n],
  ["GFP_KERNEL", 0xcc0n],
  ["GFP_NOFS", 0xc40n],
  ["GFP_ATOMIC", 0x820n],
  ["GFP_NOIO", 0xc00n],
  ["GFP_NOWAIT", 0x2800n],
  ...BITS.map((name, bit) => [name, 1n << BigInt(bit)] as const).filter(([name]) => name !== "-"),
];

export function gfpFlags(value: bigint): string {
  let rest = value;
  const found: string[] = [];
  for (const [name, flags] of NAMES) {
    if ((rest & flags) !== flags) continue;
    found.push(name);
    rest &= ~flags;
  }
  if (rest !== 0n) found.push(`0x${rest.toString(16)}`);
  return found.length > 0 ? found.join("|") : "0";
}
