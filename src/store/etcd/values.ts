import { gunzipSync, gzipSync } from "node:zlib";
import type { JsonValue } from "@bufbuild/protobuf";
import { messageOf, XdsError } from "../../errors.js";

/** Values up to this size, in bytes, are not compressed, so `etcdctl get` shows them. */
const plainBytes = 4 << 10;
/** The largest size of an unpacked value, in bytes. */
const mostBytes = 64 << 20;
/** The first two bytes of gzip data. No JSON begins with them. */
const gzipMagic = 0x1f8b;

/** Encodes a value for etcd: JSON, compressed if it is long. */
export function encodeValue(value: JsonValue | object): Uint8Array {
  const json = Buffer.from(JSON.stringify(value));
  return new Uint8Array(json.length > plainBytes ? gzipSync(json, { level: 1 }) : json);
}

/** @throws XdsError STORE_DAMAGED */
export function decodeValue(key: Uint8Array, value: Uint8Array): JsonValue {
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  try {
    const isPacked = bytes.length >= 2 && bytes.readUInt16BE(0) === gzipMagic;
    return JSON.parse((isPacked ? gunzipSync(bytes, { maxOutputLength: mostBytes }) : bytes).toString()) as JsonValue;
  } catch (cause) {
    throw new XdsError("STORE_DAMAGED", `the value of ${textOf(key)} in etcd is not JSON: ${messageOf(cause)}`, {
      cause,
    });
  }
}

/** A key as text, for messages. */
export const textOf = (key: Uint8Array): string => Buffer.from(key).toString();
