/** Node's zlib, when it is needed: it loads all of Node's streams with it, which takes as long as compiling a short script. */
export function zlib(): typeof import("node:zlib") {
  return process.getBuiltinModule("node:zlib");
}
