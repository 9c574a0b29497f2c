import { type DescMessage, fromBinary, type Registry } from "@bufbuild/protobuf";
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { messageOf, XdsError } from "../errors.js";
import type { Node } from "../schema/node.js";
import { apiMessage } from "../schema/registry.js";
import { lengthDelimited, mustEndAt, WireReader } from "../schema/wire-reader.js";
import { tooManyParts } from "./message-parts.js";
import type { DeltaDiscoveryRequest, DiscoveryRequest, ErrorDetail } from "./messages.js";
import { NameLists } from "./name-lists.js";
import {
  mostNodeFields,
  mostNodeMessages,
  type RequestBounds,
  smallBytes,
  tooManyNodeParts,
  unbounded,
  ValueCount,
} from "./request-bounds.js";
import { SharedLists } from "./shared-lists.js";

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

// Most requests are ACKs without names. They share these values.
const noNames: readonly string[] = [];
const noVersions: ReadonlyMap<string, string> = new Map();

const lists = new NameLists();

const discoveryValues = new ValueCount({ lists: [[3, 7]], messages: [6, 7] });
const deltaValues = new ValueCount({
  lists: [[3, 8], [4, 9], [5]],
  messages: [5, 7, 8, 9],
});

/**
 * How many bytes of a NACK's message are read. The message stays in memory until the refused resources are replaced.
 */
const nackBytes = 32 << 10;

/** Joins two lists. A frozen list is shared, so it is copied first. */
function joined(names: readonly string[], more: readonly string[]): readonly string[] {
  if (names.length === 0) return more;
  const all = Object.isFrozen(names) ? [...names] : (names as string[]);
  for (const name of more) all.push(name);
  return all;
}

/**
 * Decodes an `envoy.service.discovery.v3.DiscoveryRequest`. Unknown fields are skipped. The node is decoded by
 * `registry`.
 * @throws XdsError INVALID_REQUEST, and the errors of `bounds`
 */
export function decodeDiscoveryRequest(
  bytes: Uint8Array,
  registry: Registry,
  bounds: RequestBounds = unbounded,
): DiscoveryRequest {
  const request: Mutable<DiscoveryRequest> = {
    node: undefined,
    typeUrl: "",
    responseNonce: "",
    errorDetail: undefined,
    versionInfo: "",
    resourceNames: noNames,
  };
  const last: LastFields = {};
  walk(bytes, "DiscoveryRequest", discoveryValues, bounds, (field, reader) => {
    if (field === 1) request.versionInfo = string(reader);
    else if (field === 2) last.node = reader.bytes();
    else if (field === 3) request.resourceNames = joined(request.resourceNames, lists.read(reader, field));
    else if (field === 4) request.typeUrl = string(reader);
    else if (field === 5) request.responseNonce = string(reader);
    else if (field === 6) last.error = reader.bytes();
    else if (field === 7) request.resourceNames = joined(request.resourceNames, [locatorName(reader)]);
    else return false;
    return true;
  });
  readLast(request, "DiscoveryRequest", last, registry, bounds);
  return request;
}

/**
 * Decodes an `envoy.service.discovery.v3.DeltaDiscoveryRequest`. Unknown fields are skipped. The node is decoded by
 * `registry`.
 * @throws XdsError INVALID_REQUEST, and the errors of `bounds`
 */
export function decodeDeltaDiscoveryRequest(
  bytes: Uint8Array,
  registry: Registry,
  bounds: RequestBounds = unbounded,
): DeltaDiscoveryRequest {
  const request: Mutable<DeltaDiscoveryRequest> = {
    node: undefined,
    typeUrl: "",
    responseNonce: "",
    errorDetail: undefined,
    resourceNamesSubscribe: noNames,
    resourceNamesUnsubscribe: noNames,
    initialResourceVersions: noVersions,
  };
  let versions: Map<string, string> | undefined;
  const subscribe = (names: readonly string[]) => {
    request.resourceNamesSubscribe = joined(request.resourceNamesSubscribe, names);
  };
  const unsubscribe = (names: readonly string[]) => {
    request.resourceNamesUnsubscribe = joined(request.resourceNamesUnsubscribe, names);
  };
  const last: LastFields = {};
  walk(bytes, "DeltaDiscoveryRequest", deltaValues, bounds, (field, reader) => {
    if (field === 1) last.node = reader.bytes();
    else if (field === 2) request.typeUrl = string(reader);
    else if (field === 3) subscribe(lists.read(reader, field));
    else if (field === 4) unsubscribe(lists.read(reader, field));
    else if (field === 5) {
      const [name, version] = strings(reader, 1, 2);
      request.initialResourceVersions = versions = (versions ?? new Map<string, string>()).set(name, version);
    } else if (field === 6) request.responseNonce = string(reader);
    else if (field === 7) last.error = reader.bytes();
    else if (field === 8) subscribe([locatorName(reader)]);
    else if (field === 9) unsubscribe([locatorName(reader)]);
    else return false;
    return true;
  });
  readLast(request, "DeltaDiscoveryRequest", last, registry, bounds);
  return request;
}

/** Fields whose last occurrence counts. Only that one is decoded. */
interface LastFields {
  node?: Uint8Array;
  error?: Uint8Array;
}

function readLast(
  request: Pick<Mutable<DiscoveryRequest>, "node" | "errorDetail">,
  message: string,
  last: LastFields,
  registry: Registry,
  bounds: RequestBounds,
): void {
  try {
    if (last.node) request.node = node(last.node, registry, bounds);
    if (last.error) request.errorDetail = errorDetail(last.error);
  } catch (cause) {
    throw unreadable(message, cause);
  }
}

/**
 * Calls `take` for each field of a message, once its values are counted. `take` returns false for an unknown field,
 * which is then skipped.
 */
