/** Wildcards of attach points. */
import { expect, it } from "vitest";
import { isWildcard, matcher, matching, starMatcher } from "../../../compiler/sema/patterns.ts";

it.each<[string, string, boolean]>([
  ["vfs_*", "vfs_read", true],
  ["vfs_*", "vfs_", true],
  ["*read", "vfs_read", true],
  ["v*d", "vfs_read", true],
  ["v*x*d", "vfs_read", false],
  ["a*a", "a", false],
  ["ab*ba", "aba", false],
  ["a*b*c", "a__b__c", true],
  ["a*bc*c", "abc", false],
  ["*", "", true],
  ["**", "x", true],
  ["x", "x", true],
  ["x", "xy", false],
  ["a.b*", "aXb", false],
  ["main.(*T).f*", "main.(*T).find", true],
  ["f[int]*", "f[int]x", true],
])("%s and %s: %s", (pattern, name, expected) => expect(starMatcher(pattern)(name)).toBe(expected));

it.each<[string, string, boolean]>([
  ["sys_?nter", "sys_enter", true],
  ["sys_[ex]*", "sys_exit", true],
  ["sys_[ex]*", "sys_open", false],
  ["a+b", "aab", false],
  ["a[", "a[", true],
])("a set and a single character: %s and %s", (pattern, name, expected) =>
  expect(matcher(pattern)(name)).toBe(expected),
);

it("tells patterns from names", () => {
  expect(["a*", "a?", "[ab]", "vfs_read", "main.go"].map(isWildcard)).toEqual([true, true, true, false, false]);
  expect(matching("b*", ["a", "b", "bc"])).toEqual(["b", "bc"]);
});
