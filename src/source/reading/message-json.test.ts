import { type DescField, type DescMessage, fromJson, type JsonValue, ScalarType, toBinary } from "@bufbuild/protobuf";
import { isWrapperDesc } from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MessageJson } from "../../json/message-json.js";
import { envoyRegistry } from "../../resource/default-api.js";
import { envoyJson, envoyYaml } from "../yaml/format.js";
import { parseYaml } from "../yaml/yaml.js";

const registry = envoyRegistry();
const messageNamed = (name: string): DescMessage => {
  const desc = registry.getMessage(name);
  if (!desc) throw new Error(`no ${name}`);
  return desc;
};
const roots = [
  "cluster.v3.Cluster",
  "listener.v3.Listener",
  "route.v3.RouteConfiguration",
  "endpoint.v3.ClusterLoadAssignment",
];
const inAny = [
  "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
  "google.protobuf.Duration",
  "google.protobuf.Struct",
  "google.protobuf.UInt64Value",
  "google.protobuf.Empty",
  "no.such.Message",
];

/** What belongs nowhere, or in few places. */
const strange = fc.constantFrom<JsonValue[]>(
  null,
  "",
  "x",
  "-1",
  "1.5",
  0,
  -1,
  1.5,
  2 ** 53,
  1e300,
  true,
  [],
  {},
  [null],
  "NaN",
  "3s",
);
const scalars = {
  string: fc.string(),
  bool: fc.boolean(),
  double: fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.constantFrom("NaN", "-Infinity", "1.5")),
  float: fc.oneof(fc.double({ min: -3e38, max: 3e38, noNaN: true }), fc.constantFrom("Infinity", "0.25")),
  int32: fc.oneof(fc.integer(), fc.integer().map(String)),
  uint32: fc.oneof(fc.nat(), fc.constant(2 ** 32 - 1), fc.constant("4294967295")),
  int64: fc.oneof(fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n).map(String), fc.integer()),
  uint64: fc.oneof(fc.bigInt(0n, 2n ** 64n - 1n).map(String), fc.nat()),
  bytes: fc.base64String(),
};
const byType: Partial<Record<ScalarType, fc.Arbitrary<JsonValue>>> = {
  [ScalarType.STRING]: scalars.string,
  [ScalarType.BOOL]: scalars.bool,
  [ScalarType.DOUBLE]: scalars.double,
  [ScalarType.FLOAT]: scalars.float,
  [ScalarType.INT32]: scalars.int32,
  [ScalarType.UINT32]: scalars.uint32,
  [ScalarType.INT64]: scalars.int64,
  [ScalarType.UINT64]: scalars.uint64,
  [ScalarType.BYTES]: scalars.bytes,
};

/** An enum's number that has no name is taken by protobuf's reader, but is a mistake in a file. */
const strangeFor = (field: DescField) =>
  field.enum ? fc.constantFrom<JsonValue[]>(null, "", "x", 1.5, true, [], {}, [null], "3s") : strange;

/**
 * JSON for a message: mostly what it can be, and sometimes what it cannot. `oddity`: one value in so many is strange.
 */
function jsonFor(g: fc.GeneratorValue, desc: DescMessage, depth: number, oddity: number): JsonValue {
  if (g(fc.nat, { max: oddity }) === 1) return g(() => strange);
  switch (desc.typeName) {
    case "google.protobuf.Any":
      return depth > 0 ? anyJson(g, depth, oddity) : {};
    case "google.protobuf.Duration":
      return g(fc.constantFrom, "0s", "1.5s", "-3.000000001s", "315576000000s");
    case "google.protobuf.Timestamp":
      return "2024-01-31T12:00:00.5Z";
    case "google.protobuf.FieldMask":
      return "a,b.cD";
    case "google.protobuf.Struct":
      return { a: [1, null, { b: "x" }], c: true };
    case "google.protobuf.Value":
      return g(() => strange);
    case "google.protobuf.ListValue":
      return [1, "x"];
  }
  if (isWrapperDesc(desc)) return itemFor(g, desc.fields[0] as DescField, depth, oddity);
  const json: Record<string, JsonValue> = {};
  const oneofs = new Set<string>();
  for (const field of desc.fields) {
    if (depth <= 0 || g(fc.nat, { max: 5 }) > 0) continue;
    if (field.oneof && oneofs.has(field.oneof.name) && g(fc.nat, { max: oddity }) !== 1) continue;
    if (field.oneof) oneofs.add(field.oneof.name);
    json[g(fc.boolean) ? field.name : field.jsonName] = fieldFor(g, field, depth - 1, oddity);
  }
  if (g(fc.nat, { max: oddity * 4 }) === 1) json[g(fc.constantFrom, "nme", "x", "@type")] = "x";
  return json;
}

