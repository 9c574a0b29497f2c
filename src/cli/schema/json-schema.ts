import { type DescEnum, type DescField, type DescMessage, type DescOneof, ScalarType } from "@bufbuild/protobuf";
import { isWrapperDesc } from "@bufbuild/protobuf/wkt";
import { resourceTypes } from "../../resource/default-api.js";
import type { SchemaRegistry } from "../../schema/lazy-registry.js";
import { deprecationOf, type FieldRules, isExempt, isRequired, rulesOf } from "../../validation/api-rules.js";
import { ruleWords } from "../../validation/rule-words.js";
import { commentOf } from "./comment.js";

/** A JSON Schema, or a part of one. */
export type JsonSchema = { readonly [keyword: string]: unknown };

/**
 * The JSON Schema (draft 7, which editors know best) of the files that `xds serve` takes: lists of resources, one
 * resource, and an Envoy's bootstrap. `@type` decides which fields a resource or an extension has.
 *
 * Every message of the API has a definition by its full name. Comments become descriptions.
 */
export function configurationSchema(registry: SchemaRegistry): JsonSchema {
  const definitions = new Definitions(registry);
  return {
    $schema: "http://json-schema.org/draft-07/schema#",
    title: "Configuration for `xds serve` and Envoy",
    ...when(["@type"], definitions.any, fileSchema(registry, definitions)),
    definitions: definitions.all(),
  };
}

/** The schema of a file that is not one resource: a list of resources, a discovery response, or a bootstrap. */
function fileSchema(registry: SchemaRegistry, definitions: Definitions): JsonSchema {
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
        items: definitions.resource,
      },
    },
    patternProperties: Object.assign({}, ...fields.map(({ patternProperties }) => patternProperties)),
    additionalProperties: false,
  };
}

const bootstrap = "envoy.config.bootstrap.v3.Bootstrap";
const response = "envoy.service.discovery.v3.DiscoveryResponse";
const wrapper = "envoy.service.discovery.v3.Resource";

/** The definitions of messages and enums. Only messages with a reference are defined. */
class Definitions {
  readonly any = { $ref: "#/definitions/google.protobuf.Any" };
  readonly resource = { $ref: "#/definitions/resource" };
  private readonly defined = new Map<string, JsonSchema>();
  private readonly waiting: (DescMessage | DescEnum)[] = [];

  constructor(private readonly registry: SchemaRegistry) {}

