import { connect as connectTcp, type Socket } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import { onTestFinished } from "vitest";
import { clientPreface, flag, frame, frameType } from "../../src/http2/frames.js";
import { Random } from "../http2/random.js";
import { callFields, headerBlock } from "../server/raw-http2.js";

export interface SenderOptions {
  /** Reads what comes, and drops it. Default true. */
  readonly reads?: boolean;
  /** Bytes that may be sent to it on each stream. */
  readonly window?: number;
}

/** A connection that sends what it is given, and knows nothing of what comes. Ends with the test. */
export class Sender {
  isClosed = false;
  private lastId = -1;

  constructor(readonly socket: Socket) {
    socket.on("error", () => {});
    socket.once("close", () => {
      this.isClosed = true;
      socket.emit("drain");
    });
  }

  /** Undefined when there is no connection to be had. */
  static async plain(port: number, { reads = true }: SenderOptions = {}): Promise<Sender | undefined> {
    const socket = connectTcp({ port, host: "127.0.0.1" });
    if (reads) socket.resume();
    const sender = new Sender(socket);
    onTestFinished(() => void socket.destroy());
    await new Promise((resolve) => {
      socket.once("connect", resolve);
      socket.once("close", resolve);
    });
    return sender.isClosed ? undefined : sender;
  }

  /** The same with the preface and settings of HTTP/2. */
  static async http2(port: number, options: SenderOptions = {}): Promise<Sender | undefined> {
    const sender = await Sender.plain(port, options);
    const settings = Buffer.alloc(6);
    settings.writeUInt16BE(4, 0); // SETTINGS_INITIAL_WINDOW_SIZE
    settings.writeUInt32BE(options.window ?? 65_535, 2);
    await sender?.send(clientPreface, frame(frameType.SETTINGS, 0, 0, settings));
    return sender;
  }

  /** Begins a call; the number of its stream, and its frame. */
  call(path: string, more: Record<string, string> = {}): { id: number; head: Buffer } {
    this.lastId += 2;
    const block = headerBlock(callFields(path, more));
    return { id: this.lastId, head: frame(frameType.HEADERS, flag.END_HEADERS, this.lastId, block) };
  }

  /** Resolves when there is room for more, or the connection is closed, or nobody has read for five seconds. */
  async send(...bytes: Uint8Array[]): Promise<void> {
    if (this.isClosed) return;
    if (this.socket.write(Buffer.concat(bytes))) return new Promise((resolve) => setImmediate(resolve));
    const late = new AbortController();
    const drained = new Promise<void>((resolve) => this.socket.once("drain", resolve));
    await Promise.race([drained, wait(5_000, undefined, { signal: late.signal }).catch(() => {})]);
    late.abort();
  }

  close(): void {
    this.socket.destroy();
  }
}

/** Has several at once do the same again and again for so many seconds. Each gets numbers of chance of its own. */
export async function repeat(
  { seconds, at = 4 }: { seconds: number; at?: number },
  act: (random: Random, isOver: () => boolean) => Promise<unknown>,
): Promise<number> {
  const end = Date.now() + seconds * 1_000;
  const isOver = () => Date.now() >= end;
  let times = 0;
  const one = async (random: Random) => {
    while (!isOver()) {
      await act(random, isOver);
      times++;
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  await Promise.all(Array.from({ length: at }, (_, i) => one(new Random(i + 1))));
  return times;
}

/** DATA frames of at most 16,384 bytes. */
export function data(id: number, bytes: Uint8Array): Buffer[] {
  const frames: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += 16_384)
    frames.push(frame(frameType.DATA, 0, id, bytes.subarray(at, at + 16_384)));
  return frames;
}
