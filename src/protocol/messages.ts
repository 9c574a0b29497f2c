import type { Node } from "../cache/config-watcher.js";
import type { Resource } from "../resource/resource.js";

/** What both variants' requests carry. Names are those of `envoy.service.discovery.v3`, in lowerCamelCase. */
export interface Request {
  /** Of a stream's first request; the stream fills it into the others. */
  node: Node | undefined;
  /** "" when the request leaves it out, until the stream fills it in. */
  typeUrl: string;
  /** "": neither ACK nor NACK. */
  readonly responseNonce: string;
  /** Set in a NACK (P15): why the response with that nonce was refused. */
  readonly errorDetail: ErrorDetail | undefined;
}

/** `google.rpc.Status` as a client fills it. */
export interface ErrorDetail {
  readonly code: number;
  readonly message: string;
}

/** State of the world: every request repeats the whole list of names. */
export interface DiscoveryRequest extends Request {
  readonly versionInfo: string;
  readonly resourceNames: readonly string[];
}

/** Incremental: a request says what is added to the subscription and what leaves it. */
export interface DeltaDiscoveryRequest extends Request {
  readonly resourceNamesSubscribe: readonly string[];
  readonly resourceNamesUnsubscribe: readonly string[];
  /** Name to version of what the client has from an earlier stream. */
  readonly initialResourceVersions: ReadonlyMap<string, string>;
}

/** A response of either variant, before it is bytes. The lists may be shared between streams: not to be changed. */
export interface Response {
  readonly typeUrl: string;
  /** `version_info` in SotW, `system_version_info` in delta (P52). */
  readonly versionInfo: string;
  readonly nonce: string;
  readonly resources: readonly Resource[];
  /** `removed_resources`; always empty in SotW. */
  readonly removedResources: readonly string[];
  /** Sent without a body, so that the client keeps them (P58); always empty in SotW. */
  readonly heartbeats: readonly Resource[];
  /** Sent without a body, since there is no such resource (P60). */
  readonly unresolved: readonly string[];
  /** The client understands TTLs (P57). */
  readonly ttl: boolean;
  /** Resource keys and removed names that the client spells otherwise (P64). */
  readonly spellings: ReadonlyMap<string, string>;
}
