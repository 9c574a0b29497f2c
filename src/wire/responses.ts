import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { emptyDeltaEntry } from "./entries.js";
import type { Encodable, EncodableResponse } from "./messages.js";

/** Encodes a DiscoveryResponse, in parts. Streams that are sent the same content share the first part. */
export function encodeDiscoveryResponse(response: EncodableResponse): readonly Uint8Array[] {
  return encode(response, response.ttl ? sotwWithTtl : sotw, []);
}

/** Encodes a DeltaDiscoveryResponse, in parts. Streams that are sent the same content share the first part. */
export function encodeDeltaDiscoveryResponse(response: EncodableResponse): readonly Uint8Array[] {
  const { heartbeats, unresolved, spellings } = response;
  const spelt = (name: string) => spellings.get(name) ?? name;
  const more = [
    ...heartbeats.map(({ key, name, version, ttlMs }) =>
      emptyDeltaEntry({ name: spellings.get(key) ?? name, version, aliases: [], ttlMs }),
    ),
    ...unresolved.map(spelt).map((name) => emptyDeltaEntry({ name, version: "", aliases: [name] })),
  ];
  return encode(response, response.ttl ? deltaWithTtl : delta, more);
}

/** A way to encode resources, and the bodies that were encoded in this way. */
interface Form {
  entryOf(resource: Encodable, name: string | undefined): Uint8Array;
  /**
   * The encoded bodies by list of resources. Streams that are sent the same content have the same list object, so they
   * share a body. Only the nonce differs.
   */
  readonly bodies: WeakMap<readonly Encodable[], Body>;
  /**
   * The last body with a single resource. Streams that subscribe by name have their own lists, but share one change.
   */
  single: (Body & { readonly resource: Encodable }) | undefined;
}

interface Body {
  readonly version: string;
  readonly removed: readonly string[];
  readonly bytes: Buffer;
}

const form = (entryOf: Form["entryOf"]): Form => ({ entryOf, bodies: new WeakMap(), single: undefined });
const sotw = form((resource) => resource.sotwEntry(false));
const sotwWithTtl = form((resource) => resource.sotwEntry(true));
const delta = form((resource, name) => resource.deltaEntry(false, name));
const deltaWithTtl = form((resource, name) => resource.deltaEntry(true, name));

/**
 * Encodes either message. Version, resources, type URL and nonce have the same field numbers in both; only delta has
 * removals.
 */
function encode(response: EncodableResponse, form: Form, more: readonly Uint8Array[]): readonly Uint8Array[] {
  const { entryOf, bodies } = form;
  const { resources, removedResources: removed, versionInfo: version, spellings } = response;
  const [resource] = resources.length === 1 ? resources : [];
  let bytes: Buffer;
  const known = resource && form.single?.resource === resource ? form.single : bodies.get(resources);
  if (spellings.size > 0) bytes = encodeBody(response, (resource) => entryOf(resource, spellings.get(resource.key)));
  else if (known?.version === version && known.removed === removed) bytes = known.bytes;
  else {
    bytes = encodeBody(response, (resource) => entryOf(resource, undefined));
    if (resource) form.single = { resource, version, removed, bytes };
    else bodies.set(resources, { version, removed, bytes });
  }
  const nonce = nonceField(response.nonce);
  return more.length > 0 ? [bytes, ...more, nonce] : [bytes, nonce];
}

function encodeBody(response: EncodableResponse, entryOf: (resource: Encodable) => Uint8Array): Buffer {
  const { versionInfo, typeUrl, resources, removedResources, spellings } = response;
  const parts: Uint8Array[] = [stringField(1, versionInfo), stringField(4, typeUrl)];
  for (const resource of resources) parts.push(entryOf(resource));
  for (const name of removedResources) parts.push(stringField(6, spellings.get(name) ?? name));
  return Buffer.concat(parts);
}

/** Encodes field 5 of either message. A stream's nonce has only a few digits. */
const nonceField = (nonce: string) => Buffer.from(`\x2a${String.fromCharCode(nonce.length)}${nonce}`, "latin1");

function stringField(field: number, value: string): Uint8Array {
  return new BinaryWriter().tag(field, WireType.LengthDelimited).string(value).finish();
}
