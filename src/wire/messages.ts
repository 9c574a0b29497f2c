import type { SchemaRegistry } from "../schema/lazy-registry.js";
import type { Node } from "../schema/node.js";

/**
 * The fields that requests of both variants have. Names are those of `envoy.service.discovery.v3`, in lowerCamelCase.
 */
export interface Request {
  /** The node of a stream's first request. The stream copies it into later requests. */
  node: Node | undefined;
  /** "" when the request leaves it out; the stream then fills it in. */
  typeUrl: string;
  /** "": neither ACK nor NACK. */
  readonly responseNonce: string;
  /** Set in a NACK (P15): why the client refused the response with that nonce. */
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

/** Delta: a request adds names to the subscription and removes names from it. */
export interface DeltaDiscoveryRequest extends Request {
  readonly resourceNamesSubscribe: readonly string[];
  readonly resourceNamesUnsubscribe: readonly string[];
  /** The versions of the resources that the client has from an earlier stream, by name. */
  readonly initialResourceVersions: ReadonlyMap<string, string>;
}

/** The parts of a resource that a response needs. */
export interface Encodable {
  /** The name under which caches store it (P64). */
  readonly key: string;
  readonly name: string;
  readonly version: string;
  /** In milliseconds. `undefined` if clients keep it until it is removed. */
  readonly ttlMs: number | undefined;
  /** @internal The types by which it is written as JSON. */
  readonly registry: SchemaRegistry;
  /**
   * @internal Returns its bytes in a DiscoveryResponse, with or without its TTL (P57). `name` replaces its name (P64).
   */
  sotwEntry(ttl: boolean, name?: string): Uint8Array;
  /**
   * @internal Returns its bytes in a DeltaDiscoveryResponse, with or without its TTL (P57). `name` replaces its name
   * (P64).
   */
  deltaEntry(ttl: boolean, name?: string): Uint8Array;
}

/** A response of either variant before it is encoded. Streams may share the lists, so never change them. */
export interface EncodableResponse<R = Encodable> {
  readonly typeUrl: string;
  /** `version_info` in SotW, `system_version_info` in delta (P52). */
  readonly versionInfo: string;
  readonly nonce: string;
  readonly resources: readonly R[];
  /** `removed_resources`; always empty in SotW. */
  readonly removedResources: readonly string[];
  /** Resources that are sent without a body, to renew their TTL (P58); always empty in SotW. */
  readonly heartbeats: readonly R[];
  /** Names that are sent without a body, because no such resource exists (P60). */
  readonly unresolved: readonly string[];
  /** Whether the client supports TTLs (P57). */
  readonly ttl: boolean;
  /** The client's own spelling of resource keys and removed names, where it differs (P64). */
  readonly spellings: ReadonlyMap<string, string>;
}
