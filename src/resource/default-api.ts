import type { SchemaRegistry } from "../schema/lazy-registry.js";
import type { ResourceTypeRow } from "./types.js";
import { type ResourceType, XdsApi } from "./xds-api.js";

// The process-wide default, for programs that need one API only. Rooms that may serve several do not import this file.

/**
 * Returns the Envoy v3 API of {@link XdsApi.default}: the API that {@link useEnvoyApi} was given, or else the built-in
 * one, from which this package was generated. The built-in API is unpacked at the first call.
 */
export function envoyRegistry(): SchemaRegistry {
  return XdsApi.default.registry;
}

/**
 * Uses another version of the Envoy API instead of the built-in one, as that of {@link XdsApi.default}.
 *
 * From then on everything that is not given another {@link XdsApi} is encoded, decoded, validated and printed by this
 * API. Call it once, before any other use of this package.
 * @param descriptors a serialized FileDescriptorSet with all imports, such as `extractDescriptors()` reads out of an
 * Envoy. Messages of the server's own services (CSDS, which no Envoy contains, LRS, config dumps) come from the
 * built-in API if the descriptors lack them.
 * @throws XdsError WRONG_STATE when an API is in use already; INVALID_OPTION for descriptors that are not a complete
 * Envoy API
 */
export function useEnvoyApi(descriptors: Uint8Array): SchemaRegistry {
  return XdsApi.default.useEnvoyApi(descriptors);
}

/** Returns the rows of the default table, in the order in which a change is sent. */
export function resourceTypes(): ResourceType[] {
  return XdsApi.default.resourceTypes();
}

/** Returns the row of a type URL in the default table; undefined if there is none. */
export function findResourceType(typeUrl: string): ResourceType | undefined {
  return XdsApi.default.findResourceType(typeUrl);
}

/**
 * Returns the row of a type URL in the default table.
 * @throws XdsError UNKNOWN_TYPE
 */
export function resourceType(typeUrl: string): ResourceType {
  return XdsApi.default.resourceType(typeUrl);
}

/**
 * Adds a row for a type to the default table; the type need not be Envoy's. Returns the new row.
 *
 * Caches accept the type from then on. Servers that are made later offer its service and its REST path. {@link
 * XdsApi.registerResourceType} adds a type to one API only.
 * @throws XdsError INVALID_OPTION if the type URL, the service or the path is taken or unusable
 */
export function registerResourceType(row: ResourceTypeRow): ResourceType {
  return XdsApi.default.registerResourceType(row);
}
