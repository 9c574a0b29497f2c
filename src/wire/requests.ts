import { fromBinary } from "@bufbuild/protobuf";
import { BinaryReader } from "@bufbuild/protobuf/wire";
import { messageOf, XdsError } from "../errors.js";
import type { DeltaDiscoveryRequest, DiscoveryRequest, ErrorDetail, Request } from "../protocol/messages.js";
import type { Node } from "../schema/node.js";
import { envoyRegistry } from "../schema/registry.js";

/**
 * Reads an `envoy.service.discovery.v3.DiscoveryRequest`. Unknown fields are passed over.
 * @throws XdsError INVALID_REQUEST
 */
export function decodeDiscoveryRequest(bytes: Uint8Array): DiscoveryRequest {
  let versionInfo = "";
  const resourceNames: string[] = [];
  const envelope = read(bytes, "DiscoveryRequest", (field, reader, set) => {
    if (field === 1) versionInfo = reader.string();
    else if (field === 2) set.node = node(reader.bytes());
    else if (field === 3) resourceNames.push(reader.string());
    else if (field === 4) set.typeUrl = reader.string();
    else if (field === 5) set.responseNonce = reader.string();
    else if (field === 6) set.errorDetail = errorDetail(reader.bytes());
    else if (field === 7) resourceNames.push(locatorName(reader.bytes()));
    else return false;
    return true;
  });
  return { ...envelope, versionInfo, resourceNames };
}

/**
 * Reads an `envoy.service.discovery.v3.DeltaDiscoveryRequest`. Unknown fields are passed over.
 * @throws XdsError INVALID_REQUEST
 */
export function decodeDeltaDiscoveryRequest(bytes: Uint8Array): DeltaDiscoveryRequest {
  const resourceNamesSubscribe: string[] = [];
  const resourceNamesUnsubscribe: string[] = [];
  const initialResourceVersions = new Map<string, string>();
  const envelope = read(bytes, "DeltaDiscoveryRequest", (field, reader, set) => {
    if (field === 1) set.node = node(reader.bytes());
    else if (field === 2) set.typeUrl = reader.string();
    else if (field === 3) resourceNamesSubscribe.push(reader.string());
    else if (field === 4) resourceNamesUnsubscribe.push(reader.string());
    else if (field === 5) {
      const [name, version] = strings(reader.bytes(), 1, 2);
      initialResourceVersions.set(name, version);
    } else if (field === 6) set.responseNonce = reader.string();
    else if (field === 7) set.errorDetail = errorDetail(reader.bytes());
    else if (field === 8) resourceNamesSubscribe.push(locatorName(reader.bytes()));
    else if (field === 9) resourceNamesUnsubscribe.push(locatorName(reader.bytes()));
    else return false;
    return true;
  });
  return { ...envelope, resourceNamesSubscribe, resourceNamesUnsubscribe, initialResourceVersions };
}

type Envelope = { -readonly [K in keyof Request]: Request[K] };

/** Walks the fields of a message; `take` returns false for one that it does not know. */
function read(
  bytes: Uint8Array,
  message: string,
  take: (field: number, reader: BinaryReader, set: Envelope) => boolean,
): Envelope {
  const envelope: Envelope = { node: undefined, typeUrl: "", responseNonce: "", errorDetail: undefined };
  try {
    const reader = new BinaryReader(bytes);
    while (reader.pos < reader.len) {
      const [field, wireType] = reader.tag();
      if (!take(field, reader, envelope)) reader.skip(wireType, field);
    }
  } catch (cause) {
    throw new XdsError("INVALID_REQUEST", `not a ${message}: ${messageOf(cause)}`, { cause });
  }
  return envelope;
}

function node(bytes: Uint8Array): Node {
  const schema = envoyRegistry().getMessage("envoy.config.core.v3.Node");
  if (!schema) throw new Error("the descriptors lack envoy.config.core.v3.Node");
  return fromBinary(schema, bytes) as Node;
}

/** google.rpc.Status */
function errorDetail(bytes: Uint8Array): ErrorDetail {
  const reader = new BinaryReader(bytes);
  let code = 0;
  let message = "";
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (field === 1) code = reader.int32();
    else if (field === 2) message = reader.string();
    else reader.skip(wireType, field);
  }
  return { code, message };
}

/** envoy.service.discovery.v3.ResourceLocator: only its name counts, dynamic parameters are not offered. */
const locatorName = (bytes: Uint8Array) => strings(bytes, 1, 0)[0];

/** Two string fields of a message; "" where absent. */
function strings(bytes: Uint8Array, first: number, second: number): [string, string] {
  const found: [string, string] = ["", ""];
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (field === first) found[0] = reader.string();
    else if (field === second) found[1] = reader.string();
    else reader.skip(wireType, field);
  }
  return found;
}
