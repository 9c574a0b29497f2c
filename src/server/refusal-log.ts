import type { TLSSocket } from "node:tls";
import { type ErrorCode, messageOf, XdsError } from "../errors.js";
import { StatusError } from "../grpc/status.js";
import type { Logger } from "../logger.js";
import { LimitError, type LimitName } from "./limits.js";

/** How many lines a minute may tell of errors with one code. */
const mostLines = 20;
const minute = 60_000;

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

/** What has a ration of its own: each limit, so that one that is hit all the time does not hide the others. */
type Rationed = ErrorCode | LimitName | "handshake" | "protocol" | "stranger";

const refusals = {
  stream: "a stream is ended",
  request: "a request is refused",
  connection: "a connection is refused or ended",
};

/**
 * Logs which streams, requests, connections and TLS handshakes ended with an error. Clients that are refused come back
 * at once, and may be thousands, so lines are rationed: 20 a minute for each limit, for each other code, and for
 * handshakes. The next line has the number of lines that were left out, as `unlogged`.
 */
export class RefusalLog {
  private readonly rations = new Map<Rationed, { readonly since: number; lines: number; unlogged: number }>();

  constructor(private readonly logger: Logger) {}

  tell(what: keyof typeof refusals, error: unknown, fields: object, now = performance.now()): void {
    const told = { ...fields, error: messageOf(error) };
    if (error instanceof StatusError) {
      this.rationed("protocol", "info", told, refusals[what], now); // the client has sent what is not gRPC
      return;
    }
    const code = error instanceof XdsError ? error.code : "INTERNAL";
    const level = levels[code] ?? "debug";
    const message = code === "INTERNAL" ? `a ${what} fails` : refusals[what];
    if (level === "debug") this.logger.debug(told, message);
    else this.rationed(error instanceof LimitError ? error.limit : code, level, told, message, now);
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
    if (error.code === "ECONNRESET" && !refused) this.logger.debug(fields, message);
    else this.rationed("handshake", "warn", fields, message, performance.now());
  }

  /** A client does not speak HTTP/2, or not with TLS where it should. */
  tellStranger(peer: string, what: string): void {
    const fields = { peer, error: what };
    this.rationed("stranger", "warn", fields, "a connection to the gRPC port is not HTTP/2", performance.now());
  }

  /** A client has broken the rules of HTTP/2. */
  tellProtocolError(error: Error, peer: string): void {
    const fields = { peer, error: error.message };
    this.rationed("protocol", "info", fields, "a connection is ended for an error of HTTP/2", performance.now());
  }

  private rationed(
    key: Rationed,
    level: "info" | "warn" | "error",
    fields: object,
    message: string,
    now: number,
  ): void {
    const ration = this.ration(key, now);
    if (ration.lines === mostLines) {
      ration.unlogged++;
      return;
    }
    const { unlogged } = ration;
    ration.lines++;
    ration.unlogged = 0;
    this.logger[level]({ ...fields, ...(unlogged > 0 && { unlogged }) }, message);
  }

  private ration(key: Rationed, now: number) {
    const last = this.rations.get(key);
    if (last && now - last.since < minute) return last;
    const next = { since: now, lines: 0, unlogged: last?.unlogged ?? 0 };
    this.rations.set(key, next);
    return next;
  }
}
