import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { durationOf } from "./duration.js";

/** The fields of an `envoy.service.discovery.v3.Resource` besides the resource itself. */
export interface EntryHead {
  readonly name: string;
  readonly version: string;
  readonly aliases: readonly string[];
  /** In milliseconds. `undefined` without a time limit. */
  readonly ttlMs?: number | undefined;
}

/**
 * Bytes as a latin1 string, one character per byte. A small Uint8Array needs four times as much memory on top of its
 * content.
 */
export type PackedBytes = string;

/**
 * Encodes an `Any` as field 2 of a DiscoveryResponse (`resources`), which is also field 2 of an
 * `envoy.service.discovery.v3.Resource`.
 */
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

/** Encodes a resource as field 2 (`resources`) of a DeltaDiscoveryResponse. `any` comes from {@link anyField}. */
export function deltaEntry(head: EntryHead, any: Uint8Array): Buffer {
  return message(2, headFields(head), any);
}

/**
 * Encodes an entry without a resource for a DeltaDiscoveryResponse: a heartbeat (P58), or the answer for a name that
 * cannot be resolved (P60).
 */
export function emptyDeltaEntry(head: EntryHead): Uint8Array {
  return message(2, headFields(head));
}

/** Encodes a resource with a TTL as field 2 (`resources`) of a DiscoveryResponse. Its TTL needs a wrapper (P57). */
export function wrappedEntry(head: EntryHead, any: Uint8Array): Uint8Array {
  const wrapper = message(2, headFields(head), any);
  return message(2, typeUrlField("type.googleapis.com/envoy.service.discovery.v3.Resource"), wrapper);
}

/**
 * Encodes `resource_errors`, field 7 of a DiscoveryResponse or field 9 of a DeltaDiscoveryResponse (P65; cncf/xds TP3).
 */
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

/** Encoded field 1 of an `Any`, by type URL. There are as many entries as types. */
const typeUrlFields = new Map<string, Uint8Array>();

function typeUrlField(typeUrl: string): Uint8Array {
  const field = typeUrlFields.get(typeUrl) ?? message(1, text(typeUrl));
  typeUrlFields.set(typeUrl, field);
  return field;
}

/** The number of bytes of a tag and a length. The field's number must be below 16. */
function headSize(size: number): number {
  let bytes = 2;
  for (let rest = size; rest > 127; rest = Math.floor(rest / 128)) bytes++;
  return bytes;
}

/** Writes the tag and the length of a length-delimited field. Returns where its value begins. */
function writeHead(bytes: Buffer, at: number, field: number, size: number): number {
  let next = at;
  bytes[next++] = (field << 3) | WireType.LengthDelimited;
  let rest = size;
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes[next++] = (rest % 128) | 128;
  bytes[next++] = rest;
  return next;
}

/** Encodes a length-delimited field with these bytes as its value. */
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
