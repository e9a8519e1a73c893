import { describe, expect, it } from "vitest";
import { globToRegExp } from "../../../harness/vitest/glob.ts";

describe("a pattern of paths", () => {
  it.each([
    ["a.json", "a.json"],
    ["*.json", "a.json"],
    ["*.json", ".json"],
    ["a?c", "abc"],
    ["a?c", "a😀c"],
    ["/etc/*/x", "/etc/ssl/x"],
    ["**/x", "x"],
    ["**/x", "/x"],
    ["**/x", "/a/b/x"],
    ["/a/**/x", "/a/x"],
    ["/a/**/x", "/a/b/c/x"],
    ["/a/**", "/a/b/c"],
    ["/a/**", "/a/"],
    ["a**c", "a/b/c"],
    ["[abc].txt", "b.txt"],
    ["[a-c].txt", "b.txt"],
    ["[!abc].txt", "d.txt"],
    ["[^abc].txt", "d.txt"],
    ["[]].txt", "].txt"],
    ["{a,b}.txt", "b.txt"],
    ["{a,b/*}.txt", "b/c.txt"],
    ["{a,{b,c}d}", "cd"],
    ["a{,.map}", "a"],
    ["a,b", "a,b"],
    ["a\\*b", "a*b"],
    ["a\\\\b", "a\\b"],
    ["a+(b).c|d^$", "a+(b).c|d^$"],
    ["line\nbreak", "line\nbreak"],
    ["*", "a\nb"],
  ])("%j matches %j", (glob, path) => expect(globToRegExp(glob).test(path)).toBe(true));

  it.each([
    ["a.json", "axjson"],
    ["a.json", "b/a.json"],
    ["*.json", "a/b.json"],
    ["a?c", "a/c"],
    ["a?c", "ac"],
    ["/etc/*/x", "/etc/a/b/x"],
    ["**/x", "ax"],
    ["**/x", "x/y"],
    ["/a/**/x", "/ax"],
    ["[abc].txt", "d.txt"],
    ["[!abc].txt", "a.txt"],
    ["a[!b]c", "a/c"],
    ["a[+-9]c", "a/c"],
    ["{a,b}.txt", "c.txt"],
    ["a\\*b", "axb"],
    ["a", "a\n"],
  ])("%j does not match %j", (glob, path) => expect(globToRegExp(glob).test(path)).toBe(false));

  it.each([
    ["[abc", "there is no ] for the ["],
    ["{a,b", "there is no } for the {"],
    ["{a,{b}", "there is no } for the {"],
    ["a}b", "there is no { for the }"],
  ])("%j is refused", (glob, message) => expect(() => globToRegExp(glob)).toThrow(message));
});
