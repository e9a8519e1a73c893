/** Kernel addresses as names, from the text of /proc/kallsyms. */
import type { SymbolPlace } from "./resolver.ts";

/** Data and read-only data: no code runs there. */
const DATA_TYPES: ReadonlySet<string> = new Set("bBdDrR");

export class KernelSymbols {
  /** Ascending; parallel to #names. */
  readonly #addresses: BigUint64Array;
  readonly #names: readonly string[];

  /**
   * `kallsyms` has a line `address type name [module]` for each symbol. Without privileges all addresses are 0; then
   * there are no symbols at all.
   */
  constructor(kallsyms: string) {
    const symbols: { address: bigint; name: string }[] = [];
    for (const line of kallsyms.split("\n")) {
      const [hex, type, name] = line.split(/[ \t]/, 3);
      if (!hex || !type || !name || DATA_TYPES.has(type)) continue;
      const address = BigInt(`0x${hex}`);
      if (address !== 0n) symbols.push({ address, name });
    }
    symbols.sort((a, b) => (a.address < b.address ? -1 : a.address > b.address ? 1 : 0));
    this.#addresses = BigUint64Array.from(symbols, (s) => s.address);
    this.#names = symbols.map((s) => s.name);
  }

  /** The symbol that an address lies in or behind; of several at one address the first in the file. */
  find(address: bigint): SymbolPlace | undefined {
    let low = 0;
    let high = this.#addresses.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#addresses[middle]! <= address) low = middle + 1;
      else high = middle;
    }
    const start = this.#addresses[low - 1];
    if (start === undefined) return undefined;
    let first = low - 1;
    while (this.#addresses[first - 1] === start) first--;
    return { name: this.#names[first]!, offset: address - start };
  }
}
