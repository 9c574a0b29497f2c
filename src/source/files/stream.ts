import { createReadStream } from "node:fs";

/**
 * Whether a path names a stream, which can be read only once: `-`, which is standard input, or what a shell makes of
 * `<(command)`. A file named `-` is `./-`.
 */
export const isStream = (path: string): boolean =>
  path === "-" || /^\/(?:dev|proc\/self)\/(?:stdin|fd\/\d+)$/.test(path);

const reading = new Map<string, Promise<Buffer<ArrayBuffer>>>();
const read = new Map<string, Buffer<ArrayBuffer>>();

/**
 * The content of a stream. If it has more than `maxBytes`, the result is a beginning that is longer than that. The
 * stream is read once, and its content is kept.
 */
export function readStream(path: string, maxBytes: number): Promise<Buffer<ArrayBuffer>> {
  let bytes = reading.get(path);
  if (!bytes) {
    bytes = readToEnd(path, maxBytes);
    reading.set(path, bytes);
  }
  return bytes;
}

/** The content of a stream that this thread has read before. */
export const streamRead = (path: string): Buffer | undefined => read.get(path);

async function readToEnd(path: string, maxBytes: number): Promise<Buffer<ArrayBuffer>> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of path === "-" ? process.stdin : createReadStream(path)) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > maxBytes) break;
  }
  const bytes = Buffer.concat(chunks);
  read.set(path, bytes);
  return bytes;
}
