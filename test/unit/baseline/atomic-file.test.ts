import { chmodSync, existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { WriteError, writeFileAtomically } from "../../../harness/baseline/atomic-file.ts";
import { sudoOwner } from "../../../harness/sudo-owner.ts";
import { temporaryTree } from "../../support/temporary.ts";

const isRoot = process.getuid!() === 0;

describe("writing a file at once", () => {
  it("makes the folders and the file", () => {
    const root = temporaryTree();
    writeFileAtomically(join(root, "a/b/c.json"), "text", undefined);
    expect(readFileSync(join(root, "a/b/c.json"), "utf8")).toBe("text");
    expect(readdirSync(join(root, "a/b"))).toEqual(["c.json"]);
  });

  it("keeps the mode of a file that is there", () => {
    const root = temporaryTree({ f: "old" });
    chmodSync(join(root, "f"), 0o600);
    writeFileAtomically(join(root, "f"), "new", undefined);
    expect(readFileSync(join(root, "f"), "utf8")).toBe("new");
    expect(statSync(join(root, "f")).mode & 0o777).toBe(0o600);
  });

  it("leaves a link a link", () => {
    const root = temporaryTree({ real: "old" });
    symlinkSync("real", join(root, "link"));
    writeFileAtomically(join(root, "link"), "new", undefined);
    expect(lstatSync(join(root, "link")).isSymbolicLink()).toBe(true);
    expect(readFileSync(join(root, "real"), "utf8")).toBe("new");
  });

  it("writes to devices", () => {
    writeFileAtomically("/dev/null", "text", undefined);
    expect(statSync("/dev/null").isCharacterDevice()).toBe(true);
  });

  it("reports a full device", () => {
    expect(() => writeFileAtomically("/dev/full", "text", undefined)).toThrow(
      "cannot write /dev/full: the disk is full; what was there before is unchanged",
    );
  });

  it.each<[string, (root: string) => string, string]>([
    ["a folder", (root) => root, "EISDIR"],
    ["below a file", (root) => join(root, "file/x"), "ENOTDIR"],
    ["in a place without files", () => "/proc/nowhere/x", "ENOENT"],
  ])("fails for %s, and leaves nothing", (_, path, code) => {
    const root = temporaryTree({ file: "" });
    expect(() => writeFileAtomically(path(root), "x", undefined)).toThrow(expect.objectContaining({ code }));
    expect(readdirSync(root)).toEqual(["file"]);
  });

  it("removes its temporary file when the rename fails", () => {
    const root = temporaryTree({ "f/keep": "" });
    const path = join(root, "f");
    // A folder appears under the name only after it was looked at.
    mkdirSync(join(root, "other"));
    expect(() => writeFileAtomically(path, "x", undefined)).toThrow(WriteError);
    expect(readdirSync(root).sort()).toEqual(["f", "other"]);
    expect(existsSync(join(path, "keep"))).toBe(true);
  });

  it.runIf(isRoot)("gives what is new to the caller of sudo, folders included", () => {
    const root = temporaryTree();
    writeFileAtomically(join(root, "a/b/f"), "x", { uid: 65534, gid: 65534 });
    for (const path of ["a", "a/b", "a/b/f"]) expect(statSync(join(root, path)).uid).toBe(65534);
    expect(statSync(root).uid).toBe(0);
  });

  it.runIf(isRoot)("knows who called sudo", () => {
    expect(sudoOwner({ SUDO_UID: "1001", SUDO_GID: "1002" })).toEqual({ uid: 1001, gid: 1002 });
    expect(sudoOwner({})).toBeUndefined();
    expect(sudoOwner({ SUDO_UID: "x", SUDO_GID: "1" })).toBeUndefined();
  });
});
