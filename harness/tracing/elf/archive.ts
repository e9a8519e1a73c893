/**
 * Libraries that are mapped straight out of ZIP archives, as on Android: `app.apk!/lib/libfoo.so`. Their bytes must be
 * stored without compression, so that the library's code lies at some offset of the archive.
 */
import { ElfError, type ReadAt, withFile } from "./file.ts";

const SEPARATOR = "!/";
const END_RECORD = 0x06054b50;
const END_BYTES = 22;
const CENTRAL_RECORD = 0x02014b50;
const CENTRAL_BYTES = 46;
const LOCAL_RECORD = 0x04034b50;
const LOCAL_BYTES = 30;
/** The archive's comment stands behind the end record. */
const MAX_COMMENT = 65_535;

export function splitArchivePath(path: string): { file: string; entry: string } | undefined {
  const at = path.indexOf(SEPARATOR);
  return at < 0 ? undefined : { file: path.slice(0, at), entry: path.slice(at + SEPARATOR.length) };
}

/** Where an entry's content begins. Throws ElfError for what is no such archive, and for compressed entries. */
export function findInArchive(file: string, entry: string): number {
  return withFile(file, (read, size) => {
    const tail = Math.min(size, END_BYTES + MAX_COMMENT);
    const end = read(size - tail, tail);
    const at = lastRecord(end);
    if (at < 0) throw new ElfError("not a ZIP archive");
    const count = end.getUint16(at + 10, true);
    const directory = read(end.getUint32(at + 16, true), end.getUint32(at + 12, true));
    for (let i = 0, offset = 0; i < count && offset + CENTRAL_BYTES <= directory.byteLength; i++) {
      if (directory.getUint32(offset, true) !== CENTRAL_RECORD) break;
      const nameLength = directory.getUint16(offset + 28, true);
      const next = offset + CENTRAL_BYTES + nameLength + directory.getUint16(offset + 30, true);
      const name = Buffer.from(directory.buffer, directory.byteOffset + offset + CENTRAL_BYTES, nameLength);
      if (name.toString("utf8") === entry) {
        if (directory.getUint16(offset + 10, true) !== 0) throw new ElfError(`${entry} is compressed in ${file}`);
        return contentStart(read, directory.getUint32(offset + 42, true));
      }
      offset = next + directory.getUint16(offset + 32, true);
    }
    throw new ElfError(`there is no ${entry} in ${file}`);
  });
}

function contentStart(read: ReadAt, local: number): number {
  const header = read(local, LOCAL_BYTES);
  if (header.getUint32(0, true) !== LOCAL_RECORD) throw new ElfError("a damaged ZIP archive");
  return local + LOCAL_BYTES + header.getUint16(26, true) + header.getUint16(28, true);
}

function lastRecord(end: DataView): number {
  for (let at = end.byteLength - END_BYTES; at >= 0; at--) if (end.getUint32(at, true) === END_RECORD) return at;
  return -1;
}
