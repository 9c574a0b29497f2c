/**
 * Every way in which this library refuses, in one table: what it means on gRPC and on HTTP.
 * `docs/errors.md` explains each row; a test fails when the two differ.
 */
export const errorTable = {
  /** A request that breaks the protocol: no type URL, another service's type, no node where one is required. */
  INVALID_REQUEST: { grpc: 3, http: 400 },
  /** A REST body that is not JSON, or not a DiscoveryRequest. */
  INVALID_JSON: { grpc: 3, http: 400 },
  /** A path of REST or of the admin port, or a gRPC method, that serves nothing. */
  UNKNOWN_PATH: { grpc: 12, http: 404 },
  /** A REST path asked with another method than POST, or one of the admin port with another than GET and HEAD. */
  METHOD_NOT_ALLOWED: { grpc: 12, http: 405 },
  /** A REST body, or a gRPC message, larger than the server's limit. */
  REQUEST_TOO_LARGE: { grpc: 8, http: 413 },
  /** A REST body, or a gRPC message, that has not come in time. */
  REQUEST_TOO_SLOW: { grpc: 8, http: 408 },
  /** A REST body that is not announced as JSON: a web page may have sent it. */
  UNSUPPORTED_MEDIA_TYPE: { grpc: 3, http: 415 },
  /** A client that asks for more than the server's limits allow. */
  LIMIT_EXCEEDED: { grpc: 8, http: 429 },
  /** A client that may not have what it asks for. */
  PERMISSION_DENIED: { grpc: 7, http: 403 },
  /** The server has a configuration, but none for this node. */
  NO_CONFIGURATION: { grpc: 5, http: 404 },
  /** The admin port is asked for a node that is not connected. */
  UNKNOWN_NODE: { grpc: 5, http: 404 },
  /** REST or the admin port, on loopback, is asked under a host name that is not this machine's. */
  FORBIDDEN_HOST: { grpc: 7, http: 403 },
  /** REST or the admin port is asked by a web page of another origin. */
  FORBIDDEN_ORIGIN: { grpc: 7, http: 403 },
  /** No configuration has been loaded yet. */
  NOT_READY: { grpc: 14, http: 503 },
  /** The server is shutting down; connect elsewhere. */
  DRAINING: { grpc: 14, http: 503 },
  /** A connection that is as old as connections may get; connect again. */
  CONNECTION_TOO_OLD: { grpc: 14, http: 503 },
  /** Two resources of one type share a name. */
  DUPLICATE_NAME: { grpc: 9, http: 500 },
  /** A resource with other content under the version, of the user's own, that is served already. */
  VERSION_IN_USE: { grpc: 9, http: 500 },
  /** A resource without a name. */
  MISSING_NAME: { grpc: 9, http: 500 },
  /** A resource of another type than the one asked for here. */
  WRONG_TYPE: { grpc: 9, http: 500 },
  /** A type URL that is no row of the table of resource types. */
  UNKNOWN_TYPE: { grpc: 9, http: 500 },
  /** A resource that cannot be encoded or decoded with its type's schema. */
  INVALID_RESOURCE: { grpc: 9, http: 500 },
  /** An option, an argument or a row of the type table that cannot be. */
  INVALID_OPTION: { grpc: 9, http: 500 },
  /** A server that cannot listen on the address it was given. */
  CANNOT_LISTEN: { grpc: 14, http: 500 },
  /** A call of a method that the object's state does not allow, such as listening twice. */
  WRONG_STATE: { grpc: 9, http: 500 },
  /** Bytes that came from a server and are no response. */
  INVALID_RESPONSE: { grpc: 13, http: 502 },
  /** A client's stream that the server or the way to it has ended. */
  STREAM_ENDED: { grpc: 14, http: 502 },
  /** A node has refused what it was to apply; the error says which, what and why. */
  NOT_APPLIED: { grpc: 9, http: 500 },
  /** What was waited for did not happen in time. */
  TIMED_OUT: { grpc: 4, http: 504 },
  /** A fault of ours, or of a user's callback or cache. */
  INTERNAL: { grpc: 13, http: 500 },
} as const satisfies Record<string, { grpc: number; http: number }>;

export type ErrorCode = keyof typeof errorTable;

/** The one error class: a code of the table, and a message that names what, where and what to do. */
export class XdsError extends Error {
  override readonly name = "XdsError";
  constructor(
    readonly code: ErrorCode,
    message: string,
    options?: { cause?: unknown },
  ) {
    super(message, options);
  }

  /** The gRPC status code (https://grpc.io/docs/guides/status-codes/) that a stream ends with. */
  get grpcStatus(): number {
    return errorTable[this.code].grpc;
  }

  /** The HTTP status that a REST request is answered with. */
  get httpStatus(): number {
    return errorTable[this.code].http;
  }
}

/** The text of whatever was thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
