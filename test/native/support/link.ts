/** What the kernel says about a link, which only tests want to know. */
import { type Fd, objGetInfo } from "../../../native/index.ts";

export function linkInfo(link: Fd): { id: number /** enum bpf_link_type */; type: number; progId: number } {
  const bytes = new Uint8Array(16);
  objGetInfo(link, bytes);
  const [type, id, progId] = new Uint32Array(bytes.buffer);
  return { id: id!, type: type!, progId: progId! };
}
