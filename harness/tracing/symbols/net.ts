/** Network addresses as text: what ntop() and macaddr() of a script print. */
import type { ByteString } from "../bytestring.ts";

const AF_INET = 2;
const AF_INET6 = 10;

/** The text of an IPv4 (4 bytes) or IPv6 (16 bytes) address; empty for another family. */
export function inetText(family: number, address: ByteString): string {
  switch (family) {
    case AF_INET:
      return ipv4(address);
    case AF_INET6:
      return ipv6(address);
    default:
      return "";
  }
}

/** `AA:BB:CC:DD:EE:FF` */
export function macText(address: ByteString): string {
  return octets(address)
    .map((octet) => octet.toString(16).toUpperCase().padStart(2, "0"))
    .join(":");
}

function octets(bytes: ByteString): number[] {
  return Array.from(bytes, (byte) => byte.charCodeAt(0));
}

function ipv4(address: ByteString): string {
  return octets(address).join(".");
}

/** RFC 5952: the first longest run of two or more zero groups becomes `::`; embedded IPv4 addresses stay readable. */
function ipv6(address: ByteString): string {
  const bytes = octets(address);
  const groups = Array.from({ length: 8 }, (_, i) => (bytes[2 * i]! << 8) | bytes[2 * i + 1]!);
  const zeros = longestZeroRun(groups);
  const mapped = zeros.start === 0 && zeros.length === 5 && groups[5] === 0xffff;
  // ::a.b.c.d; but :: and ::1 and ::12 are no IPv4 addresses.
  const compatible = zeros.start === 0 && zeros.length === 6;
  if (mapped || compatible) return `::${mapped ? "ffff:" : ""}${ipv4(address.slice(12))}`;
  const hex = (part: number[]) => part.map((group) => group.toString(16)).join(":");
  if (zeros.length < 2) return hex(groups);
  return `${hex(groups.slice(0, zeros.start))}::${hex(groups.slice(zeros.start + zeros.length))}`;
}

function longestZeroRun(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  for (let start = 0; start < groups.length; start++) {
    let length = 0;
    while (groups[start + length] === 0) length++;
    if (length > best.length) best = { start, length };
  }
  return best;
}
