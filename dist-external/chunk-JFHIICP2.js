import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);
import {
  compileRules,
  deprecationOf,
  isExempt,
  isRequired,
  nanoseconds,
  rulesOf
} from "./chunk-RV3J6E72.js";
import {
  FieldPath,
  covers,
  expiriesOf,
  isCollection,
  referencesOf,
  referrerTypes,
  whyNotKey,
  whyNotLoaded,
  whyNotPem
} from "./chunk-2FHVCSGV.js";
import {
  envoyYaml,
  parseYaml
} from "./chunk-QZJZLV5G.js";
import {
  LineIndex
} from "./chunk-BAMRFF5H.js";
import {
  allAtOnce
} from "./chunk-IDIDKZNG.js";
import {
  readWholeFileSync,
  streamRead
} from "./chunk-D2S3E5CW.js";
import {
  anyName,
  fromTypedStruct,
  isTypedStruct,
  schemaOf,
  typeNameOf
} from "./chunk-IXIW5MLW.js";
import {
  Resource,
  wrappedIn
} from "./chunk-AKMKR4LC.js";
import {
  canonicalName,
  encodeMessage
} from "./chunk-342YQNNX.js";
import {
  holdsSecrets,
  redactionMark
} from "./chunk-Y6GK5AYW.js";
import {
  valueAt
} from "./chunk-ZG5KWCWM.js";
import {
  XdsApi,
  listenerType
} from "./chunk-QMJ32M3M.js";
import {
  wireTypeOf
} from "./chunk-XDPTIA73.js";
import {
  WireReader,
  lengthDelimited,
  mustEndAt
} from "./chunk-IKJYNGYW.js";
import {
  compileRegex
} from "./chunk-U7IGFR2H.js";
import {
  XdsError,
  messageOf
} from "./chunk-27MTFUNG.js";

// dist/source/documents/locator.js
var Locator = class {
  files = /* @__PURE__ */ new Map();
  /**
   * The place of a field of the resource that was read at `resource`, by a path as in `Finding.path`, such as
   * `filter_chains[0].filters[0].typed_config<TcpProxy>.stat_prefix`. For a missing field, it is the place of the value
   * that lacks it. If the file has changed since, it is the place of the resource.
   */
  locate(resource, path) {
    const { file, line, column } = resource;
    const parsed = this.parsed(file);
    const node = parsed?.objects.get(keyOf(line, column));
    if (!parsed || !node)
      return { file, line, column };
    return { file, ...parsed.lines.place(nodeAt(wrappedIn(node) ?? node, path).at) };
  }
  parsed(file) {
    if (!this.files.has(file))
      this.files.set(file, read(file));
    return this.files.get(file);
  }
};
function nodeAt(message, path) {
  let node = message;
  for (const step of stepsOf(path)) {
    const next = child(node, step);
    if (!next)
      break;
    node = next;
  }
  return node;
}
function read(file) {
  let text;
  try {
    text = new TextDecoder().decode(streamRead(file) ?? readWholeFileSync(file));
  } catch {
    return void 0;
  }
  const lines = new LineIndex(text);
  const objects = /* @__PURE__ */ new Map();
  const seen = /* @__PURE__ */ new Set();
  const open = parseYaml(text, envoyYaml).documents;
  for (let node = open.pop(); node; node = open.pop()) {
    if (node.kind === "scalar" || seen.has(node))
      continue;
    seen.add(node);
    if (node.kind === "list")
      for (const item of node.items)
        open.push(item);
    else {
      const { line, column } = lines.place(node.at);
      objects.set(keyOf(line, column), node);
      for (const { value } of node.entries)
        open.push(value);
    }
  }
  return { lines, objects };
}
var keyOf = (line, column) => `${line}:${column}`;
var stepPattern = /\.?(\w+)|\[(\d+|"(?:[^"\\]|\\.)*")\]|<([^>]*)>/y;
function* stepsOf(path) {
  stepPattern.lastIndex = 0;
  let wasMessage = false;
  while (stepPattern.lastIndex < path.length) {
    const at = stepPattern.lastIndex;
    const [, field, element, message] = stepPattern.exec(path) ?? [];
    if (field !== void 0)
      yield { field };
    else if (element !== void 0)
      yield { element: String(JSON.parse(element)) };
    else if (message !== void 0 && wasMessage)
      yield { inside: "value" };
    else if (message === void 0)
      return;
    wasMessage = message !== void 0;
    stepPattern.lastIndex = Math.max(stepPattern.lastIndex, at + 1);
  }
}
function child(node, step) {
  if ("field" in step)
    return valueAt(node, step.field, camelCase(step.field));
  if ("inside" in step)
    return valueAt(node, step.inside);
  if (node.kind === "list")
    return node.items[Number(step.element)];
  return valueAt(node, step.element) ?? (step.element === "0" ? node : void 0);
}
var camelCase = (name) => name.replace(/_(.)/g, (_, letter) => letter.toUpperCase());

// dist/resource/references/graph.js
function* checkingReferences(snapshot, whole = "snapshot") {
  const problems = [];
  const resources = snapshot.typeUrls().flatMap((typeUrl) => [...snapshot.resources(typeUrl).values()]);
  const graph = new ReferenceGraph();
  for (const resource of resources)
    yield* graph.adding(resource);
  for (const resource of resources)
    for (const reference of referencesOf(resource)) {
      yield;
      const { api } = resource.type;
      if (!graph.leadsNowhere(reference, api))
        continue;
      const { typeUrl, name, path } = reference;
      const message = `refers to ${JSON.stringify(name)}, which is not among the ${api.typeName(typeUrl)} of the ${whole}; add it, or correct the name`;
      problems.push({ resource, code: "MISSING_TARGET", path, message, target: typeUrl, targetName: name });
    }
  for (const [typeUrl, from] of Object.entries(referrerTypes)) {
    if (!from.some((referrer) => snapshot.set(referrer)))
      continue;
    for (const resource of snapshot.resources(typeUrl).values()) {
      yield;
      if (namesOf(resource).some((name) => graph.isReferredTo(typeUrl, name)))
        continue;
      problems.push({ resource, code: "UNREFERENCED", path: "", message: `nothing in the ${whole} refers to it` });
    }
  }
  return problems;
}
var TypeIndex = class {
  /**
   * The resources with each name or alias. There may be several if resources of several groups are checked together.
   */
  resources = /* @__PURE__ */ new Map();
  /** The references to each name. */
  referrers = /* @__PURE__ */ new Map();
  /** The references to each collection. */
  collectionReferrers = /* @__PURE__ */ new Map();
};
var ReferenceGraph = class {
  types = /* @__PURE__ */ new Map();
  constructor(resources = []) {
    for (const resource of resources)
      allAtOnce(this.adding(resource));
  }
  /** Adds a resource, in steps. */
  *adding(resource) {
    const { resources } = this.ofType(resource.type.typeUrl);
    for (const name of namesOf(resource))
      append(resources, name, resource);
    yield;
    for (const reference of referencesOf(resource)) {
      const { referrers, collectionReferrers } = this.ofType(reference.typeUrl);
      const name = canonicalName(reference.name);
      append(isCollection(name) ? collectionReferrers : referrers, name, { resource, reference });
      yield;
    }
  }
  /** Returns the resources that a reference leads to. For a collection these are its members. */
  targets({ typeUrl, name: spelling }) {
    const { resources } = this.ofType(typeUrl);
    const name = canonicalName(spelling);
    if (!isCollection(name))
      return resources.get(name) ?? none;
    const members = [...resources].filter(([member]) => covers(name, member));
    return [...new Set(members.flatMap(([, ofName]) => ofName))];
  }
  /** Whether a reference needs a resource that is missing. */
  leadsNowhere(reference, api) {
    return needsTarget(reference, api) && !this.types.get(reference.typeUrl)?.resources.has(canonicalName(reference.name));
  }
  /**
   * Returns the references to a canonical name, also those to a collection that it belongs to. The resource may be
   * missing.
   */
  referrersOf(typeUrl, name) {
    const { referrers, collectionReferrers } = this.ofType(typeUrl);
    const ofCollections = [...collectionReferrers].filter(([collection]) => covers(collection, name));
    return [...referrers.get(name) ?? none, ...ofCollections.flatMap(([, from]) => from)];
  }
  isReferredTo(typeUrl, name) {
    const { referrers, collectionReferrers } = this.ofType(typeUrl);
    return referrers.has(name) || [...collectionReferrers.keys()].some((collection) => covers(collection, name));
  }
  /**
   * Returns all names of a type that a resource has or a reference uses. They are canonical; collections are not
   * included.
   */
  names(typeUrl) {
    const { resources, referrers } = this.ofType(typeUrl);
    return /* @__PURE__ */ new Set([...resources.keys(), ...referrers.keys()]);
  }
  ofType(typeUrl) {
    const index = this.types.get(typeUrl) ?? new TypeIndex();
    this.types.set(typeUrl, index);
    return index;
  }
};
var needsTarget = ({ typeUrl, name }, api) => !isCollection(canonicalName(name)) && api.findResourceType(typeUrl) !== void 0;
var none = [];
function append(lists, key, value) {
  const list = lists.get(key);
  if (list)
    list.push(value);
  else
    lists.set(key, [value]);
}
var namesOf = ({ key, aliasKeys }) => [key, ...aliasKeys];

