import type { ChangeBatch } from "./change-feed.js";
import type { ClientStreamInfo, ClosedClientStream } from "./connection.js";
import type { ClientResponse } from "./response.js";
import type { Verdict } from "./stream.js";

/** Why resources have changed: a response, an expired TTL, or an unsubscription. */
export type ChangeCause = "response" | "ttl" | "unsubscribed";

/** Resources that were added, changed or removed. */
export interface ClientChange extends ChangeBatch {
  readonly cause: ChangeCause;
}

/** Functions that the client calls on events. All are optional. Exceptions are logged, except those of `onResponse`. */
export interface ClientCallbacks {
  /**
   * Called for each response. Its result decides: undefined ACKs the response; a string, an error or an exception NACKs
   * it with that message.
   *
   * Without this function, every response is ACKed. While a returned promise is pending, the stream is not read.
   */
  onResponse?(response: ClientResponse): Verdict | Promise<Verdict>;
  /** Called after a response was NACKed: by `onResponse`, by the caller, or because it breaks the protocol. */
  onNack?(response: ClientResponse, message: string): void;
  /** Called after the client's resources have changed. */
  onChange?(change: ClientChange): void;
  /** Called when a connection is established and a stream is open on it. */
  onStreamOpen?(stream: ClientStreamInfo): void;
  /** A stream has ended, or a connection could not be opened. */
  onStreamClosed?(stream: ClosedClientStream): void;
}
