import { fromBinary } from "@bufbuild/protobuf";
import { BinaryReader } from "@bufbuild/protobuf/wire";
import { messageOf, XdsError } from "../errors.js";
import type { DeltaDiscoveryRequest, DiscoveryRequest, ErrorDetail } from "../protocol/messages.js";
import { WireReader } from "../resource/wire-reader.js";
import type { Node } from "../schema/node.js";
import { apiMessage } from "../schema/registry.js";
import { NameLists } from "./name-lists.js";
import { SharedLists } from "./shared-lists.js";

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

// Most requests are ACKs, which name nothing: they share these.
const noNames: readonly string[] = [];
const noVersions: ReadonlyMap<string, string> = new Map();

const lists = new NameLists();

/** How many bytes of what a client says in a NACK are read; it is kept until what was refused is replaced. */
const nackBytes = 32 << 10;

/** Called with the length of a request's node, in bytes, before it is read. A throw refuses the request. */
export type CheckNode = (bytes: number) => void;

/** Both lists; what is frozen is shared. */
function joined(names: readonly string[], more: readonly string[]): readonly string[] {
  if (names.length === 0) return more;
  const all = Object.isFrozen(names) ? [...names] : (names as string[]);
  for (const name of more) all.push(name);
  return all;
}

/**
 * Reads an `envoy.service.discovery.v3.DiscoveryRequest`. Unknown fields are passed over.
 * @throws XdsError INVALID_REQUEST, and what `checkNode` throws
 */
export function decodeDiscoveryRequest(bytes: Uint8Array, checkNode?: CheckNode): DiscoveryRequest {
  const request: Mutable<DiscoveryRequest> = {
    node: undefined,
    typeUrl: "",
    responseNonce: "",
    errorDetail: undefined,
    versionInfo: "",
    resourceNames: noNames,
  };
  walk(bytes, "DiscoveryRequest", (field, reader) => {
    if (field === 1) request.versionInfo = string(reader);
    else if (field === 2) request.node = node(reader.bytes(), checkNode);
    else if (field === 3) request.resourceNames = joined(request.resourceNames, lists.read(reader, field));
    else if (field === 4) request.typeUrl = string(reader);
    else if (field === 5) request.responseNonce = string(reader);
    else if (field === 6) request.errorDetail = errorDetail(reader.bytes());
    else if (field === 7) request.resourceNames = joined(request.resourceNames, [locatorName(reader.bytes())]);
    else return false;
    return true;
  });
  return request;
}

/**
 * Reads an `envoy.service.discovery.v3.DeltaDiscoveryRequest`. Unknown fields are passed over.
 * @throws XdsError INVALID_REQUEST, and what `checkNode` throws
 */
export function decodeDeltaDiscoveryRequest(bytes: Uint8Array, checkNode?: CheckNode): DeltaDiscoveryRequest {
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
  walk(bytes, "DeltaDiscoveryRequest", (field, reader) => {
    if (field === 1) request.node = node(reader.bytes(), checkNode);
    else if (field === 2) request.typeUrl = string(reader);
    else if (field === 3) subscribe(lists.read(reader, field));
    else if (field === 4) unsubscribe(lists.read(reader, field));
    else if (field === 5) {
      const [name, version] = strings(reader.bytes(), 1, 2);
      request.initialResourceVersions = versions = (versions ?? new Map<string, string>()).set(name, version);
    } else if (field === 6) request.responseNonce = string(reader);
    else if (field === 7) request.errorDetail = errorDetail(reader.bytes());
    else if (field === 8) subscribe([locatorName(reader.bytes())]);
    else if (field === 9) unsubscribe([locatorName(reader.bytes())]);
    else return false;
    return true;
  });
  return request;
}

/** Walks the fields of a message; `take` returns false for one that it does not know. */
function walk(bytes: Uint8Array, message: string, take: (field: number, reader: WireReader) => boolean): void {
  try {
    const reader = new WireReader(bytes);
    while (reader.pos < reader.len) {
      const [field, wireType] = reader.tag();
      if (!take(field, reader)) reader.skip(wireType, field);
    }
  } catch (cause) {
    if (cause instanceof XdsError) throw cause;
    throw new XdsError("INVALID_REQUEST", `not a ${message}: ${messageOf(cause)}`, { cause });
  }
}

/** Faster than the reader's own `string()`, which makes a view of the bytes first. */
const string = (reader: WireReader) => reader.text(reader.valueEnd());

const wholeNode = (bytes: Uint8Array) => fromBinary(apiMessage("envoy.config.core.v3.Node"), bytes) as Node;

const extensionsField = 9;
/** Shorter lists of extensions are not worth sharing. In bytes. */
const leastShared = 4096;
/** The lists of some ten builds of Envoy. That an empty extension, of two bytes, takes hundreds in memory is what the 64 stand for. */
const extensionLists = new SharedLists<Node["extensions"][number]>(2 ** 20, 64);

/** An Envoy lists all that it was built with, in 60 KB and more: the nodes of one build share one frozen list. */
function node(bytes: Uint8Array, check?: CheckNode): Node {
  check?.(bytes.length);
  if (bytes.length < leastShared) return wholeNode(bytes);
  const reader = new WireReader(bytes);
  const start = toExtensions(reader);
  if (reader.pos - start < leastShared) return wholeNode(bytes);
  const [before, list, after] = [bytes.subarray(0, start), reader.slice(start), bytes.subarray(reader.pos)];
  const node = wholeNode(after.length === 0 ? before : Buffer.concat([before, after]));
  // From a copy: what is shared must not keep the whole request.
  const shared = extensionLists.get(reader.latin1(start), () => frozen(wholeNode(Uint8Array.from(list)).extensions));
  const more = node.extensions;
  node.extensions = more.length === 0 ? (shared as Node["extensions"]) : [...shared, ...more];
  return node;
}

/** Goes to the end of the first extensions that directly follow each other; gives back where they start. */
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

/** Freezes it, and all that is in it, but for bytes, which cannot be. */
function frozen<T extends object>(value: T): T {
  for (const part of Object.values(value))
    if (typeof part === "object" && part !== null && !ArrayBuffer.isView(part)) frozen(part);
  return Object.freeze(value);
}

/** The first bytes alone are made a string: a part of one would keep the whole. */
function cut(text: Uint8Array): string {
  const left = text.length - nackBytes;
  const start = new TextDecoder().decode(text.subarray(0, nackBytes));
  return left > 0 ? `${start}… (${left} bytes more)` : start;
}

/** google.rpc.Status */
function errorDetail(bytes: Uint8Array): ErrorDetail {
  const reader = new BinaryReader(bytes);
  let code = 0;
  let message = "";
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (field === 1) code = reader.int32();
    else if (field === 2) message = cut(reader.bytes());
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