function walk(
  bytes: Uint8Array,
  message: string,
  values: ValueCount,
  bounds: RequestBounds,
  take: (field: number, reader: WireReader) => boolean,
): void {
  try {
    values.check(bytes, bounds);
    const reader = new WireReader(bytes);
    while (reader.pos < reader.len) {
      const [field, wireType] = reader.tag();
      // All known fields are texts and messages. One of another type is skipped, as it was when it was counted.
      if (wireType !== WireType.LengthDelimited || !take(field, reader)) reader.skip(wireType, field);
    }
  } catch (cause) {
    throw unreadable(message, cause);
  }
}

const unreadable = (message: string, cause: unknown) =>
  cause instanceof XdsError
    ? cause
    : new XdsError("INVALID_REQUEST", `not a ${message}: ${messageOf(cause)}`, { cause });

/** Reads a string faster than the reader's own `string()`, which makes a view of the bytes first. */
const string = (reader: WireReader) => reader.text(reader.valueEnd());

/** @throws XdsError LIMIT_EXCEEDED for too many parts, which are counted before one is read */
function wholeNode(type: DescMessage, bytes: Uint8Array): Node {
  if (bytes.length > smallBytes) {
    const excess = tooManyParts(type, bytes, mostNodeParts);
    if (excess) throw tooManyNodeParts(mostNodeParts[excess], excess);
  }
  return fromBinary(type, bytes) as Node;
}

const mostNodeParts = { messages: mostNodeMessages, fields: mostNodeFields };

const extensionsField = 9;
/** The smallest list of extensions that is shared, in bytes. */
const leastShared = 4096;

type Extension = Node["extensions"][number];

/** The shared lists of extensions, by the schema of the nodes that have them. */
const extensionLists = new WeakMap<DescMessage, SharedLists<Extension>>();

/**
 * Enough for the lists of about ten builds of Envoy. Each item counts as 64 bytes more, because an empty extension has
 * two bytes in a request and hundreds in memory.
 */
const newExtensionLists = () => new SharedLists<Extension>(2 ** 20, 64);

/**
 * Decodes a node. The nodes of one Envoy build share one frozen list of extensions, which has 60 KB or more in a
 * request.
 */
function node(bytes: Uint8Array, registry: Registry, bounds: RequestBounds): Node {
  bounds.checkNode(bytes.length);
  const schema = apiMessage(registry, "envoy.config.core.v3.Node");
  if (bytes.length < leastShared) return wholeNode(schema, bytes);
  const reader = new WireReader(bytes);
  const start = toExtensions(reader);
  if (reader.pos - start < leastShared) return wholeNode(schema, bytes);
  const [before, list, after] = [bytes.subarray(0, start), reader.slice(start), bytes.subarray(reader.pos)];
  const node = wholeNode(schema, after.length === 0 ? before : Buffer.concat([before, after]));
  // Decoded from a copy, so that the shared list does not keep the whole request in memory.
  const lists = extensionLists.get(schema) ?? newExtensionLists();
  extensionLists.set(schema, lists);
  const read = () => frozen(wholeNode(schema, Uint8Array.from(list)).extensions);
  const shared = lists.get(reader.latin1(start), read);
  const more = node.extensions;
  node.extensions = more.length === 0 ? (shared as Node["extensions"]) : [...shared, ...more];
  return node;
}

/** Moves behind the first run of consecutive extensions. Returns where the run starts. */
function toExtensions(reader: WireReader): number {
  while (reader.pos < reader.len) {
    const start = reader.pos;
    const [field, wireType] = reader.tag();
    if (field !== extensionsField) reader.skip(wireType, field);
    else {
      reader.passRepeated(field);
      return start;
    }
  }
  return reader.pos;
}

/** Freezes a value and everything in it, except bytes, which cannot be frozen. */
function frozen<T extends object>(value: T): T {
  for (const part of Object.values(value))
    if (typeof part === "object" && part !== null && !ArrayBuffer.isView(part)) frozen(part);
  return Object.freeze(value);
}

/**
 * Decodes the first {@link nackBytes} bytes of a NACK's message. A longer text ends with the number of bytes left out.
 *
 * Only these bytes become a string: a substring would keep the whole string in memory.
 */
export function cutNack(text: Uint8Array): string {
  const left = text.length - nackBytes;
  const start = new TextDecoder().decode(text.subarray(0, nackBytes));
  return left > 0 ? `${start}… (${left} bytes more)` : start;
}

/** Decodes a google.rpc.Status without its details. */
function errorDetail(bytes: Uint8Array): ErrorDetail {
  const reader = new BinaryReader(bytes);
  let code = 0;
  let message: Uint8Array | undefined;
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (field === 1 && wireType === WireType.Varint) code = reader.int32();
    else if (field === 2 && wireType === WireType.LengthDelimited) message = reader.bytes();
    else reader.skip(wireType, field);
  }
  return { code, message: message ? cutNack(message) : "" };
}

/** Reads the name of an envoy.service.discovery.v3.ResourceLocator. Dynamic parameters are not supported. */
const locatorName = (reader: WireReader) => strings(reader, 1, 0)[0];

/** Reads two string fields of a message, whose tag has been read; "" for a missing one. */
function strings(reader: WireReader, first: number, second: number): [string, string] {
  const found: [string, string] = ["", ""];
  const end = reader.valueEnd();
  while (reader.pos < end) {
    const tag = reader.fieldTag();
    if (tag === lengthDelimited(first)) found[0] = reader.text(reader.valueEnd(end));
    else if (tag === lengthDelimited(second)) found[1] = reader.text(reader.valueEnd(end));
    else reader.pass(tag);
  }
  mustEndAt(reader, end);
  return found;
}