// dist/validation/certificate-rules.js
import { hash } from "node:crypto";
import { posix } from "node:path";
var expiryNotice = 30 * 24 * 60 * 60 * 1e3;
function contentOf(message, field) {
  const source = message.message(field);
  const content = source?.content("inlineString") ?? source?.content("inlineBytes");
  return content && Buffer.from(content).toString("latin1") !== redactionMark ? content : void 0;
}
function passwordOf(message) {
  return message.has("password") ? contentOf(message, "password") ?? "elsewhere" : void 0;
}
function* expiryIn(content, field, needed) {
  const expiries = expiriesOf(content);
  if (expiries.length === 0)
    return;
  const expiry = needed === "all" ? Math.min(...expiries) : Math.max(...expiries);
  const until = new Date(expiry).toISOString().replace(".000Z", "Z");
  const message = needed === "all" ? `has a certificate that is valid until ${until}; renew it` : `has no certificate that is valid after ${until}; renew it`;
  yield { code: "EXPIRING_CERTIFICATE", field, message, since: expiry - expiryNotice };
}
var keys = ["privateKey", "privateKeyProvider", "pkcs12"];
function* certificate(message) {
  const [chain, key] = [contentOf(message, "certificateChain"), contentOf(message, "privateKey")];
  const badChain = chain && whyNotPem(chain, "CERTIFICATE");
  if (badChain !== void 0)
    yield { code: "BAD_CERTIFICATE", field: "certificateChain", message: badChain };
  else if (chain) {
    const notLoaded = whyNotLoaded(chain);
    if (notLoaded !== void 0)
      yield { code: "BAD_CERTIFICATE", field: "certificateChain", message: notLoaded };
    yield* expiryIn(chain, "certificateChain", "all");
  }
  const badKey = key && whyNotKey(key, chain, passwordOf(message));
  if (badKey !== void 0)
    yield { code: "BAD_CERTIFICATE", field: "privateKey", message: badKey };
  const [hasChain, hasKey] = [message.has("certificateChain"), keys.some((field) => message.has(field))];
  if (hasChain && !hasKey)
    yield { code: "BAD_CERTIFICATE", field: "privateKey", message: "is missing beside the chain" };
  if (!hasChain && message.has("privateKey") && !message.has("pkcs12"))
    yield { code: "BAD_CERTIFICATE", field: "certificateChain", message: "is missing beside the private key" };
}
function* authorities(message) {
  const content = contentOf(message, "trustedCa");
  const bad = content && whyNotPem(content, "CERTIFICATE");
  if (bad !== void 0)
    yield { code: "BAD_CERTIFICATE", field: "trustedCa", message: bad };
  else if (content)
    yield* expiryIn(content, "trustedCa", "any");
}
var mostKnown = 100;
function remembering(find) {
  const known2 = /* @__PURE__ */ new Map();
  return (message, { report }) => {
    const key = hash("sha1", message.bytes, "base64");
    const found = known2.get(key) ?? [...find(message)];
    known2.delete(key);
    known2.set(key, found);
    const [oldest] = known2.keys();
    if (known2.size > mostKnown && oldest !== void 0)
      known2.delete(oldest);
    for (const { code, field, message: words, since } of found)
      report(code, words, message.path(field), since);
  };
}
var dataSource = (message, { report }) => {
  const name = message.text("filename");
  if (name !== "" && !posix.isAbsolute(name))
    report("RELATIVE_FILE", "is a relative path: Envoy looks for it in the directory it was started in; use an absolute path or `inline_string`", message.path("filename"));
};
var tls = "envoy.extensions.transport_sockets.tls.v3";
var certificateRules = [
  [`${tls}.TlsCertificate`, remembering(certificate)],
  [`${tls}.CertificateValidationContext`, remembering(authorities)],
  ["envoy.config.core.v3.DataSource", dataSource]
];

// dist/resource/findings.js
var findingTable = {
  /** The bytes are not a message of their type. Envoy cannot read the resource. */
  UNDECODABLE: ["error", "error"],
  /** A value breaks its field's rule in the API (`validate.rules`). */
  FIELD_RULE: ["error", "error"],
  /** A field, or one of a group of fields, that the API requires is not set. */
  MISSING_FIELD: ["error", "error"],
  /** A deprecated field or value that Envoy refuses unless its runtime configuration allows it. */
  DISALLOWED: ["error", "error"],
  /** A value breaks a rule of the API that Envoy does not enforce in this place, or no longer enforces. */
  UNENFORCED: ["warning", "warning"],
  /** A deprecated field or value. */
  DEPRECATED: ["warning", "warning"],
  /** A field that this version of the API does not have. Envoy ignores the field, unless it is newer and knows it. */
  UNKNOWN_FIELD: ["warning", "error"],
  /** An Any of a type that this version of the API does not have. Its content was not checked. */
  UNKNOWN_TYPE: ["warning", "error"],
  /** An extension has a name but no configuration. Envoy finds extensions only by the type of their configuration. */
  MISSING_CONFIG: ["error", "error"],
  /** A terminal filter is not the last one of its chain, or the last filter is not terminal. */
  FILTER_ORDER: ["error", "error"],
  /** A domain occurs twice in a route configuration. */
  DUPLICATE_DOMAIN: ["error", "error"],
  /** A regular expression that RE2 refuses. */
  BAD_REGEX: ["error", "error"],
  /** A regular expression that is larger than Envoy accepts, unless its runtime configuration allows it. */
  LARGE_REGEX: ["warning", "warning"],
  /** Another rule of Envoy's code is broken, such as a limit on the number of endpoints, NaN, or two equal names. */
  ENVOY_RULE: ["error", "error"],
  /** A host name where Envoy accepts only an IP address. */
  NO_IP_ADDRESS: ["error", "error"],
  /** Two listeners have the same address. */
  ADDRESS_IN_USE: ["error", "error"],
  /** A certificate or a private key cannot be read, or the two do not match. */
  BAD_CERTIFICATE: ["error", "error"],
  /** A certificate is expired, or will be within 30 days. */
  EXPIRING_CERTIFICATE: ["warning", "warning"],
  /** A relative path of a file. Envoy reads such a path on its own machine. */
  RELATIVE_FILE: ["warning", "warning"],
  /** A resource refers to another one that is not in the snapshot. */
  MISSING_TARGET: ["warning", "error"],
  /** The resource has a TTL, and Envoy crashes when a resource of its type expires that came in SotW. */
  TTL_IN_SOTW: ["warning", "warning"],
  /** Nothing in the snapshot refers to this resource, and only references make its type useful. */
  UNREFERENCED: ["info", "info"]
};

// dist/validation/listener-addresses.js
import { isIPv6 } from "node:net";

// dist/validation/wire-message.js
import { WireType } from "@bufbuild/protobuf/wire";
var typeUrlField = 1;
var valueField = 2;
var WireMessage = class _WireMessage {
  schema;
  bytes;
  at;
  constructor(schema, bytes, at) {
    this.schema = schema;
    this.bytes = bytes;
    this.at = at;
  }
  has(name) {
    const field = this.schema.field[name];
    return field !== void 0 && values(this.bytes, field.number).length > 0;
  }
  /** The value of a string field; "" if it is not set. */
  text(name) {
    return this.texts(name).at(-1) ?? "";
  }
  /** The elements of a list of strings. */
  texts(name) {
    return this.parts(name).map((part) => utf8(part));
  }
  /** The value of a bytes field, or the undecoded value of a string field; undefined if it is not set. */
  content(name) {
    return this.parts(name).at(-1);
  }
  /** The value of a varint field: an integer, an enum, or a bool (0 or 1); 0 if it is not set. */
  number(name) {
    const field = this.schema.field[name];
    const last = field && values(this.bytes, field.number).at(-1);
    return typeof last === "number" ? last : 0;
  }
  /** The value of a double field; undefined if it is not set. */
  double(name) {
    const part = this.parts(name).at(-1);
    return part?.length === 8 ? Buffer.from(part).readDoubleLE() : void 0;
  }
  /** The message in a field; undefined if it is not set. */
  message(name) {
    const field = this.schema.field[name];
    const parts = this.parts(name);
    const [first] = parts;
    if (!field?.message || !first)
      return void 0;
    const bytes = parts.length === 1 ? first : Buffer.concat(parts);
    return new _WireMessage(field.message, bytes, FieldPath.field(this.at, field.name));
  }
  /** The elements of a list of messages. */
  messages(name) {
    const { message, name: spelling } = this.schema.field[name] ?? {};
    if (!message || spelling === void 0)
      return [];
    return this.parts(name).map((bytes, index) => {
      return new _WireMessage(message, bytes, FieldPath.field(this.at, spelling, index));
    });
  }
  /**
   * The full name of the message in an Any, or of the message that a TypedStruct in it stands for; "" if there is none.
   */
  typeIn(name) {
    const any = this.content(name);
    if (!any)
      return "";
    const typeName = typeNameIn(any);
    return isTypedStruct(typeName) ? typeNameIn(lastPart(any, valueField)) : typeName;
  }
  /** Returns the path of one of its fields, or of an element of one. */
  path(name, index) {
    return FieldPath.field(this.at, this.schema.field[name]?.name ?? name, index);
  }
  parts(name) {
    const field = this.schema.field[name];
    if (!field)
      return [];
    return values(this.bytes, field.number).filter((value) => typeof value !== "number");
  }
};
var utf8 = (bytes) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString();
var lastPart = (bytes, fieldNo) => values(bytes, fieldNo).findLast((value) => typeof value !== "number") ?? nothing;
var typeNameIn = (message) => typeNameOf(utf8(lastPart(message, typeUrlField)));
var nothing = new Uint8Array();
function values(bytes, fieldNo) {
  const found = [];
  const end = bytes.length;
  let pos = 0;
  const varint = () => {
    let value = 0;
    for (let factor = 1; pos < end; factor *= 128) {
      const byte = bytes[pos++];
      value += (byte & 127) * factor;
      if (byte < 128)
        break;
    }
    return value;
  };
  while (pos < end) {
    const tag = varint();
    const isIt = Math.floor(tag / 8) === fieldNo;
    switch (tag % 8) {
      case WireType.Varint: {
        const value = varint();
        if (isIt)
          found.push(value);
        break;
      }
      case WireType.LengthDelimited: {
        const length = varint();
        if (isIt)
          found.push(bytes.subarray(pos, pos + length));
        pos += length;
        break;
      }
      case WireType.Bit64:
        if (isIt)
          found.push(bytes.subarray(pos, pos + 8));
        pos += 8;
        break;
      case WireType.Bit32:
        pos += 4;
        break;
      default:
        return found;
    }
  }
  return found;
}

