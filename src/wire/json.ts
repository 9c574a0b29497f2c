import { fromBinary, fromJson, type JsonValue, toBinary, toJson } from "@bufbuild/protobuf";
import { messageOf, XdsError } from "../errors.js";
import type { DiscoveryRequest, Response } from "../protocol/messages.js";
import { apiMessage, envoyRegistry } from "../schema/registry.js";
import { decodeDiscoveryRequest } from "./requests.js";
import { encodeDiscoveryResponse } from "./responses.js";

/**
 * Reads a DiscoveryRequest in proto3 JSON. Unknown fields are passed over, as they are in bytes.
 * @throws XdsError INVALID_JSON
 */
export function decodeJsonRequest(text: string): DiscoveryRequest {
  const message = apiMessage("envoy.service.discovery.v3.DiscoveryRequest");
  const registry = envoyRegistry();
  try {
    const json = JSON.parse(text) as JsonValue;
    return decodeDiscoveryRequest(toBinary(message, fromJson(message, json, { registry, ignoreUnknownFields: true })));
  } catch (cause) {
    throw new XdsError("INVALID_JSON", `the body is not a DiscoveryRequest in JSON: ${messageOf(cause)}`, { cause });
  }
}

/**
 * A DiscoveryResponse in proto3 JSON.
 * @throws XdsError INVALID_RESOURCE where a resource's schema, or that of something in it, is not known
 */
export function encodeJsonResponse(response: Response): string {
  const message = apiMessage("envoy.service.discovery.v3.DiscoveryResponse");
  try {
    const json = toJson(message, fromBinary(message, encodeDiscoveryResponse(response)), { registry: envoyRegistry() });
    return JSON.stringify(json);
  } catch (cause) {
    throw new XdsError(
      "INVALID_RESOURCE",
      `the ${response.typeUrl} resources cannot be written as JSON: ${messageOf(cause)}`,
      { cause },
    );
  }
}
