/** The files of this machine, for scripts that import others and include headers. */
import { readdirSync, readFileSync, realpathSync, statSync } from "node:fs";
import { dirname } from "node:path";
import type { FileHost, HostFile, HostFolder } from "../../../compiler/file-host.ts";

/** Debian and its relatives keep headers that differ between machines in a folder of their own. */
const MULTIARCH: Readonly<Record<string, string>> = { x64: "x86_64-linux-gnu", arm64: "aarch64-linux-gnu" };

const WRITABLE_BY_OTHERS = 0o002;

/** `extra` are the folders of -I, which come first. */
export function hostFiles(extra: readonly string[] = []): FileHost {
  const machine = MULTIARCH[process.arch];
  const system = ["/usr/local/include", ...(machine === undefined ? [] : [`/usr/include/${machine}`]), "/usr/include"];
  return { includePaths: [...extra, ...system], open };
}

function open(path: string): HostFile | HostFolder | undefined {
  try {
    const status = statSync(path, { throwIfNoEntry: false });
    if (status === undefined) return undefined;
    const id = realpathSync(path);
    const worldWritable = isOpenToOthers(status.mode) || isOpenToOthers(statSync(dirname(id)).mode);
    if (status.isDirectory()) return { kind: "folder", id, worldWritable, entries: readdirSync(path) };
    return { kind: "file", id, worldWritable, read: () => readText(path) };
  } catch (error) {
    // It is there, but not for us: what is wrong is said when it is read.
    const problem = (error as Error).message;
    return { kind: "file", id: path, worldWritable: false, read: () => ({ problem }) };
  }
}

function isOpenToOthers(mode: number): boolean {
  return (mode & WRITABLE_BY_OTHERS) !== 0;
}

function readText(path: string): { text: string } | { problem: string } {
  try {
    return { text: readFileSync(path, "utf8") };
  } catch (error) {
    return { problem: (error as Error).message };
  }
}
