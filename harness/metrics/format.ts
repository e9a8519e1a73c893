/** Values for human eyes: 1.23 ms, 12.5 KiB, 12,345, 4.2%. Machine-readable results keep the raw numbers. */
import type { Num } from "./ast.ts";
import type { Unit } from "./units.ts";

type Step = readonly [limit: number, suffix: string];

/** Ascending: a value is shown in the largest step that it reaches. */
const STEPS = {
  ns: [
    [1, " ns"],
    [1e3, " us"],
    [1e6, " ms"],
    [1e9, " s"],
  ],
  B: [
    [1, " B"],
    [2 ** 10, " KiB"],
    [2 ** 20, " MiB"],
    [2 ** 30, " GiB"],
    [2 ** 40, " TiB"],
  ],
} satisfies Record<string, readonly Step[]>;

/** `value` is in the base unit. */
export function formatValue(value: Num, unit: Unit): string {
  switch (unit) {
    case "ns":
    case "B":
      return scaled(value, STEPS[unit]);
    case "%":
      return `${plain(Number(value) * 100)}%`;
    case "B/ns":
      return `${scaled(Number(value) * 1e9, STEPS.B)}/s`;
    case "1/ns":
      return `${plain(Number(value) * 1e9)}/s`;
    case "count":
      return plain(value);
  }
}

function scaled(value: Num, steps: readonly Step[]): string {
  const number = Number(value);
  const [limit, suffix] = steps.findLast(([limit]) => Math.abs(number) >= limit) ?? steps[0]!;
  // Below the second step whole values are exact; above, three significant digits are what an eye can use.
  return `${limit === 1 ? plain(value) : significant(number / limit)}${suffix}`;
}

/** Whole numbers in full with thousands separators, others with three significant digits. */
function plain(value: Num): string {
  if (typeof value === "bigint" || Number.isSafeInteger(value)) return grouped(String(value));
  return significant(value);
}

function significant(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  const magnitude = Math.abs(value);
  if (magnitude >= 1000 && magnitude < 1e15) return grouped(String(Math.round(value)));
  if (magnitude !== 0 && (magnitude < 1e-4 || magnitude >= 1e15)) return value.toExponential(2);
  return String(Number(value.toPrecision(3)));
}

function grouped(digits: string): string {
  return digits.replace(/\B(?=(\d{3})+$)/g, ",");
}
