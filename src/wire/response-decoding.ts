import { BinaryReader } from "@bufbuild/protobuf/wire";
import { messageOf, XdsError } from "../errors.js";
import type { ErrorDetail } from "../protocol/messages.js";

/** A response of either variant, as a client reads it. */
export interface ReceivedResponse {
  readonly typeUrl: string;
  /** `version_info` in SotW, `system_version_info` in delta. */
  readonly version: string;
  readonly nonce: string;
  readonly resources: readonly ReceivedResource[];
  /** `removed_resources`; always empty in SotW. */
  readonly removed: readonly string[];
  /** `resource_errors` (P65). */
  readonly errors: readonly FailedResource[];
  /** `control_plane.identifier`: what the server calls itself; "" where it does not say. */
  readonly controlPlane: string;
}

/** An entry of a response: an `Any`, or one in a `Resource`. Its bytes are a view of the response's. */
export interface ReceivedResource {
  /** "" where only the message itself has it: a SotW entry without a wrapper. */
  readonly name: string;
  readonly aliases: readonly string[];
  /** "" where the response's version is all there is. */
  readonly version: string;
  /** "" without a body. */
  readonly typeUrl: string;
  /** The encoded message; undefined: a heartbeat (P58), or a name that stands for nothing (P60). */
  readonly body: Uint8Array | undefined;
  /** Time to live, in milliseconds. */
  readonly ttlMs: number | undefined;
}

/** What the server says of a resource that it cannot give. */
export interface FailedResource {
  readonly name: string;
  readonly error: ErrorDetail;
}

/** The type URL of the wrapper that a SotW entry has for its TTL (P5, P57). */
const wrapperTypeUrl = "type.googleapis.com/envoy.service.discovery.v3.Resource";

/**
 * Reads an `envoy.service.discovery.v3.DiscoveryResponse`. Unknown fields are passed over.
 * @throws XdsError INVALID_RESPONSE
 */
export const decodeDiscoveryResponse = (bytes: Uint8Array): ReceivedResponse =>
  decode("DiscoveryResponse", bytes, (entry) => {
    const { typeUrl, value } = any(entry);
    if (typeUrl === wrapperTypeUrl) return wrapped(value);
    return { name: "", aliases: [], version: "", typeUrl, body: value, ttlMs: undefined };
  });

/**
 * Reads an `envoy.service.discovery.v3.DeltaDiscoveryResponse`. Unknown fields are passed over.
 * @throws XdsError INVALID_RESPONSE
 */
export const decodeDeltaDiscoveryResponse = (bytes: Uint8Array): ReceivedResponse =>
  decode("DeltaDiscoveryResponse", bytes, wrapped);

/** The fields by which the two messages differ; 0: there is none. */
const layouts = {
  DiscoveryResponse: { controlPlane: 6, errors: 7, removed: 0, removedNames: 0 },
  DeltaDiscoveryResponse: { controlPlane: 7, errors: 9, removed: 6, removedNames: 8 },
};

function decode(
  message: keyof typeof layouts,
  bytes: Uint8Array,
  entry: (bytes: Uint8Array) => ReceivedResource,
): ReceivedResponse {
  const layout = layouts[message];
  const text = { version: "", typeUrl: "", nonce: "", controlPlane: "" };
  const resources: ReceivedResource[] = [];
  const removed: string[] = [];
  const errors: FailedResource[] = [];
  try {
    fields(bytes, (field, reader) => {
      if (field === 1) text.version = reader.string();
      else if (field === 2) resources.push(entry(reader.bytes()));
      else if (field === 4) text.typeUrl = reader.string();
      else if (field === 5) text.nonce = reader.string();
      else if (field === layout.controlPlane) text.controlPlane = firstString(reader.bytes());
      else if (field === layout.errors) errors.push(resourceError(reader.bytes()));
      else if (field === layout.removed) removed.push(reader.string());
      else if (field === layout.removedNames) removed.push(firstString(reader.bytes()));
      else return false;
      return true;
    });
  } catch (cause) {
    throw new XdsError("INVALID_RESPONSE", `not a ${message}: ${messageOf(cause)}`, { cause });
  }
  return { ...text, resources, removed, errors };
}

/** Calls `take` at each field's value; where it returns false, skips that. */
function fields(bytes: Uint8Array, take: (field: number, reader: BinaryReader) => boolean): void {
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (!take(field, reader)) reader.skip(wireType, field);
  }
}

/** envoy.service.discovery.v3.Resource */
function wrapped(bytes: Uint8Array): ReceivedResource {
  const aliases: string[] = [];
  let [name, version] = ["", ""];
  let content: { typeUrl: string; value: Uint8Array } | undefined;
  let ttlMs: number | undefined;
  fields(bytes, (field, reader) => {
    if (field === 1) version = reader.string();
    else if (field === 2) content = any(reader.bytes());
    else if (field === 3) name = reader.string();
    else if (field === 4) aliases.push(reader.string());
    else if (field === 6) ttlMs = milliseconds(reader.bytes());
    else if (field === 8) name ||= firstString(reader.bytes());
    else return false;
    return true;
  });
  return { name, aliases, version, typeUrl: content?.typeUrl ?? "", body: content?.value, ttlMs };
}

/** google.protobuf.Any */
function any(bytes: Uint8Array): { typeUrl: string; value: Uint8Array } {
  const found: { typeUrl: string; value: Uint8Array } = { typeUrl: "", value: new Uint8Array() };
  fields(bytes, (field, reader) => {
    if (field === 1) found.typeUrl = reader.string();
    else if (field === 2) found.value = reader.bytes();
    else return false;
    return true;
  });
  return found;
}

/** google.protobuf.Duration */
function milliseconds(bytes: Uint8Array): number {
  let [seconds, nanos] = [0, 0];
  fields(bytes, (field, reader) => {
    if (field === 1) seconds = Number(reader.int64());
    else if (field === 2) nanos = reader.int32();
    else return false;
    return true;
  });
  return seconds * 1e3 + nanos / 1e6;
}

/** Field 1 of a ResourceName or a ControlPlane. */
function firstString(bytes: Uint8Array): string {
  let found = "";
  fields(bytes, (field, reader) => {
    if (field !== 1) return false;
    found = reader.string();
    return true;
  });
  return found;
}

/** envoy.service.discovery.v3.ResourceError, with a google.rpc.Status in it. */
function resourceError(bytes: Uint8Array): FailedResource {
  let [name, code, message] = ["", 0, ""];
  fields(bytes, (field, reader) => {
    if (field === 1) name = firstString(reader.bytes());
    else if (field === 2)
      fields(reader.bytes(), (inner, status) => {
        if (inner === 1) code = status.int32();
        else if (inner === 2) message = status.string();
        else return false;
        return true;
      });
    else return false;
    return true;
  });
  return { name, error: { code, message } };
}
