import type { IncomingMessage, ServerResponse } from "node:http";
import { connect, type Socket } from "node:net";
import { onTestFinished } from "vitest";
import { XdsError } from "../../src/errors.js";
import type { Receiving } from "../../src/grpc/receiving.js";
import { heavyWork } from "../../src/heavy-work.js";
import { Accounts } from "../../src/protocol/account.js";
import { FlushQueue } from "../../src/protocol/flush-queue.js";
import { type HttpHost, HttpServer, type HttpServerOptions } from "../../src/server/http/http-server.js";

/** So many turns of the event loop suffice for what is on its way on this machine. */
export async function turns(count = 200): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
}

const now = performance.now.bind(performance); // the real one, though a test has a fake clock

/** Waits without a timer, for a test may have stopped the clock. */
export async function until(happened: () => boolean): Promise<void> {
  const end = now() + 20_000;
  while (!happened()) {
    if (now() > end) throw new Error("waited in vain");
    await turns(1);
  }
}

/** A server whose requests wait in `asked` to be answered. */
export async function start(
  { receiving, ...options }: Partial<HttpServerOptions> & { receiving?: Receiving } = {},
  handle?: HttpHost["handle"],
) {
  await new Promise<void>((resolve) => heavyWork.next(resolve)); // work of earlier tests may have a rest
  const asked: { request: IncomingMessage; response: ServerResponse; body: string; isWhole: boolean }[] = [];
  const refused: { code: string; peer: string }[] = [];
  const accounts = new Accounts();
  const host: HttpHost = {
    accounts,
    queue: new FlushQueue(accounts.all),
    ...(receiving && { receiving: { of: () => receiving } }),
    handle:
      handle ??
      ((request, response) => {
        const one = { request, response, body: "", isWhole: false };
        asked.push(one);
        request.on("data", (piece) => (one.body += piece));
        request.on("end", () => {
          one.isWhole = true;
        });
      }),
    headersTooLate: () => new XdsError("REQUEST_TOO_SLOW", "too slow"),
    tooManyConnections: () => new XdsError("LIMIT_EXCEEDED", "too many connections"),
    refused: (error, peer) => refused.push({ code: (error as XdsError).code, peer }),
  };
  const server = new HttpServer({ connections: 10, headersMs: 10_000, droppedBytes: 1 << 20, ...options }, host);
  const port = await server.listen("127.0.0.1", 0, "a test");
  onTestFinished(() => server.close());
  return { server, port, asked, refused };
}

export interface Client {
  readonly socket: Socket;
  text: string;
  /** The server has ended its side, and both have. */
  isEnded: boolean;
  isClosed: boolean;
  error: string | undefined;
}

export function client(port: number): Client {
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  const is: Client = { socket, text: "", isEnded: false, isClosed: false, error: undefined };
  onTestFinished(() => void socket.destroy());
  socket.on("data", (bytes) => (is.text += bytes));
  socket.on("error", (error: NodeJS.ErrnoException) => {
    is.error = error.code;
  });
  socket.on("end", () => {
    is.isEnded = true;
  });
  socket.on("close", () => {
    is.isEnded = true;
    is.isClosed = true;
  });
  return is;
}

/** Counts as the server does. */
export function sum(limit = Number.POSITIVE_INFINITY) {
  const receiving = {
    bytes: 0,
    add(bytes: number) {
      receiving.bytes += bytes;
      if (bytes > 0 && receiving.bytes > limit) throw new XdsError("LIMIT_EXCEEDED", "too much");
    },
  };
  return receiving;
}

export const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`;
export const sized = (path: string, body: string) =>
  `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
export const chunked = (path: string, chunks: readonly string[], trailer = "") =>
  `POST ${path} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n` +
  `${chunks.map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`).join("")}0\r\n${trailer}\r\n`;