// dist/validation/listener-addresses.js
var known = /* @__PURE__ */ new WeakMap();
function* checkingAddresses(snapshot) {
  const problems = [];
  const claimed = /* @__PURE__ */ new Map();
  for (const resource of snapshot.resources(listenerType).values()) {
    yield;
    for (const { key, shown, path } of claimsOf(resource)) {
      const other = claimed.get(key) ?? resource;
      claimed.set(key, other);
      if (other === resource)
        continue;
      const message = `is ${shown}, which is an address of listener ${JSON.stringify(other.name)} too; Envoy takes only one of them`;
      problems.push({ resource, code: "ADDRESS_IN_USE", path, message });
    }
  }
  return problems;
}
function claimsOf(resource) {
  const claims = known.get(resource) ?? [...claimsIn(resource)];
  known.set(resource, claims);
  return claims;
}
function* claimsIn({ name, type, body, error }) {
  const schema = schemaOf(type.typeUrl, type.api.registry);
  if (!schema || error || name.startsWith("xdstp:"))
    return;
  const listener2 = new WireMessage(schema, body, void 0);
  if (listener2.has("apiListener"))
    return;
  const own = listener2.message("address");
  const others = listener2.messages("additionalAddresses").map((other) => other.message("address"));
  for (const address of [own, ...others]) {
    const claim = address && claimOf(address, isBound(listener2));
    if (claim)
      yield claim;
  }
}
function isBound(listener2) {
  return listener2.message("bindToPort")?.number("value") !== 0;
}
function claimOf(address, bound) {
  const path = String(address.at ?? FieldPath.field(void 0, "address"));
  const pipe = address.message("pipe")?.text("path");
  if (pipe)
    return { key: `pipe ${pipe}`, shown: JSON.stringify(pipe), path };
  const socket = address.message("socketAddress");
  if (!socket || socket.has("resolverName") || socket.has("namedPort"))
    return void 0;
  const [ip, port] = [socket.text("address"), socket.number("portValue")];
  if (port === 0 && bound)
    return void 0;
  const protocol = socket.number("protocol") === 0 ? "TCP" : "UDP";
  const shown = `${protocol} ${isIPv6(ip) ? `[${ip}]` : ip}:${port}`;
  return { key: `${protocol} ${canonical(ip)} ${port} ${socket.text("networkNamespaceFilepath")}`, shown, path };
}
var canonical = (ip) => isIPv6(ip) && !ip.includes("%") ? new URL(`http://[${ip}]`).hostname : ip;

// dist/validation/message-check.js
import { fromBinary } from "@bufbuild/protobuf";
import { WireType as WireType5 } from "@bufbuild/protobuf/wire";

// dist/validation/merged-fields.js
import { ScalarType as ScalarType3 } from "@bufbuild/protobuf";
import { BinaryWriter, WireType as WireType4 } from "@bufbuild/protobuf/wire";

// dist/validation/message-plan.js
import { ScalarType as ScalarType2 } from "@bufbuild/protobuf";
import { WireType as WireType3 } from "@bufbuild/protobuf/wire";

// dist/validation/address-rules.js
import { isIP } from "node:net";
var [staticType, logicalDnsType] = [0, 2];
var isOfType = (cluster3, type, name) => {
  const custom = cluster3.message("clusterType");
  return custom ? custom.text("name") === name && !custom.has("typedConfig") : cluster3.number("type") === type;
};
function checkIp(address, advice, reporter) {
  checkSocketIp(address?.message("socketAddress"), advice, reporter);
}
function checkSocketIp(socket, advice, { report }) {
  if (!socket || !["", "envoy.ip"].includes(socket.text("resolverName")))
    return;
  if (socket.has("namedPort"))
    report("ENVOY_RULE", "must not be set for an IP address; write port_value", socket.path("namedPort"));
  const text = socket.text("address");
  if (text === "" || isIP(text) !== 0)
    return;
  report("NO_IP_ADDRESS", `must be an IP address, is ${JSON.stringify(text)}; ${advice}`, socket.path("address"));
}
var ofEndpoint = "write one, or let a cluster of the type STRICT_DNS or LOGICAL_DNS resolve the name";
var ofListener = "write one; 0.0.0.0 and :: stand for all addresses of the machine";
function checkEndpoints(assignment2, reporter) {
  for (const locality of assignment2.messages("endpoints"))
    for (const one of locality.messages("lbEndpoints")) {
      const endpoint = one.message("endpoint");
      if (!endpoint)
        continue;
      checkIp(endpoint.message("address"), ofEndpoint, reporter);
      checkIp(endpoint.message("healthCheckConfig")?.message("address"), "write one", reporter);
      for (const other of endpoint.messages("additionalAddresses"))
        checkIp(other.message("address"), ofEndpoint, reporter);
    }
}
var cluster = (message, reporter) => {
  const bind = message.message("upstreamBindConfig");
  checkSocketIp(bind?.message("sourceAddress"), "write one", reporter);
  for (const extra of bind?.messages("extraSourceAddresses") ?? [])
    checkSocketIp(extra.message("address"), "write one", reporter);
  const assignment2 = message.message("loadAssignment");
  if (assignment2 && isOfType(message, staticType, "envoy.cluster.static"))
    checkEndpoints(assignment2, reporter);
  if (isOfType(message, logicalDnsType, "envoy.cluster.logical_dns"))
    checkSingle(message, reporter);
};
function checkSingle(message, { report }) {
  const assignment2 = message.message("loadAssignment");
  const localities = assignment2?.messages("endpoints") ?? [];
  const [count, many] = [localities.flatMap((locality) => locality.messages("lbEndpoints")).length, localities.length];
  if (count === 1 && many === 1)
    return;
  const has = many > 1 ? `${count} in ${many} localities` : `${count}`;
  report("ENVOY_RULE", `must have exactly one endpoint in a cluster of the type LOGICAL_DNS, has ${has}; STRICT_DNS takes any number`, assignment2 ? assignment2.path("endpoints") : message.path("loadAssignment"));
}
var admin = (message, reporter) => checkIp(message.message("address"), "write one", reporter);
var assignment = (message, reporter) => {
  if (!message.at)
    checkEndpoints(message, reporter);
};
var listener = (message, reporter) => {
  checkIp(message.message("address"), ofListener, reporter);
  for (const other of message.messages("additionalAddresses"))
    checkIp(other.message("address"), ofListener, reporter);
};
var addressRules = [
  ["envoy.config.cluster.v3.Cluster", cluster],
  ["envoy.config.endpoint.v3.ClusterLoadAssignment", assignment],
  ["envoy.config.listener.v3.Listener", listener],
  ["envoy.config.bootstrap.v3.Admin", admin]
];

