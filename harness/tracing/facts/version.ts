/** Kernel versions out of the strings that distributions make of them. */

export type KernelVersion = readonly [major: number, minor: number, patch: number];

/**
 * `release` is that of uname, `build` its version. Debian's releases end in .0 and name the real one in the build
 * ("#1 SMP Debian 6.1.76-1"). Throws Error when the release is no version.
 */
export function parseVersion(release: string, build = ""): KernelVersion {
  const debian = /\bDebian (\d+\.\d+\.\d+)/.exec(build)?.[1];
  const [, major, minor, patch = "0"] = /^(\d+)\.(\d+)(?:\.(\d+))?/.exec(debian ?? release) ?? [];
  if (major === undefined || minor === undefined) throw new Error(`not a kernel release: ${release}`);
  return [Number(major), Number(minor), Number(patch)];
}

/** Whether a kernel is of that release or a later one. */
export function isAtLeast([major, minor]: KernelVersion, release: readonly [major: number, minor: number]): boolean {
  return major > release[0] || (major === release[0] && minor >= release[1]);
}
