/**
 * All error codes of this library, with the gRPC status and the HTTP status of each. `docs/errors.md` explains each
 * row; a test fails when the two differ.
 */
export const errorTable = {
  /** A request that breaks the protocol: no type URL, another service's type, no node where one is required. */
  INVALID_REQUEST: { grpc: 3, http: 400 },
  /** A REST body that is not JSON, or not a DiscoveryRequest. */
  INVALID_JSON: { grpc: 3, http: 400 },
  /** An unknown REST path, admin path or gRPC method. */
  UNKNOWN_PATH: { grpc: 12, http: 404 },
  /** A REST path called with another method than POST, or an admin path with another than GET and HEAD. */
  METHOD_NOT_ALLOWED: { grpc: 12, http: 405 },
  /** A REST body, or a gRPC message, larger than the server's limit. */
  REQUEST_TOO_LARGE: { grpc: 8, http: 413 },
  /** A REST body, or a gRPC message, that did not arrive in time. */
  REQUEST_TOO_SLOW: { grpc: 8, http: 408 },
  /** A REST body whose content type is not JSON: a web page may have sent it. */
  UNSUPPORTED_MEDIA_TYPE: { grpc: 3, http: 415 },
  /** A request beyond one of the server's limits. */
  LIMIT_EXCEEDED: { grpc: 8, http: 429 },
  /** The client is not allowed to have what it requests. */
  PERMISSION_DENIED: { grpc: 7, http: 403 },
  /** The server has a configuration, but none for this node. */
  NO_CONFIGURATION: { grpc: 5, http: 404 },
  /** A request to the admin port about a node that is not connected. */
  UNKNOWN_NODE: { grpc: 5, http: 404 },
  /** A request to REST or the admin port on loopback whose `Host` is not a name of this machine. */
  FORBIDDEN_HOST: { grpc: 7, http: 403 },
  /** A request to REST or the admin port from a web page of another origin. */
  FORBIDDEN_ORIGIN: { grpc: 7, http: 403 },
  /** No configuration has been loaded yet. */
  NOT_READY: { grpc: 14, http: 503 },
  /** The server is shutting down. Clients should connect elsewhere. */
  DRAINING: { grpc: 14, http: 503 },
  /** The connection has reached its maximum age. Clients should connect again. */
  CONNECTION_TOO_OLD: { grpc: 14, http: 503 },
  /** Another server of the same configuration has fewer streams. Clients should connect again, to that one. */
  MOVED: { grpc: 14, http: 503 },
  /** Two resources of one type share a name. */
  DUPLICATE_NAME: { grpc: 9, http: 500 },
  /** A resource has other content, but the same user-given version as the resource that is served now. */
  VERSION_IN_USE: { grpc: 9, http: 500 },
  /** A resource without a name. */
  MISSING_NAME: { grpc: 9, http: 500 },
  /** A resource has another type than its cache, set or caller requires. */
  WRONG_TYPE: { grpc: 9, http: 500 },
  /** The type URL is not in the table of resource types. */
  UNKNOWN_TYPE: { grpc: 9, http: 500 },
  /** A resource that cannot be encoded or decoded with its type's schema. */
  INVALID_RESOURCE: { grpc: 9, http: 500 },
  /** An invalid option, argument or row of the type table. */
  INVALID_OPTION: { grpc: 9, http: 500 },
  /** The server cannot listen on the given address. */
  CANNOT_LISTEN: { grpc: 14, http: 500 },
  /** A method call that the object's state does not allow, such as listening twice. */
  WRONG_STATE: { grpc: 9, http: 500 },
  /** Another process has the store open. */
  STORE_LOCKED: { grpc: 14, http: 503 },
  /** The store cannot be read or written now, or has another format. */
  STORE_FAILED: { grpc: 14, http: 503 },
  /** The store is reached over a network, and does not answer now. */
  STORE_AWAY: { grpc: 14, http: 503 },
  /** Something in the store is missing or was changed. */
  STORE_DAMAGED: { grpc: 15, http: 500 },
  /** Bytes from a server that are not a valid response. */
  INVALID_RESPONSE: { grpc: 13, http: 502 },
  /** The server or the network ended a client's stream. */
  STREAM_ENDED: { grpc: 14, http: 502 },
  /** A node refused a configuration. The error gives the node, the resources and the reason. */
  NOT_APPLIED: { grpc: 9, http: 500 },
  /** The awaited event did not happen in time. */
  TIMED_OUT: { grpc: 4, http: 504 },
  /** A bug in this library, or in a callback or cache of the user. */
  INTERNAL: { grpc: 13, http: 500 },
} as const satisfies Record<string, { grpc: number; http: number }>;

/** The code of an {@link XdsError}: a row of {@link errorTable}. */
export type ErrorCode = keyof typeof errorTable;

/**
 * The only error class of this library.
 *
 * It has a code of the table, and a message that gives what is wrong, where, and what to do.
 */
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

  /** The HTTP status of the response to a REST request. */
  get httpStatus(): number {
    return errorTable[this.code].http;
  }
}

/** Returns the message of an `Error`, and any other thrown value as a string. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