// dist/validation/filter-rules.js
var http = "envoy.extensions.filters.http.";
var network = "envoy.extensions.filters.network.";
var router = `${http}router.v3.Router`;
var codec = `${http}upstream_codec.v3.UpstreamCodec`;
var typesIn = (prefix, names) => new Set(names.split(/\s+/).map((name) => prefix + name));
var httpFilters = {
  terminal: /* @__PURE__ */ new Set([router, `${http}mcp_router.v3.McpRouter`]),
  // Dynamic modules are in neither set, because they may or may not end a chain.
  passing: /* @__PURE__ */ new Set([
    "envoy.extensions.common.matching.v3.ExtensionWithMatcher",
    ...typesIn(http, `a2a.v3.A2a adaptive_concurrency.v3.AdaptiveConcurrency admission_control.v3.AdmissionControl
    ai_protocol_manager.v3.AiProtocolManager alternate_protocols_cache.v3.FilterConfig api_key_auth.v3.ApiKeyAuth
    aws_lambda.v3.Config aws_request_signing.v3.AwsRequestSigning bandwidth_limit.v3.BandwidthLimit
    bandwidth_share.v3.BandwidthShare basic_auth.v3.BasicAuth body_size_limit.v3.BodySizeLimit buffer.v3.Buffer
    cache.v3.CacheConfig cache_v2.v3.CacheV2Config cdn_loop.v3.CdnLoopConfig composite.v3.Composite
    compressor.v3.Compressor connect_grpc_bridge.v3.FilterConfig cors.v3.Cors
    credential_injector.v3.CredentialInjector csrf.v3.CsrfPolicy custom_response.v3.CustomResponse
    decompressor.v3.Decompressor dynamic_forward_proxy.v3.FilterConfig ext_authz.v3.ExtAuthz
    ext_proc.v3.ExternalProcessor fault.v3.HTTPFault file_server.v3.FileServerConfig
    file_system_buffer.v3.FileSystemBufferFilterConfig filter_chain.v3.FilterChainConfig
    gcp_authn.v3.GcpAuthnFilterConfig grpc_http1_bridge.v3.Config grpc_http1_reverse_bridge.v3.FilterConfig
    grpc_stats.v3.FilterConfig grpc_web.v3.GrpcWeb header_mutation.v3.HeaderMutation
    header_to_metadata.v3.Config health_check.v3.HealthCheck ip_tagging.v3.IPTagging
    json_to_metadata.v3.JsonToMetadata jwt_authn.v3.JwtAuthentication local_ratelimit.v3.LocalRateLimit
    lua.v3.Lua mcp.v3.Mcp mcp_json_rest_bridge.v3.McpJsonRestBridge oauth2.v3.OAuth2 on_demand.v3.OnDemand
    original_src.v3.OriginalSrc rate_limit_quota.v3.RateLimitQuotaFilterConfig ratelimit.v3.RateLimit rbac.v3.RBAC
    set_filter_state.v3.Config set_metadata.v3.Config stateful_session.v3.StatefulSession
    thrift_to_metadata.v3.ThriftToMetadata transform.v3.TransformConfig`)
  ]),
  ending: router
};
var networkFilters = {
  terminal: typesIn(network, `direct_response.v3.Config dubbo_proxy.v3.DubboProxy echo.v3.Echo generic_proxy.v3.GenericProxy
    http_connection_manager.v3.HttpConnectionManager redis_proxy.v3.RedisProxy
    reverse_tunnel.v3.DrainAwareHttpConnectionManager reverse_tunnel.v3.ReverseTunnel tcp_proxy.v3.TcpProxy
    thrift_proxy.v3.ThriftProxy`),
  passing: typesIn(network, `connection_limit.v3.ConnectionLimit ext_authz.v3.ExtAuthz ext_proc.v3.NetworkExternalProcessor
    local_ratelimit.v3.LocalRateLimit mongo_proxy.v3.MongoProxy ratelimit.v3.RateLimit rbac.v3.RBAC
    set_filter_state.v3.Config sni_cluster.v3.SniCluster sni_dynamic_forward_proxy.v3.FilterConfig
    tcp_bandwidth_limit.v3.TcpBandwidthLimit zookeeper_proxy.v3.ZooKeeperProxy`),
  ending: "one such as the TcpProxy or the HttpConnectionManager"
};
var upstreamFilters = { terminal: /* @__PURE__ */ new Set([codec]), passing: httpFilters.passing, ending: codec };
var typeOf = (filter) => filter.typeIn("typedConfig") || (filter.message("configDiscovery")?.typeIn("defaultConfig") ?? "");
function checkChain(filters, kinds, { report }, codecOnly = false) {
  const last = filters.at(-1);
  const early = filters.filter((filter) => filter !== last && kinds.terminal.has(typeOf(filter)));
  for (const filter of early)
    report("FILTER_ORDER", "ends the chain, so it must be the last of the filters; move it behind the others", filter.at);
  if (!last || early.length > 0)
    return;
  const type = typeOf(last);
  if (kinds.passing.has(type) || codecOnly && last.typeIn("typedConfig") !== codec)
    report("FILTER_ORDER", `must not be the last of the filters; put ${kinds.ending} behind it`, last.at);
  else if (kinds.terminal.has(type) && last.number("disabled") === 1)
    report("FILTER_ORDER", "must not be true for the last of the filters", last.path("disabled"));
}
var order = (list, kinds, codecOnly = false) => (message, reporter) => checkChain(message.messages(list), kinds, reporter, codecOnly);
var missing = "has no typed_config; Envoy does not find an extension by its name alone";
var untyped = "has no @type; Envoy does not find an extension by its name alone";
var isUntyped = (message) => message.has("typedConfig") && ["", "google.protobuf.Any"].includes(message.typeIn("typedConfig"));
var configured = (...fields) => (message, { report }) => {
  if (!fields.some((field) => message.has(field)))
    report("MISSING_CONFIG", missing, message.at);
  else if (isUntyped(message))
    report("MISSING_CONFIG", untyped, message.path("typedConfig"));
};
var httpFilter = (message, reporter) => {
  if (message.number("isOptional") === 0)
    configured("typedConfig", "configDiscovery")(message, reporter);
  else if (!message.has("typedConfig") && !message.has("configDiscovery"))
    reporter.report("UNENFORCED", `${missing}; it ignores this one because it is optional`, message.at);
};
var hcm = `${network}http_connection_manager.v3`;
var filterRules = [
  [`${hcm}.HttpConnectionManager`, order("httpFilters", httpFilters)],
  [`${hcm}.HttpConnectionManager.UpgradeConfig`, order("filters", httpFilters)],
  [router, order("upstreamHttpFilters", upstreamFilters)],
  ["envoy.extensions.upstreams.http.v3.HttpProtocolOptions", order("httpFilters", upstreamFilters, true)],
  ["envoy.config.listener.v3.FilterChain", order("filters", networkFilters)],
  [`${hcm}.HttpFilter`, httpFilter],
  ...[
    "envoy.config.listener.v3.Filter",
    "envoy.config.listener.v3.ListenerFilter",
    "envoy.config.cluster.v3.Filter",
    "envoy.extensions.filters.udp.udp_proxy.v3.UdpProxyConfig.SessionFilter"
  ].map((name) => [name, configured("typedConfig", "configDiscovery")]),
  ...[
    "envoy.config.accesslog.v3.AccessLog",
    "envoy.config.accesslog.v3.ExtensionFilter",
    "envoy.config.core.v3.HealthCheck.CustomHealthCheck",
    "envoy.config.core.v3.TransportSocket",
    "envoy.config.metrics.v3.StatsSink",
    "envoy.config.overload.v3.ResourceMonitor",
    "envoy.config.route.v3.RetryPolicy.RetryHostPredicate",
    "envoy.config.route.v3.RetryPolicy.RetryPriority",
    "envoy.config.trace.v3.Tracing.Http",
    `${network}thrift_proxy.v3.ThriftFilter`
  ].map((name) => [name, configured("typedConfig")])
];

// dist/validation/other-rules.js
var percentages = (...fields) => (message, { report }) => {
  for (const field of fields)
    if (Number.isNaN(message.message(field)?.double("value")))
      report("ENVOY_RULE", "must be a number from 0 to 100, is NaN", message.path(field));
};
var layers = (message, { report }) => {
  const seen = /* @__PURE__ */ new Set();
  for (const layer of message.messages("layers")) {
    const name = layer.text("name");
    if (seen.has(name))
      report("ENVOY_RULE", `must differ from the other layers' names, is ${JSON.stringify(name)} again`, layer.path("name"));
    seen.add(name);
  }
};
var cluster2 = "envoy.config.cluster.v3.Cluster";
var otherRules = [
  [`${cluster2}.CommonLbConfig`, percentages("healthyPanicThreshold")],
  [`${cluster2}.CommonLbConfig.ZoneAwareLbConfig`, percentages("routingEnabled")],
  [`${cluster2}.SlowStartConfig`, percentages("minWeightPercent")],
  ["envoy.config.bootstrap.v3.LayeredRuntime", layers]
];

