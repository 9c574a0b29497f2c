import { create, fromJson, type JsonObject, type Message, toBinary } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { describe, expect, test } from "vitest";
import { ClusterSchema } from "../../gen/envoy/config/cluster/v3/cluster_pb.js";
import { TypedExtensionConfigSchema } from "../../gen/envoy/config/core/v3/extension_pb.js";
import { envoyRegistry } from "../resource/default-api.js";
import { checkMessage } from "./message-check.js";
import { uncheckedContents } from "./unenforced.js";

const registry = envoyRegistry();
const cluster = "envoy.config.cluster.v3.Cluster";

function schemaOf(typeName: string) {
  const schema = registry.getMessage(typeName);
  if (!schema) throw new Error(typeName);
  return schema;
}

const encode = (typeName: string, json: JsonObject) => {
  const schema = schemaOf(typeName);
  return toBinary(schema, fromJson(schema, json, { registry }) as Message);
};

/** `<code> <path>: <message>` */
const check = (typeName: string, bytes: Uint8Array) =>
  checkMessage(schemaOf(typeName), bytes, registry).map(({ code, path, message }) => `${code} ${path}: ${message}`);

describe("what is wrong in a message", () => {
  test("is told field by field, what is absent after what is there", () => {
    const health = { timeout: "0s", healthy_threshold: 1, http_health_check: { path: "/", host: "a\nb" } };
    expect(check(cluster, encode(cluster, { health_checks: [health], lb_policy: 99 }))).toEqual([
      "FIELD_RULE lb_policy: must be a value that the enum defines, is 99",
      "FIELD_RULE health_checks[0].timeout: must be more than 0s, is 0s",
      `FIELD_RULE health_checks[0].http_health_check.host: must be valid as an HTTP header's value (no control characters), is "a\\nb"`,
      "MISSING_FIELD health_checks[0].interval: is required",
      "MISSING_FIELD health_checks[0].unhealthy_threshold: is required",
      "FIELD_RULE name: must have at least 1 character, is empty",
    ]);
  });

  test("is told of a TypedStruct field by field, and without a value where a secret may be", () => {
    const struct = "xds.type.v3.TypedStruct";
    const within = (type: string, value: JsonObject) =>
      check(struct, encode(struct, { type_url: `type.googleapis.com/envoy.extensions.${type}`, value }));
    expect(within("filters.http.fault.v3.HTTPFault", { delay: { percentage: 1 }, aborted: {} })).toEqual([
      "UNDECODABLE <HTTPFault>.delay.percentage: expected an object (envoy.type.v3.FractionalPercent; its fields: numerator, denominator), got 1",
      expect.stringMatching(/^UNKNOWN_FIELD <HTTPFault>.aborted: .*has no such field; did you mean abort\?$/),
    ]);
    const [told = ""] = within("transport_sockets.tls.v3.TlsCertificate", { private_key: "s3cret", watched: "s3cret" });
    expect(told).toMatch(/^UNDECODABLE <TlsCertificate>.private_key: expected an object .*, got something else/);
    expect(told).not.toContain("s3cret");
  });

  test("is not what has a rule but is a field of a oneof that was not chosen", () => {
    const options = "envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy";
    expect(check(options, encode(options, { stat_prefix: "x", cluster: "c" }))).toEqual([]);
    expect(check(options, encode(options, { stat_prefix: "x" }))).toEqual([
      "MISSING_FIELD cluster_specifier: is required: one of cluster, weighted_clusters",
    ]);
  });

  test("may be in elements of lists, packed or not", () => {
    const match = "envoy.config.listener.v3.FilterChainMatch";
    const wrong = "FIELD_RULE source_ports[1]: must be at least 1 and at most 65535, is 0";
    expect(check(match, encode(match, { source_ports: [1, 0, 2] }))).toEqual([wrong]);
    const unpacked = new BinaryWriter();
    for (const port of [1, 0, 2]) unpacked.tag(7, WireType.Varint).uint32(port);
    expect(check(match, unpacked.finish())).toEqual([wrong]);
  });

  test("may be in maps: keys, values, and values that are left out", () => {
    const bucket = "envoy.service.rate_limit_quota.v3.BucketId";
    expect(check(bucket, encode(bucket, { bucket: { a: "b", "": "c", d: "" } }))).toEqual([
      'FIELD_RULE bucket[""]: must have at least 1 character, is empty',
      'FIELD_RULE bucket["d"]: must have at least 1 character, is empty',
    ]);
    const entry = new BinaryWriter().tag(1, WireType.LengthDelimited).string("k").finish();
    const map = new BinaryWriter().tag(1, WireType.LengthDelimited).bytes(entry).finish();
    expect(check(bucket, map)).toEqual(['FIELD_RULE bucket["k"]: must have at least 1 character, is empty']);
    expect(check(bucket, new Uint8Array())).toEqual(["FIELD_RULE bucket: must have at least 1 of them, has 0"]);
    const logging = "envoy.extensions.filters.http.proto_message_logging.v3.MethodLogging";
    expect(check(logging, new BinaryWriter().tag(2, WireType.LengthDelimited).bytes(entry).finish())).toEqual([]);
    const jwt = "envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication";
    const providers = new BinaryWriter().tag(1, WireType.LengthDelimited).bytes(entry).finish();
    expect(check(jwt, providers)).toEqual([
      'MISSING_FIELD providers["k"].jwks_source_specifier: is required: one of remote_jwks, local_jwks',
    ]);
  });

  test("may be in equal elements that must differ", () => {
    const policy = "envoy.config.route.v3.InternalRedirectPolicy";
    expect(check(policy, encode(policy, { response_headers_to_copy: ["a", "b", "a"] }))).toEqual([
      "FIELD_RULE response_headers_to_copy[2]: must differ from the other elements",
    ]);
  });

  test("is of another kind where Envoy does not enforce the rule", () => {
    const bad = { "@type": "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy", cluster: "c" };
    const at = 'metadata.typed_filter_metadata["a"]<TcpProxy>.stat_prefix';
    const metadata = { typed_filter_metadata: { a: bad } };
    expect(check(cluster, encode(cluster, { metadata }))).toEqual([
      `UNENFORCED ${at}: must have at least 1 character, is empty`,
      "FIELD_RULE name: must have at least 1 character, is empty",
    ]);
  });
});

