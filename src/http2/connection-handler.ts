import type { LimitHandler } from "./connection-limits.js";
import type { OtherProtocol } from "./preface.js";
import type { RequestHeaders } from "./request-headers.js";
import type { ServerStream, StreamEvents } from "./stream.js";

/** Answers the requests of a connection. */
export interface ConnectionHandler extends LimitHandler {
  /**
   * A request has begun. Its events go to the returned object. `headers` is undefined if the header list exceeds the
   * limit.
   */
  request(stream: ServerStream, headers: RequestHeaders | undefined): StreamEvents;
  /** The connection is ended because the client broke a rule (a ConnectionError) or the handler threw. */
  failed(error: Error): void;
  /** The client's first bytes are not HTTP/2. Returns the text that the client is sent. */
  otherProtocol(is: OtherProtocol): string;
}
