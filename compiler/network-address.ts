/** IPv4 and IPv6 addresses as text. */

/** The 4 or 16 bytes of an address, in network order; undefined if it is none. */
export function parseAddress(text: string): number[] | undefined {
  return text.includes(":") ? parseV6(text) : parseV4(text);
}

function parseV4(text: string): number[] | undefined {
  const parts = text.split(".");
  if (parts.length !== 4 || !parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) <= 255)) return undefined;
  return parts.map(Number);
}

function parseV6(text: string): number[] | undefined {
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const [head, tail] = halves.map((half) => (half === "" ? [] : groups(half.split(":"))));
  if (!head || (halves.length === 2 && !tail)) return undefined;
  if (halves.length === 1) return head.length === 16 ? head : undefined;
  const gap = 16 - head.length - tail!.length;
  return gap >= 2 ? [...head, ...new Array<number>(gap).fill(0), ...tail!] : undefined;
}

/** Bytes of groups of four hexadecimal digits; the last may be an IPv4 address. */
function groups(parts: string[]): number[] | undefined {
  const bytes: number[] = [];
  for (const [i, part] of parts.entries()) {
    if (i === parts.length - 1 && part.includes(".")) {
      const v4 = parseV4(part);
      if (!v4) return undefined;
      bytes.push(...v4);
    } else {
      if (!/^[0-9a-fA-F]{1,4}$/.test(part)) return undefined;
      const word = Number.parseInt(part, 16);
      bytes.push(word >> 8, word & 0xff);
    }
  }
  return bytes;
}
