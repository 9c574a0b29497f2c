import type { DiscoveryServiceMethods } from "../resource/types.js";
import type { SchemaRegistry } from "../schema/lazy-registry.js";
import type { Request } from "../wire/messages.js";
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

/** A variant with its encoding: all that a connection knows about it. */
export interface Protocol {
  readonly name: "sotw" | "delta";
  method(service: DiscoveryServiceMethods): string | undefined;
  /** Makes a stream that sends its encoded requests with `send`. */
  stream(
    host: StreamHost,
    subscriptions: () => readonly ClientSubscription[],
    serviceTypeUrl: string,
    send: (bytes: Uint8Array) => boolean,
  ): Pick<ClientStream<Request>, "start" | "flush" | "writable" | "receive" | "end">;
  /**
   * Decodes a response.
   * @throws XdsError INVALID_RESPONSE
   */
  decode(bytes: Uint8Array): ReceivedResponse;
}

function protocol<R extends Request>(
  variant: ClientVariant<R>,
  encode: (request: R, registry: SchemaRegistry) => Uint8Array,
  decode: (bytes: Uint8Array) => ReceivedResponse,
): Protocol {
  return {
    name: variant.name,
    method: variant.method,
    stream: (host, subscriptions, serviceTypeUrl, send) =>
      new ClientStream(variant, host, subscriptions, serviceTypeUrl, (request) => send(encode(request, host.registry))),
    decode,
  };
}

export const protocols: Readonly<Record<"sotw" | "delta", Protocol>> = {
  sotw: protocol(sotw, encodeDiscoveryRequest, decodeDiscoveryResponse),
  delta: protocol(delta, encodeDeltaDiscoveryRequest, decodeDeltaDiscoveryResponse),
};