  /** All definitions, by name. */
  all(): Record<string, JsonSchema> {
    const wrapped = this.registry.getMessage(wrapper);
    this.defined.set("resource", when(["@type"], this.any, wrapped ? this.to(wrapped) : false));
    this.defined.set("google.protobuf.Any", this.anyMessage());
    for (let next = this.waiting.pop(); next; next = this.waiting.pop())
      this.defined.set(next.typeName, next.kind === "enum" ? enumSchema(next) : this.message(next));
    return Object.fromEntries([...this.defined].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  /** The fields of a message: in the API's spelling, which editors offer, and in lowerCamelCase. */
  fields(desc: DescMessage): { properties: Record<string, JsonSchema>; patternProperties: Record<string, JsonSchema> } {
    const properties: Record<string, JsonSchema> = {};
    const patternProperties: Record<string, JsonSchema> = {};
    for (const field of desc.fields) {
      const schema = this.field(field);
      properties[field.name] = { ...schema, ...description(field) };
      if (field.jsonName !== field.name) patternProperties[`^${field.jsonName}$`] = schema;
    }
    return { properties, patternProperties };
  }

  private message(desc: DescMessage): JsonSchema {
    const { properties, patternProperties } = this.fields(desc);
    return {
      ...description(desc),
      type: orNull("object"),
      properties,
      patternProperties: { "^@type$": {}, ...patternProperties },
      additionalProperties: false,
      ...(isExempt(desc) ? {} : required(desc)),
    };
  }

  private field(field: DescField): JsonSchema {
    const rules = rulesOf(field);
    if (field.fieldKind === "map")
      return { type: orNull("object"), additionalProperties: this.value(field, rules?.values) };
    if (field.fieldKind !== "list") return this.value(field, rules);
    const { minItems, maxItems } = (rules?.rules ?? {}) as { minItems?: bigint; maxItems?: bigint };
    return {
      type: orNull("array"),
      items: this.value(field, rules?.items),
      ...(minItems !== undefined && { minItems: Number(minItems) }),
      ...(maxItems !== undefined && { maxItems: Number(maxItems) }),
    };
  }

  private value({ message, enum: values, scalar }: DescField, rules: FieldRules | undefined): JsonSchema {
    const bounds = boundsOf(rules);
    if (message?.typeName === "google.protobuf.Duration") return this.shared(bounds.isPositive ? "time" : "duration");
    if (message && isWrapperDesc(message)) {
      const [{ scalar: type }] = message.fields;
      return bounds.isNone ? this.shared(message.typeName) : wrapped(scalarSchema(type, bounds));
    }
    if (message) return wellKnown[message.typeName] ? this.shared(message.typeName) : this.to(message);
    if (values) return this.to(values);
    if (!bounds.isNone) return scalarSchema(scalar, bounds);
    return scalar === ScalarType.STRING ? scalarSchema(scalar) : this.shared(ScalarType[scalar]);
  }

  /** A schema that many fields share. It is defined once. */
  private shared(name: string): JsonSchema {
    const own = wellKnown[name];
    if (own?.$ref) return own;
    if (!this.defined.has(name))
      this.defined.set(name, own ?? scalarSchema(ScalarType[name as keyof typeof ScalarType]));
    return { $ref: `#/definitions/${name}` };
  }

  private to(desc: DescMessage | DescEnum): JsonSchema {
    const { typeName } = desc;
    if (!this.defined.has(typeName)) {
      this.defined.set(typeName, {});
      this.waiting.push(desc);
    }
    return { $ref: `#/definitions/${typeName}` };
  }

  /** A message with its `@type`, which decides what else it has. */
  private anyMessage(): JsonSchema {
    const known = this.anyTypes();
    const urls = known.map(({ typeName }) => `type.googleapis.com/${typeName}`);
    return {
      type: orNull("object"),
      properties: {
        "@type": {
          description: "Which message this is: type.googleapis.com/ and its full name.",
          anyOf: [{ enum: urls }, { type: "string", pattern: foreignType }],
        },
      },
      required: ["@type"],
      allOf: known.map((desc, i) => ({
        if: { properties: { "@type": { const: urls[i] } }, required: ["@type"] },
        // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
        then: wellKnown[desc.typeName] ? { properties: { value: wellKnown[desc.typeName] } } : this.to(desc),
      })),
    };
  }

  /** Every message that configuration has in an Any: resources, extensions, and what wraps them. */
  private anyTypes(): DescMessage[] {
    const served = new Set(resourceTypes().map(({ typeUrl }) => typeUrl.slice(typeUrl.lastIndexOf("/") + 1)));
    const isOne = ({ typeName, parent, kind }: { typeName: string; parent?: unknown; kind: string }) =>
      kind === "message" && (served.has(typeName) || typeName === wrapper || (!parent && configuration.test(typeName)));
    return Array.from(this.registry)
      .filter((type): type is DescMessage => "parent" in type && isOne(type))
      .sort((a, b) => (a.typeName < b.typeName ? -1 : 1));
  }
}

/** The packages whose messages may be in an Any. */
const configuration = /^(envoy\.(config|extensions|type)|xds)\.|^google\.protobuf\.(?!Any$|.*(Descriptor|Option)).*$/;
/** Type URLs outside of the API, such as extensions of an own Envoy. Editors must not mark them as wrong. */
const foreignType = "^.*/(?!envoy\\.|xds\\.|google\\.protobuf\\.)[^/]+$";

const when = (has: readonly string[], then: JsonSchema | false, otherwise: JsonSchema | false): JsonSchema => ({
  if: { type: "object", required: has },
  then,
  else: otherwise,
});

/** The texts that mean a boolean, including those of YAML 1.1, in any case. */
const booleans = "^([Tt]([Rr][Uu][Ee])?|[Ff]([Aa][Ll][Ss][Ee])?|[Yy]([Ee][Ss])?|[Nn][Oo]?|[Oo][Nn]|[Oo][Ff][Ff]|[01])$";
const numberText = "[-+]?(0[xX][0-9a-fA-F]+|([0-9]+\\.?[0-9]*|\\.[0-9]+)([eE][-+]?[0-9]+)?)";

const signed = { minimum: -(2 ** 31), maximum: 2 ** 31 - 1 };
const unsigned = { minimum: 0, maximum: 2 ** 32 - 1 };
const ranges: Partial<Record<ScalarType, JsonSchema>> = {
  [ScalarType.INT32]: signed,
  [ScalarType.SINT32]: signed,
  [ScalarType.SFIXED32]: signed,
  [ScalarType.UINT32]: unsigned,
  [ScalarType.FIXED32]: unsigned,
  [ScalarType.UINT64]: { minimum: 0 },
  [ScalarType.FIXED64]: { minimum: 0 },
};

/** Messages whose JSON is not an object with their fields. */
const anyValue = {};
const timeObject = {
  title: "seconds and nanos",
  type: orNull("object"),
  properties: { seconds: { type: orNull("integer", "string") }, nanos: { type: orNull("integer", "string") } },
  additionalProperties: false,
};
/** A duration. `digits` is a pattern for its start. */
const duration = (digits: string) => ({
  description: "A duration in seconds, such as 1.5s.",
  anyOf: [{ type: "string", pattern: `^${digits}[0-9]+(\\.[0-9]{1,9})?s$` }, timeObject],
});
/** A value, or an object with this value, as for protobuf's wrapper messages. */
const wrapped = (value: JsonSchema): JsonSchema => ({
  anyOf: [
    ...((value.anyOf as JsonSchema[] | undefined) ?? [value]),
    { title: "in an object", type: "object", properties: { value }, additionalProperties: false },
  ],
});
const wellKnown: Readonly<Record<string, JsonSchema>> = {
  "google.protobuf.Any": { $ref: "#/definitions/google.protobuf.Any" },
  duration: duration(""),
  // A duration of more than 0s.
  time: duration("(?=.*[1-9])"),
  "google.protobuf.Duration": duration(""),
  "google.protobuf.Timestamp": {
    description: "A time, such as 2024-01-31T12:00:00Z.",
    anyOf: [{ type: "string" }, timeObject],
  },
  "google.protobuf.FieldMask": { type: orNull("string", "object") },
  "google.protobuf.Struct": { type: orNull("object") },
  "google.protobuf.Value": anyValue,
  "google.protobuf.ListValue": { type: orNull("array", "object") },
  "google.protobuf.Empty": { type: orNull("object") },
  ...Object.fromEntries(
    (
      [
        ["Bool", ScalarType.BOOL],
        ["Bytes", ScalarType.BYTES],
        ["Double", ScalarType.DOUBLE],
        ["Float", ScalarType.FLOAT],
        ["Int32", ScalarType.INT32],
        ["Int64", ScalarType.INT64],
        ["String", ScalarType.STRING],
        ["UInt32", ScalarType.UINT32],
        ["UInt64", ScalarType.UINT64],
      ] as const
    ).map(([name, scalar]) => [`google.protobuf.${name}Value`, wrapped(scalarSchema(scalar))]),
  ),
};

/** Types, with null for a field that is not set. */
function orNull(...types: string[]): string[] {
  return [...types, "null"];
}

function scalarSchema(scalar: ScalarType, { numbers = {} }: Partial<Bounds> = {}): JsonSchema {
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
          { type: "string", pattern: text },
        ],
      };
    }
    default: {
      const range = { ...ranges[scalar], ...numbers };
      return {
        anyOf: [
          { type: orNull("integer"), ...range },
          { type: "string", pattern: `^${numberText}$` },
        ],
      };
    }
  }
}

