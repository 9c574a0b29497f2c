import type { OptionNames } from "../options.js";
import type { XdsApi } from "./xds-api.js";

/** Settings of a resource besides its message. */
export interface ResourceOptions {
  /** The name, if the message does not contain it: for a type without a name field, or an xdstp name. */
  readonly name?: string;
  /** A version to use instead of the hash of the content; not empty. */
  readonly version?: string;
  /**
   * How long a client keeps the resource without an update or a heartbeat, in milliseconds.
   *
   * The caches send heartbeats. Only clients that support TTLs receive the TTL (P57). The value must be from 0.000001
   * (a nanosecond) to 315,576,000,000,000 (10,000 years).
   */
  readonly ttlMs?: number;
  /** Other names by which clients may subscribe to it (delta, P59). */
  readonly aliases?: readonly string[];
  /** Has the resource's type, and the message's. Default: {@link XdsApi.default}. */
  readonly api?: XdsApi;
}

export const resourceOptionNames: OptionNames<ResourceOptions> = {
  name: true,
  version: true,
  ttlMs: true,
  aliases: true,
  api: true,
};

/** What may be given beside a resource's JSON. */
export interface JsonResourceOptions extends ResourceOptions {
  /** The type URL of JSON that has no `@type`. */
  readonly typeUrl?: string;
}
