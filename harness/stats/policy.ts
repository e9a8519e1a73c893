/**
 * How much a metric may move against its baseline before somebody has to look. Written by the user under `compare:`,
 * consumed by the comparison.
 */

/** Which direction of change is welcome. */
export type Better = "lower" | "higher";

export type ComparePolicy =
  /** Nothing was written: a counter without any spread must not change, everything else gets the built-in limits. */
  | { readonly kind: "auto" }
  /** `exact`: any change counts. */
  | { readonly kind: "exact" }
  | {
      readonly kind: "limits";
      /** Allowed worsening as a fraction of the baseline: 0.05 for 5%. */
      readonly maxIncrease: number;
      /** Changes up to this size never count. In the metric's base unit (ns, bytes, or a plain number). */
      readonly minDelta: number;
      /** For the statistical tests: 0.99 for 99%. */
      readonly confidence: number;
    };

export const DEFAULT_LIMITS = { kind: "limits", maxIncrease: 0.05, minDelta: 0, confidence: 0.99 } as const;