/** The API's limits of a number or a duration that a schema can express. */
interface Bounds {
  readonly numbers: JsonSchema;
  /** Whether a duration must be more than 0s. */
  readonly isPositive: boolean;
  readonly isNone: boolean;
}

function boundsOf(rules: FieldRules | undefined): Bounds {
  const { gt, gte, lt, lte, ignoreEmpty } = (rules?.rules ?? {}) as Partial<Record<string, number | bigint>>;
  const [low, high] = [gt ?? gte, lt ?? lte];
  // A schema cannot express limits that 0 may break, nor two limits in reverse order. Validation checks these.
  const isPlain = !ignoreEmpty && (low === undefined || high === undefined || low <= high);
  const isNumber = isPlain && rules?.kind !== "duration" && rules?.kind !== "timestamp";
  const limits = Object.entries({ exclusiveMinimum: gt, minimum: gte, exclusiveMaximum: lt, maximum: lte });
  const numbers = Object.fromEntries(
    limits.flatMap(([key, limit]) => (isNumber && limit !== undefined ? [[key, Number(limit)]] : [])),
  );
  const isPositive = isPlain && rules?.kind === "duration" && gt === 0n;
  return { numbers, isPositive, isNone: Object.keys(numbers).length === 0 };
}

/** The schema of an enum: its names in both cases, and its numbers. */
function enumSchema(desc: DescEnum): JsonSchema {
  if (desc.typeName === "google.protobuf.NullValue") return { type: "null" };
  const numbers = desc.values.map(({ number }) => number);
  const usable = desc.values.filter((value) => !deprecationOf(value)?.disallowed);
  const told = usable.flatMap((value) => {
    const about = commentOf(value);
    return about === "" ? [] : [`- ${value.name}: ${about.replace(/\s+/g, " ")}`];
  });
  const about = [commentOf(desc), told.join("\n")].filter(Boolean).join("\n\n");
  const names = desc.values.map(({ name }) => name);
  return {
    ...(about !== "" && { description: about }),
    anyOf: [
      { enum: names },
      { enum: names.map((name) => name.toLowerCase()).filter((name) => !names.includes(name)) },
      { type: orNull("integer"), minimum: Math.min(...numbers), maximum: Math.max(...numbers) },
      { type: "string", pattern: "^-?[0-9]+$" },
    ],
  };
}

