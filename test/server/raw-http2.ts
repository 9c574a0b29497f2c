import { connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { onTestFinished } from "vitest";
import { clientPreface, flag, frame, frameType } from "../../src/http2/frames.js";
import { HpackDecoder } from "../../src/http2/hpack/decoder.js";
import { until } from "../protocol/harness.js";

export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly id: number;
  readonly payload: Buffer;
}

type Fields = Readonly<Record<string, string>>;

/** The header list of a gRPC call. */
export const callFields = (path: string, more: Fields = {}): Fields => ({
  ":method": "POST",
  ":scheme": "http",
  ":path": path,
  ":authority": "test",
  "content-type": "application/grpc",
  te: "trailers",
  ...more,
});

/** A message with its prefix. */
export function framed(message: Uint8Array, flags = 0): Buffer {
  const out = Buffer.alloc(5 + message.length);
  out[0] = flags;
  out.writeUInt32BE(message.length, 1);
  out.set(message, 5);
  return out;
}

/** A length of HPACK, with a prefix of seven bits. */
function hpackLength(length: number): Buffer {
  const bytes: number[] = [];
  if (length < 127) return Buffer.of(length);
  bytes.push(127);
  let rest = length - 127;
  for (; rest >= 128; rest >>>= 7) bytes.push((rest & 127) | 128);
  bytes.push(rest);
  return Buffer.from(bytes);
}

/** A header block of literals that are not indexed. */
export function headerBlock(fields: Fields): Buffer {
  const text = (value: string) => [hpackLength(Buffer.byteLength(value)), Buffer.from(value)];
  const parts = Object.entries(fields).map(([name, value]) => [Buffer.of(0), ...text(name), ...text(value)]);
  return Buffer.concat(parts.flat());
}

/** How a call has ended, as its client sees it. */
export interface CallEnd {
  readonly httpStatus: string | undefined;
  readonly code: number | undefined;
  readonly details: string;
  readonly fields: Fields;
}

/** A client of HTTP/2 that does what a test says, frame by frame, and reads all that comes unless it is paused. */
export class RawClient {
  readonly frames: Frame[] = [];
  readonly isClosed: () => boolean;
  /** Bytes that came and are no frame yet; all of them, where the server does not answer with HTTP/2. */
  rest: Buffer = Buffer.alloc(0);
  private readonly hpack = new HpackDecoder(4_096, 1 << 20);
  private readonly lists = new Map<number, Fields>();
  private lastId = -1;

  constructor(readonly socket: Socket) {
    let closed = false;
    socket.on("data", (bytes) => this.take(bytes as Buffer));
    socket.on("error", () => {});
    socket.once("close", () => {
      closed = true;
    });
    this.isClosed = () => closed;
    onTestFinished(() => void socket.destroy());
  }

  /** Connects, and sends the preface and empty settings. */
  static async connect(port: number, ca?: string): Promise<RawClient> {
    const client = await RawClient.silent(port, ca);
    client.socket.write(Buffer.concat([clientPreface, frame(frameType.SETTINGS, 0, 0, Buffer.of())]));
    return client;
  }

  /** Connects, and sends nothing. */
  static silent(port: number, ca?: string, ALPNProtocols: string[] | undefined = ["h2"]): Promise<RawClient> {
    const host = "127.0.0.1";
    const alpn = ALPNProtocols.length > 0 ? { ALPNProtocols } : {};
    const socket =
      ca === undefined
        ? connectTcp({ host, port, noDelay: true })
        : connectTls({ host, port, ca, servername: "localhost", ...alpn });
    const client = new RawClient(socket);
    return new Promise((resolve, reject) => {
      socket.once("error", reject);
      socket.once(ca === undefined ? "connect" : "secureConnect", () => resolve(client));
    });
  }

  send(...frames: Buffer[]): void {
    this.socket.write(Buffer.concat(frames));
  }

  /** Begins a call. Returns its stream. */
  call(path: string, { more = {}, isEnd = false }: { more?: Fields; isEnd?: boolean } = {}): number {
    this.lastId += 2;
    const flags = flag.END_HEADERS | (isEnd ? flag.END_STREAM : 0);
    this.send(frame(frameType.HEADERS, flags, this.lastId, headerBlock(callFields(path, more))));
    return this.lastId;
  }

