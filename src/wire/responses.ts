import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import type { Response } from "../protocol/messages.js";
import type { Resource } from "../resource/resource.js";

/** The bytes of a DiscoveryResponse. */
export const encodeDiscoveryResponse = encoder((resource) => resource.sotwEntry);

/** The bytes of a DeltaDiscoveryResponse. */
export const encodeDeltaDiscoveryResponse = encoder((resource) => resource.deltaEntry);

interface Body {
  readonly version: string;
  readonly removed: readonly string[];
  readonly bytes: Buffer;
}

/** Both messages have version, resources, type URL and nonce at the same field numbers; only delta has removals. */
function encoder(entryOf: (resource: Resource) => Uint8Array): (response: Response) => Buffer {
  // The list of resources is the same object for all streams that are sent the same, so is the body; only the nonce is not.
  const bodies = new WeakMap<readonly Resource[], Body>();
  return (response) => {
    const { resources, removedResources: removed, versionInfo: version } = response;
    let body = bodies.get(resources);
    if (body?.version !== version || body.removed !== removed) {
      body = { version, removed, bytes: encodeBody(response, entryOf) };
      bodies.set(resources, body);
    }
    return Buffer.concat([body.bytes, stringField(5, response.nonce)]);
  };
}

function encodeBody(response: Response, entryOf: (resource: Resource) => Uint8Array): Buffer {
  const parts: Uint8Array[] = [stringField(1, response.versionInfo), stringField(4, response.typeUrl)];
  for (const resource of response.resources) parts.push(entryOf(resource));
  for (const name of response.removedResources) parts.push(stringField(6, name));
  return Buffer.concat(parts);
}

function stringField(field: number, value: string): Uint8Array {
  return new BinaryWriter().tag(field, WireType.LengthDelimited).string(value).finish();
}
