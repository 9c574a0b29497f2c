import { once } from "node:events";
import { type ClientHttp2Session, type ClientHttp2Stream, connect, type IncomingHttpHeaders } from "node:http2";
import { type AddressInfo, connect as connectTcp, type Socket } from "node:net";
import { type ConnectionOptions, connect as connectTls, type TLSSocket, type TlsOptions } from "node:tls";
import type { Connection } from "../../src/http2/connection.js";
import type { ServerLimits, ServerOptions } from "../../src/http2/entry.js";
import { encodeHeaders } from "../../src/http2/hpack/encoder.js";
import type { RequestHeaders } from "../../src/http2/request-headers.js";
import { Http2Server } from "../../src/http2/server.js";
import type { ServerStream, StreamEvents } from "../../src/http2/stream.js";
import { limits } from "./test-wire.js";

const ok = encodeHeaders([[":status", "200"]]);
const end = encodeHeaders([["x-end", "1"]]);

/**
 * An HTTP/2 server that listens, and what it reports. It answers a request with its body, or with what its path says.
 */
export class Listening {
  readonly limitsHit: string[] = [];
  readonly errors: string[] = [];
  readonly requests: (RequestHeaders | undefined)[] = [];
  readonly connections: Connection[] = [];
  closedConnections = 0;
  readonly server: Http2Server;
  private readonly clients: { destroy(): void }[] = [];

  private constructor(options: Partial<ServerOptions>) {
    this.server = new Http2Server({ ...patient, ...options } as ServerOptions, {
      opened: (connection) => {
        this.connections.push(connection);
        return {
          request: (stream, headers) => this.request(stream, headers),
          failed: (error) => this.errors.push(error.message),
          otherProtocol: (is) => `this is HTTP/2, and not ${is}`,
          closed: () => {
            this.closedConnections++;
          },
        };
      },
      limitHit: (limit) => this.limitsHit.push(limit),
      handshakeFailed: (error) => this.errors.push(error.message),
    });
  }

  static async start(own: { limits?: Partial<ServerLimits>; tls?: TlsOptions; keepaliveMs?: number } = {}) {
    const { keepaliveMs = 1e6 } = own;
    const listening = new Listening({
      tls: own.tls,
      limits: { ...patient.limits, ...own.limits },
      keepaliveMs,
      keepaliveTimeoutMs: keepaliveMs,
    });
    listening.server.listener.listen(0, "127.0.0.1");
    await once(listening.server.listener, "listening");
    return listening;
  }

  get port(): number {
    return (this.server.listener.address() as AddressInfo).port;
  }

  /** A client of Node's own HTTP/2, which is nghttp2. */
  client(settings: Record<string, unknown> = {}, tls?: ConnectionOptions): ClientHttp2Session {
    const url = `${tls ? "https" : "http"}://127.0.0.1:${this.port}`;
    const client = connect(url, { settings, ...tls } as object);
    client.on("error", () => {});
    this.clients.push(client);
    return client;
  }

  /** A client that sends bytes. */
  async raw(): Promise<Socket> {
    const socket = connectTcp(this.port, "127.0.0.1");
    this.clients.push(socket);
    socket.on("error", () => {});
    await once(socket, "connect");
    return socket;
  }

  async rawTls(options: ConnectionOptions): Promise<TLSSocket> {
    const socket = connectTls({ port: this.port, host: "127.0.0.1", ...options });
    this.clients.push(socket);
    await once(socket, "secureConnect");
    socket.on("error", () => {});
    return socket;
  }

  /** Ends the clients and the server. */
  async close(): Promise<void> {
    for (const client of this.clients) client.destroy();
    this.server.close();
    await this.server.stop();
  }

  private request(stream: ServerStream, headers: RequestHeaders | undefined): StreamEvents {
    this.requests.push(headers);
    const path = headers?.path ?? "/";
    const [, bytes] = /^\/bytes\/(\d+)$/.exec(path) ?? [];
    if (path !== "/never") stream.respond(ok);
    if (bytes) stream.end(end, [Buffer.alloc(Number(bytes), 7)]);
    return {
      data: (body) => {
        stream.allow(65_535);
        if (path === "/") stream.write([Buffer.from(body)]);
      },
      ended: () => {
        if (path === "/") stream.end(end);
      },
      closed: () => {},
    };
  }
}

const patient = {
  tls: undefined,
  limits: {
    ...limits,
    streams: 1_000,
    connections: 100,
    connectionsPerPeer: 100,
    handshakeMs: 1e6,
    idleMs: 1e6,
    frameMs: 1_000_000,
  },
  keepaliveMs: 1e6,
  keepaliveTimeoutMs: 1e6,
};

/** What a client got in answer. */
export interface Answer {
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly trailers: IncomingHttpHeaders;
}

/** Waits for the whole answer of a request. */
export async function answerOf(stream: ClientHttp2Stream): Promise<Answer> {
  let headers: IncomingHttpHeaders = {};
  let trailers: IncomingHttpHeaders = {};
  stream.on("response", (got) => {
    headers = got;
  });
  stream.on("trailers", (got) => {
    trailers = got;
  });
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return { headers, body: Buffer.concat(chunks), trailers };
}

/** Sends a request, and waits for its answer. */
export function ask(client: ClientHttp2Session, path = "/", body: Uint8Array = Buffer.from("hello")): Promise<Answer> {
  const stream = client.request({ ":method": "POST", ":path": path });
  const answer = answerOf(stream);
  stream.end(body);
  return answer;
}

/** All that comes until the other side ends. */
export async function everything(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
