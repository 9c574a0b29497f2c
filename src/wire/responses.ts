import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import type { Response } from "../protocol/messages.js";
import { emptyDeltaEntry } from "../resource/entries.js";
import type { Resource } from "../resource/resource.js";

/** The bytes of a DiscoveryResponse, in parts. Streams that are sent the same share the first part. */
export function encodeDiscoveryResponse(response: Response): readonly Uint8Array[] {
  return encode(response, response.ttl ? sotwWithTtl : sotw, []);
}

/** The bytes of a DeltaDiscoveryResponse, in parts. Streams that are sent the same share the first part. */
export function encodeDeltaDiscoveryResponse(response: Response): readonly Uint8Array[] {
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

/** How the resources of a response become bytes, and the bodies that were made so. */
interface Form {
  entryOf(resource: Resource, name: string | undefined): Uint8Array;
  /** The list of resources is the same object for all streams that are sent the same, so is the body; only the nonce is not. */
  readonly bodies: WeakMap<readonly Resource[], Body>;
  /** The last body of a single resource: streams that name theirs have lists of their own, but one change is the same for all. */
  single: (Body & { readonly resource: Resource }) | undefined;
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

/** Both messages have version, resources, type URL and nonce at the same field numbers; only delta has removals. */
function encode(response: Response, form: Form, more: readonly Uint8Array[]): readonly Uint8Array[] {
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

function encodeBody(response: Response, entryOf: (resource: Resource) => Uint8Array): Buffer {
  const { versionInfo, typeUrl, resources, removedResources, spellings } = response;
  const parts: Uint8Array[] = [stringField(1, versionInfo), stringField(4, typeUrl)];
  for (const resource of resources) parts.push(entryOf(resource));
  for (const name of removedResources) parts.push(stringField(6, spellings.get(name) ?? name));
  return Buffer.concat(parts);
}

/** Field 5 of either message; a nonce of a stream has a few digits. */
const nonceField = (nonce: string) => Buffer.from(`\x2a${String.fromCharCode(nonce.length)}${nonce}`, "latin1");

function stringField(field: number, value: string): Uint8Array {
  return new BinaryWriter().tag(field, WireType.LengthDelimited).string(value).finish();
}
