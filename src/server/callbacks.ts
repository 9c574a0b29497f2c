import type { Node } from "../cache/node-group.js";
import { messageOf } from "../errors.js";
import type { Logger } from "../logger.js";
import type { Caller } from "../protocol/caller.js";
import type { DeltaDiscoveryRequest, DiscoveryRequest, Request, Response } from "../protocol/messages.js";
import type { AnswerInfo, NackInfo, StreamEvents, StreamInfo } from "../protocol/stream-events.js";

/** One call of a unary Fetch method or of REST. */
export interface FetchInfo extends Caller {
  readonly typeUrl: string;
  readonly transport: "grpc" | "rest";
}

/** A response that a client has taken. */
export interface StreamAck extends AnswerInfo {
  readonly stream: StreamInfo;
}

/** A response that a client has refused, and its reason. */
export interface StreamNack extends NackInfo {
  readonly stream: StreamInfo;
}

type Maybe = void | Promise<void>;

/**
 * What users may do at the turns of a stream's life. All are optional, sync or async; a stream awaits each before it goes on.
 *
 * One that throws in an open, a request or a fetch request ends that call, and nothing else: with the error's status if it is
 * an {@link XdsError} or has a numeric gRPC `code`, else with INTERNAL. Thrown elsewhere it is logged.
 */
export interface Callbacks {
  onStreamOpen?(stream: StreamInfo): Maybe;
  onStreamClosed?(stream: StreamInfo): Maybe;
  onStreamRequest?(stream: StreamInfo, request: DiscoveryRequest): Maybe;
  /** Before the response is sent. Its resources are decoded only by whoever calls `message()` on one. */
  onStreamResponse?(stream: StreamInfo, request: DiscoveryRequest, response: Response): Maybe;
  onDeltaStreamOpen?(stream: StreamInfo): Maybe;
  onDeltaStreamClosed?(stream: StreamInfo): Maybe;
  onStreamDeltaRequest?(stream: StreamInfo, request: DeltaDiscoveryRequest): Maybe;
  onStreamDeltaResponse?(stream: StreamInfo, request: DeltaDiscoveryRequest, response: Response): Maybe;
  onFetchRequest?(fetch: FetchInfo, request: DiscoveryRequest): Maybe;
  onFetchResponse?(fetch: FetchInfo, request: DiscoveryRequest, response: Response): Maybe;
  /** A request to the client status service (CSDS), with the node that it says it comes from; a throw refuses it. */
  onClientStatusRequest?(caller: Caller, node: Node | undefined): Maybe;
  /** A response of either variant was taken. */
  onStreamAck?(ack: StreamAck): Maybe;
  /** A response of either variant was refused; `error.message` is the client's own. */
  onStreamNack?(nack: StreamNack): Maybe;
}

/** Binds a user's callbacks to what the streams of one variant tell. */
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

/** Tells of a fetched response; what is thrown is logged. */
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
