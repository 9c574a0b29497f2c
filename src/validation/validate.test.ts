import { readFileSync } from "node:fs";
import { create, fromBinary, fromJson, type JsonObject, type Message, toBinary } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { anyPack, type DescriptorProto, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { describe, expect, onTestFinished, test } from "vitest";
import { ClusterSchema } from "../../gen/envoy/config/cluster/v3/cluster_pb.js";
import { envoyRegistry } from "../resource/default-api.js";
import { Resource } from "../resource/resource.js";
import { Snapshot } from "../resource/snapshot.js";
import { clusterType, rateLimitConfigType, routeType } from "../resource/types.js";
import { XdsApi } from "../resource/xds-api.js";
import { WireReader } from "../schema/wire-reader.js";
import { validate, validateResource } from "./validate.js";

const ads = { ads: {}, resource_api_version: "V3" };
const any = (name: string, fields: JsonObject) => ({ "@type": `type.googleapis.com/${name}`, ...fields });

function message(name: string, json: JsonObject): Message {
  const registry = envoyRegistry();
  const schema = registry.getMessage(name);
  if (!schema) throw new Error(name);
  return fromJson(schema, json, { registry });
}

const cluster = (name: string, fields: JsonObject = {}) =>
  message("envoy.config.cluster.v3.Cluster", { name, ...fields });
const eds = (name: string, service_name = "") =>
  cluster(name, { type: "EDS", eds_cluster_config: { eds_config: ads, service_name } });
const endpoints = (cluster_name: string) => message("envoy.config.endpoint.v3.ClusterLoadAssignment", { cluster_name });
const routes = (name: string, target: string) =>
  message("envoy.config.route.v3.RouteConfiguration", {
    name,
    virtual_hosts: [{ name: "v", domains: ["*"], routes: [{ match: { prefix: "/" }, route: { cluster: target } }] }],
  });
const listener = (name: string, fields: JsonObject) => {
  const hcm = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";
  const filters = [{ name: "http", typed_config: any(hcm, { stat_prefix: "x", ...fields }) }];
  return message("envoy.config.listener.v3.Listener", { name, filter_chains: [{ filters }] });
};
const rds = (name: string) => ({ rds: { config_source: ads, route_config_name: name } });
const secret = (name: string) =>
  message("envoy.extensions.transport_sockets.tls.v3.Secret", { name, generic_secret: {} });
const tls = (name: string, secretName: string) =>
  cluster(name, {
    transport_socket: {
      name: "tls",
      typed_config: any("envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext", {
        common_tls_context: { tls_certificate_sds_secret_configs: [{ name: secretName, sds_config: ads }] },
      }),
    },
  });

/** `<severity> <code> <resource> <path>` */
const found = (snapshot: Snapshot, options = {}) =>
  validate(snapshot, options).map(({ severity, code, resource, path }) =>
    `${severity} ${code} ${resource} ${path}`.trim(),
  );

describe("validate", () => {
  test("finds nothing in a snapshot that is right and whole", () => {
    const scoped = {
      scoped_routes: {
        name: "s",
        scope_key_builder: { fragments: [{ header_value_extractor: { name: "a" } }] },
        rds_config_source: ads,
        scoped_rds: { scoped_rds_config_source: ads },
      },
    };
    const snapshot = Snapshot.of([
      eds("a"),
      endpoints("a"),
      eds("b", "service"),
      endpoints("service"),
      tls("c", "cert"),
      secret("cert"),
      listener("l", rds("r")),
      routes("r", "a"),
      routes("other", "c"),
      routes("third", "b"),
      listener("scoped", scoped),
      message("envoy.config.route.v3.ScopedRouteConfiguration", {
        name: "s1",
        route_configuration_name: "other",
        key: { fragments: [{ string_key: "k" }] },
      }),
      message("envoy.config.route.v3.ScopedRouteConfiguration", {
        name: "s2",
        route_configuration_name: "third",
        key: { fragments: [{ string_key: "l" }] },
      }),
    ]);
    expect(found(snapshot)).toEqual([]);
    expect(found(snapshot, { strict: true })).toEqual([]);
  });

  test("tells field rules resource by resource", () => {
    const snapshot = Snapshot.of([
      cluster("a", { connect_timeout: "0s" }),
      cluster("b"),
      cluster("c", { lb_policy: 99 }),
    ]);
    expect(validate(snapshot)).toEqual([
      {
        code: "FIELD_RULE",
        severity: "error",
        typeUrl: clusterType,
        resource: "a",
        path: "connect_timeout",
        message: "must be more than 0s, is 0s",
      },
      expect.objectContaining({ resource: "c", path: "lb_policy" }),
    ]);
  });

  test("tells references that lead nowhere: a warning, and an error when strict", () => {
    const snapshot = Snapshot.of([eds("a"), tls("t", "cert"), routes("r", "nobody"), listener("l", rds("gone"))]);
    const missing = (severity: string) => [
      `${severity} MISSING_TARGET a name`,
      `${severity} MISSING_TARGET t transport_socket.typed_config<UpstreamTlsContext>.common_tls_context.tls_certificate_sds_secret_configs[0].name`,
      `${severity} MISSING_TARGET r virtual_hosts[0].routes[0].route.cluster`,
      `${severity} MISSING_TARGET l filter_chains[0].filters[0].typed_config<HttpConnectionManager>.rds.route_config_name`,
    ];
    const rest = ["info UNREFERENCED a", "info UNREFERENCED t", "info UNREFERENCED r"];
    expect(found(snapshot)).toEqual([...missing("warning"), ...rest]);
    expect(found(snapshot, { strict: true })).toEqual([...missing("error"), ...rest]);
    expect(validate(snapshot)[0]?.message).toBe(
      'refers to "a", which is not among the endpoints of the snapshot; add it, or correct the name',
    );
  });

  test("warns of a TTL where Envoy crashes when the resource expires in SotW, and nowhere else", () => {
    const scope = message("envoy.config.route.v3.ScopedRouteConfiguration", {
      name: "s",
      route_configuration_name: "r",
      key: { fragments: [{ string_key: "k" }] },
    });
    const mortal = (one: Message) => Resource.of(one, { ttlMs: 1_000 });
    for (const one of [endpoints("e"), scope, routes("r", "a"), secret("c")].map(mortal))
      expect(validateResource(one, { strict: true })).toEqual([
        {
          code: "TTL_IN_SOTW",
          severity: "warning",
          typeUrl: one.type.typeUrl,
          resource: one.name,
          path: "",
          message: expect.stringContaining(`Envoy crashes when one of the ${one.type.name} expires in SotW`),
        },
      ]);
    for (const one of [cluster("a"), listener("l", rds("r"))].map(mortal)) expect(validateResource(one)).toEqual([]);
    expect(validateResource(Resource.of(routes("r", "a")))).toEqual([]);
  });

  test("tells what nothing refers to only where something of the snapshot could", () => {
    expect(found(Snapshot.of([cluster("a"), endpoints("e")]))).toEqual(["info UNREFERENCED e"]);
    expect(found(Snapshot.of([endpoints("e"), routes("r", "a"), secret("s")]))).toEqual([
      "warning MISSING_TARGET r virtual_hosts[0].routes[0].route.cluster",
    ]);
  });

  test("takes aliases, collections and xdstp names in any spelling for what they are", () => {
    const [name, spelling] = ["xdstp://a/t/r?b=2&a=1", "xdstp://a/t/r?a=1&b=2"];
    expect(found(Snapshot.of([listener("l", rds(spelling)), routes(name, "a"), cluster("a")]))).toEqual([]);
    const host = message("envoy.config.route.v3.VirtualHost", { name: "v", domains: ["a"] });
    const plain = message("envoy.config.route.v3.RouteConfiguration", { name: "r", vhds: { config_source: ads } });
    expect(found(Snapshot.of([plain, Resource.of(host, { name: "r/v" })]))).toEqual([]);
    expect(found(Snapshot.of([plain, Resource.of(host, { name: "s/v" })]))).toEqual(["info UNREFERENCED s/v"]);
    const aliased = Resource.of(endpoints("e"), { aliases: ["a"] });
    expect(found(Snapshot.of([eds("a"), aliased]))).toEqual([]);
  });

  test("says of a resource what it said before, and of no others", () => {
    const bad = Resource.of(cluster("a", { connect_timeout: "0s" }));
    const first = validate(Snapshot.of([bad]));
    expect(validate(Snapshot.of([bad, cluster("b")]))).toEqual(first);
    expect(validate(Snapshot.empty)).toEqual([]);
  });

  test("has nothing to say of types without a schema, and of what stands for an error", () => {
    const own = Resource.fromBytes(rateLimitConfigType, Uint8Array.of(255), { name: "x" });
    const failed = Resource.failed(routeType, "r", { code: 5, message: "gone" });
    expect(found(Snapshot.of([own, failed]))).toEqual([]);
  });
});

describe("validateResource", () => {
  test("takes a message, an Any or a resource", () => {
    const bad = create(ClusterSchema, { name: "c", connectTimeout: { seconds: 0n } });
    const findings = validateResource(Resource.of(bad));
    expect(findings).toEqual([expect.objectContaining({ code: "FIELD_RULE", resource: "c", typeUrl: clusterType })]);
    expect(validateResource(bad)).toEqual(findings);
    expect(validateResource(anyPack(ClusterSchema, bad))).toEqual([{ ...findings[0], resource: "" }]);
    expect(validateResource(create(ClusterSchema))).toEqual([expect.objectContaining({ resource: "", path: "name" })]);
    const part = message("envoy.config.core.v3.SocketAddress", { address: "a" });
    expect(validateResource(part).map(({ path }) => path)).toEqual(["port_specifier"]);
  });

  test("tells unknown fields: a warning, and an error when strict", () => {
    const body = new BinaryWriter().tag(1, WireType.LengthDelimited).string("c").tag(1000, WireType.Varint).int32(1);
    const resource = Resource.fromBytes(clusterType, body.finish());
    expect(validateResource(resource)).toEqual([
      expect.objectContaining({ code: "UNKNOWN_FIELD", severity: "warning", path: "" }),
    ]);
    expect(validateResource(resource, { strict: true })[0]?.severity).toBe("error");
    expect(validateResource(resource.message())).toHaveLength(1);
  });

  test("refuses what it cannot encode", () => {
    const foreign = { $typeName: "x.Y" } as unknown as Message;
    expect(() => validateResource(foreign)).toThrow("no schema is known for x.Y");
    const wrong = create(ClusterSchema, { perConnectionBufferLimitBytes: "x" as never });
    expect(() => validateResource(wrong)).toThrow("envoy.config.cluster.v3.Cluster cannot be encoded");
  });

  test("goes by another version of the API where one is given", () => {
    const bytes = readFileSync(new URL("../../gen/envoy.binpb", import.meta.url));
    const set = fromBinary(FileDescriptorSetSchema, bytes);
    const file = set.file.find(({ name }) => name === "envoy/config/cluster/v3/cluster.proto");
    const type = file?.messageType.find(({ name }) => name === "Cluster") as DescriptorProto;
    for (const field of type.field) if (field.name === "name") field.options = undefined as never;
    const api = new XdsApi({ descriptors: toBinary(FileDescriptorSetSchema, set) });
    const nameless = create(ClusterSchema, {});
    expect(validateResource(nameless)).toHaveLength(1);
    expect(validateResource(nameless, { api })).toEqual([]);
    const resource = Resource.of(nameless, { name: "c" });
    expect([validateResource(resource, { api }), validateResource(resource)].map(({ length }) => length)).toEqual([
      0, 1,
    ]);
  });
});

test("validation reads a cluster's fields at most three times, however many clusters there are", () => {
  const read = WireReader.prototype.fieldTag;
  let count = 0;
  onTestFinished(() => {
    WireReader.prototype.fieldTag = read;
  });
  WireReader.prototype.fieldTag = function () {
    count++;
    return read.call(this);
  };
  const fieldsRead = (clusters: number) => {
    const snapshot = Snapshot.of(Array.from({ length: clusters }, (_, index) => eds(`c${index}`, `s${index}`)));
    count = 0;
    validate(snapshot);
    return count;
  };
  const fields = 7; // of a cluster and the messages in it
  expect(fieldsRead(1_000)).toBeLessThanOrEqual(1_000 * 3 * fields);
  expect(fieldsRead(10_000)).toBe(10 * fieldsRead(1_000));
});
