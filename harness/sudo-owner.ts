/** Whose the files are that are written as root for somebody else. */

/** Who is to own what root writes on somebody's behalf. */
export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** The caller of sudo, when this process was started through it. */
export function sudoOwner(env: Readonly<Record<string, string | undefined>> = process.env): Owner | undefined {
  const [uid, gid] = [Number(env.SUDO_UID), Number(env.SUDO_GID)];
  return process.getuid!() === 0 && Number.isInteger(uid) && Number.isInteger(gid) ? { uid, gid } : undefined;
}
