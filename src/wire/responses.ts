import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import type { Response } from "../protocol/messages.js";
import { emptyDeltaEntry } from "../resource/entries.js";
import type { Resource } from "../resource/resource.js";

/** The bytes of a DiscoveryResponse. */
export function encodeDiscoveryResponse(response: Response): Buffer {
  return encode(response, response.ttl ? sotwWithTtl : sotw, []);
}

/** The bytes of a DeltaDiscoveryResponse. */
export function encodeDeltaDiscoveryResponse(response: Response): Buffer {
  const { heartbeats, unresolved, spellings } = response;
  const spelt = (name: string) => spellings.get(name) ?? name;
  if (heartbeats.length + unresolved.length === 0) return encode(response, response.ttl ? deltaWithTtl : delta, none);
  const more = [
    ...heartbeats.map(({ key, name, version, ttlMs }) =>
      emptyDeltaEntry({ name: spellings.get(key) ?? name, version, aliases: [], ttlMs }),
    ),
    ...unresolved.map(spelt).map((name) => emptyDeltaEntry({ name, version: "", aliases: [name] })),
  ];
  return encode(response, response.ttl ? deltaWithTtl : delta, more);
}

const none: readonly never[] = [];

/** How the resources of a response become bytes, and the bodies that were made so. */
interface Form {
  entryOf(resource: Resource, name: string | undefined): Uint8Array;
  /** By the list of resources, which is the same object for all streams with a wildcard that are sent the same. */
  readonly bodies: WeakMap<readonly Resource[], Body>;
  /** The last one with a single resource: what streams that name their resources are sent, one after the other. */
  single: (Body & { readonly resource: Resource }) | undefined;
}

interface Body {
  readonly version: string;
  readonly removed: readonly string[];
  readonly bytes: Buffer;
}

const sotw: Form = { entryOf: (resource) => resource.sotwEntry(false), bodies: new WeakMap(), single: undefined };
const sotwWithTtl: Form = { entryOf: (resource) => resource.sotwEntry(true), bodies: new WeakMap(), single: undefined };
const delta: Form = {
  entryOf: (resource, name) => resource.deltaEntry(false, name),
  bodies: new WeakMap(),
  single: undefined,
};
const deltaWithTtl: Form = {
  entryOf: (resource, name) => resource.deltaEntry(true, name),
  bodies: new WeakMap(),
  single: undefined,
};

/** Both messages have version, resources, type URL and nonce at the same field numbers; only delta has removals. */
function encode(response: Response, form: Form, more: readonly Uint8Array[]): Buffer {
  const { entryOf } = form;
  const { resources, removedResources: removed, versionInfo: version, spellings } = response;
  const [single] = resources.length === 1 ? resources : none;
  let bytes: Buffer;
  const known = single && form.single?.resource === single ? form.single : form.bodies.get(resources);
  if (spellings.size > 0) bytes = encodeBody(response, (resource) => entryOf(resource, spellings.get(resource.key)));
  else if (known?.version === version && known.removed === removed) bytes = known.bytes;
  else {
    bytes = encodeBody(response, (resource) => entryOf(resource, undefined));
    if (single) form.single = { resource: single, version, removed, bytes };
    else form.bodies.set(resources, { version, removed, bytes });
  }
  return withNonce(more.length > 0 ? Buffer.concat([bytes, ...more]) : bytes, response.nonce);
}

/** A copy with field 5 at its end. */
function withNonce(body: Buffer, nonce: string): Buffer {
  const bytes = Buffer.allocUnsafe(body.length + 2 + nonce.length);
  body.copy(bytes);
  bytes[body.length] = (5 << 3) | WireType.LengthDelimited;
  bytes[body.length + 1] = nonce.length; // a stream's nonces are short, and digits
  bytes.write(nonce, body.length + 2, "latin1");
  return bytes;
}

function encodeBody(response: Response, entryOf: (resource: Resource) => Uint8Array): Buffer {
  const { versionInfo, typeUrl, resources, removedResources, spellings } = response;
  const parts: Uint8Array[] = [stringField(1, versionInfo), stringField(4, typeUrl)];
  for (const resource of resources) parts.push(entryOf(resource));
  for (const name of removedResources) parts.push(stringField(6, spellings.get(name) ?? name));
  return Buffer.concat(parts);
}

function stringField(field: number, value: string): Uint8Array {
  return new BinaryWriter().tag(field, WireType.LengthDelimited).string(value).finish();
}
