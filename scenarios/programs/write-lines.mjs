// Writes 1000 lines to standard output: line by line, or collected in buffers of 4 KiB.
import { writeSync } from "node:fs";

const buffered = process.argv[2] === "buffered";
const LIMIT = 4096;
let pending = "";

for (let i = 0; i < 1000; i++) {
  const line = `line ${String(i).padStart(5, "0")}\n`;
  if (!buffered) {
    writeSync(1, line);
    continue;
  }
  pending += line;
  if (pending.length >= LIMIT) flush();
}
flush();

function flush() {
  if (pending !== "") writeSync(1, pending);
  pending = "";
}
