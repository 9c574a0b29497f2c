import type { TLSSocket } from "node:tls";
import { type ErrorCode, messageOf, XdsError } from "../../errors.js";
import { StatusError } from "../../grpc/status.js";
import type { RationedLog } from "../../rationed-log.js";
import { LimitError } from "./limits.js";

/**
 * The log level by error code. All other codes are logged at debug: the client gets the error, and most of them need no
 * action by the operator.
 */
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
 * Logs the streams, requests, connections and TLS handshakes that ended with an error. Thousands of refused clients may
 * come back at once, so the log rations its lines. Each limit and each other code has its own ration, so that one that
 * is hit all the time does not hide the others.
 */
export class RefusalLog {
  constructor(private readonly log: RationedLog) {}

  tell(
    what: keyof typeof refusals,
    error: unknown,
    fields: { readonly peer: string; readonly [name: string]: unknown },
  ): void {
    const entry = { ...fields, error: messageOf(error) };
    if (error instanceof StatusError) {
      this.log.info(entry, refusals[what], `${refusals[what]}: protocol`); // the client broke the rules of gRPC
      return;
    }
    const code = error instanceof XdsError ? error.code : "INTERNAL";
    const message = code === "INTERNAL" ? `a ${what} fails` : refusals[what];
    const kind = error instanceof LimitError ? error.limit : code;
    this.log[levels[code] ?? "debug"](entry, message, `${message}: ${kind}`);
  }

  /** Logs a failed TLS handshake. One that the client broke off, such as a port check, is logged at debug. */
  logHandshake(error: Error & { code?: string; reason?: string }, socket: TLSSocket): void {
    const { authorizationError, remoteAddress, remotePort } = socket;
    // After Node has refused a client's certificate, the socket no longer has the remote address.
    const peer = remoteAddress === undefined ? {} : { peer: `${remoteAddress}:${remotePort}` };
    const refused = authorizationError && `the client's certificate is refused: ${authorizationError}`;
    const reason = error.reason ?? error.message;
    const isPlain = /^(wrong version number|http request)$/.test(reason); // OpenSSL's words for it
    const fields = { ...peer, error: refused || (isPlain ? `the client does not use TLS (${reason})` : reason) };
    const message = "a TLS handshake fails";
    if (error.code === "ECONNRESET" && !refused) this.log.debug(fields, message, "a client breaks off a TLS handshake");
    else this.log.warn(fields, message);
  }

  /** Logs a connection that does not use HTTP/2, or uses no TLS on a port with TLS. */
  logNotHttp2(peer: string, what: string): void {
    this.log.warn({ peer, error: what }, "a connection to the gRPC port is not HTTP/2");
  }

  /** Logs a connection that was closed because its client broke the rules of HTTP/2. */
  logProtocolError(error: Error, peer: string): void {
    this.log.info({ peer, error: error.message }, "a connection is closed after an HTTP/2 protocol error");
  }
}
