import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";

/** Of an `envoy.service.discovery.v3.Resource`, what comes before the resource itself. */
export interface EntryHead {
  readonly name: string;
  readonly version: string;
  readonly aliases: readonly string[];
  /** In milliseconds; undefined: for ever. */
  readonly ttlMs?: number | undefined;
}

/** One entry of a delta response, its `Any` last, and where in it the `Any`'s field and the message begin. */
export interface Entry {
  readonly bytes: Uint8Array;
  readonly anyAt: number;
  readonly bodyAt: number;
}

/** Field 2, `resources`, of a DeltaDiscoveryResponse. */
export function deltaEntry(head: EntryHead, typeUrl: string, body: Uint8Array): Entry {
  const any = message(2, message(1, text(typeUrl)), message(2, body));
  const bytes = message(2, ...headFields(head), any);
  return { bytes, anyAt: bytes.length - any.length, bodyAt: bytes.length - body.length };
}

/** The same without a resource: a heartbeat (P58), or the answer for a name that cannot be resolved (P60). */
export function emptyDeltaEntry(head: EntryHead): Uint8Array {
  return message(2, ...headFields(head));
}

/** Field 2, `resources`, of a DiscoveryResponse: a resource with its TTL has to be wrapped (P57). */
export function wrappedEntry(head: EntryHead, anyField: Uint8Array): Uint8Array {
  const wrapper = Buffer.concat([...headFields(head), anyField]);
  return message(2, message(1, text("type.googleapis.com/envoy.service.discovery.v3.Resource")), message(2, wrapper));
}

/** Field 7 of a DiscoveryResponse or 9 of a DeltaDiscoveryResponse, `resource_errors` (P65; cncf/xds TP3). */
export function errorEntry(field: 7 | 9, name: string, error: { code: number; message: string }): Uint8Array {
  const status = new BinaryWriter().tag(1, WireType.Varint).int32(error.code).finish();
  return message(field, message(1, message(1, text(name))), message(2, status, message(2, text(error.message))));
}

function headFields({ name, version, aliases, ttlMs }: EntryHead): Uint8Array[] {
  const fields = [
    message(3, text(name)),
    message(1, text(version)),
    ...aliases.map((alias) => message(4, text(alias))),
  ];
  if (ttlMs !== undefined) fields.push(message(6, duration(ttlMs)));
  return fields;
}

/** google.protobuf.Duration */
function duration(ms: number): Uint8Array {
  const seconds = new BinaryWriter().tag(1, WireType.Varint).int64(Math.floor(ms / 1_000));
  return seconds
    .tag(2, WireType.Varint)
    .int32(Math.round((ms % 1_000) * 1_000_000))
    .finish();
}

const text = (value: string) => Buffer.from(value);

/** A length-delimited field of these bytes. */
function message(field: number, ...parts: Uint8Array[]): Uint8Array {
  const size = parts.reduce((sum, part) => sum + part.length, 0);
  const head = new BinaryWriter().tag(field, WireType.LengthDelimited).uint32(size).finish();
  const bytes = new Uint8Array(head.length + size);
  bytes.set(head);
  let at = head.length;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
