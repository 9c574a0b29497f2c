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
  type Registry,
  toBinary,
  toJson,
} from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import type { ClientStatusRequest } from "../../../gen/envoy/service/status/v3/csds_pb.js";
import { messageOf, XdsError } from "../../errors.js";
import { printable } from "../../printable.js";
import { apiMessage } from "../../schema/registry.js";
import { WireReader } from "../../schema/wire-reader.js";
import { tooManyParts } from "../../wire/message-parts.js";

type Init = MessageInitShape<DescMessage>;

/** Reads requests, and writes answers piece by piece, in one encoding. */
export interface ClientStatusFormat {
  /**
   * Decodes a request. `checkNode` gets the size of the request's node, in bytes.
   * @throws XdsError INVALID_REQUEST, INVALID_JSON, and what `checkNode` throws
   */
  decode(body: Uint8Array, checkNode: (bytes: number) => void): ClientStatusRequest;
  /** Encodes a message. @throws Error for a value that the format cannot represent */
  write(schema: DescMessage, message: Message): Buffer;
  /** Encodes a message from `init` and from further fields, by name, whose values are encoded already. */
  compose(schema: DescMessage, init: Init, fields: Readonly<Record<string, readonly Uint8Array[]>>): Buffer;
}

const mostMatchers = 100;
/** The most encoded bytes of one matcher. */
const mostMatcherBytes = 1_024;

/** Checks the index and the encoded size of a matcher. @throws XdsError INVALID_REQUEST */
function checkMatcher(index: number, bytes: number): void {
  if (index >= mostMatchers)
    throw new XdsError("INVALID_REQUEST", `node_matchers has more than ${mostMatchers} matchers`);
  if (bytes > mostMatcherBytes)
    throw new XdsError(
      "INVALID_REQUEST",
      `node_matchers[${index}] has ${bytes} bytes; a matcher may have at most ${mostMatcherBytes}`,
    );
}

const schemaOfRequest = (registry: Registry) => apiMessage(registry, "envoy.service.status.v3.ClientStatusRequest");

export type ClientStatusForm = "protobuf" | "json";

export const formatOf = (form: ClientStatusForm, registry: Registry): ClientStatusFormat =>
  form === "json" ? jsonFormat(registry) : protobufFormat(registry);

/** The format of gRPC. */
const protobufFormat = (registry: Registry): ClientStatusFormat => ({
  decode: (body, checkNode) => {
    try {
      const excess = tooManyParts(schemaOfRequest(registry), body, mostParts);
      if (excess) throw new XdsError("INVALID_REQUEST", `a request with more than ${mostParts[excess]} ${excess}`);
      checkFields(body, checkNode);
      return fromBinary(schemaOfRequest(registry), body) as ClientStatusRequest;
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
});

/** The most messages and fields of a request with its node. The node of an Envoy has about 1,000 messages. */
const mostParts = { messages: 20_000, fields: 100_000 };

/** Checks the number and the sizes of the fields before decoding, which costs a hundred times as much. */
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

/** Encodes a request in protobuf, without its node. */
export const withoutNode = (
  { nodeMatchers, excludeResourceContents }: ClientStatusRequest,
  registry: Registry,
): Buffer => {
  const schema = schemaOfRequest(registry);
  return Buffer.from(toBinary(schema, create(schema, { nodeMatchers, excludeResourceContents })));
};

/** A JSON value as text. Control characters are escaped for terminals, because clients choose some of the content. */
const textOf = (json: JsonValue) => printable(JSON.stringify(json));

/** The format of REST: proto3 JSON. */
const jsonFormat = (registry: Registry): ClientStatusFormat => ({
  decode: (body, checkNode) => {
    const options = { registry, ignoreUnknownFields: true };
    try {
      const json = JSON.parse(Buffer.from(body).toString("utf8")) as JsonValue;
      const { nodeMatchers, node_matchers, node } = Object(json) as JsonObject;
      // A request may have the field under both of its names.
      for (const [at, matcher] of [nodeMatchers ?? [], node_matchers ?? []].flat().entries())
        checkMatcher(at, sizeOf(matcher));
      if (node) checkNode(sizeOf(node));
      return fromJson(schemaOfRequest(registry), json, options) as ClientStatusRequest;
    } catch (cause) {
      if (cause instanceof XdsError) throw cause;
      const why = `the body is not a ClientStatusRequest in JSON ({} asks for all nodes): ${messageOf(cause)}`;
      throw new XdsError("INVALID_JSON", why, { cause });
    }
  },
  write: (schema, message) => Buffer.from(textOf(toJson(schema, message, { registry }))),
  compose: (schema, init, fields) => {
    const head = textOf(toJson(schema, create(schema, init))).slice(0, -1);
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
});

const comma = Buffer.from(",");
const sizeOf = (json: JsonValue) => Buffer.byteLength(JSON.stringify(json));

function fieldOf(schema: DescMessage, name: string): DescField {
  const field = schema.field[name];
  if (!field) throw new Error(`the descriptors lack ${schema.typeName}.${name}`);
  return field;
}
