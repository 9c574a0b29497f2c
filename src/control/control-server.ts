import { chmod, mkdtemp, rename, rm, stat } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { connect } from "node:net";
import { dirname, join } from "node:path";
import { messageOf, XdsError } from "../errors.js";
import { type Logger, silentLogger } from "../logger.js";
import type { Control } from "./control.js";
import { ControlHandler, controlErrorBody } from "./control-handler.js";
import { ownerOfSocket } from "./routes.js";
import { placeSocket, type SocketPlace, socketOf } from "./socket-place.js";

/** The most open connections. Further ones are closed at once. */
const mostConnections = 16;
/** How long a request can take to arrive, in milliseconds. */
const requestMs = 10_000;
/** A connection on which nothing is sent or read for this time, in milliseconds, is closed. */
const unreadMs = 30_000;

export interface ControlServerOptions {
  readonly logger?: Logger;
  /** @internal How long a request can take to arrive, in milliseconds. */
  readonly requestMs?: number;
}

/**
 * Takes orders on a Unix socket in a state directory, by HTTP/1.1 with JSON. The socket gets mode 0600 before others
 * can see it. So only the server's user and root can connect.
 */
export class ControlServer {
  private closing: Promise<void> | undefined;

  private constructor(
    private readonly server: Server,
    private readonly place: SocketPlace,
    private readonly inode: number,
  ) {}

  /**
   * Listens for orders. The socket of a dead server is replaced.
   * @throws XdsError CANNOT_LISTEN if the socket cannot be made, or a running server uses it
   */
  static async start(
    control: Control,
    stateDirectory: string,
    { logger = silentLogger, requestMs: ms = requestMs }: ControlServerOptions = {},
  ): Promise<ControlServer> {
    const server = makeServer(new ControlHandler(control, logger, ms), ms);
    let place: SocketPlace | undefined;
    try {
      if (process.platform === "win32") throw new Error("there are no Unix sockets; use the admin port");
      const before = await socketOf(stateDirectory);
      if (await isAlive(before)) throw new Error(`another server takes orders on ${before}`);
      place = await placeSocket(stateDirectory);
      return new ControlServer(server, place, await listen(server, place.path));
    } catch (cause) {
      server.close();
      await place?.remove();
      const message = `cannot take orders in the state directory ${stateDirectory}: ${messageOf(cause)}`;
      throw new XdsError("CANNOT_LISTEN", message, { cause });
    }
  }

  /** The path of the socket. */
  get path(): string {
    return this.place.path;
  }

  /** Stops listening, closes all connections, and removes the socket. Can be called again. */
  close(): Promise<void> {
    this.closing ??= this.end();
    return this.closing;
  }

  private async end(): Promise<void> {
    const closed = new Promise((resolve) => this.server.close(resolve));
    this.server.closeAllConnections();
    await closed;
    if ((await inodeOf(this.path)) === this.inode) await rm(this.path, { force: true });
    await this.place.remove();
  }

  /** Like {@link ControlServer.close}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

function makeServer(handler: ControlHandler, ms: number): Server {
  const limits = { headersTimeout: ms, requestTimeout: ms, connectionsCheckingInterval: Math.min(ms, 500) };
  const server = createServer(limits, (request, response) => void handler.handle(request, response, ownerOfSocket));
  server.maxConnections = mostConnections;
  server.setTimeout(unreadMs);
  server.on("clientError", (error: Error & { code?: string }, socket) => {
    if (!socket.writable) return;
    const isLate = error.code === "ERR_HTTP_REQUEST_TIMEOUT";
    const body = controlErrorBody(
      isLate
        ? new XdsError("REQUEST_TOO_SLOW", `the request did not arrive within ${ms} ms`)
        : new XdsError("INVALID_REQUEST", `not an HTTP/1.1 request: ${error.message}`),
    );
    const head = [
      `HTTP/1.1 ${isLate ? "408 Request Timeout" : "400 Bad Request"}`,
      "Connection: close",
      "Content-Type: application/json",
      `Content-Length: ${Buffer.byteLength(body)}`,
    ];
    socket.end(`${head.join("\r\n")}\r\n\r\n${body}`);
  });
  return server;
}

/**
 * Listens on a path, and returns the socket's inode. The socket is made in a folder that only this user can enter, gets
 * its mode there, and is then moved to its path.
 */
async function listen(server: Server, path: string): Promise<number> {
  const folder = await mkdtemp(join(dirname(path), ".c")); // its mode is 0700; the path of a socket must be short
  try {
    const made = join(folder, "s");
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(made, resolve);
    });
    await chmod(made, 0o600);
    const { ino } = await stat(made);
    await rename(made, path);
    return ino;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const inodeOf = (path: string): Promise<number | undefined> =>
  stat(path).then(
    ({ ino }) => ino,
    () => undefined,
  );

/** Whether a process listens on a socket. */
function isAlive(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    const over = (alive: boolean) => {
      socket.destroy();
      resolve(alive);
    };
    socket.once("connect", () => over(true));
    // EAGAIN: a process listens, and does not accept fast enough.
    socket.once("error", ({ code }: NodeJS.ErrnoException) => over(code === "EAGAIN"));
  });
}