// dist/validation/regex-size.js
import { RE2JS } from "re2js";
var ops = { either: 1, eitherMatch: 2, capture: 3, assertion: 4, fail: 5, match: 6, nothing: 7 };
var [beginText, endText] = [4, 8];
function programSize(pattern) {
  const bytes = Buffer.from(pattern).toString("latin1");
  const { re2Input } = RE2JS.compile(bytes);
  const { prog } = re2Input;
  return new Program(prog.inst, prog.start, bytes).size();
}
var Program = class {
  given;
  all;
  start;
  /** The instruction with which the search for the beginning of a match starts. */
  searchStart;
  constructor(given, start, pattern) {
    this.given = given;
    this.all = given.map(() => ({ op: "fail" }));
    for (const [index, one] of given.entries())
      this.all[index] = this.converted(one);
    const afterAnchor = this.afterAnchor(start);
    const afterPrefix = afterAnchor === void 0 ? void 0 : this.afterPrefix(afterAnchor, pattern);
    this.dropEndAnchor();
    for (const one of this.all) {
      if ("to" in one)
        one.to = this.resolved(one.to);
      if (one.op === "either")
        one.other = this.resolved(one.other);
    }
    this.start = this.resolved(afterPrefix ?? afterAnchor ?? start);
    this.searchStart = this.start;
    if (afterAnchor !== void 0 && afterPrefix === void 0)
      return;
    this.searchStart = this.all.length;
    this.all.push({ op: "either", to: this.start, other: this.searchStart + 1 }, { op: "byte", to: this.searchStart });
  }
  converted({ op, out, arg, runes }) {
    if (op === ops.either || op === ops.eitherMatch)
      return { op: "either", to: out, other: arg };
    if (op === ops.capture || op === ops.assertion)
      return { op: "step", to: out };
    if (op === ops.fail)
      return { op: "fail" };
    if (op === ops.match)
      return { op: "match" };
    if (op === ops.nothing)
      return { op: "nothing", to: out };
    let last;
    for (let count = runes.length === 1 ? 1 : rangesIn(runes); count > 0; count--) {
      if (last)
        this.all.push(last);
      const before = this.all.length - 1;
      this.all.push({ op: "byte", to: out });
      last = last ? { op: "either", to: before, other: this.all.length - 1 } : this.all.pop();
    }
    return last ?? { op: "fail" };
  }
  /** Returns the instruction after a leading `^`. In RE2 the `^` is a property of the program, not an instruction. */
  afterAnchor(start) {
    let at = start;
    while (this.given[at]?.op === ops.capture || this.given[at]?.op === ops.nothing)
      at = this.given[at]?.out ?? 0;
    let first = this.given[at];
    if (first?.op !== ops.assertion || first.arg !== beginText)
      return void 0;
    this.all[at] = { op: "nothing", to: first.out };
    if (at !== start)
      return start;
    while (first?.op === ops.assertion && first.arg === beginText) {
      at = first.out;
      first = this.given[at];
    }
    return at;
  }
  /**
   * Returns the instruction after a literal text that follows the `^`. RE2 compares such a text without instructions.
   */
  afterPrefix(start, pattern) {
    const [, text = ""] = /^(?:\(\?[ims]+\))?(?:\^|\\A)+((?:[^\\^$.|?*+()[\]{}]|\\[^\w\s])*)/.exec(pattern) ?? [];
    const isRepeated = /^[*+?{]/.test(pattern.slice(pattern.indexOf(text) + text.length));
    let left = text.replace(/\\./gs, "x").length - (isRepeated ? 1 : 0);
    let at = start;
    for (; left > 0 && this.given[at]?.runes.length === 1; left--)
      at = this.given[at]?.out ?? 0;
    return at === start ? void 0 : at;
  }
  /** Removes a trailing `$` if nothing else leads to the end. */
  dropEndAnchor() {
    let end = this.given.findIndex(({ op }) => op === ops.match);
    for (; ; ) {
      const [only = -1, ...others] = this.given.flatMap(({ op, out, arg }, index) => op !== ops.match && op !== ops.fail && (out === end || op <= ops.eitherMatch && arg === end) ? [index] : []);
      const before = this.given[only];
      if (!before || others.length > 0)
        return;
      if (before.op === ops.assertion && before.arg === endText)
        this.all[only] = { op: "nothing", to: before.out };
      if (before.op !== ops.capture && before.op !== ops.nothing)
        return;
      end = only;
    }
  }
  resolved(id) {
    let at = id;
    for (let one = this.all[at]; one?.op === "nothing"; one = this.all[at])
      at = one.to;
    return at;
  }
  /**
   * Returns the size after RE2's flattening: each place gets a list of the instructions that may be next.
   *
   * An instruction in several lists gets its own list.
   */
  size() {
    const places = /* @__PURE__ */ new Set([this.searchStart, this.start]);
    const before = /* @__PURE__ */ new Map();
    for (const id of this.reached()) {
      const one = this.all[id];
      if (one?.op === "either")
        for (const next of [one.to, one.other])
          push(before, next, id);
      else if (one && "to" in one)
        places.add(one.to);
    }
    for (const place of [...places]) {
      if (place === this.start || place === this.searchStart)
        continue;
      const { all } = this.listAt(place, places);
      for (const id of all)
        if (before.get(id)?.some((other) => !all.has(other)))
          places.add(id);
    }
    const failInstruction = 1;
    return [...places].reduce((size, place) => size + this.listAt(place, places).length, failInstruction);
  }
  reached() {
    const found = /* @__PURE__ */ new Set([this.searchStart]);
    for (const id of found) {
      const one = this.all[id];
      if (one && "to" in one)
        found.add(one.to);
      if (one?.op === "either")
        found.add(one.other);
    }
    return found;
  }
  /** Returns the instructions that may be next at a place, and the length of the place's list. */
  listAt(place, places) {
    const all = /* @__PURE__ */ new Set([place]);
    let length = 0;
    for (const id of all) {
      const one = this.all[id];
      if (one?.op !== "either" || id !== place && places.has(id))
        length++;
      else
        all.add(one.to).add(one.other);
    }
    return { all, length };
  }
};
function rangesIn(runes) {
  const ranges = Array.from({ length: runes.length / 2 }, (_, at) => [runes[2 * at] ?? 0, runes[2 * at + 1] ?? 0]);
  const has = (byte) => ranges.some(([low, high]) => low <= byte && byte <= high);
  const isAnyCase = Array.from({ length: 26 }, (_, at) => at + 65).every((letter) => has(letter) === has(letter + 32));
  return ranges.filter(([low, high]) => low <= 255 && !(isAnyCase && low >= 65 && high <= 90)).length;
}
function push(map, key, value) {
  const values2 = map.get(key);
  if (values2)
    values2.push(value);
  else
    map.set(key, [value]);
}

// dist/validation/route-rules.js
var folded = (domain) => domain.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
var domains = (message, { report }) => {
  const seen = /* @__PURE__ */ new Map();
  for (const host of message.messages("virtualHosts"))
    for (const [index, domain] of host.texts("domains").entries()) {
      const key = folded(domain);
      const other = seen.get(key);
      if (!other)
        seen.set(key, host);
      else if (other !== host) {
        const name = JSON.stringify(other.text("name"));
        report("DUPLICATE_DOMAIN", `is the domain ${JSON.stringify(domain)}, which virtual host ${name} has too`, host.path("domains", index));
      }
    }
};
var domainsOfOne = (host, { report }) => {
  const seen = /* @__PURE__ */ new Set();
  for (const [index, domain] of host.texts("domains").entries()) {
    const key = folded(domain);
    if (seen.has(key))
      report("DUPLICATE_DOMAIN", `is the domain ${JSON.stringify(domain)} again; remove it`, host.path("domains", index));
    seen.add(key);
  }
};
var envoysMost = 100;
var plain = /^(?:[\w\s/,:;=@!~"'%&<>#-]|\\[dDwWsSbB.\\/*+?()[\]{}|^$]|\[\^?[\w./,:;=@!~%+*-]+\]|\.|\||\^|\$|\((?:\?:|(?!\?))|\)|[*+?]\??)*$/;
var longestPlain = 36;
function isPlain(pattern) {
  if (pattern.length > longestPlain || !plain.test(pattern))
    return false;
  try {
    new RegExp(pattern, "u");
    return true;
  } catch {
    return false;
  }
}
var onlyHere = /duplicate capture group name|invalid escape sequence: `\\C`|invalid repeat count: `\{\d{9}/;
var beyondBytes = /(?<!\\)(?:\\\\)*\\x\{0*[1-9a-f][0-9a-f]{2,}\}/i;
var regex = (message, { hidesValues, report }) => {
  const pattern = message.text("regex");
  if (isPlain(pattern))
    return;
  const compiled = compileRegex(pattern);
  const at = message.path("regex");
  if ("program" in compiled) {
    if (beyondBytes.test(pattern))
      report("BAD_REGEX", "has a character above \\xFF, but Envoy's RE2 matches bytes", at);
    else {
      const size = programSize(pattern);
      if (size > envoysMost)
        report("LARGE_REGEX", tooLarge(`has about ${size} instructions in Envoy's RE2`), at);
    }
  } else if (compiled.isTooLarge)
    report("LARGE_REGEX", tooLarge("is too large to be counted here"), at);
  else if (!onlyHere.test(compiled.why))
    report("BAD_REGEX", hidesValues ? "is not a valid RE2 regular expression" : compiled.why, at);
};
var tooLarge = (size) => `${size}; Envoy refuses more than ${envoysMost} instructions, unless re2.max_program_size.error_level in its runtime is higher`;
var routeRules = [
  ["envoy.config.route.v3.RouteConfiguration", domains],
  ["envoy.config.route.v3.VirtualHost", domainsOfOne],
  ["envoy.type.matcher.v3.RegexMatcher", regex],
  ["xds.type.matcher.v3.RegexMatcher", regex]
];

// dist/validation/envoy-rules.js
var envoyRules = new Map([
  ...addressRules,
  ...certificateRules,
  ...filterRules,
  ...otherRules,
  ...routeRules
]);

// dist/validation/unenforced.js
var uncheckedContents = /* @__PURE__ */ new Set([
  "envoy.config.core.v3.Metadata.typed_filter_metadata",
  "envoy.config.cluster.v3.Cluster.typed_dns_resolver_config",
  "envoy.config.cluster.v3.LoadBalancingPolicy.Policy.typed_extension_config",
  // For gRPC clients, which have their own rules. An Envoy does not accept such a listener from a server.
  "envoy.config.listener.v3.ApiListener.api_listener",
  "envoy.config.route.v3.ClusterSpecifierPlugin.extension",
  "envoy.config.route.v3.RetryPolicy.RetryPriority.typed_config",
  "envoy.extensions.common.dynamic_forward_proxy.v3.DnsCacheConfig.typed_dns_resolver_config"
]);

