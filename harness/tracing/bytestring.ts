/**
 * Strings out of the kernel are bytes, not text: a file name may hold anything but NUL and a slash. They are carried as
 * strings of one character (0-255) a byte, as the compiler carries string literals, so that padding and joining are
 * plain string operations, and every byte arrives where bpftrace would write it.
 */

/** One character a byte; never text with characters above U+00FF. */
export type ByteString = string;

export function bytesAt(view: DataView, offset: number, length: number): ByteString {
  return Buffer.from(view.buffer, view.byteOffset + offset, length).toString("latin1");
}

export function toBytes(bytes: ByteString): Uint8Array {
  return Buffer.from(bytes, "latin1");
}

/** The UTF-8 bytes of a text. */
export function fromText(text: string): ByteString {
  return isAscii(text) ? text : Buffer.from(text, "utf8").toString("latin1");
}

/** The text whose UTF-8 these bytes are. Bytes that are no UTF-8 become `\xff`, four characters each. */
export function toText(bytes: ByteString): string {
  if (isAscii(bytes)) return bytes;
  let text = "";
  for (const { bytes: part, valid } of utf8Parts(bytes)) {
    text += valid ? Buffer.from(part, "latin1").toString("utf8") : escapeAll(part);
  }
  return text;
}

/**
 * The same bytes, harmless on a terminal: control characters other than newline and tab, and what is no UTF-8, become
 * `\x1b`. A process may choose its name and its files' names; it must not move our cursor or retitle our window.
 */
export function escapeControls(bytes: ByteString): ByteString {
  if (isHarmless(bytes)) return bytes;
  let safe = "";
  for (const { bytes: part, valid } of utf8Parts(bytes)) {
    // U+0080 to U+009F are control characters too: \xc2 and a byte below \xa0.
    safe += valid ? part.replace(/[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]/g, escapeAll) : escapeAll(part);
  }
  return safe;
}

function escapeAll(bytes: ByteString): string {
  return bytes.replace(/[\x00-\xff]/g, (byte) => `\\x${byte.charCodeAt(0).toString(16).padStart(2, "0")}`);
}

const NOT_ASCII = /[^\x00-\x7f]/;
const NOT_HARMLESS = /[^\t\n\x20-\x7e]/;

function isAscii(text: string): boolean {
  return !NOT_ASCII.test(text);
}

function isHarmless(bytes: ByteString): boolean {
  return !NOT_HARMLESS.test(bytes);
}

/** Well-formed UTF-8: no overlong forms, no surrogates, nothing above U+10FFFF. */
const UTF8 =
  /(?:[\x00-\x7f]|[\xc2-\xdf][\x80-\xbf]|\xe0[\xa0-\xbf][\x80-\xbf]|[\xe1-\xec\xee\xef][\x80-\xbf]{2}|\xed[\x80-\x9f][\x80-\xbf]|\xf0[\x90-\xbf][\x80-\xbf]{2}|[\xf1-\xf3][\x80-\xbf]{3}|\xf4[\x80-\x8f][\x80-\xbf]{2}){1,1024}/g;

/** The bytes in order, as stretches that are UTF-8 and stretches that are not. */
export function* utf8Parts(bytes: ByteString): Generator<{ bytes: ByteString; valid: boolean }> {
  let end = 0;
  for (const match of bytes.matchAll(UTF8)) {
    if (match.index > end) yield { bytes: bytes.slice(end, match.index), valid: false };
    yield { bytes: match[0], valid: true };
    end = match.index + match[0].length;
  }
  if (end < bytes.length) yield { bytes: bytes.slice(end), valid: false };
}
