/** The files of this machine, for scripts that import others and include headers. */
import { existsSync, readdirSync, readFileSync, realpathSync, statSync } from "node:fs";
import { release } from "node:os";
import { dirname, join } from "node:path";
import type { FileHost, HostFile, HostFolder } from "../../../compiler/file-host.ts";
import { decodeScript } from "../script-text.ts";

/** Debian and its relatives keep headers that differ between machines in a folder of their own. */
const MULTIARCH: Readonly<Record<string, string>> = { x64: "x86_64-linux-gnu", arm64: "aarch64-linux-gnu" };

/** The kernel's folders for architectures. */
const KERNEL_ARCH: Readonly<Record<string, string>> = { x64: "x86", arm64: "arm64" };

const WRITABLE_BY_OTHERS = 0o002;

/** `extra` are the folders of -I, which come first. */
export function hostFiles(extra: readonly string[] = [], environment: NodeJS.ProcessEnv = process.env): FileHost {
  const machine = MULTIARCH[process.arch];
  const system = ["/usr/local/include", ...(machine === undefined ? [] : [`/usr/include/${machine}`]), "/usr/include"];
  const kernel = kernelFolders(environment);
  return { includePaths: [...extra, ...kernel, ...system], hasKernelHeaders: kernel.length > 0, open };
}

/**
 * The folders of the running kernel's own headers, in the order of its build: where the environment says, or where
 * distributions put them. Empty where there are none.
 */
function kernelFolders({ BPFTRACE_KERNEL_SOURCE: source, BPFTRACE_KERNEL_BUILD: build }: NodeJS.ProcessEnv): string[] {
  const arch = KERNEL_ARCH[process.arch];
  const modules = join("/lib/modules", release());
  const sources = source ?? join(modules, existsSync(join(modules, "source")) ? "source" : "build");
  const built = build ?? (source === undefined ? join(modules, "build") : source);
  const folders = [
    join(sources, `arch/${arch}/include`),
    join(built, `arch/${arch}/include/generated`),
    join(sources, "include"),
    join(built, "include"),
    join(sources, `arch/${arch}/include/uapi`),
    join(built, `arch/${arch}/include/generated/uapi`),
    join(sources, "include/uapi"),
    join(built, "include/generated/uapi"),
  ];
  return [...new Set(folders)].filter((folder) => existsSync(folder));
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
    return { text: decodeScript(readFileSync(path)) };
  } catch (error) {
    return { problem: (error as Error).message };
  }
}