// dist/validation/wire-values.js
import { ScalarType } from "@bufbuild/protobuf";
import { WireType as WireType2 } from "@bufbuild/protobuf/wire";
var scalarReaders = {
  [ScalarType.DOUBLE]: (reader) => reader.double(),
  [ScalarType.FLOAT]: (reader) => reader.float(),
  [ScalarType.INT64]: (reader) => BigInt(reader.int64()),
  [ScalarType.UINT64]: (reader) => BigInt(reader.uint64()),
  [ScalarType.INT32]: (reader) => reader.int32(),
  [ScalarType.FIXED64]: (reader) => BigInt(reader.fixed64()),
  [ScalarType.FIXED32]: (reader) => reader.fixed32(),
  [ScalarType.BOOL]: (reader) => reader.bool(),
  [ScalarType.STRING]: (reader, end) => reader.text(end),
  [ScalarType.BYTES]: (reader, end) => {
    const start = reader.pos;
    reader.pos = end;
    return reader.slice(start);
  },
  [ScalarType.UINT32]: (reader) => reader.uint32(),
  [ScalarType.SFIXED32]: (reader) => reader.sfixed32(),
  [ScalarType.SFIXED64]: (reader) => BigInt(reader.sfixed64()),
  [ScalarType.SINT32]: (reader) => reader.sint32(),
  [ScalarType.SINT64]: (reader) => BigInt(reader.sint64())
};
function zeroOf(scalar) {
  switch (scalar) {
    case ScalarType.STRING:
      return "";
    case ScalarType.BYTES:
      return new Uint8Array();
    case ScalarType.BOOL:
      return false;
    case ScalarType.INT64:
    case ScalarType.UINT64:
    case ScalarType.SINT64:
    case ScalarType.FIXED64:
    case ScalarType.SFIXED64:
      return 0n;
    default:
      return 0;
  }
}
var isWrapper = (schema) => schema.file.name === "google/protobuf/wrappers";
function readWrapper(schema) {
  const [field] = schema.fields;
  if (!field?.scalar)
    throw new Error(`${schema.typeName} is not a wrapper`);
  const read2 = scalarReaders[field.scalar];
  const wireType = wireTypeOf(field.scalar);
  const zero = zeroOf(field.scalar);
  return (reader, end) => {
    let value = zero;
    while (reader.pos < end) {
      const tag = reader.fieldTag();
      if (tag !== (1 << 3 | wireType))
        reader.pass(tag);
      else
        value = read2(reader, wireType === WireType2.LengthDelimited ? reader.valueEnd(end) : end);
    }
    return value;
  };
}
var readDuration = (reader, end) => {
  const time = { seconds: 0n, nanos: 0 };
  while (reader.pos < end) {
    const tag = reader.fieldTag();
    if (tag === (1 << 3 | WireType2.Varint))
      time.seconds = BigInt(reader.int64());
    else if (tag === (2 << 3 | WireType2.Varint))
      time.nanos = reader.int32();
    else
      reader.pass(tag);
  }
  return nanoseconds(time);
};

// dist/validation/message-plan.js
var fits = (field, wireType) => wireType === field.wireType || wireType === WireType3.LengthDelimited && field.list >= 0;
var plans = /* @__PURE__ */ new WeakMap();
function messagePlanOf(schema) {
  let plan = plans.get(schema);
  if (!plan) {
    plan = new Compiler(schema).compile();
    plans.set(schema, plan);
  }
  return plan;
}
var Compiler = class {
  schema;
  fields = /* @__PURE__ */ new Map();
  absences = [];
  sizes = [];
  oneofSlots = /* @__PURE__ */ new Map();
  slots = 0;
  lists = 0;
  /** Whether the rules of the message are switched off. */
  exempt;
  constructor(schema) {
    this.schema = schema;
    this.exempt = isExempt(schema);
  }
  compile() {
    for (const oneof of this.schema.oneofs)
      this.addOneof(oneof);
    for (const field of this.schema.fields)
      this.fields.set(field.number, this.fieldPlan(field));
    const { schema, fields, slots, lists, absences, sizes } = this;
    const envoyRule = envoyRules.get(schema.typeName);
    return { schema, fields, slots, lists, absences, sizes, hidesValues: holdsSecrets(schema), envoyRule };
  }
  addOneof(oneof) {
    const slot = this.slots++;
    this.oneofSlots.set(oneof, slot);
    if (this.exempt || !isRequired(oneof))
      return;
    const names = oneof.fields.map((field) => field.name).join(", ");
    const message = `is required: one of ${names}`;
    this.absences.push({ slot, name: oneof.name, code: "MISSING_FIELD", message });
  }
  fieldPlan(field) {
    const rules = this.exempt ? void 0 : rulesOf(field);
    const deprecation = deprecationOf(field);
    const common = {
      name: field.name,
      deprecation: deprecation && deprecated("", deprecation),
      unique: false,
      unchecked: uncheckedContents.has(`${this.schema.typeName}.${field.name}`)
    };
    if (field.fieldKind === "list" || field.fieldKind === "map") {
      const list = this.lists++;
      this.addSize(field, list, rules?.rules ?? {});
      const content2 = field.fieldKind === "map" ? mapContent(field, rules) : contentOf2(field, rules?.items);
      const wireType = field.fieldKind === "map" ? WireType3.LengthDelimited : wireTypeIn(field);
      return { ...common, wireType, slot: -1, list, unique: rules?.rules.unique === true, content: content2 };
    }
    const slot = field.oneof ? this.oneofSlots.get(field.oneof) ?? -1 : this.slots++;
    const content = contentOf2(field, rules);
    if (!field.oneof && !field.proto.proto3Optional)
      this.addAbsence(field, slot, rules, content);
    return { ...common, wireType: wireTypeIn(field), slot, list: -1, content };
  }
  addAbsence(field, slot, rules, content) {
    const add = (flaw2) => this.absences.push({ slot, name: field.name, ...flaw2 });
    if (rules?.required)
      add({ code: "MISSING_FIELD", message: "is required" });
    if (content.kind !== "value" || content.zero === void 0)
      return;
    const message = content.check?.(content.zero);
    if (message)
      add({ code: "FIELD_RULE", message });
    const flaw = content.deprecatedValues?.get(Number(content.zero));
    if (flaw)
      add({ ...flaw, message: `${flaw.message}; it is the default, so set another value` });
  }
  addSize(field, list, rules) {
    const { minItems, maxItems, minPairs, maxPairs, ignoreEmpty } = rules;
    const min = Number(minItems ?? minPairs ?? 0);
    const max = Number(maxItems ?? maxPairs ?? Number.POSITIVE_INFINITY);
    if (min === 0 && max === Number.POSITIVE_INFINITY)
      return;
    this.sizes.push({ list, name: field.name, min, max, mayBeEmpty: ignoreEmpty === true });
  }
};
function contentOf2(field, rules) {
  if (field.enum)
    return enumContent(field.enum, rules, field.fieldKind === "enum");
  if (field.message)
    return messageContent(field.message, rules);
  return scalarContent(field.scalar ?? ScalarType2.STRING, rules);
}
function scalarContent(scalar, rules) {
  const check = checkOf(rules);
  if (check)
    return valueContent(scalarReaders[scalar], check, zeroOf(scalar));
  return { kind: scalar === ScalarType2.STRING ? "text" : "any length" };
}
function messageContent(schema, rules) {
  const check = checkOf(rules);
  if (schema.typeName === anyName)
    return { kind: "any", check };
  if (schema.typeName === "google.protobuf.Duration")
    return valueContent(readDuration, inRange(check));
  if (check && rules?.kind === "timestamp")
    return valueContent(readDuration, check);
  if (check && isWrapper(schema))
    return valueContent(readWrapper(schema), check);
  return rules?.skip ? { kind: "any length" } : { kind: "message", schema };
}
var anyDuration = compileRules("duration", { gte: 0n, lt: 9223372036000000000n });
var inRange = (check) => check && anyDuration ? Object.assign((value) => check(value) ?? anyDuration(value), { words: check.words }) : anyDuration;
function enumContent(desc, rules, isSingular) {
  const deprecatedValues = /* @__PURE__ */ new Map();
  for (const value of desc.values) {
    const deprecation = isSingular ? deprecationOf(value) : void 0;
    if (deprecation)
      deprecatedValues.set(value.number, deprecated(`${value.name} `, deprecation));
  }
  const { definedOnly, ...others } = rules?.rules ?? {};
  const known2 = new Set(desc.values.map((value) => value.number));
  const check = compileRules("enum", definedOnly ? { ...others, definedOnly: known2 } : others);
  if (!check && deprecatedValues.size === 0)
    return { kind: "any length" };
  return valueContent(scalarReaders[ScalarType2.INT32], check, 0, deprecatedValues.size === 0 ? void 0 : deprecatedValues);
}
var valueContent = (read2, check, zero, deprecatedValues) => ({ kind: "value", read: read2, check, zero, deprecatedValues });
function mapContent(field, rules) {
  const part = (name, wireType, content) => {
    return { name, wireType, slot: -1, list: -1, unique: false, deprecation: void 0, unchecked: false, content };
  };
  const { mapKey } = field;
  const key = valueContent(scalarReaders[mapKey], checkOf(rules?.keys), zeroOf(mapKey));
  return {
    kind: "map",
    key: part("key", wireTypeOf(mapKey), key),
    value: part("value", wireTypeIn(field), contentOf2(field, rules?.values))
  };
}
var checkOf = (rules) => rules?.kind ? compileRules(rules.kind, rules.rules) : void 0;
function deprecated(what, { disallowed, since }) {
  const when = since ? ` since version ${since} of the API` : "";
  if (!disallowed)
    return { code: "DEPRECATED", message: `${what}is deprecated${when}` };
  return { code: "DISALLOWED", message: `${what}is deprecated${when}, and Envoy refuses it by default` };
}
function wireTypeIn(field) {
  if (field.message)
    return WireType3.LengthDelimited;
  return field.enum ? WireType3.Varint : wireTypeOf(field.scalar ?? ScalarType2.STRING);
}