test("the fields in whose content Envoy checks no rules are fields of the API", () => {
  for (const name of uncheckedContents) {
    const fields = schemaOf(name.slice(0, name.lastIndexOf("."))).fields.map((field) => field.name);
    expect(fields, name).toContain(name.slice(name.lastIndexOf(".") + 1));
  }
});

describe("deprecated", () => {
  test("fields and values are told", () => {
    const config = { resource_api_version: "V2", ads: {} };
    expect(check("envoy.config.core.v3.ConfigSource", encode("envoy.config.core.v3.ConfigSource", config))).toEqual([
      "DEPRECATED resource_api_version: V2 is deprecated since version 3.0 of the API",
    ]);
    expect(check(cluster, encode(cluster, { name: "c", max_requests_per_connection: 1 }))).toEqual([
      "DEPRECATED max_requests_per_connection: is deprecated since version 3.0 of the API",
    ]);
  });

  test("values and fields that Envoy refuses are told as such, a default value too", () => {
    const api = "envoy.config.core.v3.ApiConfigSource";
    expect(check(api, new Uint8Array())).toEqual([
      "DISALLOWED api_type: DEPRECATED_AND_UNAVAILABLE_DO_NOT_USE is deprecated, and Envoy refuses it by default; it is the default, so set another value",
    ]);
    const action = "envoy.config.route.v3.RateLimit.Action";
    const dynamic_metadata = { descriptor_key: "k", metadata_key: { key: "a", path: [{ key: "b" }] } };
    expect(check(action, encode(action, { dynamic_metadata }))).toEqual([
      "DISALLOWED dynamic_metadata: is deprecated since version 3.0 of the API, and Envoy refuses it by default",
    ]);
  });
});

