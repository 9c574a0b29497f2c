import { fromBinary, fromJson, type JsonValue, toBinary, toJson } from "@bufbuild/protobuf";
import { messageOf, XdsError } from "../errors.js";
import type { DiscoveryRequest, Response } from "../protocol/messages.js";
import type { Resource } from "../resource/resource.js";
import { apiMessage, envoyRegistry } from "../schema/registry.js";
import { type CheckNode, decodeDiscoveryRequest } from "./requests.js";

/**
 * Reads a DiscoveryRequest in proto3 JSON. Unknown fields are passed over, as they are in bytes.
 * @throws XdsError INVALID_JSON, and what `checkNode` throws
 */
export function decodeJsonRequest(text: string, checkNode?: CheckNode): DiscoveryRequest {
  const message = apiMessage("envoy.service.discovery.v3.DiscoveryRequest");
  const registry = envoyRegistry();
  try {
    const json = JSON.parse(text) as JsonValue;
    const bytes = toBinary(message, fromJson(message, json, { registry, ignoreUnknownFields: true }));
    return decodeDiscoveryRequest(bytes, checkNode);
  } catch (cause) {
    if (cause instanceof XdsError) throw cause;
    throw new XdsError("INVALID_JSON", `the body is not a DiscoveryRequest in JSON: ${messageOf(cause)}`, { cause });
  }
}

/**
 * A DiscoveryResponse in proto3 JSON.
 * @throws XdsError INVALID_RESOURCE where a resource's schema, or that of something in it, is not known
 */
export function encodeJsonResponse({ typeUrl, versionInfo, resources }: Response): string {
  try {
    const fields = [`"typeUrl":${JSON.stringify(typeUrl)}`];
    if (versionInfo !== "") fields.push(`"versionInfo":${JSON.stringify(versionInfo)}`);
    const lists = new Map<string, string[]>();
    for (const resource of resources)
      for (const [list, json] of entriesOf(resource)) {
        const entries = lists.get(list);
        if (entries) entries.push(json);
        else lists.set(list, [json]);
      }
    for (const [list, entries] of lists) fields.push(`"${list}":[${entries.join(",")}]`);
    return `{${fields.join(",")}}`;
  } catch (cause) {
    throw new XdsError("INVALID_RESOURCE", `the ${typeUrl} resources cannot be written as JSON: ${messageOf(cause)}`, {
      cause,
    });
  }
}

type Entries = readonly (readonly [list: string, json: string])[];

/**
 * In which list of a response a resource is, and as what; made once, for all who poll for it. In none: it stands for an error, and the API in
 * use has no `resource_errors`.
 */
function entriesOf(resource: Resource): Entries {
  let entries = known.get(resource);
  if (!entries) {
    const message = apiMessage("envoy.service.discovery.v3.DiscoveryResponse");
    const response = toJson(message, fromBinary(message, resource.sotwEntry(false)), { registry: envoyRegistry() });
    entries = Object.entries(response as Record<string, JsonValue[]>).map(([list, [json]]) => [
      list,
      JSON.stringify(json),
    ]);
    known.set(resource, entries);
  }
  return entries;
}
const known = new WeakMap<Resource, Entries>();
