import { Connection } from "../../src/http2/connection.js";
import type { ConnectionHandler } from "../../src/http2/connection-handler.js";
import type { ConnectionLimits } from "../../src/http2/connection-limits.js";
import { clientPreface } from "../../src/http2/frames.js";
import type { RequestHeaders } from "../../src/http2/request-headers.js";
import type { ServerStream, StreamEvents } from "../../src/http2/stream.js";
import type { Wire } from "../../src/http2/wire.js";
import { data, type Frame, headers, parseFrames, settings } from "./client-frames.js";

/** Keeps what is written. Nothing leaves before {@link leave} when `isSlow`. */
export class TestWire implements Wire {
  readonly writes: (readonly Buffer[])[] = [];
  isSlow = false;
  isEnded = false;
  isDestroyed = false;
  private waiting: { readonly bytes: number; readonly done: () => void }[] = [];

  write(buffers: readonly Buffer[], done: () => void): void {
    if (this.isEnded) throw new Error("a write after the end");
    this.writes.push(buffers);
    const bytes = buffers.reduce((sum, { length }) => sum + length, 0);
    this.waiting.push({ bytes, done });
    if (!this.isSlow) process.nextTick(() => this.leave());
  }

  end(): void {
    this.isEnded = true;
  }

  destroy(): void {
    this.isDestroyed = true;
    this.isEnded = true;
  }

  /** Bytes that were written and have not left. */
  get waitingBytes(): number {
    return this.waiting.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** What was written leaves, or some of the writes. */
  leave(writes = this.waiting.length): void {
    for (const { done } of this.waiting.splice(0, writes)) done();
  }

  get bytes(): Buffer {
    return Buffer.concat(this.writes.flat());
  }

  /** All frames that were written, but for what was taken. */
  get frames(): Frame[] {
    return parseFrames(this.bytes);
  }

  /** The frames since the last call. */
  take(): Frame[] {
    const { frames } = this;
    this.writes.length = 0;
    return frames;
  }
}

export const limits: ConnectionLimits = {
  streams: 100,
  headerBytes: 16_384,
  continuations: 16,
  controlFrames: 100,
};

/** A request as a test sees it. */
export interface TestRequest {
  readonly stream: ServerStream;
  readonly headers: RequestHeaders | undefined;
  readonly events: string[];
}

/** A connection without a socket, and a handler that notes what happens. */
export class TestConnection {
  readonly wire = new TestWire();
  readonly requests: TestRequest[] = [];
  readonly errors: Error[] = [];
  readonly limitsHit: string[] = [];
  readonly connection: Connection;
  /** Called at each request, before its handler returns. */
  onRequest: (request: TestRequest) => void = () => {};
  /** Called with the body of each request. */
  onData: (request: TestRequest, bytes: Buffer) => void = () => {};

  constructor(own: Partial<ConnectionLimits> = {}) {
    const handler: ConnectionHandler = {
      request: (stream, headers) => this.begin(stream, headers),
      limitHit: (limit) => this.limitsHit.push(limit),
      failed: (error) => this.errors.push(error),
      otherProtocol: (is) => `not HTTP/2 but ${is}`,
    };
    this.connection = new Connection(this.wire, handler, { ...limits, ...own });
  }

  /** A connection that has begun; what the server sent for that is gone. */
  static async ready(own: Partial<ConnectionLimits> = {}, own2: readonly (readonly [number, number])[] = []) {
    const test = new TestConnection(own);
    test.send(clientPreface, settings(own2));
    await turn();
    test.wire.take();
    return test;
  }

  send(...frames: Buffer[]): void {
    this.connection.receive(Buffer.concat(frames));
  }

  /** Sends, and returns what the server answers to it. */
  async answer(...frames: Buffer[]): Promise<Frame[]> {
    this.send(...frames);
    await turn();
    return this.wire.take();
  }

  /** The last request. */
  get last(): TestRequest {
    return this.requests.at(-1) as TestRequest;
  }

  /** Opens a stream. */
  open(id: number, isEnd = false): TestRequest {
    this.send(headers(id, isEnd));
    return this.last;
  }

  /** Ends the client's side. */
  close(id: number): void {
    this.send(data(id, "", true));
  }

  private begin(stream: ServerStream, headers: RequestHeaders | undefined): StreamEvents {
    const request: TestRequest = { stream, headers, events: [] };
    this.requests.push(request);
    this.onRequest(request);
    return {
      data: (bytes) => {
        request.events.push(`data ${bytes.length}`);
        this.onData(request, bytes);
      },
      ended: () => request.events.push("ended"),
      closed: () => request.events.push("closed"),
    };
  }
}

/** Waits until what was put in this turn of the event loop is with the wire, and has left a wire that is not slow. */
export const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
