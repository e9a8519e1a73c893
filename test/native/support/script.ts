/**
 * The addon in processes and threads of their own, which cannot load TypeScript: these lines of JavaScript put the raw
 * addon, and what little the tests need of a face for it, in front of a script.
 */
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url)))));

/**
 * Defines `addon`, `spawnStopped(argv, options)`, `release(child)`, `wait(child)` and `spawnTrue(options)`. `folder` holds
 * the addon and a node_modules.
 */
export const addonScript = (folder: string): string => `
  const addon = require(${JSON.stringify(join(folder, "node_modules/node-gyp-build"))})(${JSON.stringify(folder)});
  const STAGES = { 10: "setuid", 14: "exec" };
  const spawnStopped = (argv, options = {}) => {
    const out = new Int32Array(6);
    const spec = {
      files: ["/usr/bin/" + argv[0]], argv, envp: ["PATH=/usr/bin:/bin"], cwd: null, uid: -1, gid: -1, groups: null,
      cgroupFd: -1, group: 1, noNewPrivs: false, noAslr: false, killOnParentDeath: false,
      stdio: Int32Array.of(-1, -1, 2), clone3: true, ...options,
    };
    const status = addon.spawn(spec, out);
    if (status < 0) throw Object.assign(new Error(STAGES[out[0]] ?? out[0]), { errno: -status });
    return { pid: out[0], pidfd: out[1], control: out[2] };
  };
  const release = (child) => {
    const status = addon.spawnRelease(child.control, 10000, new Int32Array(1));
    addon.close(child.control);
    if (status < 0) throw new Error("release: " + status);
  };
  const wait = (child) => {
    const out = new Float64Array(9);
    if (addon.pollWait(child.pidfd, 10000) !== 1 || addon.waitPidfd(child.pidfd, out) !== 1) throw new Error("wait");
    addon.close(child.pidfd);
    return out[1];
  };
  const spawnTrue = (options) => {
    try { spawnStopped(["true"], options); return "spawned"; }
    catch (error) { return error.message + " " + require("node:util").getSystemErrorName(-error.errno); }
  };
`;

export const ADDON_SCRIPT = addonScript(root);
