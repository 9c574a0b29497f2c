import { createServer, type Server as NetServer, type Socket } from "node:net";
import { createServer as createTlsServer, type SecureContextOptions, Server as TlsServer } from "node:tls";
import { type Server, ServerCredentials } from "@grpc/grpc-js";
import { listenOn } from "./listen-on.js";
import type { RefusalLog } from "./refusal-log.js";
import { type TlsOptions, tlsServerOptions } from "./tls.js";

/** How long, in milliseconds, a client may take to read its last status. */
const closingMs = 1_000;

/**
 * The connections of a gRPC server, in plain text or by TLS. By itself grpc-js tells nobody of a handshake that fails, and what is
 * written to a client that reads nothing it keeps until the connection is gone.
 */
export class GrpcFront {
  private readonly server: NetServer;
  /** Every open connection, those that have not agreed on TLS yet among them. */
  private readonly sockets = new Set<Socket>();

  /** @throws XdsError INVALID_OPTION for certificates that cannot be used */
  constructor(grpc: Server, tls: TlsOptions | undefined, refused: RefusalLog) {
    const injector = grpc.createConnectionInjector(ServerCredentials.createInsecure());
    const take = (socket: Socket) => {
      socket.on("error", () => {}); // it ends the session, and that its streams
      if (this.server.listening) injector.injectConnection(socket);
      else socket.destroy();
    };
    this.server = tls
      ? createTlsServer({ ...tlsServerOptions(tls), ALPNProtocols: ["h2"] }, take)
      : createServer({ noDelay: true }, take);
    this.server.on("connection", (socket: Socket) => {
      this.sockets.add(socket.setMaxListeners(0)); // of each stream that waits for its end, one
      socket.on("close", () => this.sockets.delete(socket));
    });
    this.server.on("tlsClientError", (error, socket) => {
      refused.tellHandshake(error, socket);
      socket.destroy(); // what is not TLS, and who says nothing, would stay connected
    });
  }

  /**
   * Returns the port that it listens on.
   * @throws XdsError CANNOT_LISTEN
   */
  listen(host: string, port: number): Promise<number> {
    return listenOn(this.server, host, port, "gRPC");
  }

  /** New connections get these certificates. */
  setTls(context: SecureContextOptions): void {
    if (this.server instanceof TlsServer) this.server.setSecureContext(context);
  }

  /** Takes no new connections. */
  stop(): void {
    this.server.close();
  }

  /** Takes no new connections, and cuts those that have not ended in a second. */
  close(): void {
    this.server.close();
    const cutAll = () => {
      for (const socket of this.sockets) socket.destroy();
    };
    if (this.sockets.size > 0) setTimeout(cutAll, closingMs).unref();
  }

  /** Ends the connection of a client, and what is kept for it. */
  cut(peer: string): void {
    for (const socket of this.of(peer)) socket.destroy();
  }

  /** Calls back when the connection of a client has ended. Returns what takes that back. */
  whenGone(peer: string, tell: () => void): () => void {
    const sockets = this.of(peer);
    if (sockets.length === 0) tell();
    for (const socket of sockets) socket.once("close", tell);
    return () => {
      for (const socket of sockets) socket.off("close", tell);
    };
  }

  /** One, but for a client that connects from one port to two of our addresses. */
  private of(peer: string): Socket[] {
    return [...this.sockets].filter(({ remoteAddress, remotePort }) => `${remoteAddress}:${remotePort}` === peer);
  }
}
