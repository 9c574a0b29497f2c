import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);

// dist/source/files/stream.js
import { createReadStream } from "node:fs";
var isStream = (path) => path === "-" || /^\/(?:dev|proc\/self)\/(?:stdin|fd\/\d+)$/.test(path);
var reading = /* @__PURE__ */ new Map();
var read = /* @__PURE__ */ new Map();
function readStream(path, maxBytes) {
  let bytes = reading.get(path);
  if (!bytes) {
    bytes = readToEnd(path, maxBytes);
    reading.set(path, bytes);
  }
  return bytes;
}
var streamRead = (path) => read.get(path);
async function readToEnd(path, maxBytes) {
  const chunks = [];
  let size = 0;
  for await (const chunk of path === "-" ? process.stdin : createReadStream(path)) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > maxBytes)
      break;
  }
  const bytes = Buffer.concat(chunks);
  read.set(path, bytes);
  return bytes;
}

// dist/source/files/whole-file.js
import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { open } from "node:fs/promises";
var maxFileBytes = 32 * 2 ** 20;
var FileNotRead = class extends Error {
  why;
  constructor(why, message) {
    super(message);
    this.why = why;
  }
};
var readFlags = constants.O_RDONLY | constants.O_NONBLOCK;
var pieceBytes = 2 ** 20;
async function readWholeFile(path, options = {}) {
  const { timeMs = defaultTimeMs } = options;
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(tooSlow(timeMs)), timeMs).unref();
  });
  try {
    return await Promise.race([read2(path, options), late]);
  } finally {
    clearTimeout(timer);
  }
}
async function read2(path, options) {
  const file = await open(path, readFlags);
  try {
    const pieces = new Pieces(await file.stat({ bigint: true }), options);
    let piece = pieces.next();
    while (piece && pieces.took((await file.read(piece, 0, piece.length, null)).bytesRead))
      piece = pieces.next();
    return pieces.bytes;
  } finally {
    await file.close();
  }
}
function readWholeFileSync(path, options = {}) {
  const file = openSync(path, readFlags);
  try {
    const pieces = new Pieces(fstatSync(file, { bigint: true }), options);
    let piece = pieces.next();
    while (piece && pieces.took(readSync(file, piece)))
      piece = pieces.next();
    return pieces.bytes;
  } finally {
    closeSync(file);
  }
}
async function readGiven(path, options = {}) {
  const { maxBytes = maxFileBytes } = options;
  if (!isStream(path))
    return await readWholeFile(path, options);
  const bytes = await readStream(path, maxBytes);
  if (bytes.length > maxBytes)
    throw tooLarge(maxBytes);
  return bytes;
}
async function settled(work, patienceMs = 1e3) {
  let timer;
  const late = new Promise((resolve) => {
    timer = setTimeout(resolve, patienceMs);
  });
  await Promise.race([work.catch(() => {
  }), late]);
  clearTimeout(timer);
}
var defaultTimeMs = 1e4;
var Pieces = class {
  options;
  whole;
  length = 0;
  until;
  constructor(stats, options) {
    this.options = options;
    const { maxBytes = maxFileBytes, timeMs = defaultTimeMs, opened } = options;
    this.until = performance.now() + timeMs;
    opened?.(stats);
    if (!stats.isFile())
      throw new FileNotRead("kind", `expected a regular file, got ${kindOf(stats)}`);
    if (stats.size > maxBytes)
      throw tooLarge(maxBytes);
    this.whole = Buffer.allocUnsafeSlow(Number(stats.size));
  }
  /** The buffer for the next piece, or undefined if there is none. */
  next() {
    const { signal, timeMs = defaultTimeMs } = this.options;
    if (this.length === this.whole.length)
      return void 0;
    signal?.throwIfAborted();
    if (performance.now() > this.until)
      throw tooSlow(timeMs);
    return this.whole.subarray(this.length, this.length + pieceBytes);
  }
  /** Counts what was read. Returns whether the file goes on. */
  took(bytes) {
    this.length += bytes;
    return bytes > 0;
  }
  /** What was read so far. */
  get bytes() {
    return this.whole.subarray(0, this.length);
  }
};
var tooLarge = (maxBytes) => new FileNotRead("size", `the file has more than ${maxBytes} bytes, the limit`);
var tooSlow = (timeMs) => new FileNotRead("time", `reading it takes longer than ${timeMs} ms`);
function kindOf(stats) {
  if (stats.isDirectory())
    return "a directory";
  return stats.isFIFO() ? "a pipe" : stats.isSocket() ? "a socket" : "a device";
}

export {
  isStream,
  streamRead,
  maxFileBytes,
  FileNotRead,
  readFlags,
  readWholeFile,
  readWholeFileSync,
  readGiven,
  settled,
  kindOf
};
