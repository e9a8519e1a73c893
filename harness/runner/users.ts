/**
 * As whom a workload runs. Tracing needs privileges, the program under test does not: started through sudo, it runs as
 * the user who typed the command, so that it behaves as in daily life and leaves no files of root behind.
 */
import { readFileSync } from "node:fs";

export interface User {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  /** Supplementary groups, the primary one included. */
  readonly groups: readonly number[];
  readonly home: string;
  readonly shell: string;
}

/** The user database and the calling process; read from the host, given by tests. */
export interface UserDatabase {
  /** The text of /etc/passwd. */
  readonly passwd: string;
  /** The text of /etc/group. */
  readonly group: string;
  /** Of the calling process. */
  readonly uid: number;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export function hostUsers(): UserDatabase {
  return { passwd: readText("/etc/passwd"), group: readText("/etc/group"), uid: process.getuid!(), env: process.env };
}

/** A user that does not exist or cannot be taken on; the message says which and what to do. */
export class UserError extends Error {
  override readonly name = "UserError";
}

/**
 * The user a workload runs as: the one that the scenario names (a name or a decimal uid), else the one who called sudo.
 * Undefined: nothing is to be changed. Throws UserError.
 */
export function resolveUser(wanted: string | undefined, db: UserDatabase): User | undefined {
  const user = wanted === undefined ? sudoCaller(db) : named(wanted, db);
  if (user === undefined || user.uid === db.uid) return undefined;
  if (db.uid !== 0) {
    throw new UserError(`running as user ${user.name} (uid ${user.uid}) needs root; this process is uid ${db.uid}`);
  }
  return user;
}

function sudoCaller(db: UserDatabase): User | undefined {
  const uid = decimal(db.env.SUDO_UID);
  if (db.uid !== 0 || uid === undefined) return undefined;
  const known = lookup(db, (entry) => entry.uid === uid);
  if (known !== undefined) return known;
  // Users of a directory service are not in /etc/passwd; sudo told us what matters.
  const gid = decimal(db.env.SUDO_GID) ?? uid;
  const name = db.env.SUDO_USER ?? String(uid);
  return { name, uid, gid, groups: groupsOf(name, gid, db), home: "/", shell: "/bin/sh" };
}

function named(wanted: string, db: UserDatabase): User {
  const byName = lookup(db, (entry) => entry.name === wanted);
  if (byName !== undefined) return byName;
  const uid = decimal(wanted);
  if (uid === undefined) throw new UserError(`there is no user \`${wanted}\` in /etc/passwd`);
  const known = lookup(db, (entry) => entry.uid === uid);
  return known ?? { name: wanted, uid, gid: uid, groups: [uid], home: "/", shell: "/bin/sh" };
}

type PasswdEntry = Omit<User, "groups">;

function lookup(db: UserDatabase, matches: (entry: PasswdEntry) => boolean): User | undefined {
  for (const line of db.passwd.split("\n")) {
    const [name, , uidText, gidText, , home, shell] = line.split(":");
    const [uid, gid] = [decimal(uidText), decimal(gidText)];
    if (!name || uid === undefined || gid === undefined) continue;
    const entry = { name, uid, gid, home: home || "/", shell: shell || "/bin/sh" };
    if (matches(entry)) return { ...entry, groups: groupsOf(name, gid, db) };
  }
  return undefined;
}

function groupsOf(user: string, primary: number, db: UserDatabase): number[] {
  const groups = new Set([primary]);
  for (const line of db.group.split("\n")) {
    const [, , gidText, members = ""] = line.split(":");
    const gid = decimal(gidText);
    if (gid !== undefined && members.split(",").includes(user)) groups.add(gid);
  }
  return [...groups];
}

function decimal(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,10}$/.test(text) ? Number(text) : undefined;
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    // Minimal containers have no user database; uids still work there.
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
    throw error;
  }
}
