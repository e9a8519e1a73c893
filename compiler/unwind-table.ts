/**
 * How a process's stack is followed without frame pointers: the host turns the call frame information of files (.eh_frame) into
 * tables, and the programs of scripts with `dw_ustack` read those. This is what both agree on.
 *
 * Of each process there is an array of the code that it has mapped, of each file an array of cells. A place in a file has a row,
 * and the row a rule: which steps lead from the registers of a function to those of its caller.
 *
 *     processes (hash of maps):  process id -> array of mappings
 *     files (array of maps):     number     -> array of cells: rows, sorted by address, then the steps of rules
 */

/** Bytes of an entry of a process's array. All numbers are unsigned and little-endian. */
export const MAPPING = {
  /** u64: where the memory begins, and in entry 0 how many entries there are behind it, sorted by this number. */
  start: 0,
  /** u64: the first byte behind it. In entry 0 a program writes 1 when it has met an address that is in none of them. */
  end: 8,
  /** u64: the address in memory of what has the address 0 in the file. */
  base: 16,
  /** u32: the number of the file's array. */
  file: 24,
  /** u32: how many rows there are; 0 for code of which nothing is known. */
  rows: 28,
  size: 32,
} as const;

/**
 * A cell that is a row. `address`, u32: from this address in the file on, until that of the next row. `rule`, u32: the cell in which
 * the rule begins, or one of {@link RULE}.
 */
export const ROW = { address: 0, rule: 4, size: 8 } as const;

/** Rules without steps. */
export const RULE = {
  /** Nothing is known of the place: its caller is found by the frame pointer, if it is one. */
  unknown: 0,
  /** The function was not called by another. */
  outermost: 1,
} as const;

/**
 * A cell that is a step: the register `target` (u8) gets the value of the register `base` (u8) plus `offset` (s32), in whose place the
 * 8 bytes in memory at this address are taken `loads` (u8) times, one after the other. The first step of a rule makes the CFA. A step may take
 * what earlier ones of its rule have made; which registers have their old value still is a matter of the order.
 */
export const STEP = { target: 0, base: 1, loads: 2, flags: 3, offset: 4, size: 8 } as const;

/** Bits of `flags`. */
export const STEP_FLAGS = {
  /** The rule ends here. */
  last: 1,
  /** In the first step: the caller was interrupted, so that its address is that of an instruction and not of the one behind a call. */
  interrupted: 2,
  /** The upper four bits, if not zero: the CFA is 8 bytes further when the last four bits of the address are no less (stubs of a PLT). */
  stub: 4,
} as const;

/** Numbers of registers in steps, which are those of DWARF on x86-64 (0 to 15). */
export const UNWIND_REGISTERS = { framePointer: 6, stackPointer: 7, returnAddress: 16, cfa: 17, count: 18 } as const;

/** Steps of the longest rule: each register once. */
export const MAX_STEPS = UNWIND_REGISTERS.count;