// dist/validation/merged-fields.js
function mergedFields(reader, end, { schema, fields }, onDropped) {
  const written = /* @__PURE__ */ new Map();
  while (reader.pos < end) {
    const tag = reader.fieldTag();
    const plan = fields.get(tag >>> 3);
    const isBytes = (tag & 7) === WireType4.LengthDelimited;
    const next = isBytes ? reader.valueEnd(end) : 0;
    const start = reader.pos;
    const once = plan && plan.list < 0 && fits(plan, tag & 7) ? fieldOf(schema, tag >>> 3) : void 0;
    if (once?.scalar === ScalarType3.STRING && !reader.isUtf8(next))
      throw new Error("a string in it is not UTF-8");
    if (once?.message)
      while (reader.pos < next)
        reader.pass(reader.fieldTag());
    else if (isBytes)
      reader.pos = next;
    else
      reader.pass(tag);
    if (isBytes)
      mustEndAt(reader, next);
    const key = once ? once.oneof ?? once : written.size;
    const earlier = written.get(key);
    const isMore = earlier?.tag === tag && once?.message;
    const value = [...isMore ? earlier.value : [], reader.slice(start)];
    if (earlier?.message && !isMore)
      onDropped(earlier.message, Buffer.concat(earlier.value));
    written.set(key, { tag, value, message: once?.message });
  }
  mustEndAt(reader, end);
  const writer = new BinaryWriter();
  for (const { tag, value } of written.values()) {
    writer.uint32(tag);
    if ((tag & 7) === WireType4.LengthDelimited)
      writer.bytes(Buffer.concat(value));
    else
      for (const one of value)
        writer.raw(one);
  }
  return writer.finish();
}
var fieldOf = (schema, fieldNo) => schema.fields.find((field) => field.number === fieldNo);

// dist/validation/message-check.js
function checkMessage(schema, bytes, registry) {
  const problems = (merging) => {
    const check = new MessageCheck(registry, merging);
    check.content(schema, bytes, void 0);
    return check.problems;
  };
  try {
    return problems(false);
  } catch (error) {
    if (!(error instanceof Repetition))
      throw error;
    return problems(true);
  }
}
var maxDepth = 100;
var deepestAny = 200;
var Repetition = class extends Error {
};
var none2 = [];
var MessageCheck = class {
  registry;
  merging;
  problems = [];
  /** How many messages are open, that is, nested around the current position. */
  depth = 0;
  /** The value of `depth` outside of the current content. */
  outside = 0;
  /** Whether the current message has secrets. */
  hidesValues = false;
  /** Where Envoy does not check rules: nowhere, in the Anys from here on, or already here. */
  unchecked = "no";
  constructor(registry, merging) {
    this.registry = registry;
    this.merging = merging;
  }
  /** Checks a whole message: a resource, or the content of an Any. */
  content(schema, bytes, at) {
    const found = this.problems.length;
    const { depth, outside, unchecked, hidesValues } = this;
    if (depth > deepestAny) {
      this.reportAt("UNKNOWN_TYPE", "is nested too deeply, so its content was not checked", at);
      return;
    }
    this.outside = depth;
    if (unchecked === "in Anys")
      this.unchecked = "here";
    try {
      const reader = new WireReader(bytes);
      if (schema.typeName === anyName)
        this.any(reader, bytes.length, void 0, at);
      else
        this.message(reader, bytes.length, messagePlanOf(schema), at);
      const isSound = this.problems.length === found;
      if (isTypedStruct(schema.typeName) && isSound)
        this.typedStruct(fromBinary(schema, bytes), at);
    } catch (error) {
      if (error instanceof Repetition || error instanceof XdsError)
        throw error;
      this.problems.length = found;
      this.reportAt("UNDECODABLE", `is not a valid ${schema.typeName}: ${messageOf(error)}`, at);
    }
    this.depth = depth;
    this.outside = outside;
    this.unchecked = unchecked;
    this.hidesValues = hidesValues;
  }
  typedStruct(message, at) {
    const content = fromTypedStruct(message, this.registry, this.hidesValues);
    if (!content) {
      this.unknownType(message.typeUrl, at);
      return;
    }
    const inside = at?.typed(content.schema.name) ?? FieldPath.field(void 0, `<${content.schema.name}>`);
    for (const { path, message: message2 } of content.faults)
      this.problems.push(within(inside, "UNDECODABLE", path, message2));
    for (const { path, message: message2 } of content.unknownFields)
      this.problems.push(within(inside, "UNKNOWN_FIELD", path, message2));
    if (content.bytes)
      this.content(content.schema, content.bytes, inside);
  }
  /** Checks the message from the reader's position to `end`. */
  message(reader, end, plan, at) {
    const { hidesValues } = this;
    if (plan.hidesValues)
      this.hidesValues = true;
    if (++this.depth - this.outside > maxDepth)
      throw new Error(`it has more than ${maxDepth} levels of messages`);
    if (!this.merging)
      this.fields(reader, end, plan, at);
    else {
      const bytes = mergedFields(reader, end, plan, (schema, dropped) => this.dropped(schema, dropped, at));
      this.fields(new WireReader(bytes), bytes.length, plan, at);
    }
    this.depth--;
    this.hidesValues = hidesValues;
  }
  /** Checks a replaced message, which must only be decodable. */
  dropped(schema, bytes, at) {
    const found = this.problems.length;
    this.message(new WireReader(bytes), bytes.length, messagePlanOf(schema), at);
    for (const problem of this.problems.splice(found))
      if (problem.code === "UNDECODABLE")
        this.problems.push(problem);
  }
  fields(reader, end, plan, at) {
    const seen = plan.slots > 32 ? new Array(plan.slots + 31 >>> 5).fill(0) : [0];
    const sizes = plan.lists > 0 ? new Array(plan.lists).fill(0) : none2;
    const state = { plan, at, seen, sizes };
    const start = reader.pos;
    while (reader.pos < end)
      this.field(reader, end, state);
    mustEndAt(reader, end);
    plan.envoyRule?.(new WireMessage(plan.schema, reader.slice(start), at), this);
    for (const { slot, name, code, message } of plan.absences)
      if (!isSet(seen, slot))
        this.reportAt(code, message, at, name);
    for (const size of plan.sizes)
      this.size(size, sizes[size.list] ?? 0, at);
  }
  field(reader, end, state) {
    const tag = reader.fieldTag();
    const wireType = tag & 7;
    const field = state.plan.fields.get(tag >>> 3);
    if (!field || !fits(field, wireType)) {
      this.passUnknown(reader, tag, state.plan.schema.typeName, state.at);
      return;
    }
    if (field.slot >= 0)
      set(state.seen, field.slot);
    const { deprecation } = field;
    if (deprecation)
      this.reportAt(deprecation.code, deprecation.message, state.at, field.name, indexIn(state, field));
    if (wireType !== WireType5.LengthDelimited)
      this.element(reader, end, state, field);
    else {
      const next = reader.valueEnd(end);
      if (field.wireType === WireType5.LengthDelimited)
        this.element(reader, next, state, field);
      else
        while (reader.pos < next)
          this.element(reader, next, state, field);
      mustEndAt(reader, next);
    }
  }
  /** Checks the value of a field, or one element of a list. */
  element(reader, end, state, field) {
    const index = indexIn(state, field);
    if (field.list >= 0)
      state.sizes[field.list] = (state.sizes[field.list] ?? 0) + 1;
    const { unchecked } = this;
    if (field.unchecked && unchecked === "no")
      this.unchecked = "in Anys";
    const value = this.value(reader, end, field, field.name, state.at, index);
    this.unchecked = unchecked;
    if (!field.unique || value === void 0)
      return;
    state.elements ??= /* @__PURE__ */ new Map();
    const others = state.elements.get(field) ?? /* @__PURE__ */ new Set();
    state.elements.set(field, others);
    if (others.has(value))
      this.reportAt("FIELD_RULE", "must differ from the other elements", state.at, field.name, index);
    others.add(value);
  }
  /** Checks the value at the reader's position, and moves to its end. Returns the value if it was decoded. */
  value(reader, end, { content, wireType }, name, at, index) {
    switch (content.kind) {
      case "any length":
        if (wireType === WireType5.LengthDelimited)
          reader.pos = end;
        else
          reader.pass(wireType);
        return void 0;
      case "text":
        if (!reader.isUtf8(end))
          this.reportAt("UNDECODABLE", notUtf8, at, name, index);
        reader.pos = end;
        return void 0;
      case "value": {
        const value = this.read(reader, end, content, name, at, index);
        this.checkValue(value, content, name, at, index);
        return value;
      }
      case "message":
        this.message(reader, end, messagePlanOf(content.schema), FieldPath.field(at, name, index));
        return void 0;
      case "any":
        this.any(reader, end, content.check, FieldPath.field(at, name, index));
        return void 0;
      case "map":
        this.entry(reader, end, content, name, at);
        return void 0;
    }
  }
  checkValue(value, { check, deprecatedValues }, name, at, index) {
    const problem = this.broken(check, value);
    if (problem)
      this.reportAt("FIELD_RULE", problem, at, name, index);
    const flaw = deprecatedValues?.get(value);
    if (flaw)
      this.reportAt(flaw.code, flaw.message, at, name, index);
  }
  broken(check, value) {
    const problem = check?.(value);
    return problem && this.hidesValues ? `must ${check?.words}` : problem;
  }
  read(reader, end, content, name, at, index) {
    const value = content.read(reader, end);
    if (!reader.wasUtf8)
      this.reportAt("UNDECODABLE", notUtf8, at, name, index);
    reader.wasUtf8 = true;
    return value;
  }
  /**
   * Checks an entry of a map: a message with a key (field 1) and a value (field 2). A zero key or value may be missing.
   */
  entry(reader, end, content, name, at) {
    const { key: keyPlan, value: valuePlan } = content;
    let key;
    let hasValue = false;
    const index = () => typeof key === "string" || key === void 0 ? key ?? "" : Number(key);
    while (reader.pos < end) {
      const tag = reader.fieldTag();
      const plan = [keyPlan, valuePlan][(tag >>> 3) - 1];
      if (plan?.wireType !== (tag & 7)) {
        this.passUnknown(reader, tag, `an entry of ${name}`, at);
        continue;
      }
      const isBytes = plan.wireType === WireType5.LengthDelimited;
      const next = isBytes ? reader.valueEnd(end) : end;
      if (plan === keyPlan) {
        key = this.read(reader, next, keyPlan.content, name, at);
        this.checkValue(key, keyPlan.content, name, at, index());
      } else {
        hasValue = true;
        this.value(reader, next, valuePlan, name, at, index());
      }
      if (isBytes)
        mustEndAt(reader, next);
    }
    mustEndAt(reader, end);
    if (key === void 0)
      this.checkZero(keyPlan, name, at, index());
    if (hasValue)
      return;
    if (valuePlan.wireType === WireType5.LengthDelimited)
      this.value(reader, end, valuePlan, name, at, index());
    else
      this.checkZero(valuePlan, name, at, index());
  }
  checkZero({ content }, name, at, index) {
    if (content.kind === "value" && content.zero !== void 0)
      this.checkValue(content.zero, content, name, at, index);
  }
  /** Checks a google.protobuf.Any. `check` applies to its type URL. */
  any(reader, end, check, at) {
    let typeUrl = "";
    let bytes = nothing2;
    while (reader.pos < end) {
      const tag = reader.fieldTag();
      if (tag === lengthDelimited(1))
        typeUrl = reader.string(true);
      else if (tag === lengthDelimited(2))
        bytes = reader.bytes();
      else
        this.passUnknown(reader, tag, anyName, at);
    }
    mustEndAt(reader, end);
    const problem = check?.(typeUrl);
    if (problem)
      this.reportAt("FIELD_RULE", problem, at, "type_url");
    if (typeUrl === "" && bytes.length === 0)
      return;
    const schema = schemaOf(typeUrl, this.registry);
    if (schema)
      this.content(schema, bytes, at?.typed(schema.name));
    else
      this.unknownType(typeUrl, at);
  }
  unknownType(typeUrl, at) {
    const problem = typeUrl === "" ? "has no type" : `is a ${typeNameOf(typeUrl)}, which this version of the API does not have`;
    this.reportAt("UNKNOWN_TYPE", `${problem}, so its content was not checked`, at);
  }
  passUnknown(reader, tag, message, at) {
    reader.pass(tag);
    this.reportAt("UNKNOWN_FIELD", `has a field ${tag >>> 3} that ${message} does not have`, at);
  }
  size({ name, min, max, mayBeEmpty }, size, at) {
    if (size < min && !(mayBeEmpty && size === 0))
      this.reportAt("FIELD_RULE", `must have at least ${min} of them, has ${size}`, at, name);
    if (size > max)
      this.reportAt("FIELD_RULE", `must have at most ${max} of them, has ${size}`, at, name);
  }
  reportAt(code, message, at, name, index) {
    this.report(code, message, name === void 0 ? at : FieldPath.field(at, name, index));
  }
  report = (code, message, at, since) => {
    const reportedCode = this.unchecked === "here" && enforced.has(code) ? "UNENFORCED" : code;
    this.problems.push({
      code: reportedCode,
      message,
      path: at?.toString() ?? "",
      ...since !== void 0 && { since }
    });
  };
};
var enforced = /* @__PURE__ */ new Set([
  "FIELD_RULE",
  "MISSING_FIELD",
  "DISALLOWED",
  "MISSING_CONFIG",
  "FILTER_ORDER",
  "DUPLICATE_DOMAIN",
  "BAD_REGEX",
  "ENVOY_RULE",
  "NO_IP_ADDRESS",
  "BAD_CERTIFICATE"
]);
var nothing2 = new Uint8Array();
var notUtf8 = "must be UTF-8";
function within(at, code, path, message) {
  return { code, message, path: `${at}${/^\w/.test(path) ? "." : ""}${path}` };
}
var indexIn = (state, { list, content }) => list < 0 || content.kind === "map" ? void 0 : state.sizes[list];
function set(seen, slot) {
  if (isSet(seen, slot))
    throw new Repetition();
  seen[slot >>> 5] = (seen[slot >>> 5] ?? 0) | 1 << (slot & 31);
}
var isSet = (seen, slot) => ((seen[slot >>> 5] ?? 0) & 1 << (slot & 31)) !== 0;

