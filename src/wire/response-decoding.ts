import { BinaryReader } from "@bufbuild/protobuf/wire";
import { messageOf, XdsError } from "../errors.js";
import type { ErrorDetail } from "./messages.js";

/** A response of either variant, decoded by a client. */
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
  /** `control_plane.identifier`: the server's name for itself; "" if there is none. */
  readonly controlPlane: string;
}

/** An entry of a response: an `Any`, or a `Resource` around one. `body` is a view of the response's bytes. */
export interface ReceivedResource {
  /** "" for a SotW entry without a wrapper. The name is then only in the message. */
  readonly name: string;
  readonly aliases: readonly string[];
  /** "" if the entry has no version of its own. The response's version then applies. */
  readonly version: string;
  /** "" if there is no body. */
  readonly typeUrl: string;
  /** The encoded message; undefined for a heartbeat (P58), and for a name without a resource (P60). */
  readonly body: Uint8Array | undefined;
  /** Time to live, in milliseconds. */
  readonly ttlMs: number | undefined;
}

/** The server's error for a resource that it cannot provide. */
export interface FailedResource {
  readonly name: string;
  readonly error: ErrorDetail;
}

/** The type URL of the wrapper of a SotW entry with a TTL (P5, P57). */
const wrapperTypeUrl = "type.googleapis.com/envoy.service.discovery.v3.Resource";

/**
 * Decodes an `envoy.service.discovery.v3.DiscoveryResponse`. Unknown fields are skipped.
 * @throws XdsError INVALID_RESPONSE
 */
export const decodeDiscoveryResponse = (bytes: Uint8Array): ReceivedResponse =>
  decode("DiscoveryResponse", bytes, (entry) => {
    const { typeUrl, value } = any(entry);
    if (typeUrl === wrapperTypeUrl) return wrapped(value);
    return { name: "", aliases: [], version: "", typeUrl, body: value, ttlMs: undefined };
  });

/**
 * Decodes an `envoy.service.discovery.v3.DeltaDiscoveryResponse`. Unknown fields are skipped.
 * @throws XdsError INVALID_RESPONSE
 */
export const decodeDeltaDiscoveryResponse = (bytes: Uint8Array): ReceivedResponse =>
  decode("DeltaDiscoveryResponse", bytes, wrapped);

/** The field numbers that differ between the two messages; 0: the message has no such field. */
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

/** Calls `take` for each field. It skips the value if `take` returns false. */
function fields(bytes: Uint8Array, take: (field: number, reader: BinaryReader) => boolean): void {
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (!take(field, reader)) reader.skip(wireType, field);
  }
}

/** Decodes an envoy.service.discovery.v3.Resource. */
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

/** Decodes a google.protobuf.Any. */
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

/** Decodes a google.protobuf.Duration as milliseconds. */
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

/** Reads field 1 of a ResourceName or a ControlPlane. */
function firstString(bytes: Uint8Array): string {
  let found = "";
  fields(bytes, (field, reader) => {
    if (field !== 1) return false;
    found = reader.string();
    return true;
  });
  return found;
}

/** Decodes an envoy.service.discovery.v3.ResourceError and the google.rpc.Status in it. */
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
