import type { TLSSocket } from "node:tls";
import { type ErrorCode, messageOf, XdsError } from "../errors.js";
import { StatusError } from "../grpc/status.js";
import type { RationedLog } from "../rationed-log.js";
import { LimitError } from "./limits.js";

/** What an operator should hear of. All else is told in debug: the client hears of it, and most of it heals by itself. */
const levels: Partial<Record<ErrorCode, "info" | "warn" | "error">> = {
  INTERNAL: "error",
  LIMIT_EXCEEDED: "warn",
  REQUEST_TOO_LARGE: "warn",
  REQUEST_TOO_SLOW: "warn",
  FORBIDDEN_HOST: "warn",
  FORBIDDEN_ORIGIN: "warn",
  PERMISSION_DENIED: "warn",
  INVALID_REQUEST: "info",
  NOT_READY: "info",
};

const refusals = {
  stream: "a stream is ended",
  request: "a request is refused",
  connection: "a connection is refused or ended",
};

/**
 * Logs which streams, requests, connections and TLS handshakes ended with an error. Clients that are refused come back
 * at once, and may be thousands, so the log rations lines: each limit and each other code is a kind of its own, so that
 * one that is hit all the time does not hide the others.
 */
export class RefusalLog {
  constructor(private readonly log: RationedLog) {}

  tell(
    what: keyof typeof refusals,
    error: unknown,
    fields: { readonly peer: string; readonly [name: string]: unknown },
  ): void {
    const told = { ...fields, error: messageOf(error) };
    if (error instanceof StatusError) {
      this.log.info(told, refusals[what], `${refusals[what]}: protocol`); // the client has sent what is not gRPC
      return;
    }
    const code = error instanceof XdsError ? error.code : "INTERNAL";
    const message = code === "INTERNAL" ? `a ${what} fails` : refusals[what];
    const kind = error instanceof LimitError ? error.limit : code;
    this.log[levels[code] ?? "debug"](told, message, `${message}: ${kind}`);
  }

  /** A client and the server have not agreed on TLS. Who only looks whether the port is open is told in debug. */
  tellHandshake(error: Error & { code?: string; reason?: string }, socket: TLSSocket): void {
    const { authorizationError, remoteAddress, remotePort } = socket;
    // Node has forgotten where those come from whose certificate it refuses.
    const peer = remoteAddress === undefined ? {} : { peer: `${remoteAddress}:${remotePort}` };
    const refused = authorizationError && `the client's certificate is refused: ${authorizationError}`;
    const reason = error.reason ?? error.message;
    const isPlain = /^(wrong version number|http request)$/.test(reason); // OpenSSL's words for it
    const fields = { ...peer, error: refused || (isPlain ? `the client speaks without TLS (${reason})` : reason) };
    const message = "a TLS handshake fails";
    if (error.code === "ECONNRESET" && !refused) this.log.debug(fields, message, "a TLS handshake is given up");
    else this.log.warn(fields, message);
  }

  /** A client does not speak HTTP/2, or not with TLS where it should. */
  tellStranger(peer: string, what: string): void {
    this.log.warn({ peer, error: what }, "a connection to the gRPC port is not HTTP/2");
  }

  /** A client has broken the rules of HTTP/2. */
  tellProtocolError(error: Error, peer: string): void {
    this.log.info({ peer, error: error.message }, "a connection is ended for an error of HTTP/2");
  }
}
