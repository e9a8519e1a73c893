// Allocates so many MiB and writes to every page.
const size = Number(process.argv[2]) * 1024 * 1024;
const memory = Buffer.allocUnsafeSlow(size);
for (let i = 0; i < size; i += 4096) memory[i] = 1;
