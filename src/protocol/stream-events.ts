import type { Node } from "../cache/config-watcher.js";
import type { Caller } from "../caller.js";
import type { Resource } from "../resource/resource.js";
import type { ErrorDetail, Request } from "../wire/messages.js";
import type { Response } from "./response.js";

/** An open stream, as callbacks see it. */
export interface StreamInfo extends Caller {
  /** Unique in this process. */
  readonly id: number;
  readonly variant: "sotw" | "delta";
  /** The type URL of the service that was called; "" on ADS. */
  readonly typeUrl: string;
  /** Undefined until the first request. */
  readonly node: Node | undefined;
  /** Milliseconds since 1970. */
  readonly openedAt: number;
}

/** An answer to a response. */
export interface AnswerInfo {
  readonly typeUrl: string;
  readonly version: string;
  readonly nonce: string;
  /** What the response changed. Do not change the lists: streams share them. */
  readonly resources: readonly Resource[];
  readonly removedResources: readonly string[];
}

/** A refused response, with the client's error. */
export interface NackInfo extends AnswerInfo {
  readonly error: ErrorDetail;
}

/**
 * What a stream reports, in order. If a callback returns a promise, the stream waits for it. An error in `open` or
 * `request` ends the stream with its status; any other error is logged.
 */
export interface StreamEvents {
  open(stream: StreamInfo): void | Promise<void>;
  request(stream: StreamInfo, request: Request): void | Promise<void>;
  /** If it is left out, requests are not remembered. */
  response?(stream: StreamInfo, request: Request, response: Response): void | Promise<void>;
  ack(stream: StreamInfo, answer: AnswerInfo): void | Promise<void>;
  nack(stream: StreamInfo, answer: NackInfo): void | Promise<void>;
  closed(stream: StreamInfo): void | Promise<void>;
}
