import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { durationOf } from "./duration.js";

/** Of an `envoy.service.discovery.v3.Resource`, what comes before the resource itself. */
export interface EntryHead {
  readonly name: string;
  readonly version: string;
  readonly aliases: readonly string[];
  /** In milliseconds; undefined: for ever. */
  readonly ttlMs?: number | undefined;
}

/** Bytes as a string of as many characters (latin1). A small Uint8Array takes four times as much memory besides what it holds. */
export type PackedBytes = string;

/** Field 2, `resources`, of a DiscoveryResponse, and of an `envoy.service.discovery.v3.Resource`: an `Any`. */
export function anyField(typeUrl: string, content: PackedBytes): Buffer {
  const type = typeUrlField(typeUrl);
  const size = type.length + headSize(content.length) + content.length;
  const bytes = Buffer.allocUnsafe(headSize(size) + size);
  let at = writeHead(bytes, 0, 2, size);
  bytes.set(type, at);
  at = writeHead(bytes, at + type.length, 2, content.length);
  bytes.write(content, at, "latin1");
  return bytes;
}

/** Field 2, `resources`, of a DeltaDiscoveryResponse. */
export function deltaEntry(head: EntryHead, any: Uint8Array): Buffer {
  return message(2, headFields(head), any);
}

/** The same without a resource: a heartbeat (P58), or the answer for a name that cannot be resolved (P60). */
export function emptyDeltaEntry(head: EntryHead): Uint8Array {
  return message(2, headFields(head));
}

/** Field 2, `resources`, of a DiscoveryResponse: a resource with its TTL has to be wrapped (P57). */
export function wrappedEntry(head: EntryHead, any: Uint8Array): Uint8Array {
  const wrapper = message(2, headFields(head), any);
  return message(2, typeUrlField("type.googleapis.com/envoy.service.discovery.v3.Resource"), wrapper);
}

/** Field 7 of a DiscoveryResponse or 9 of a DeltaDiscoveryResponse, `resource_errors` (P65; cncf/xds TP3). */
export function errorEntry(field: 7 | 9, name: string, error: { code: number; message: string }): Uint8Array {
  const status = new BinaryWriter().tag(1, WireType.Varint).int32(error.code).finish();
  return message(field, message(1, message(1, text(name))), message(2, status, message(2, text(error.message))));
}

function headFields({ name, version, aliases, ttlMs }: EntryHead): Uint8Array {
  const fields = [message(3, text(name)), message(1, text(version))];
  for (const alias of aliases) fields.push(message(4, text(alias)));
  if (ttlMs !== undefined) fields.push(message(6, duration(ttlMs)));
  return Buffer.concat(fields);
}

/** google.protobuf.Duration */
function duration(ms: number): Uint8Array {
  const { seconds, nanos } = durationOf(ms);
  return new BinaryWriter().tag(1, WireType.Varint).int64(seconds).tag(2, WireType.Varint).int32(nanos).finish();
}

const text = (value: string) => Buffer.from(value);

/** Field 1 of an `Any`, by type URL; as many as there are types. */
const typeUrlFields = new Map<string, Uint8Array>();

function typeUrlField(typeUrl: string): Uint8Array {
  const field = typeUrlFields.get(typeUrl) ?? message(1, text(typeUrl));
  typeUrlFields.set(typeUrl, field);
  return field;
}

/** How many bytes the tag (of a field whose number is below 16) and the length take. */
function headSize(size: number): number {
  let bytes = 2;
  for (let rest = size; rest > 127; rest = Math.floor(rest / 128)) bytes++;
  return bytes;
}

/** Writes the tag and the length of a length-delimited field; returns where its value begins. */
function writeHead(bytes: Buffer, at: number, field: number, size: number): number {
  let next = at;
  bytes[next++] = (field << 3) | WireType.LengthDelimited;
  let rest = size;
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes[next++] = (rest % 128) | 128;
  bytes[next++] = rest;
  return next;
}

/** A length-delimited field of these bytes. */
function message(field: number, ...parts: Uint8Array[]): Buffer {
  let size = 0;
  for (const { length } of parts) size += length;
  const bytes = Buffer.allocUnsafe(headSize(size) + size);
  let at = writeHead(bytes, 0, field, size);
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
