import { describe, expect, it } from "vitest";
import { check, checkFound } from "../../native/errors.ts";
import { Fd, LoadError, openFds, SysError } from "../../native/index.ts";

describe("SysError", () => {
  it.each([
    ["BPF_PROG_LOAD", 1, { program: "foo" }, "BPF_PROG_LOAD failed: EPERM (operation not permitted) for program foo"],
    ["kill", 3, {}, "kill failed: ESRCH (no such process)"],
    [
      "spawn: exec",
      8,
      { command: "x" },
      "spawn: exec failed: ENOEXEC (executable format not recognised) for command x",
    ],
    ["BPF_LINK_CREATE", 524, {}, "BPF_LINK_CREATE failed: ENOTSUPP (operation not supported by this kernel)"],
    ["BPF_LINK_DETACH", 95, {}, "BPF_LINK_DETACH failed: EOPNOTSUPP (operation not supported)"],
    ["a", 9, { map: "@x", key: 3, cookie: 5n }, "a failed: EBADF (bad file descriptor) for map @x, key 3, cookie 5"],
    ["a", 9999, {}, "a failed: errno 9999 (unknown error)"],
  ])("%s with errno %i", (operation, errno, object, message) => {
    const error = new SysError(operation, errno, object);
    expect(error).toMatchObject({ message, operation, errno, object, name: "SysError" });
    expect(error).toBeInstanceOf(Error);
  });

  it("keeps the verifier's log apart from the message", () => {
    const error = new LoadError("BPF_PROG_LOAD", 22, "R0 !read_ok", { program: "p" });
    expect(error).toMatchObject({ log: "R0 !read_ok", code: "EINVAL", name: "LoadError" });
    expect(error).toBeInstanceOf(SysError);
  });
});

describe("results of system calls", () => {
  it.each([0, 7])("%i passes", (result) => expect(check(result, "x")).toBe(result));
  it("a negative one throws", () => expect(() => check(-22, "x")).toThrow("x failed: EINVAL"));
  it("ENOENT can be an answer", () => expect(checkFound(-2, "x")).toBe(false));
  it("success is found", () => expect(checkFound(0, "x")).toBe(true));
  it("another errno is no answer", () => expect(() => checkFound(-1, "x")).toThrow("EPERM"));
});

describe("Fd", () => {
  it.each([-1, 1.5, Number.NaN])("refuses %d", (value) => expect(() => new Fd(value, "bad")).toThrow(RangeError));
  it("is not registered when it was refused", () => expect(openFds()).toEqual([]));
});
