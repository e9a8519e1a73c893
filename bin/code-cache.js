// Bundles together with what V8 has compiled them to. A bundle begins with a comment that names its content, and is a function
// of CommonJS as it stands; the file beside it begins with the same name, followed by V8's data. It is made by `node bin/code-cache.js`, when the package is
// built or installed, and only ever read otherwise. Data that is missing, of another bundle, or of another version of V8 is
// left aside: then the bundle is compiled as any other file.
const { readFileSync, renameSync, rmSync, writeFileSync } = require("node:fs");
const { dirname, join } = require("node:path");
const vm = require("node:vm");

/** The first line of a bundle is `//` and so many hexadecimal digits. */
const NAME_LENGTH = 64;

const TRACE_BUNDLE = join(__dirname, "../dist/cli/trace.cjs");

/** Runs a CommonJS bundle, whose `require` is the one of this file, and answers its exports. */
function loadBundle(file) {
  const source = readSource(file);
  return run(compile(file, source, readCache(file, source)), file);
}

function run(script, file) {
  const module = { exports: {} };
  script.runInThisContext()(module.exports, require, module, file, dirname(file));
  return module.exports;
}

/** Bundles are plain ASCII, and a megabyte: no copy is made of it that is not needed. */
function readSource(file) {
  return readFileSync(file, "latin1");
}

function compile(filename, source, cachedData) {
  return new vm.Script(source, { filename, cachedData });
}

function cacheOf(file) {
  return file.replace(/\.cjs$/, ".cache");
}

function nameOf(source) {
  return source.slice(2, 2 + NAME_LENGTH);
}

function readCache(file, source) {
  try {
    const data = readFileSync(cacheOf(file));
    return data.latin1Slice(0, NAME_LENGTH) === nameOf(source) ? data.subarray(NAME_LENGTH) : undefined;
  } catch {
    return undefined; // it only saves time
  }
}

/**
 * Compiles a bundle. V8 compiles functions when they are called first, so the bundle's `warmUp` calls those that matter:
 * the more there is, the longer it takes to read. Tells whether V8 takes the result.
 */
function writeCache(file) {
  const source = readSource(file);
  const script = compile(file, source);
  run(script, file).warmUp();
  const data = script.createCachedData();
  if (compile(file, source, data).cachedDataRejected) return false;
  const temporary = `${cacheOf(file)}.${process.pid}`;
  try {
    writeFileSync(temporary, Buffer.concat([Buffer.from(nameOf(source), "latin1"), data]));
    renameSync(temporary, cacheOf(file));
  } finally {
    rmSync(temporary, { force: true });
  }
  return true;
}

module.exports = { loadBundle, writeCache, TRACE_BUNDLE };

if (require.main === module && !writeCache(TRACE_BUNDLE)) {
  console.error("probewright: this version of Node does not keep compiled code; `trace` starts a little slower");
}
