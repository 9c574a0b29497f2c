import type { Request } from "../protocol/messages.js";
import type { DiscoveryServiceMethods } from "../resource/types.js";
import { encodeDeltaDiscoveryRequest, encodeDiscoveryRequest } from "../wire/request-encoding.js";
import {
  decodeDeltaDiscoveryResponse,
  decodeDiscoveryResponse,
  type ReceivedResponse,
} from "../wire/response-decoding.js";
import { delta } from "./delta.js";
import { sotw } from "./sotw.js";
import { ClientStream, type StreamHost } from "./stream.js";
import type { ClientSubscription } from "./subscription.js";
import type { ClientVariant } from "./variant.js";

/** A variant with its encoding: what a connection has to know of it. */
export interface Protocol {
  readonly name: "sotw" | "delta";
  method(service: DiscoveryServiceMethods): string | undefined;
  /** A stream whose requests go out by `send`, as bytes. */
  stream(
    host: StreamHost,
    subscriptions: () => readonly ClientSubscription[],
    serviceTypeUrl: string,
    send: (bytes: Uint8Array) => boolean,
  ): Pick<ClientStream<Request>, "start" | "flush" | "writable" | "receive" | "end">;
  /** @throws XdsError INVALID_RESPONSE */
  decode(bytes: Uint8Array): ReceivedResponse;
}

function protocol<R extends Request>(
  variant: ClientVariant<R>,
  encode: (request: R) => Uint8Array,
  decode: (bytes: Uint8Array) => ReceivedResponse,
): Protocol {
  return {
    name: variant.name,
    method: variant.method,
    stream: (host, subscriptions, serviceTypeUrl, send) =>
      new ClientStream(variant, host, subscriptions, serviceTypeUrl, (request) => send(encode(request))),
    decode,
  };
}

export const protocols: Readonly<Record<"sotw" | "delta", Protocol>> = {
  sotw: protocol(sotw, encodeDiscoveryRequest, decodeDiscoveryResponse),
  delta: protocol(delta, encodeDeltaDiscoveryRequest, decodeDeltaDiscoveryResponse),
};