describe("bytes that no encoder writes", () => {
  const name = new BinaryWriter().tag(1, WireType.LengthDelimited).string("c").finish();
  const nothing = new Uint8Array();

  test("fields that occur twice count as the one that a decoder makes of them", () => {
    const half = (json: JsonObject) => encode(cluster, json);
    const twice = Buffer.concat([
      half({ name: "a", eds_cluster_config: { service_name: "s" } }),
      half({ name: "b", eds_cluster_config: { eds_config: { ads: {} } }, connect_timeout: "0s" }),
    ]);
    expect(check(cluster, twice)).toEqual(["FIELD_RULE connect_timeout: must be more than 0s, is 0s"]);
    const broken = Buffer.concat([half({ name: "a" }), half({ name: "b" }), Uint8Array.of(34, 9)]);
    expect(check(cluster, broken)).toEqual([expect.stringMatching(/^UNDECODABLE : is not a valid /)]);
    const specifier = "envoy.config.core.v3.DataSource";
    const both = Buffer.concat([encode(specifier, { filename: "" }), encode(specifier, { inline_string: "x" })]);
    expect(check(specifier, both)).toEqual([]);
  });

  test("fields that occur twice do not hide what is not decodable, nor what has another wire type", () => {
    const within = (field: number, bytes: Uint8Array) =>
      new BinaryWriter().tag(field, WireType.LengthDelimited).bytes(bytes).finish();
    const wrongType = new BinaryWriter().tag(4, WireType.Varint).int32(300).finish(); // connect_timeout
    expect(check(cluster, Buffer.concat([name, name, wrongType]))).toEqual([
      `UNKNOWN_FIELD : has a field 4 that ${cluster} does not have`,
    ]);
    const overrun = within(22, Uint8Array.of(10, 9)); // outlier_detection
    expect(check(cluster, Buffer.concat([name, name, overrun]))).toEqual([
      expect.stringMatching(/^UNDECODABLE : is not a valid /),
    ]);
    const text = Buffer.concat([within(1, Uint8Array.of(200)), name]);
    expect(check(cluster, text)).toEqual([expect.stringMatching(/^UNDECODABLE : is not a valid .*UTF-8$/)]);
    const source = "envoy.config.core.v3.ConfigSource";
    const dropped = Buffer.concat([within(2, within(3, Uint8Array.of(10, 9))), within(3, nothing), within(3, nothing)]);
    expect(check(source, dropped)).toEqual([expect.stringMatching(/^UNDECODABLE : is not a valid /)]);
  });

  test("fields that occur twice, in Anys within Anys, do not cost twice the time for each Any", () => {
    const extension = "envoy.config.core.v3.TypedExtensionConfig";
    const [field, value] = [WireType.LengthDelimited, new BinaryWriter().tag(1, WireType.LengthDelimited).string("x")];
    const twice = Buffer.concat([value.finish(), Uint8Array.of(10, 1, 120)]);
    let bytes = twice;
    for (let depth = 0; depth < 60; depth++) {
      const any = new BinaryWriter()
        .tag(1, field)
        .string(`type.googleapis.com/${extension}`)
        .tag(2, field)
        .bytes(bytes);
      bytes = Buffer.concat([new BinaryWriter().tag(2, field).bytes(any.finish()).finish(), twice]);
    }
    expect(check(extension, bytes)).toEqual([expect.stringMatching(/^MISSING_FIELD .*\.typed_config: is required$/)]);
  });

  test("fields that the API does not have are told, with groups passed over", () => {
    const unknown = new BinaryWriter().tag(1000, WireType.Varint).int32(1);
    unknown.tag(1001, WireType.StartGroup).tag(1, WireType.Varint).int32(1).tag(1001, WireType.EndGroup);
    expect(check(cluster, Buffer.concat([name, unknown.finish()]))).toEqual([
      `UNKNOWN_FIELD : has a field 1000 that ${cluster} does not have`,
      `UNKNOWN_FIELD : has a field 1001 that ${cluster} does not have`,
    ]);
    const wrongType = new BinaryWriter().tag(4, WireType.Varint).int32(1).finish(); // connect_timeout
    expect(check(cluster, Buffer.concat([name, wrongType]))).toHaveLength(1);
  });

  test.each([
    ["cut short", Uint8Array.of(10, 5, 97)],
    ["a length beyond everything", Uint8Array.of(34, 255, 255, 255, 255, 15)],
    ["a tag of field 0", Uint8Array.of(0, 0)],
    ["an end of no group", Uint8Array.of(12)],
    ["a varint without end", Uint8Array.from({ length: 20 }, () => 255)],
    ["a tag of six bytes", Uint8Array.of(138, 128, 128, 128, 128, 0, 0)],
    ["a length of six bytes", Uint8Array.of(10, 129, 128, 128, 128, 128, 0, 97)],
    ["a number of eleven bytes", Uint8Array.of(16, ...Array.from({ length: 10 }, () => 129), 0)],
    ["an inner message longer than the outer one", Uint8Array.of(34, 2, 8, 128, 128, 1)],
  ])("%s: not decodable", (_, bytes) => {
    expect(check(cluster, bytes)).toEqual([
      expect.stringMatching(/^UNDECODABLE : is not a valid envoy.config.cluster.v3.Cluster: /),
    ]);
  });

  test("text that is not UTF-8 is told where it is", () => {
    const text = (field: number) =>
      new BinaryWriter().tag(field, WireType.LengthDelimited).bytes(Uint8Array.of(97, 200));
    expect(check(cluster, text(1).finish())).toEqual(["UNDECODABLE name: must be UTF-8"]);
    expect(check(cluster, Buffer.concat([name, text(28).finish()]))).toEqual([
      "UNDECODABLE alt_stat_name: must be UTF-8",
    ]);
  });

  test("text that is not UTF-8 is told in maps, in the user's own values and in type URLs too", () => {
    const broken = (field: number) => new BinaryWriter().tag(field, WireType.LengthDelimited).bytes(Uint8Array.of(200));
    const within = (field: number, bytes: Uint8Array) =>
      new BinaryWriter().tag(field, WireType.LengthDelimited).bytes(bytes).finish();
    const metadata = "envoy.config.core.v3.Metadata";
    expect(check(metadata, within(1, broken(1).finish()))).toEqual(["UNDECODABLE filter_metadata: must be UTF-8"]);
    const value = within(2, within(1, within(2, broken(3).finish())));
    expect(check(metadata, within(1, Buffer.concat([within(1, Buffer.from("a")), value])))).toEqual([
      'UNDECODABLE filter_metadata["a"].fields[""].string_value: must be UTF-8',
    ]);
    const extension = "envoy.config.core.v3.TypedExtensionConfig";
    expect(check(extension, within(2, broken(1).finish()))).toEqual([expect.stringMatching(/^UNDECODABLE : /)]);
  });

  test("messages nested too deep are refused, and not by a stack overflow", () => {
    const permission = "envoy.config.rbac.v3.Permission";
    let bytes = encode(permission, { any: true });
    for (let depth = 0; depth < 20_000; depth++) {
      if (depth === 90) expect(check(permission, bytes)).toEqual([]);
      bytes = new BinaryWriter().tag(8, WireType.LengthDelimited).bytes(bytes).finish();
    }
    expect(check(permission, bytes)[0]).toContain("more than 100 levels");
  });
});

