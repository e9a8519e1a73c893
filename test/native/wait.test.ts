import { describe, expect, it } from "vitest";
import { pidfdOpen, spawnStopped, tryWait, waitExit } from "../../native/index.ts";
import { expectNoLeaks } from "./support/leaks.ts";
import { errorOf } from "./support/values.ts";

const ENV = { PATH: "/usr/bin:/bin" };

describe("waiting", () => {
  expectNoLeaks();

  it("reaps once", async () => {
    using child = spawnStopped({ argv: ["true"], env: ENV });
    child.release();
    await child.wait();
    expect(errorOf(() => child.tryWait())).toMatchObject({ operation: "waitid", code: "ECHILD" });
    await expect(child.wait()).rejects.toMatchObject({ code: "ECHILD" });
  });

  it("is for children only", () => {
    using pidfd = pidfdOpen(process.ppid);
    expect(errorOf(() => tryWait(pidfd))).toMatchObject({ code: "ECHILD" });
  });

  it.each([
    [0x3fff_ffff, "ESRCH"],
    [-1, "EINVAL"],
    [0, "EINVAL"],
  ])("pidfd_open of %i", (pid, code) => {
    expect(errorOf(() => pidfdOpen(pid))).toMatchObject({ operation: "pidfd_open", code, object: { pid } });
  });

  it("fails when the descriptor is closed meanwhile", async () => {
    using child = spawnStopped({ argv: ["sleep", "0.05"], env: ENV });
    const second = pidfdOpen(child.pid);
    child.release();
    const ended = waitExit(second);
    second.close();
    await expect(ended).rejects.toMatchObject({ code: "EBADF" });
    expect((await child.wait()).code).toBe(0);
  });

  it("many at once", async () => {
    const children = Array.from({ length: 20 }, (_, i) => spawnStopped({ argv: ["sh", "-c", `exit ${i}`], env: ENV }));
    for (const child of children) child.release();
    const exits = await Promise.all(children.map((child) => child.wait()));
    for (const child of children) child.close();
    expect(exits.map((exit) => exit.code)).toEqual(Array.from({ length: 20 }, (_, i) => i));
  });
});
