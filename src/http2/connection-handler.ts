import type { Stranger } from "./preface.js";
import type { RequestHeaders } from "./request-headers.js";
import type { ServerStream, StreamEvents } from "./stream.js";

/** What bounds one connection. */
export interface ConnectionLimits {
  /** Streams at once. */
  readonly streams: number;
  /** Bytes of a request's header list, as SETTINGS_MAX_HEADER_LIST_SIZE counts them. */
  readonly headerBytes: number;
  /** CONTINUATION frames in one header block. */
  readonly continuations: number;
  /** Frames a second that cost the client nothing (see FrameBudget), and ten times as many at once. */
  readonly controlFrames: number;
}

/** Answers the requests of a connection. */
export interface ConnectionHandler {
  /** A request has begun. Its further events go to what is returned. `headers`: undefined if they exceed the limit. */
  request(stream: ServerStream, headers: RequestHeaders | undefined): StreamEvents;
  /** A limit was exceeded. */
  limitHit(limit: keyof ConnectionLimits): void;
  /** The connection is ended: for a ConnectionError of the client, or for an error that the handler has thrown. */
  failed(error: Error): void;
  /** The client does not begin with HTTP/2. Returns what the client is told. */
  stranger(is: Stranger): string;
}