/** The required fields and oneofs of a message. Each field has two spellings. */
function required(desc: DescMessage): JsonSchema {
  const single = desc.fields.filter((field) => !field.oneof && mustBeThere(field));
  const both = [
    ...single.filter(({ name, jsonName }) => name !== jsonName).map((field) => [field]),
    ...desc.oneofs.filter(isRequired).map(({ fields }: DescOneof) => fields),
  ].map((fields) => ({
    anyOf: fields.flatMap(({ name, jsonName }) =>
      Array.from(new Set([name, jsonName]), (spelling) => ({ required: [spelling] })),
    ),
  }));
  const names = single.filter(({ name, jsonName }) => name === jsonName).map(({ name }) => name);
  return { ...(names.length > 0 && { required: names }), ...(both.length > 0 && { allOf: both }) };
}

/** Whether the API requires the field. */
function mustBeThere(field: DescField): boolean {
  const found = rulesOf(field);
  if (!found) return false;
  const { minLen, minBytes, minItems, minPairs, ignoreEmpty } = found.rules as Partial<
    Record<string, bigint | boolean>
  >;
  return found.required || (!ignoreEmpty && [minLen, minBytes, minItems, minPairs].some((least) => Number(least) > 0));
}

/** The text that an editor shows for a name: the comment, then the rules. */
function description(desc: DescMessage | DescField): { description?: string } {
  const lines = [commentOf(desc)];
  if (desc.kind === "field") {
    const old = deprecationOf(desc);
    if (old)
      lines.push(
        `Deprecated${old.since ? ` since ${old.since}` : ""}.${old.disallowed ? " Envoy refuses it by default." : ""}`,
      );
    if (desc.oneof) lines.push(`One of ${desc.oneof.fields.map(({ name }) => name).join(", ")}.`);
    const rules = ruleWords(desc);
    if (rules.length > 0) lines.push(`It ${rules.join(", and ")}.`);
  }
  const text = lines.filter(Boolean).join("\n\n");
  return text === "" ? {} : { description: text };
}
