/**
 * Scripts are read so that no byte is lost, and written again as they were. Most are UTF-8; in old ones a comment or a text may be in another
 * encoding, which is nothing to us: those bytes are carried through the compiler one by one.
 */
import { RAW_BYTE } from "../../compiler/source.ts";
import { utf8Parts } from "./bytestring.ts";

/** What a decoder puts in place of what it cannot read. */
const REPLACEMENT = "\ufffd";

export function decodeScript(bytes: Buffer): string {
  const text = bytes.toString("utf8");
  if (!text.includes(REPLACEMENT)) return text;
  let exact = "";
  for (const { bytes: part, valid } of utf8Parts(bytes.toString("latin1"))) {
    exact += valid ? Buffer.from(part, "latin1").toString("utf8") : part.replace(/./gs, carried);
  }
  return exact;
}

export function encodeScript(text: string): Buffer {
  // Of each of these only the lower half counts as latin1, which is the byte.
  const parts = text.split(/([\udc80-\udcff]+)/u);
  return Buffer.concat(parts.map((part, i) => Buffer.from(part, i % 2 === 0 ? "utf8" : "latin1")));
}

function carried(byte: string): string {
  return String.fromCharCode(RAW_BYTE + byte.charCodeAt(0));
}
