import { describe, expect, it } from "vitest";
import { Capability, hasCapability } from "../../native/index.ts";
import { beyondMemlock, memlockLimit } from "../../native/sys.ts";

const EPERM = -1;

/** Answers so the first time; notes the limit that each call has. */
function kernel(first: number, then: () => number = () => 7): { limits: (bigint | null)[]; call: () => number } {
  const limits: (bigint | null)[] = [];
  const call = (): number => {
    limits.push(memlockLimit().soft);
    return limits.length === 1 ? first : then();
  };
  return { limits, call };
}

describe("what counts as locked memory", () => {
  const before = memlockLimit();

  describe.skipIf(!hasCapability(Capability.SYS_RESOURCE))("by who may lift the limit", () => {
    it("is tried again without it, and then it is what it was", () => {
      const { limits, call } = kernel(EPERM);
      expect(beyondMemlock(call)).toBe(7);
      expect(limits).toEqual([before.soft, null]);
      expect(memlockLimit()).toEqual(before);
    });

    it("leaves it alone when the second try fails, whichever way", () => {
      expect(beyondMemlock(kernel(EPERM, () => EPERM).call)).toBe(EPERM);
      const { call } = kernel(EPERM, () => {
        throw new Error("later");
      });
      expect(() => beyondMemlock(call)).toThrow("later");
      expect(memlockLimit()).toEqual(before);
    });
  });

  it.skipIf(hasCapability(Capability.SYS_RESOURCE))("is refused for good to who may not", () => {
    const { limits, call } = kernel(EPERM);
    expect(beyondMemlock(call)).toBe(EPERM);
    expect(limits).toEqual([before.soft]);
  });

  it.each([0, 5, -22])("is done once when the answer is %i", (answer) => {
    const { limits, call } = kernel(answer);
    expect(beyondMemlock(call)).toBe(answer);
    expect(limits).toEqual([before.soft]);
  });
});