// dist/validation/validate.js
function validateResource(input, options = {}) {
  if (input instanceof Resource)
    return [...ttlProblems(input), ...counting(problemsOf(input, options), options)].map((problem) => finding(problem, input.type.typeUrl, input.name, options));
  const { api = XdsApi.default } = options;
  const { typeUrl, bytes } = encoded(input, api);
  const nameField = api.findResourceType(typeUrl)?.nameField;
  const name = nameField === void 0 ? "" : String(input[nameField] ?? "");
  const problems = counting(problemsIn(typeUrl, bytes, api.registry), options);
  return problems.map((problem) => finding(problem, typeUrl, name, options));
}
function counting(problems, { now = Date.now() }) {
  const isTimed = problems.some(({ since }) => since !== void 0);
  return isTimed ? problems.filter(({ since }) => since === void 0 || since <= now) : problems;
}
function ttlProblems({ type, ttlMs }) {
  if (ttlMs === void 0 || !type.expiryCrashesSotw)
    return none3;
  const message = `has a TTL; Envoy crashes when one of the ${type.name} expires in SotW (seen with 1.36 and 1.40); remove the TTL, or serve Envoys in delta`;
  return [{ code: "TTL_IN_SOTW", path: "", message }];
}
var checked = /* @__PURE__ */ new WeakMap();
function problemsOf(resource, { api = resource.type.api } = {}) {
  const { registry } = api;
  const known2 = checked.get(resource);
  if (known2?.registry === registry)
    return known2.problems;
  const problems = resource.error ? none3 : problemsIn(resource.type.typeUrl, resource.body, registry);
  checked.set(resource, { registry, problems });
  return problems;
}
function knowProblems(resource, problems) {
  checked.set(resource, { registry: resource.registry, problems });
}
var none3 = [];
function problemsIn(typeUrl, bytes, registry) {
  const schema = schemaOf(typeUrl, registry);
  if (!schema)
    return none3;
  return checkMessage(schema, bytes, registry);
}
function encoded(message, api) {
  if (message.$typeName === anyName) {
    const { typeUrl: typeUrl2, value } = message;
    return { typeUrl: typeUrl2, bytes: value };
  }
  const typeUrl = `type.googleapis.com/${message.$typeName}`;
  const schema = api.registry.getMessage(message.$typeName);
  if (!schema)
    throw new XdsError("INVALID_RESOURCE", `no schema is known for ${message.$typeName}`);
  try {
    return { typeUrl, bytes: encodeMessage(schema, message) };
  } catch (cause) {
    throw new XdsError("INVALID_RESOURCE", `${message.$typeName} cannot be encoded: ${messageOf(cause)}`, { cause });
  }
}
function finding({ code, path, message }, typeUrl, resource, { strict = false }) {
  return { code, severity: findingTable[code][strict ? 1 : 0], typeUrl, resource, path, message };
}

export {
  findingTable,
  checkingReferences,
  ReferenceGraph,
  needsTarget,
  namesOf,
  checkingAddresses,
  expiryNotice,
  checkMessage,
  validateResource,
  problemsOf,
  knowProblems,
  Locator,
  nodeAt
};
