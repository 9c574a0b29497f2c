import type { Node } from "../cache/config-watcher.js";
import type { Resource } from "../resource/resource.js";
import type { Caller } from "./caller.js";
import type { ErrorDetail, Request, Response } from "./messages.js";

/** An open stream, as those see it who are told of it. */
export interface StreamInfo extends Caller {
  /** Unique in this process. */
  readonly id: number;
  readonly variant: "sotw" | "delta";
  /** The type URL of the service that was called; "" on ADS. */
  readonly typeUrl: string;
  /** undefined until the first request. */
  readonly node: Node | undefined;
  /** Milliseconds since 1970. */
  readonly openedAt: number;
}

/** An answer to a response. */
export interface AnswerInfo {
  readonly typeUrl: string;
  readonly version: string;
  readonly nonce: string;
  /** What the response changed. Shared: not to be changed. */
  readonly resources: readonly Resource[];
  readonly removedResources: readonly string[];
}

/** Why a response was refused. */
export interface NackInfo extends AnswerInfo {
  readonly error: ErrorDetail;
}

/**
 * What a stream tells of itself, in the order in which it happens. One that returns a promise is awaited before the stream goes
 * on. A throw in `open` or `request` ends the stream with the status thrown; in any other it is logged.
 */
export interface StreamEvents {
  open(stream: StreamInfo): void | Promise<void>;
  request(stream: StreamInfo, request: Request): void | Promise<void>;
  /** Left out, requests need not be kept. */
  response?(stream: StreamInfo, request: Request, response: Response): void | Promise<void>;
  ack(stream: StreamInfo, answer: AnswerInfo): void | Promise<void>;
  nack(stream: StreamInfo, answer: NackInfo): void | Promise<void>;
  closed(stream: StreamInfo): void | Promise<void>;
}
