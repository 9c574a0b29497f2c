import { type BigIntStats, closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { open } from "node:fs/promises";
import { isStream, readStream } from "./stream.js";

/** Limits for reading a file. */
export interface WholeFileOptions {
  /** Default {@link maxFileBytes}. */
  readonly maxBytes?: number;
  /** The longest time of reading, in milliseconds. Default 10,000. */
  readonly timeMs?: number;
  /** Stops reading before the next piece. */
  readonly signal?: AbortSignal;
  /** Receives the stats of the opened file. */
  readonly opened?: (stats: BigIntStats) => void;
}

/** The default for the most bytes of a file. */
export const maxFileBytes = 32 * 2 ** 20;

/** A file was not read: it is no regular file, has too many bytes, or reading takes too long. */
export class FileNotRead extends Error {
  constructor(
    readonly why: "kind" | "size" | "time",
    message: string,
  ) {
    super(message);
  }
}

/** Without O_NONBLOCK, opening a pipe would wait for its writer, and reading could wait too. */
export const readFlags = constants.O_RDONLY | constants.O_NONBLOCK;

const pieceBytes = 2 ** 20;

/**
 * The bytes of a regular file, up to the size that it had when it was opened. A file whose size is 0, such as those in
 * /proc, is empty.
 * @throws FileNotRead, and errors of the system
 */
export async function readWholeFile(path: string, options: WholeFileOptions = {}): Promise<Buffer<ArrayBuffer>> {
  const { timeMs = defaultTimeMs } = options;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(tooSlow(timeMs)), timeMs).unref();
  });
  try {
    return await Promise.race([read(path, options), late]); // the system may never answer
  } finally {
    clearTimeout(timer);
  }
}

async function read(path: string, options: WholeFileOptions): Promise<Buffer<ArrayBuffer>> {
  const file = await open(path, readFlags);
  try {
    const pieces = new Pieces(await file.stat({ bigint: true }), options);
    let piece = pieces.next();
    while (piece && pieces.took((await file.read(piece, 0, piece.length, null)).bytesRead)) piece = pieces.next();
    return pieces.bytes;
  } finally {
    await file.close();
  }
}

/** The same, synchronously, for a thread that does nothing else. */
export function readWholeFileSync(path: string, options: WholeFileOptions = {}): Buffer<ArrayBuffer> {
  const file = openSync(path, readFlags);
  try {
    const pieces = new Pieces(fstatSync(file, { bigint: true }), options);
    let piece = pieces.next();
    while (piece && pieces.took(readSync(file, piece))) piece = pieces.next();
    return pieces.bytes;
  } finally {
    closeSync(file);
  }
}

/** The bytes at a path that the user gave: a file, or a stream, which is read once. */
export async function readGiven(path: string, options: WholeFileOptions = {}): Promise<Buffer<ArrayBuffer>> {
  const { maxBytes = maxFileBytes } = options;
  if (!isStream(path)) return await readWholeFile(path, options);
  const bytes = await readStream(path, maxBytes);
  if (bytes.length > maxBytes) throw tooLarge(maxBytes);
  return bytes;
}

/** Waits for work, but with a limit, because the system may never answer. */
export async function settled(work: Promise<unknown>, patienceMs = 1_000): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, patienceMs);
  });
  await Promise.race([work.catch(() => {}), late]);
  clearTimeout(timer);
}

const defaultTimeMs = 10_000;

/** The bytes of an open file, read piece by piece. */
class Pieces {
  readonly whole: Buffer<ArrayBuffer>;
  private length = 0;
  private readonly until: number;

  constructor(
    stats: BigIntStats,
    private readonly options: WholeFileOptions,
  ) {
    const { maxBytes = maxFileBytes, timeMs = defaultTimeMs, opened } = options;
    this.until = performance.now() + timeMs;
    opened?.(stats);
    if (!stats.isFile()) throw new FileNotRead("kind", `expected a regular file, got ${kindOf(stats)}`);
    if (stats.size > maxBytes) throw tooLarge(maxBytes);
    this.whole = Buffer.allocUnsafeSlow(Number(stats.size)); // not from the shared pool of buffers
  }

  /** The buffer for the next piece, or undefined if there is none. */
  next(): Buffer | undefined {
    const { signal, timeMs = defaultTimeMs } = this.options;
    if (this.length === this.whole.length) return undefined;
    signal?.throwIfAborted();
    if (performance.now() > this.until) throw tooSlow(timeMs);
    return this.whole.subarray(this.length, this.length + pieceBytes);
  }

  /** Counts what was read. Returns whether the file goes on. */
  took(bytes: number): boolean {
    this.length += bytes;
    return bytes > 0;
  }

  /** What was read so far. */
  get bytes(): Buffer<ArrayBuffer> {
    return this.whole.subarray(0, this.length);
  }
}

const tooLarge = (maxBytes: number) => new FileNotRead("size", `the file has more than ${maxBytes} bytes, the limit`);
const tooSlow = (timeMs: number) => new FileNotRead("time", `reading it takes longer than ${timeMs} ms`);

/** The kind of something that is no regular file. */
export function kindOf(stats: BigIntStats): string {
  if (stats.isDirectory()) return "a directory";
  return stats.isFIFO() ? "a pipe" : stats.isSocket() ? "a socket" : "a device";
}
