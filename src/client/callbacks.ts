import type { ChangeBatch } from "./change-feed.js";
import type { ClientStreamInfo, ClosedClientStream } from "./connection.js";
import type { ClientResponse } from "./response.js";
import type { Verdict } from "./stream.js";

/** Why resources have changed: the server said so, their TTL is over, or they were unsubscribed. */
export type ChangeCause = "response" | "ttl" | "unsubscribed";

/** Resources that are new, different or gone. */
export interface ClientChange extends ChangeBatch {
  readonly cause: ChangeCause;
}

/** What users may do at the turns of a client's life. All are optional. What they throw is logged, but for `onResponse`. */
export interface ClientCallbacks {
  /**
   * A response has come. What this returns decides: nothing ACKs it, a text or an error (thrown too) NACKs it with that. The
   * stream is not read on while a promise is not settled. Without this, all is ACKed.
   */
  onResponse?(response: ClientResponse): Verdict | Promise<Verdict>;
  /** A response was NACKed: by `onResponse`, by the caller, or because it breaks the protocol. */
  onNack?(response: ClientResponse, message: string): void;
  /** What the client holds has changed. */
  onChange?(change: ClientChange): void;
  /** A connection is there, and a stream on it. */
  onStreamOpen?(stream: ClientStreamInfo): void;
  onStreamClosed?(stream: ClosedClientStream): void;
}
