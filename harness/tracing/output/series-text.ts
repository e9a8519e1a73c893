/**
 * A time series as a diagram: a line for each interval, its time on the left, and a star as far to the right as its value
 * lies between the least and the greatest one.
 */
import type { ByteString } from "../bytestring.ts";
import { fromText } from "../bytestring.ts";
import type { SeriesPoint } from "../printable.ts";

const WIDTH = 53;
/** Of the least value above the diagram; the greatest one fills the rest, to its right edge. */
const LEFT_LABEL = 21;
const CLOCK = "hh:mm:ss";

/** How times are written that lie so far apart: the first one that fits. */
const UNITS = [
  { ns: 1_000_000_000n, name: "", digits: 0 },
  { ns: 1_000_000n, name: "ms", digits: 3 },
  { ns: 1_000n, name: "μs", digits: 6 },
  { ns: 0n, name: "ns", digits: 9 },
] as const;

export function seriesText(points: readonly SeriesPoint[], signed: boolean): ByteString {
  const [first] = points;
  if (first === undefined) return "<no data>";
  const { low, high } = range(points, signed);
  const { name, digits } = unitOf(points);
  const fraction = digits === 0 ? 0 : 1 + digits;
  const margin = CLOCK.length + fraction;
  const label = digits === 0 ? CLOCK : `${CLOCK}.${name}`;
  const indent = " ".repeat(margin + 1);
  const bounds = `${indent}${low.toString().padEnd(LEFT_LABEL)}${high.toString().padStart(WIDTH - LEFT_LABEL)}\n`;
  const edge = "_".repeat(WIDTH - 2);
  const zero = low < 0n && high > 0n ? Number((BigInt(WIDTH) * -low) / (high - low)) : 0;
  // A letter that takes two bytes counts as two, as bpftrace counts it.
  const head = `${fromText(label).padEnd(margin + 1)}|${edge}|\n`;
  const lines = points.map(({ clock, value }) => {
    const time = clock.slice(0, margin);
    return `${time} ${line(low, high, zero, value)} ${value ?? "-"}\n`;
  });
  return `${bounds}${head}${lines.join("")}${indent}v${edge}v\n${bounds}`;
}

/** The least and the greatest value; a step apart from the only one, as far as numbers go. */
function range(points: readonly SeriesPoint[], signed: boolean): { low: bigint; high: bigint } {
  const values = points.flatMap(({ value }) => (value === undefined ? [] : [value]));
  values.sort((a, b) => (a < b ? -1 : 1));
  const [low, high] = [values[0]!, values.at(-1)!];
  if (low !== high) return { low, high };
  const [least, greatest] = signed ? [-(1n << 63n), (1n << 63n) - 1n] : [0n, (1n << 64n) - 1n];
  return { low: low > least ? low - 1n : low, high: high < greatest ? high + 1n : high };
}

/** By the distance of neighbours; a single interval has none, and is written in full. */
function unitOf(points: readonly SeriesPoint[]): (typeof UNITS)[number] {
  const distance = points.length < 2 ? 0n : points[1]!.startNs - points[0]!.startNs;
  return UNITS.find(({ ns }) => distance >= ns)!;
}

function line(low: bigint, high: bigint, zero: number, value: bigint | undefined): string {
  const cells = Array.from({ length: WIDTH }, () => " ");
  cells[0] = "|";
  cells[WIDTH - 1] = "|";
  if (zero > 0) cells[zero] = ".";
  if (value !== undefined) cells[Number((BigInt(WIDTH - 1) * (value - low)) / (high - low))] = "*";
  return cells.join("");
}
