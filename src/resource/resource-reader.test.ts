import { create, fromBinary } from "@bufbuild/protobuf";
import { expect, it } from "vitest";
import { ClusterSchema } from "../../gen/envoy/config/cluster/v3/cluster_pb.js";
import { registerResourceType } from "./default-api.js";
import { Resource } from "./resource.js";
import { clusterType, endpointType, secretType } from "./types.js";

it("reads both spellings of fields, and is the same as the message", () => {
  const ofMessage = Resource.of(
    create(ClusterSchema, { name: "web", connectTimeout: { seconds: 5n }, respectDnsTtl: true }),
  );
  for (const json of [
    { "@type": clusterType, name: "web", connectTimeout: "5s", respect_dns_ttl: true },
    {
      "@type": clusterType,
      name: "web",
      connect_timeout: "5s",
      respectDnsTtl: "true",
      altStatName: undefined as never,
    },
  ])
    expect(Resource.fromJson(json).version).toBe(ofMessage.version);
});

it("takes the type and what is beside the message from the options", () => {
  const resource = Resource.fromJson({ name: "web" }, { typeUrl: clusterType, ttlMs: 5_000, aliases: ["w"] });
  expect(resource).toMatchObject({ name: "web", ttlMs: 5_000, aliases: ["w"], type: { typeUrl: clusterType } });
});

it("takes a name, a version, a TTL and aliases from a wrapper, and rather from the options", () => {
  const json = {
    "@type": "type.googleapis.com/envoy.service.discovery.v3.Resource",
    name: "xdstp://a/envoy.config.cluster.v3.Cluster/web",
    version: "1",
    ttl: "1.5s",
    aliases: ["w"],
    resource: { "@type": clusterType, name: "web" },
  };
  expect(Resource.fromJson(json)).toMatchObject({ name: json.name, version: "1", ttlMs: 1_500, aliases: ["w"] });
  expect(Resource.fromJson(json, { version: "2", name: "web" })).toMatchObject({ name: "web", version: "2" });
});

it("names each field that is wrong", () => {
  const json = { "@type": clusterType, name: "web", connectTimeout: "soon", lbPolicy: "ROUND", hosts: [], tipe: 1 };
  expect(() => Resource.fromJson(json)).toThrow(
    expect.objectContaining({
      code: "INVALID_RESOURCE",
      message: expect.stringMatching(/^connectTimeout: .*\nlbPolicy: .*\nhosts: .*\ntipe: .*did you mean type\?$/),
    }),
  );
});

it.each([
  ["no type", { name: "web" }, {}, /^expected an object with its "@type", such as .*, got another object/],
  ["a list", [], {}, /^expected an object with its "@type", .*, got a list$/],
  ["text", '{"name":"web"}', {}, /^expected an object with its "@type"/],
  ["an unknown type", { "@type": "type.googleapis.com/envoy.Clustr" }, {}, /^@type: .*envoy\.Clustr/],
  ["a short name", { "@type": "clusters" }, {}, /^@type: .* got "clusters"; write type.*\.v3\.Cluster$/],
  ["no type at all", { "@type": "nothing" }, {}, /^@type: expected the type of a message, .* got something else \(/],
  ["no name", { "@type": clusterType }, {}, /^expected a name, .* set the field name$/],
  ["another type", { "@type": clusterType, name: "web" }, { typeUrl: endpointType }, /^@type: expected .*Cluster/],
])("says what is wrong with %s", (_what, json, options, message) => {
  expect(() => Resource.fromJson(json, options)).toThrow(
    expect.objectContaining({ code: "INVALID_RESOURCE", message: expect.stringMatching(message) }),
  );
});

it("quotes no secret", () => {
  const json = { "@type": secretType, name: "key", genericSecret: { secret: { inlineString: ["hush"] } } };
  expect(() => Resource.fromJson(json)).toThrow(/^genericSecret\.secret\.inlineString(?!.*hush)/s);
});

it("gives a message without a name field the name of the options", () => {
  const { typeUrl } = registerResourceType({
    typeUrl: "type.googleapis.com/google.protobuf.StringValue",
    name: "texts",
    order: 20,
    fullStateInSotw: false,
    emptyIsWildcard: true,
  });
  const resource = Resource.fromJson({ "@type": typeUrl, value: "hello" }, { name: "greeting" });
  expect([resource.name, resource.message()]).toMatchObject(["greeting", { value: "hello" }]);
});

it("has the encoded message", () => {
  const { body } = Resource.fromJson({ "@type": clusterType, name: "web" });
  expect(fromBinary(ClusterSchema, body).name).toBe("web");
});
