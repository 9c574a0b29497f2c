import type { Node } from "../cache/node-group.js";
import type { Caller } from "../caller.js";
import { messageOf } from "../errors.js";
import type { Logger } from "../logger.js";
import type { OptionNames } from "../options.js";
import type { Response } from "../protocol/response.js";
import type { AnswerInfo, NackInfo, StreamEvents, StreamInfo } from "../protocol/stream-events.js";
import type { DeltaDiscoveryRequest, DiscoveryRequest, Request } from "../wire/messages.js";

/** One call of a unary Fetch method, or one REST request. */
export interface FetchInfo extends Caller {
  readonly typeUrl: string;
  readonly transport: "grpc" | "rest";
}

/** A response that a client has ACKed. */
export interface StreamAck extends AnswerInfo {
  readonly stream: StreamInfo;
}

/** A response that a client has NACKed, and its reason. */
export interface StreamNack extends NackInfo {
  readonly stream: StreamInfo;
}

/** The result of a callback. A promise is awaited. */
export type Maybe = void | Promise<void>;

/**
 * Functions that a server calls during the life of a stream or a fetch. All are optional, and may be sync or async. A
 * stream waits for each one before it goes on.
 *
 * If a callback for an open, a request or a fetch request throws, that stream or call ends. Its status is the error's
 * if the error is an {@link XdsError} or has a numeric gRPC `code`, else INTERNAL. If any other callback throws, the
 * error is logged.
 */
export interface Callbacks {
  /** A SotW stream was opened. */
  onStreamOpen?(stream: StreamInfo): Maybe;
  /** A SotW stream has ended. */
  onStreamClosed?(stream: StreamInfo): Maybe;
  /** A request came on a SotW stream. */
  onStreamRequest?(stream: StreamInfo, request: DiscoveryRequest): Maybe;
  /** Called before a response is sent. Its resources are encoded; `message()` of a resource decodes it. */
  onStreamResponse?(stream: StreamInfo, request: DiscoveryRequest, response: Response): Maybe;
  /** A delta stream was opened. */
  onDeltaStreamOpen?(stream: StreamInfo): Maybe;
  /** A delta stream has ended. */
  onDeltaStreamClosed?(stream: StreamInfo): Maybe;
  /** A request came on a delta stream. */
  onStreamDeltaRequest?(stream: StreamInfo, request: DeltaDiscoveryRequest): Maybe;
  /** Called before a response is sent on a delta stream. */
  onStreamDeltaResponse?(stream: StreamInfo, request: DeltaDiscoveryRequest, response: Response): Maybe;
  /** A unary call or a REST request came. */
  onFetchRequest?(fetch: FetchInfo, request: DiscoveryRequest): Maybe;
  /** Called before the response to a unary call or a REST request is sent. */
  onFetchResponse?(fetch: FetchInfo, request: DiscoveryRequest, response: Response): Maybe;
  /**
   * Called for a request to the client status service (CSDS), with the node that the request claims to come from. A
   * throw refuses the request.
   */
  onClientStatusRequest?(caller: Caller, node: Node | undefined): Maybe;
  /** Called when a client has ACKed a response of either variant. */
  onStreamAck?(ack: StreamAck): Maybe;
  /** Called when a client has NACKed a response of either variant. `error.message` is the client's own message. */
  onStreamNack?(nack: StreamNack): Maybe;
}

/** Makes the event handlers for the streams of one variant, which call a user's callbacks. */
export function streamEvents(callbacks: Callbacks, variant: "sotw" | "delta"): StreamEvents {
  const isDelta = variant === "delta";
  const respond = isDelta
    ? callbacks.onStreamDeltaResponse &&
      ((s: StreamInfo, q: Request, r: Response) => callbacks.onStreamDeltaResponse?.(s, q as DeltaDiscoveryRequest, r))
    : callbacks.onStreamResponse &&
      ((s: StreamInfo, q: Request, r: Response) => callbacks.onStreamResponse?.(s, q as DiscoveryRequest, r));
  return {
    open: (stream) => (isDelta ? callbacks.onDeltaStreamOpen?.(stream) : callbacks.onStreamOpen?.(stream)),
    closed: (stream) => (isDelta ? callbacks.onDeltaStreamClosed?.(stream) : callbacks.onStreamClosed?.(stream)),
    request: (stream, request) =>
      isDelta
        ? callbacks.onStreamDeltaRequest?.(stream, request as DeltaDiscoveryRequest)
        : callbacks.onStreamRequest?.(stream, request as DiscoveryRequest),
    ...(respond && { response: respond }),
    ack: (stream, answer) => callbacks.onStreamAck?.({ ...answer, stream }),
    nack: (stream, answer) => callbacks.onStreamNack?.({ ...answer, stream }),
  };
}

/** Calls `onFetchResponse` for a response. An error that it throws is logged. */
export async function tellFetched(
  callbacks: Callbacks,
  logger: Logger,
  ...[fetch, request, response]: [FetchInfo, DiscoveryRequest, Response]
): Promise<void> {
  try {
    await callbacks.onFetchResponse?.(fetch, request, response);
  } catch (error) {
    logger.error({ callback: "onFetchResponse", peer: fetch.peer, error: messageOf(error) }, "a callback failed");
  }
}

/** @internal The names of all callbacks. */
export const callbackNames: OptionNames<Callbacks> = {
  onStreamOpen: true,
  onStreamClosed: true,
  onStreamRequest: true,
  onStreamResponse: true,
  onDeltaStreamOpen: true,
  onDeltaStreamClosed: true,
  onStreamDeltaRequest: true,
  onStreamDeltaResponse: true,
  onFetchRequest: true,
  onFetchResponse: true,
  onClientStatusRequest: true,
  onStreamAck: true,
  onStreamNack: true,
};
