/** User ids as names: what `username` of a script prints. */
import type { ByteString } from "../bytestring.ts";

export class UserNames {
  readonly #names = new Map<string, ByteString>();

  /** `passwd` is the content of /etc/passwd. The first line for an id counts. */
  constructor(passwd: ByteString) {
    for (const line of passwd.split("\n")) {
      const [name, , uid] = line.split(":");
      if (name && uid && !this.#names.has(uid)) this.#names.set(uid, name);
    }
  }

  /** Undefined for an id that has no name. */
  name(uid: bigint): ByteString | undefined {
    return this.#names.get(uid.toString());
  }
}
