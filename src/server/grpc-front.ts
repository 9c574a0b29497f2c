import { createServer, type Server as NetServer, type Socket } from "node:net";
import { createServer as createTlsServer, type SecureContextOptions, Server as TlsServer } from "node:tls";
import { type Server, ServerCredentials } from "@grpc/grpc-js";
import { listenOn } from "./listen-on.js";
import type { RefusalLog } from "./refusal-log.js";
import { type TlsOptions, tlsServerOptions } from "./tls.js";

/**
 * The connections of a gRPC server, in plain text or by TLS. By itself grpc-js tells nobody of a handshake that fails, and what is
 * written to a client that reads nothing it keeps until the connection is gone.
 */
export class GrpcFront {
  private readonly server: NetServer;
  /** By the client's address. */
  private readonly sockets = new Map<string, Socket>();

  /** @throws XdsError INVALID_OPTION for certificates that cannot be used */
  constructor(grpc: Server, tls: TlsOptions | undefined, refused: RefusalLog) {
    const injector = grpc.createConnectionInjector(ServerCredentials.createInsecure());
    const take = (socket: Socket) => {
      const peer = `${socket.remoteAddress}:${socket.remotePort}`;
      this.sockets.set(peer, socket);
      socket.on("close", () => this.sockets.delete(peer));
      socket.on("error", () => {}); // it ends the session, and that its streams
      injector.injectConnection(socket);
    };
    if (!tls) {
      this.server = createServer({ noDelay: true }, take);
      return;
    }
    this.server = createTlsServer({ ...tlsServerOptions(tls), ALPNProtocols: ["h2"] }, take);
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

  /** Ends the connection of a client, and what is kept for it. */
  cut(peer: string): void {
    this.sockets.get(peer)?.destroy();
  }
}
