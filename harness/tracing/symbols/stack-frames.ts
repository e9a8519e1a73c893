/** The frames of a stack as the kernel left them in a map. */
import { frameSize, type StackMode } from "../../../compiler/program.ts";
import { bytesAt } from "../bytestring.ts";
import type { StackFrame } from "./resolver.ts";

// struct bpf_stack_build_id { s32 status; u8 build_id[20]; u64 offset or address; }
const STATUS = { empty: 0, valid: 1 } as const;
const BUILD_ID = { offset: 4, size: 20 } as const;
const PLACE = 24;

/** Innermost first: all that there is room for. */
export function readFrames(value: Uint8Array, mode: StackMode): StackFrame[] {
  const view = new DataView(value.buffer, value.byteOffset, value.byteLength);
  const frames: StackFrame[] = [];
  const size = frameSize(mode);
  for (let at = 0; at + size <= value.length; at += size) {
    if (mode !== "build_id") {
      // An address may well be 0: how many there are is told elsewhere.
      frames.push(view.getBigUint64(at, true));
      continue;
    }
    const status = view.getInt32(at, true);
    if (status === STATUS.empty) break;
    const place = view.getBigUint64(at + PLACE, true);
    const buildId = bytesAt(view, at + BUILD_ID.offset, BUILD_ID.size);
    frames.push(status === STATUS.valid ? { buildId, offset: place } : place);
  }
  return frames;
}
