/** The unwinding table of a file, or of an image in memory: finds the sections with call frame information and has them read. */
import type { FrameSection } from "../../../compiler/dwarf/call-frames.ts";
import { DwarfError } from "../../../compiler/dwarf/reader.ts";
import { type UnwindTable, unwindTable } from "../../../compiler/dwarf/unwind-table.ts";
import { ifReadable, sectionOf } from "../elf/debug-sections.ts";
import { ElfFile, imageReader, type ReadAt, withFile } from "../elf/file.ts";

const EM_X86_64 = 62;
/** Tables have addresses of 32 bits. */
const END_OF_ADDRESSES = 2 ** 32;
/** The largest programs have a tenth of it; a damaged header may claim anything. */
const MAX_SECTION_BYTES = 1 << 28;

/**
 * The table of a file; undefined if it says nothing of call frames, is no program for x86-64, or cannot be read. Throws DwarfError, with the
 * path in it, if what it says is malformed.
 */
export function readUnwindTable(path: string): UnwindTable | undefined {
  return ifReadable(() => withFile(path, (read) => tableOf(read, path)));
}

/** Likewise of an ELF file whose bytes are all there (the vDSO). `name` is what errors call it. */
export function unwindTableOfImage(image: Uint8Array, name: string): UnwindTable | undefined {
  return ifReadable(() => tableOf(imageReader(image), name));
}

function tableOf(read: ReadAt, name: string): UnwindTable | undefined {
  const elf = new ElfFile(read);
  if (elf.machine !== EM_X86_64) return undefined;
  const code = elf.segments.filter(({ executable }) => executable);
  if (code.some(({ address, fileSize }) => address + fileSize >= END_OF_ADDRESSES)) return undefined;
  try {
    return unwindTable(frameSections(elf, read));
  } catch (error) {
    if (error instanceof DwarfError) error.file ??= name;
    throw error;
  }
}

/** What is in memory when the program runs comes first; the other section is for debuggers, and need not be about the same functions. */
function frameSections(elf: ElfFile, read: ReadAt): FrameSection[] {
  return (["eh_frame", "debug_frame"] as const).flatMap((kind) => {
    const name = `.${kind}`;
    const { address = 0, size = 0 } = elf.section(name) ?? {};
    if (size > MAX_SECTION_BYTES) throw new DwarfError(`${name} claims to be ${size} bytes long`);
    const bytes = sectionOf(elf, read, name);
    return bytes ? [{ kind, bytes, address }] : [];
  });
}