  data(id: number, bytes: Uint8Array, isEnd = false): void {
    this.send(frame(frameType.DATA, isEnd ? flag.END_STREAM : 0, id, bytes));
  }

  /** A whole unary call. */
  unary(path: string, message: Uint8Array = Buffer.of(), more: Fields = {}): number {
    const id = this.call(path, { more });
    this.data(id, framed(message), true);
    return id;
  }

  reset(id: number, code = 8): void {
    this.send(frame(frameType.RST_STREAM, 0, id, Buffer.of(0, 0, 0, code)));
  }

  of(type: number, id?: number): Frame[] {
    return this.frames.filter((one) => one.type === type && (id === undefined || one.id === id));
  }

  /** The messages of a stream so far. */
  messages(id: number): Buffer[] {
    const bytes = Buffer.concat(this.of(frameType.DATA, id).map(({ payload }) => payload));
    const messages: Buffer[] = [];
    for (let at = 0; at + 5 <= bytes.length; ) {
      const end = at + 5 + bytes.readUInt32BE(at + 1);
      if (end > bytes.length) break;
      messages.push(bytes.subarray(at + 5, end));
      at = end;
    }
    return messages;
  }

  /** Waits for the end of a call. */
  async ended(id: number): Promise<CallEnd> {
    const types = [frameType.HEADERS, frameType.DATA];
    const isOver = () => types.some((type) => this.of(type, id).some(({ flags }) => flags & flag.END_STREAM));
    await until(() => isOver() || this.isClosed(), `the end of stream ${id}`);
    if (!isOver()) throw new Error(`the connection has closed before stream ${id} has ended`);
    const fields = this.lists.get(id) ?? {};
    const code = fields["grpc-status"];
    return {
      httpStatus: fields[":status"],
      code: code === undefined ? undefined : Number(code),
      details: decodeURIComponent(fields["grpc-message"] ?? ""),
      fields,
    };
  }

  /** Waits for the first GOAWAY; its code and text. */
  async goneAway(): Promise<{ code: number; text: string }> {
    await until(() => this.of(frameType.GOAWAY).length > 0 || this.isClosed(), "a GOAWAY");
    const [first] = this.of(frameType.GOAWAY);
    if (!first) throw new Error("the connection has closed without a GOAWAY");
    return { code: first.payload.readUInt32BE(4), text: first.payload.subarray(8).toString() };
  }

  /** Resolves when all that was sent before has been handled. */
  async barrier(): Promise<void> {
    const acks = () => this.of(frameType.PING).filter(({ flags }) => flags & flag.ACK).length;
    const before = acks();
    this.send(frame(frameType.PING, 0, 0, Buffer.from("barrier!")));
    await until(() => acks() > before || this.isClosed(), "the answer to a PING");
    await new Promise((resolve) => setImmediate(resolve));
  }

  private take(bytes: Buffer): void {
    let rest = Buffer.concat([this.rest, bytes]);
    while (rest.length >= 9) {
      const end = 9 + rest.readUIntBE(0, 3);
      if (rest.length < end) break;
      const id = rest.readUInt32BE(5) & 0x7fffffff;
      const taken = {
        type: rest[3] as number,
        flags: rest[4] as number,
        id,
        payload: Buffer.from(rest.subarray(9, end)),
      };
      rest = rest.subarray(end);
      if (taken.type === frameType.HEADERS) this.takeHeaders(taken);
      if (taken.type === frameType.SETTINGS && !(taken.flags & flag.ACK))
        this.send(frame(frameType.SETTINGS, flag.ACK, 0, Buffer.of()));
      this.frames.push(taken);
    }
    this.rest = rest;
  }

  private takeHeaders({ id, payload }: Frame): void {
    const list = this.hpack.decode(payload) ?? [];
    const fields: Record<string, string> = { ...this.lists.get(id) };
    for (let i = 0; i < list.length; i += 2) fields[list[i] as string] = list[i + 1] as string;
    this.lists.set(id, fields);
  }
}
