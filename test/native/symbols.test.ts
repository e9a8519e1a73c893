/** Names of symbols, back in the language that they come from. */
import { describe, expect, it } from "vitest";
import { demangle } from "../../native/index.ts";

describe("demangle", () => {
  it.each([
    ["_ZN5MyApp6Server6handleEi", "MyApp::Server::handle(int)"],
    ["_ZNKSt6vectorIiSaIiEE4sizeEv", "std::vector<int, std::allocator<int> >::size() const"],
    ["_Z1fv", "f()"],
    ["main", undefined],
    ["", undefined],
    // a type's encoding, and no name
    ["i", undefined],
    ["_Z", undefined],
    ["_ZN", undefined],
    [`_ZN${"9".repeat(30)}x`, undefined],
    ["_Z1f\0v", undefined],
    [`_Z${"P".repeat(100_000)}`, undefined],
  ])("of %j", (name, expected) => expect(demangle(name)).toBe(expected));
});