describe("an Any", () => {
  const any = (typeUrl: string, value = new Uint8Array()) =>
    toBinary(
      ClusterSchema,
      create(ClusterSchema, {
        name: "c",
        clusterDiscoveryType: { case: "clusterType", value: { name: "x", typedConfig: { typeUrl, value } } },
      }),
    );

  test("of an unknown type is told, and nothing of its content", () => {
    expect(check(cluster, any("type.googleapis.com/x.Y", Uint8Array.of(1)))).toEqual([
      "UNKNOWN_TYPE cluster_type.typed_config: is a x.Y, which this version of the API does not have, so its content was not checked",
    ]);
    expect(check(cluster, any(""))).toEqual([]);
    expect(check(cluster, any("", Uint8Array.of(1)))).toEqual([
      "UNKNOWN_TYPE cluster_type.typed_config: has no type, so its content was not checked",
    ]);
  });

  test("in an Any is looked into, and so is what it holds", () => {
    const aggregate = "envoy.extensions.clusters.aggregate.v3.ClusterConfig";
    const inner = new BinaryWriter().tag(1, WireType.LengthDelimited).string(`type.googleapis.com/${aggregate}`);
    expect(check(cluster, any("type.googleapis.com/google.protobuf.Any", inner.finish()))).toEqual([
      "FIELD_RULE cluster_type.typed_config<Any><ClusterConfig>.clusters: must have at least 1 of them, has 0",
    ]);
  });

  test("deep in others is told, and not looked into", () => {
    const extension = "envoy.config.core.v3.TypedExtensionConfig";
    let bytes = encode(extension, {
      name: "x",
      typed_config: { "@type": "type.googleapis.com/google.protobuf.Empty" },
    });
    for (let depth = 0; depth < 2_000; depth++) {
      if (depth === 90) expect(check(extension, bytes)).toEqual([]);
      const typedConfig = { typeUrl: `type.googleapis.com/${extension}`, value: bytes };
      bytes = toBinary(TypedExtensionConfigSchema, create(TypedExtensionConfigSchema, { name: "x", typedConfig }));
    }
    expect(check(extension, bytes)).toEqual([
      expect.stringMatching(/^UNKNOWN_TYPE .*: is nested too deeply, so its content was not checked$/),
    ]);
  });

  test("whose content is not decodable does not keep the rest from being checked", () => {
    const aggregate = "envoy.extensions.clusters.aggregate.v3.ClusterConfig";
    expect(check(cluster, any(`type.googleapis.com/${aggregate}`, Uint8Array.of(10, 9)))).toEqual([
      `UNDECODABLE cluster_type.typed_config<ClusterConfig>: is not a valid ${aggregate}: it ends early`,
    ]);
  });
});
