import { fromJson, type JsonObject, type JsonValue, type Registry } from "@bufbuild/protobuf";
import { messageOf, XdsError } from "../errors.js";
import type { Node } from "../schema/node.js";
import { apiMessage } from "../schema/registry.js";
import type { DiscoveryRequest, ErrorDetail } from "./messages.js";
import { mostNodeMessages, type RequestBounds, tooManyNodeParts, unbounded } from "./request-bounds.js";
import { cutNack } from "./requests.js";

/**
 * Decodes a DiscoveryRequest in proto3 JSON. Unknown fields are skipped, as in the binary form.
 *
 * The cost is bounded before each step: values are counted before they are parsed, and a node is measured before it is
 * read.
 * @throws XdsError INVALID_JSON, and the errors of `bounds`
 */
export function decodeJsonRequest(
  body: Uint8Array,
  registry: Registry,
  bounds: RequestBounds = unbounded,
): DiscoveryRequest {
  checkValues(body, bounds);
  try {
    const json = JSON.parse(Buffer.from(body.buffer, body.byteOffset, body.length).toString("utf8")) as JsonValue;
    const fields = objectOf(json, "the body");
    return {
      node: node(field(fields, "node"), registry, bounds),
      typeUrl: stringField(fields, "type_url", "typeUrl"),
      responseNonce: stringField(fields, "response_nonce", "responseNonce"),
      errorDetail: errorDetail(field(fields, "error_detail", "errorDetail")),
      versionInfo: stringField(fields, "version_info", "versionInfo"),
      resourceNames: resourceNames(fields),
    };
  } catch (cause) {
    if (cause instanceof XdsError) throw cause;
    throw new XdsError("INVALID_JSON", `the body is not a DiscoveryRequest in JSON: ${messageOf(cause)}`, { cause });
  }
}

const quote = 0x22;
const comma = 0x2c;
const colon = 0x3a;
const bracket = 0x5b;
const backslash = 0x5c;
const brace = 0x7b;

/** The smallest size of a value in a list, `0,`, and of a member of an object, `"":0,`. */
const valueBytes = 2;
const memberBytes = 5;
/** How many values a request may have besides its names and its node. */
const otherValues = 64;

/**
 * Counts values and members of objects before they are parsed, because `JSON.parse()` takes seconds for millions of
 * them.
 *
 * The limits are what a list of names and a node can have together.
 * @throws the error of `bounds.tooManyValues()`
 */
function checkValues(body: Uint8Array, bounds: RequestBounds): void {
  const { mostNames, mostNodeBytes } = bounds;
  const mostValues = mostNames + Math.ceil(mostNodeBytes / valueBytes) + otherValues;
  const mostMembers = Math.ceil(mostNodeBytes / memberBytes) + otherValues;
  let values = 0;
  let members = 0;
  let isInText = false;
  for (let at = 0; at < body.length; at++) {
    const byte = body[at];
    if (isInText) {
      if (byte === backslash) at++;
      else if (byte === quote) isInText = false;
    } else if (byte === quote) isInText = true;
    else if (byte === comma || byte === bracket || byte === brace) {
      if (++values > mostValues) throw bounds.tooManyValues(mostValues, "names and other values");
    } else if (byte === colon && ++members > mostMembers) throw bounds.tooManyValues(mostMembers, "members of objects");
  }
}

/** Returns a field by its name in the API or in JSON; undefined for `null`. */
const field = (fields: JsonObject, name: string, jsonName = name): JsonValue | undefined =>
  fields[jsonName] ?? fields[name] ?? undefined;

function objectOf(value: JsonValue, what: string): JsonObject {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  throw new Error(`${what} is not an object`);
}

function stringField(fields: JsonObject, name: string, jsonName?: string): string {
  const value = field(fields, name, jsonName) ?? "";
  if (typeof value !== "string") throw new Error(`${name} is not a string`);
  return value;
}

function listField(fields: JsonObject, name: string, jsonName: string): JsonValue[] {
  const value = field(fields, name, jsonName) ?? [];
  if (!Array.isArray(value)) throw new Error(`${name} is not a list`);
  return value;
}

/** The requested names. Only the names of resource locators count, as in the binary form. */
function resourceNames(fields: JsonObject): string[] {
  const listed = listField(fields, "resource_names", "resourceNames");
  for (const [at, name] of listed.entries())
    if (typeof name !== "string") throw new Error(`resource_names[${at}] is not a string`);
  const locators = listField(fields, "resource_locators", "resourceLocators");
  for (const [at, locator] of locators.entries())
    listed.push(stringField(objectOf(locator, `resource_locators[${at}]`), "name"));
  return listed as string[];
}

/** Reads a google.rpc.Status without its details. */
function errorDetail(value: JsonValue | undefined): ErrorDetail | undefined {
  if (value === undefined) return undefined;
  const fields = objectOf(value, "error_detail");
  const code = Number(field(fields, "code") ?? 0);
  if (!Number.isInteger(code)) throw new Error("code of error_detail is not an integer");
  return { code, message: cutNack(Buffer.from(stringField(fields, "message"))) };
}

function node(value: JsonValue | undefined, registry: Registry, bounds: RequestBounds): Node | undefined {
  if (value === undefined) return undefined;
  const { size, containers } = measure(value, bounds.mostNodeBytes);
  bounds.checkNode(size);
  if (containers > mostNodeMessages) throw tooManyNodeParts(mostNodeMessages, "objects and lists");
  const options = { registry, ignoreUnknownFields: true };
  return fromJson(apiMessage(registry, "envoy.config.core.v3.Node"), value, options) as Node;
}

/**
 * The approximate number of characters of a value in JSON, without spaces and escapes, and with small constants for
 * numbers; and how many objects and lists it has. Counting stops above `most` characters.
 */
function measure(json: JsonValue, most: number): { readonly size: number; readonly containers: number } {
  let size = 0;
  let containers = 0;
  const open: JsonValue[] = [json];
  while (open.length > 0 && size <= most) {
    const value = open.pop();
    if (typeof value === "string") size += value.length + 3;
    else if (typeof value !== "object" || value === null) size += valueBytes;
    else if (Array.isArray(value)) {
      containers++;
      size += 3;
      for (const item of value) open.push(item);
    } else {
      containers++;
      size += 3;
      for (const [name, member] of Object.entries(value)) {
        size += name.length + 3;
        open.push(member);
      }
    }
  }
  return { size, containers };
}
