import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);
import {
  commentOf,
  ruleWords
} from "./chunk-NQWVUQIB.js";
import {
  deprecationOf,
  isExempt,
  isRequired,
  rulesOf
} from "./chunk-CZML2OM4.js";
import {
  resourceTypes
} from "./chunk-5S6OCP5I.js";
import "./chunk-ZTJUYVIA.js";
import "./chunk-QXIDAFG2.js";
import "./chunk-QXKIQDKC.js";
import "./chunk-JESIV7YD.js";
import "./chunk-WL5SM7VB.js";
import "./chunk-5RCTYBO5.js";
import "./chunk-MVPEH63J.js";
import {
  ScalarType,
  isWrapperDesc
} from "./chunk-2XSFRHN3.js";
import "./chunk-27MTFUNG.js";
import "./chunk-QBN2T32X.js";

// dist/cli/schema/json-schema.js
function configurationSchema(registry) {
  const definitions = new Definitions(registry);
  return {
    $schema: "http://json-schema.org/draft-07/schema#",
    title: "Configuration for `xds serve` and Envoy",
    ...when(["@type"], definitions.any, fileSchema(registry, definitions)),
    definitions: definitions.all()
  };
}
function fileSchema(registry, definitions) {
  const messages = [bootstrap, response].flatMap((name) => registry.getMessage(name) ?? []);
  const fields = messages.map((desc) => definitions.fields(desc));
  return {
    type: ["object", "array", "null"],
    items: definitions.resource,
    properties: {
      ...Object.assign({}, ...fields.map(({ properties }) => properties)),
      resources: {
        description: "The resources that are served. Each has an `@type`.",
        type: "array",
        items: definitions.resource
      }
    },
    patternProperties: Object.assign({}, ...fields.map(({ patternProperties }) => patternProperties)),
    additionalProperties: false
  };
}
var bootstrap = "envoy.config.bootstrap.v3.Bootstrap";
var response = "envoy.service.discovery.v3.DiscoveryResponse";
var wrapper = "envoy.service.discovery.v3.Resource";
var Definitions = class {
  registry;
  any = { $ref: "#/definitions/google.protobuf.Any" };
  resource = { $ref: "#/definitions/resource" };
  defined = /* @__PURE__ */ new Map();
  waiting = [];
  constructor(registry) {
    this.registry = registry;
  }
  /** All definitions, by name. */
  all() {
    const wrapped2 = this.registry.getMessage(wrapper);
    this.defined.set("resource", when(["@type"], this.any, wrapped2 ? this.to(wrapped2) : false));
    this.defined.set("google.protobuf.Any", this.anyMessage());
    for (let next = this.waiting.pop(); next; next = this.waiting.pop())
      this.defined.set(next.typeName, next.kind === "enum" ? enumSchema(next) : this.message(next));
    return Object.fromEntries([...this.defined].sort(([a], [b]) => a < b ? -1 : 1));
  }
  /** The fields of a message: in the API's spelling, which editors offer, and in lowerCamelCase. */
  fields(desc) {
    const properties = {};
    const patternProperties = {};
    for (const field of desc.fields) {
      const schema = this.field(field);
      properties[field.name] = { ...schema, ...description(field) };
      if (field.jsonName !== field.name)
        patternProperties[`^${field.jsonName}$`] = schema;
    }
    return { properties, patternProperties };
  }
  message(desc) {
    const { properties, patternProperties } = this.fields(desc);
    return {
      ...description(desc),
      type: orNull("object"),
      properties,
      patternProperties: { "^@type$": {}, ...patternProperties },
      additionalProperties: false,
      ...isExempt(desc) ? {} : required(desc)
    };
  }
  field(field) {
    const rules = rulesOf(field);
    if (field.fieldKind === "map")
      return { type: orNull("object"), additionalProperties: this.value(field, rules?.values) };
    if (field.fieldKind !== "list")
      return this.value(field, rules);
    const { minItems, maxItems } = rules?.rules ?? {};
    return {
      type: orNull("array"),
      items: this.value(field, rules?.items),
      ...minItems !== void 0 && { minItems: Number(minItems) },
      ...maxItems !== void 0 && { maxItems: Number(maxItems) }
    };
  }
  value({ message, enum: values, scalar }, rules) {
    const bounds = boundsOf(rules);
    if (message?.typeName === "google.protobuf.Duration")
      return this.shared(bounds.isPositive ? "time" : "duration");
    if (message && isWrapperDesc(message)) {
      const [{ scalar: type }] = message.fields;
      return bounds.isNone ? this.shared(message.typeName) : wrapped(scalarSchema(type, bounds));
    }
    if (message)
      return wellKnown[message.typeName] ? this.shared(message.typeName) : this.to(message);
    if (values)
      return this.to(values);
    if (!bounds.isNone)
      return scalarSchema(scalar, bounds);
    return scalar === ScalarType.STRING ? scalarSchema(scalar) : this.shared(ScalarType[scalar]);
  }
  /** A schema that many fields share. It is defined once. */
  shared(name) {
    const own = wellKnown[name];
    if (own?.$ref)
      return own;
    if (!this.defined.has(name))
      this.defined.set(name, own ?? scalarSchema(ScalarType[name]));
    return { $ref: `#/definitions/${name}` };
  }
  to(desc) {
    const { typeName } = desc;
    if (!this.defined.has(typeName)) {
      this.defined.set(typeName, {});
      this.waiting.push(desc);
    }
    return { $ref: `#/definitions/${typeName}` };
  }
  /** A message with its `@type`, which decides what else it has. */
  anyMessage() {
    const known = this.anyTypes();
    const urls = known.map(({ typeName }) => `type.googleapis.com/${typeName}`);
    return {
      type: orNull("object"),
      properties: {
        "@type": {
          description: "Which message this is: type.googleapis.com/ and its full name.",
          anyOf: [{ enum: urls }, { type: "string", pattern: foreignType }]
        }
      },
      required: ["@type"],
      allOf: known.map((desc, i) => ({
        if: { properties: { "@type": { const: urls[i] } }, required: ["@type"] },
        // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
        then: wellKnown[desc.typeName] ? { properties: { value: wellKnown[desc.typeName] } } : this.to(desc)
      }))
    };
  }
  /** Every message that configuration has in an Any: resources, extensions, and what wraps them. */
  anyTypes() {
    const served = new Set(resourceTypes().map(({ typeUrl }) => typeUrl.slice(typeUrl.lastIndexOf("/") + 1)));
    const isOne = ({ typeName, parent, kind }) => kind === "message" && (served.has(typeName) || typeName === wrapper || !parent && configuration.test(typeName));
    return Array.from(this.registry).filter((type) => "parent" in type && isOne(type)).sort((a, b) => a.typeName < b.typeName ? -1 : 1);
  }
};
var configuration = /^(envoy\.(config|extensions|type)|xds)\.|^google\.protobuf\.(?!Any$|.*(Descriptor|Option)).*$/;
var foreignType = "^.*/(?!envoy\\.|xds\\.|google\\.protobuf\\.)[^/]+$";
var when = (has, then, otherwise) => ({
  if: { type: "object", required: has },
  then,
  else: otherwise
});
var booleans = "^([Tt]([Rr][Uu][Ee])?|[Ff]([Aa][Ll][Ss][Ee])?|[Yy]([Ee][Ss])?|[Nn][Oo]?|[Oo][Nn]|[Oo][Ff][Ff]|[01])$";
var numberText = "[-+]?(0[xX][0-9a-fA-F]+|([0-9]+\\.?[0-9]*|\\.[0-9]+)([eE][-+]?[0-9]+)?)";
var signed = { minimum: -(2 ** 31), maximum: 2 ** 31 - 1 };
var unsigned = { minimum: 0, maximum: 2 ** 32 - 1 };
var ranges = {
  [ScalarType.INT32]: signed,
  [ScalarType.SINT32]: signed,
  [ScalarType.SFIXED32]: signed,
  [ScalarType.UINT32]: unsigned,
  [ScalarType.FIXED32]: unsigned,
  [ScalarType.UINT64]: { minimum: 0 },
  [ScalarType.FIXED64]: { minimum: 0 }
};
var anyValue = {};
var timeObject = {
  title: "seconds and nanos",
  type: orNull("object"),
  properties: { seconds: { type: orNull("integer", "string") }, nanos: { type: orNull("integer", "string") } },
  additionalProperties: false
};
var duration = (digits) => ({
  description: "A duration in seconds, such as 1.5s.",
  anyOf: [{ type: "string", pattern: `^${digits}[0-9]+(\\.[0-9]{1,9})?s$` }, timeObject]
});
var wrapped = (value) => ({
  anyOf: [
    ...value.anyOf ?? [value],
    { title: "in an object", type: "object", properties: { value }, additionalProperties: false }
  ]
});
var wellKnown = {
  "google.protobuf.Any": { $ref: "#/definitions/google.protobuf.Any" },
  duration: duration(""),
  // A duration of more than 0s.
  time: duration("(?=.*[1-9])"),
  "google.protobuf.Duration": duration(""),
  "google.protobuf.Timestamp": {
    description: "A time, such as 2024-01-31T12:00:00Z.",
    anyOf: [{ type: "string" }, timeObject]
  },
  "google.protobuf.FieldMask": { type: orNull("string", "object") },
  "google.protobuf.Struct": { type: orNull("object") },
  "google.protobuf.Value": anyValue,
  "google.protobuf.ListValue": { type: orNull("array", "object") },
  "google.protobuf.Empty": { type: orNull("object") },
  ...Object.fromEntries([
    ["Bool", ScalarType.BOOL],
    ["Bytes", ScalarType.BYTES],
    ["Double", ScalarType.DOUBLE],
    ["Float", ScalarType.FLOAT],
    ["Int32", ScalarType.INT32],
    ["Int64", ScalarType.INT64],
    ["String", ScalarType.STRING],
    ["UInt32", ScalarType.UINT32],
    ["UInt64", ScalarType.UINT64]
  ].map(([name, scalar]) => [`google.protobuf.${name}Value`, wrapped(scalarSchema(scalar))]))
};
function orNull(...types) {
  return [...types, "null"];
}
function scalarSchema(scalar, { numbers = {} } = {}) {
  switch (scalar) {
    case ScalarType.BOOL:
      return { anyOf: [{ type: orNull("boolean") }, { type: "string", pattern: booleans }] };
    case ScalarType.STRING:
      return { type: orNull("string") };
    case ScalarType.BYTES:
      return { type: orNull("string"), contentEncoding: "base64" };
    case ScalarType.DOUBLE:
    case ScalarType.FLOAT: {
      const text = `^\\s*(${numberText}|[-+]?([Nn][Aa][Nn]|[Ii][Nn][Ff]([Ii][Nn][Ii][Tt][Yy])?))\\s*$`;
      return {
        anyOf: [
          { type: orNull("number"), ...numbers },
          { type: "string", pattern: text }
        ]
      };
    }
    default: {
      const range = { ...ranges[scalar], ...numbers };
      return {
        anyOf: [
          { type: orNull("integer"), ...range },
          { type: "string", pattern: `^${numberText}$` }
        ]
      };
    }
  }
}
function boundsOf(rules) {
  const { gt, gte, lt, lte, ignoreEmpty } = rules?.rules ?? {};
  const [low, high] = [gt ?? gte, lt ?? lte];
  const isPlain = !ignoreEmpty && (low === void 0 || high === void 0 || low <= high);
  const isNumber = isPlain && rules?.kind !== "duration" && rules?.kind !== "timestamp";
  const limits = Object.entries({ exclusiveMinimum: gt, minimum: gte, exclusiveMaximum: lt, maximum: lte });
  const numbers = Object.fromEntries(limits.flatMap(([key, limit]) => isNumber && limit !== void 0 ? [[key, Number(limit)]] : []));
  const isPositive = isPlain && rules?.kind === "duration" && gt === 0n;
  return { numbers, isPositive, isNone: Object.keys(numbers).length === 0 };
}
function enumSchema(desc) {
  if (desc.typeName === "google.protobuf.NullValue")
    return { type: "null" };
  const numbers = desc.values.map(({ number }) => number);
  const usable = desc.values.filter((value) => !deprecationOf(value)?.disallowed);
  const told = usable.flatMap((value) => {
    const about2 = commentOf(value);
    return about2 === "" ? [] : [`- ${value.name}: ${about2.replace(/\s+/g, " ")}`];
  });
  const about = [commentOf(desc), told.join("\n")].filter(Boolean).join("\n\n");
  const names = desc.values.map(({ name }) => name);
  return {
    ...about !== "" && { description: about },
    anyOf: [
      { enum: names },
      { enum: names.map((name) => name.toLowerCase()).filter((name) => !names.includes(name)) },
      { type: orNull("integer"), minimum: Math.min(...numbers), maximum: Math.max(...numbers) },
      { type: "string", pattern: "^-?[0-9]+$" }
    ]
  };
}
function required(desc) {
  const single = desc.fields.filter((field) => !field.oneof && mustBeThere(field));
  const both = [
    ...single.filter(({ name, jsonName }) => name !== jsonName).map((field) => [field]),
    ...desc.oneofs.filter(isRequired).map(({ fields }) => fields)
  ].map((fields) => ({
    anyOf: fields.flatMap(({ name, jsonName }) => Array.from(/* @__PURE__ */ new Set([name, jsonName]), (spelling) => ({ required: [spelling] })))
  }));
  const names = single.filter(({ name, jsonName }) => name === jsonName).map(({ name }) => name);
  return { ...names.length > 0 && { required: names }, ...both.length > 0 && { allOf: both } };
}
function mustBeThere(field) {
  const found = rulesOf(field);
  if (!found)
    return false;
  const { minLen, minBytes, minItems, minPairs, ignoreEmpty } = found.rules;
  return found.required || !ignoreEmpty && [minLen, minBytes, minItems, minPairs].some((least) => Number(least) > 0);
}
function description(desc) {
  const lines = [commentOf(desc)];
  if (desc.kind === "field") {
    const old = deprecationOf(desc);
    if (old)
      lines.push(`Deprecated${old.since ? ` since ${old.since}` : ""}.${old.disallowed ? " Envoy refuses it by default." : ""}`);
    if (desc.oneof)
      lines.push(`One of ${desc.oneof.fields.map(({ name }) => name).join(", ")}.`);
    const rules = ruleWords(desc);
    if (rules.length > 0)
      lines.push(`It ${rules.join(", and ")}.`);
  }
  const text = lines.filter(Boolean).join("\n\n");
  return text === "" ? {} : { description: text };
}
export {
  configurationSchema
};
