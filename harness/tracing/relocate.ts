/**
 * Fills the numbers of this host into byte code: descriptors of maps and the constants that only the running system
 * knows. The compiled program itself stays as it is, so that it can be loaded again with other numbers.
 */
import type { HostConstant, Program } from "../../compiler/program.ts";
import { unreachable } from "../../compiler/unreachable.ts";

export interface RelocationValues {
  /** Descriptor of a map, by its index in the compiled program. */
  mapFd(map: number): number;
  /** Value of a constant; taken modulo 2^64. */
  constant(name: HostConstant): bigint;
}

/** A copy of the program's code with every relocation applied. Throws on a relocation that points at no ld_imm64. */
export function relocate(
  program: Pick<Program, "name" | "code" | "relocations">,
  values: RelocationValues,
): Uint8Array {
  const code = program.code.slice();
  const view = new DataView(code.buffer);
  for (const relocation of program.relocations) {
    const at = relocation.slot * SLOT;
    if (at + 2 * SLOT > code.length || code[at] !== LD_IMM64) {
      throw new Error(`program ${program.name}: slot ${relocation.slot} has no 64-bit load to relocate`);
    }
    switch (relocation.kind) {
      case "map":
        load(view, at, PSEUDO_MAP_FD, values.mapFd(relocation.map), 0);
        break;
      case "map_value":
        load(view, at, PSEUDO_MAP_VALUE, values.mapFd(relocation.map), relocation.offset);
        break;
      case "constant": {
        const value = BigInt.asUintN(64, values.constant(relocation.constant));
        load(view, at, NO_PSEUDO, Number(value & 0xffff_ffffn), Number(value >> 32n));
        break;
      }
      default:
        unreachable(relocation, "relocation");
    }
  }
  return code;
}

/** Bytes of one instruction slot; a 64-bit load takes two. */
const SLOT = 8;
const LD_IMM64 = 0x18;
/** What the source register of a 64-bit load means. */
const NO_PSEUDO = 0;
const PSEUDO_MAP_FD = 1;
const PSEUDO_MAP_VALUE = 2;

/** ld_imm64 of the second slot's and the first slot's immediate; the destination register stays. */
function load(view: DataView, at: number, pseudo: number, low: number, high: number): void {
  view.setUint8(at + 1, (view.getUint8(at + 1) & 0x0f) | (pseudo << 4));
  view.setUint32(at + 4, low, true);
  view.setUint32(at + SLOT + 4, high, true);
}
