import {
  create,
  type DescField,
  type DescMessage,
  fromBinary,
  fromJson,
  type JsonObject,
  type JsonValue,
  type Message,
  type MessageInitShape,
  toBinary,
  toJson,
} from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import type { ClientStatusRequest } from "../../gen/envoy/service/status/v3/csds_pb.js";
import { messageOf, XdsError } from "../errors.js";
import { WireReader } from "../resource/wire-reader.js";
import { apiMessage, envoyRegistry } from "../schema/registry.js";

type Init = MessageInitShape<DescMessage>;

/** How requests are read, and answers written piece by piece. */
export interface ClientStatusFormat {
  /**
   * `checkNode` is given the size of the request's node, in bytes.
   * @throws XdsError INVALID_REQUEST, INVALID_JSON, and what `checkNode` throws
   */
  decode(body: Uint8Array, checkNode: (bytes: number) => void): ClientStatusRequest;
  /** @throws Error for what the format has no words for */
  write(schema: DescMessage, message: Message): Buffer;
  /** A message of `init`, and of fields whose values are written already, by name. */
  compose(schema: DescMessage, init: Init, fields: Readonly<Record<string, readonly Uint8Array[]>>): Buffer;
}

const mostMatchers = 100;
/** Of one matcher, as it comes. */
const mostMatcherBytes = 1_024;

/** @throws XdsError INVALID_REQUEST */
function checkMatcher(at: number, bytes: number): void {
  if (at >= mostMatchers)
    throw new XdsError("INVALID_REQUEST", `node_matchers has more than ${mostMatchers}; the first too many is [${at}]`);
  if (bytes > mostMatcherBytes)
    throw new XdsError(
      "INVALID_REQUEST",
      `node_matchers[${at}] has ${bytes} bytes; a matcher may have ${mostMatcherBytes}`,
    );
}

const schemaOfRequest = () => apiMessage("envoy.service.status.v3.ClientStatusRequest");

export const protobufFormat: ClientStatusFormat = {
  decode: (body, checkNode) => {
    try {
      checkFields(body, checkNode);
      return fromBinary(schemaOfRequest(), body) as ClientStatusRequest;
    } catch (cause) {
      if (cause instanceof XdsError) throw cause;
      throw new XdsError("INVALID_REQUEST", `not a ClientStatusRequest: ${messageOf(cause)}`, { cause });
    }
  },
  write: (schema, message) => Buffer.from(toBinary(schema, message)),
  compose: (schema, init, fields) => {
    const parts: Uint8Array[] = [toBinary(schema, create(schema, init))];
    for (const [name, values] of Object.entries(fields))
      for (const value of values) {
        const head = new BinaryWriter().tag(fieldOf(schema, name).number, WireType.LengthDelimited);
        parts.push(head.uint32(value.length).finish(), value);
      }
    return Buffer.concat(parts);
  },
};

/** Before anything is decoded, which costs a hundred times as much. */
function checkFields(body: Uint8Array, checkNode: (bytes: number) => void): void {
  const reader = new WireReader(body);
  let matchers = 0;
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (wireType !== WireType.LengthDelimited) reader.skip(wireType, field);
    else {
      const { length } = reader.bytes();
      if (field === 1) checkMatcher(matchers++, length);
      else if (field === 2) checkNode(length);
    }
  }
}

/** proto3 JSON. */
export const jsonFormat: ClientStatusFormat = {
  decode: (body, checkNode) => {
    const options = { registry: envoyRegistry(), ignoreUnknownFields: true };
    try {
      const json = JSON.parse(Buffer.from(body).toString("utf8")) as JsonValue;
      const { nodeMatchers, node_matchers = nodeMatchers, node } = Object(json) as JsonObject;
      if (Array.isArray(node_matchers))
        for (const [at, matcher] of node_matchers.entries()) checkMatcher(at, sizeOf(matcher));
      if (node) checkNode(sizeOf(node));
      return fromJson(schemaOfRequest(), json, options) as ClientStatusRequest;
    } catch (cause) {
      if (cause instanceof XdsError) throw cause;
      const why = `the body is not a ClientStatusRequest in JSON ({} asks for all nodes): ${messageOf(cause)}`;
      throw new XdsError("INVALID_JSON", why, { cause });
    }
  },
  write: (schema, message) => Buffer.from(JSON.stringify(toJson(schema, message, { registry: envoyRegistry() }))),
  compose: (schema, init, fields) => {
    const head = JSON.stringify(toJson(schema, create(schema, init))).slice(0, -1);
    const parts: Uint8Array[] = [Buffer.from(head)];
    let separator = head === "{" ? "" : ",";
    for (const [name, values] of Object.entries(fields)) {
      const { jsonName, fieldKind } = fieldOf(schema, name);
      const [open, close] = fieldKind === "list" ? ["[", "]"] : ["", ""];
      parts.push(Buffer.from(`${separator}${JSON.stringify(jsonName)}:${open}`));
      for (const [at, value] of values.entries()) parts.push(...(at === 0 ? [value] : [comma, value]));
      parts.push(Buffer.from(close));
      separator = ",";
    }
    return Buffer.concat([...parts, Buffer.from("}")]);
  },
};

const comma = Buffer.from(",");
const sizeOf = (json: JsonValue) => Buffer.byteLength(JSON.stringify(json));

function fieldOf(schema: DescMessage, name: string): DescField {
  const field = schema.field[name];
  if (!field) throw new Error(`the descriptors lack ${schema.typeName}.${name}`);
  return field;
}