function anyJson(g: fc.GeneratorValue, depth: number, oddity: number): JsonValue {
  const typeName = g(fc.constantFrom, ...(g(fc.nat, { max: oddity }) === 1 ? inAny : inAny.slice(0, -1)));
  const desc = registry.getMessage(typeName);
  const value = desc ? jsonFor(g, desc, depth - 1, oddity) : {};
  const type = { "@type": `type.googleapis.com/${typeName}` };
  if (typeName.startsWith("google.protobuf.") && typeName !== "google.protobuf.Empty") return { ...type, value };
  return typeof value === "object" ? { ...type, ...value } : type;
}

function fieldFor(g: fc.GeneratorValue, field: DescField, depth: number, oddity: number): JsonValue {
  if (g(fc.nat, { max: oddity }) === 1) return g(() => strangeFor(field));
  const size = () => g(fc.nat, { max: 2 });
  if (field.fieldKind === "list") return Array.from({ length: size() }, () => itemFor(g, field, depth, oddity));
  if (field.fieldKind !== "map") return itemFor(g, field, depth, oddity);
  const key =
    field.mapKey === ScalarType.STRING ? fc.constantFrom("a", "b.c", "constructor") : fc.constantFrom("1", "-1", "x");
  return Object.fromEntries(Array.from({ length: size() }, () => [g(() => key), itemFor(g, field, depth, oddity)]));
}

function itemFor(g: fc.GeneratorValue, field: DescField, depth: number, oddity: number): JsonValue {
  if (g(fc.nat, { max: oddity }) === 1) return g(() => strangeFor(field));
  if (field.message) return jsonFor(g, field.message, depth, oddity);
  if (field.enum) return g(fc.constantFrom, ...field.enum.values.flatMap(({ name, number }) => [name, number]));
  return g(() => byType[field.scalar ?? ScalarType.STRING] ?? scalars.int32);
}

/** The message that an object stands for, as bytes, or undefined if it stands for none. */
function viaProtobuf(desc: DescMessage, json: JsonValue): Uint8Array | undefined {
  try {
    return toBinary(desc, fromJson(desc, json, { registry }));
  } catch {
    return undefined;
  }
}

describe("MessageJson", () => {
  test.each([5, 60, 1000])("takes what proto3 JSON takes, to the same effect (oddity %i)", (oddity) => {
    let taken = 0;
    const property = fc.property(fc.constantFrom(...roots), fc.gen(), (root, g) => {
      const desc = messageNamed(`envoy.config.${root}`);
      const text = JSON.stringify(jsonFor(g, desc, 4, oddity));
      const json = JSON.parse(text) as JsonValue; // without negative zeros, which the text does not have
      const { documents, faults, size } = parseYaml(text, envoyJson);
      expect(faults).toEqual([]);
      const reader = new MessageJson(registry, { values: size, characters: size });
      const read = documents[0] ? reader.read(desc, documents[0], []) : null;
      const bytes = viaProtobuf(desc, json);
      // Envoy's reader takes more than others do; what it takes besides has to be made of what all take.
      if (bytes === undefined) expect(reader.faults.length > 0 || viaProtobuf(desc, read) !== undefined).toBe(true);
      else {
        expect(reader.faults).toEqual([]);
        expect(Buffer.from(viaProtobuf(desc, read) ?? []).equals(bytes)).toBe(true);
        taken++;
      }
    });
    fc.assert(property, { endOnFailure: true, numRuns: 200 });
    expect(taken).toBeGreaterThan(0);
  });

  test("takes numbers as Envoy reads them in YAML", () => {
    const desc = messageNamed("envoy.config.cluster.v3.Cluster.RingHashLbConfig");
    const minimumOf = (yaml: string) => {
      const { documents, size } = parseYaml(`minimum_ring_size: ${yaml}`, envoyYaml);
      const reader = new MessageJson(registry, { values: size, characters: size });
      const json = documents[0] ? reader.read(desc, documents[0], []) : null;
      return reader.faults[0]?.message ?? (json as { minimumRingSize: JsonValue }).minimumRingSize;
    };
    const written = ["7", "+7", "007", "0x10", "010", "1e3", "1.0", '"7"', '"1e3"', "18446744073709551615"];
    const meant = ["7", "7", "7", "16", "8", "1000", "1", "7", "1000", "18446744073709551615"];
    expect(written.map(minimumOf)).toEqual(meant);
    expect(minimumOf("18446744073709551616")).toMatch(
      /^expected a whole number from 0 to 18446744073709551615, got "184/,
    );
    expect(minimumOf(".inf")).toBe('expected a whole number, got ".inf"');
    expect(minimumOf("9".repeat(1000))).toBe(`expected a whole number, got "${"9".repeat(120)}…"`);
  });
});
