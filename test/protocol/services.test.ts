import { createRegistry, type DescService } from "@bufbuild/protobuf";
import { status } from "@grpc/grpc-js";
import { describe, expect, it } from "vitest";
import { file_envoy_service_cluster_v3_cds } from "../../gen/envoy/service/cluster/v3/cds_pb.js";
import { file_envoy_service_discovery_v3_ads } from "../../gen/envoy/service/discovery/v3/ads_pb.js";
import { file_envoy_service_endpoint_v3_eds } from "../../gen/envoy/service/endpoint/v3/eds_pb.js";
import { file_envoy_service_endpoint_v3_leds } from "../../gen/envoy/service/endpoint/v3/leds_pb.js";
import { file_envoy_service_extension_v3_config_discovery } from "../../gen/envoy/service/extension/v3/config_discovery_pb.js";
import { file_envoy_service_listener_v3_lds } from "../../gen/envoy/service/listener/v3/lds_pb.js";
import { file_envoy_service_route_v3_rds } from "../../gen/envoy/service/route/v3/rds_pb.js";
import { file_envoy_service_route_v3_srds } from "../../gen/envoy/service/route/v3/srds_pb.js";
import { file_envoy_service_runtime_v3_rtds } from "../../gen/envoy/service/runtime/v3/rtds_pb.js";
import { file_envoy_service_secret_v3_sds } from "../../gen/envoy/service/secret/v3/sds_pb.js";
import { LinearCache } from "../../src/cache/linear-cache.js";
import { SnapshotCache } from "../../src/cache/snapshot-cache.js";
import { registerResourceType } from "../../src/resource/default-api.js";
import { Resource } from "../../src/resource/resource.js";
import { Snapshot } from "../../src/resource/snapshot.js";
import {
  clusterType,
  endpointType,
  extensionConfigType,
  listenerType,
  localityEndpointType,
  rateLimitConfigType,
  routeType,
  runtimeType,
  scopedRouteType,
  secretType,
  virtualHostType,
} from "../../src/resource/types.js";
import { adsWays, allWays, cacheOf, deltaWays, on, sotwWays, TestServer, type Way } from "./harness.js";
import { cluster } from "./resources.js";

/** Envoy's own descriptors say which services there are, by which the table of types is checked. */
const services: { typeUrl: string; file: Parameters<typeof createRegistry>[0]; service?: string }[] = [
  { typeUrl: clusterType, file: file_envoy_service_cluster_v3_cds },
  { typeUrl: endpointType, file: file_envoy_service_endpoint_v3_eds },
  { typeUrl: localityEndpointType, file: file_envoy_service_endpoint_v3_leds },
  { typeUrl: listenerType, file: file_envoy_service_listener_v3_lds },
  { typeUrl: routeType, file: file_envoy_service_route_v3_rds, service: "RouteDiscoveryService" },
  { typeUrl: virtualHostType, file: file_envoy_service_route_v3_rds, service: "VirtualHostDiscoveryService" },
  { typeUrl: scopedRouteType, file: file_envoy_service_route_v3_srds },
  { typeUrl: secretType, file: file_envoy_service_secret_v3_sds },
  { typeUrl: runtimeType, file: file_envoy_service_runtime_v3_rtds },
  { typeUrl: extensionConfigType, file: file_envoy_service_extension_v3_config_discovery },
];

interface Method {
  readonly path: string;
  readonly kind: "sotw" | "delta" | "fetch";
}

function methodsOf(file: Parameters<typeof createRegistry>[0], named?: string): Method[] {
  const found = [...createRegistry(file)].filter((type): type is DescService => type.kind === "service");
  return found
    .filter(({ name }) => !named || name === named)
    .flatMap(({ typeName, methods }) =>
      methods.map(({ name, input, methodKind }) => {
        const stream = input.name === "DiscoveryRequest" ? "sotw" : "delta";
        return { path: `/${typeName}/${name}`, kind: methodKind === "unary" ? "fetch" : stream };
      }),
    );
}

/** A resource of any type: its content is not looked at. */
const anyOf = (typeUrl: string) => Resource.fromBytes(typeUrl, new Uint8Array(), { name: "one" });

async function works(server: TestServer, { path, kind }: Method, typeUrl: string) {
  if (kind === "fetch") {
    const { typeUrl: answered, resources } = await server.fetch(path, { node: { id: "n" }, resourceNames: ["one"] });
    expect([answered, resources.length, resources[0]?.typeUrl]).toEqual([typeUrl, 1, typeUrl]);
    return;
  }
  const stream = server.openAt(path, { variant: kind, kind: "own service" }, typeUrl);
  stream.want("one");
  const answer = await stream.next();
  expect([answer.typeUrl, answer.anys.length, answer.anys[0]?.typeUrl]).toEqual([typeUrl, 1, typeUrl]);
}

describe("Envoy's services", () => {
  for (const { typeUrl, file, service } of services)
    for (const method of methodsOf(file, service))
      it(`${method.path} is served`, async () => {
        await works(await TestServer.start(cacheOf(anyOf(typeUrl))), method, typeUrl);
      });

  it("the aggregated one is served", async () => {
    const methods = methodsOf(file_envoy_service_discovery_v3_ads);
    expect(methods.map(({ kind }) => kind)).toEqual(["sotw", "delta"]);
    for (const method of methods)
      for (const { typeUrl } of services) await works(await TestServer.start(cacheOf(anyOf(typeUrl))), method, typeUrl);
  });

  it("the rate limit service's is served", async () => {
    const name = "/ratelimit.service.ratelimit.v3.RateLimitConfigDiscoveryService";
    const server = await TestServer.start(cacheOf(anyOf(rateLimitConfigType)));
    await works(server, { path: `${name}/StreamRlsConfigs`, kind: "sotw" }, rateLimitConfigType);
    await works(server, { path: `${name}/FetchRlsConfigs`, kind: "fetch" }, rateLimitConfigType);
  });

  it("a method that there is not is UNIMPLEMENTED", async () => {
    const server = await TestServer.start(cacheOf());
    const path = "/envoy.service.cluster.v3.ClusterDiscoveryService/NoSuch";
    await expect(server.unary(path, Buffer.of())).rejects.toMatchObject({ code: status.UNIMPLEMENTED });
  });
});

describe("a Fetch method", () => {
  const path = "/envoy.service.cluster.v3.ClusterDiscoveryService/FetchClusters";
  const node = { id: "n" };

  it("answers in full, also when the version is current", async () => {
    const server = await TestServer.start(cacheOf(cluster("a"), cluster("b")));
    const first = await server.fetch(path, { node });
    expect(first.resources).toHaveLength(2);
    const again = await server.fetch(path, { node, versionInfo: first.versionInfo });
    expect([again.resources.length, again.versionInfo]).toEqual([2, first.versionInfo]);
    expect((await server.fetch(path, { node, resourceNames: ["b", "no such"] })).resources).toHaveLength(1);
  });

  it("answers with the reason if it cannot serve", async () => {
    const cache = new SnapshotCache();
    const server = await TestServer.start(cache, { requireNode: true });
    await expect(server.fetch(path, { node })).rejects.toMatchObject({ code: status.UNAVAILABLE });
    cache.set("other", Snapshot.of([]));
    await expect(server.fetch(path, { node })).rejects.toMatchObject({ code: status.NOT_FOUND });
    await expect(server.fetch(path, {})).rejects.toMatchObject({ code: status.INVALID_ARGUMENT });
    await expect(server.unary(path, Buffer.of(0xff))).rejects.toMatchObject({ code: status.INVALID_ARGUMENT });
  });
});

describe("a type of the user's own", () => {
  // The second one's schema is known, so that it can be shown as JSON.
  const types = ["types.example.com/example.Thing", "type.googleapis.com/google.protobuf.Struct"].map((typeUrl, i) =>
    registerResourceType({
      typeUrl,
      name: `things-${i}`,
      order: 10,
      fullStateInSotw: i === 0,
      emptyIsWildcard: true,
      service: {
        name: `example.ThingDiscoveryService${i}`,
        stream: "StreamThings",
        delta: "DeltaThings",
        fetch: "FetchThings",
      },
      restPath: `things-${i}`,
    }),
  );
  const things = (typeUrl: string, ...names: string[]) =>
    names.map((name) => Resource.fromBytes(typeUrl, new Uint8Array(), { name }));
  const caches = {
    snapshot: (typeUrl: string) => cacheOf(...things(typeUrl, "one", "two")),
    linear: (typeUrl: string) => new LinearCache(typeUrl, { resources: things(typeUrl, "one", "two") }),
  };

  for (const { typeUrl, service, restPath } of types)
    for (const [name, cache] of Object.entries(caches))
      describe(`${typeUrl}, ${name} cache`, () => {
        on(allWays, (way) => {
          it("is streamed", async () => {
            const stream = (await TestServer.start(cache(typeUrl))).open(way, typeUrl);
            stream.want();
            const answer = await stream.next();
            expect(answer.anys.map((any) => any.typeUrl)).toEqual([typeUrl, typeUrl]);
            if (way.variant === "delta") expect(answer.resources.map((one) => one.name)).toEqual(["one", "two"]);
            stream.ack(answer);
            await stream.quiet();
          });
        });

        it("is fetched", async () => {
          const server = await TestServer.start(cache(typeUrl));
          const answer = await server.fetch(`/${service?.name}/${service?.fetch}`, { node: { id: "n" } });
          expect(answer.resources).toHaveLength(2);
        });

        it("is polled over REST, if its schema is known", async () => {
          const server = await TestServer.start(cache(typeUrl), { rest: true });
          const body = JSON.stringify({ node: { id: "n" } });
          const answer = await fetch(server.url(`/v3/discovery:${restPath}`), {
            method: "POST",
            headers: { "content-type": "application/json" },
            body,
          });
          const json = (await answer.json()) as { resources?: unknown[]; code?: string };
          if (typeUrl.endsWith("Struct"))
            expect(json.resources).toEqual(Array(2).fill({ "@type": typeUrl, value: {} }));
          else expect([answer.status, json.code]).toEqual([500, "INVALID_RESOURCE"]);
        });
      });

  const refused = {
    name: "more-things",
    typeUrl: "example.com/example.More",
    order: 1,
    fullStateInSotw: true,
    emptyIsWildcard: true,
  };
  for (const [what, row] of Object.entries({
    "a type URL that is taken": { ...refused, typeUrl: clusterType },
    "a type URL that is none": { ...refused, typeUrl: "example.More" },
    "a short name that is taken": { ...refused, name: "clusters" },
    "a service that is taken": { ...refused, service: { name: "envoy.service.cluster.v3.ClusterDiscoveryService" } },
    "a REST path that is taken": { ...refused, restPath: "clusters" },
    "an order that is no number": { ...refused, order: Number.NaN },
  }))
    it(`is refused with ${what}`, () => {
      expect(() => registerResourceType(row)).toThrow(/cannot register/);
    });
});

describe("linear caches of several types", () =>
  on(adsWays, (way: Way) => {
    it("P12 leave types that they do not serve silent on ADS", async () => {
      const stream = (await TestServer.start(new LinearCache(clusterType, { resources: [cluster("a")] }))).open(
        way,
        clusterType,
      );
      stream.of(listenerType).want();
      await stream.quiet();
      stream.want();
      await stream.take(["a@1"]);
    });
  }));

describe("ways", () => {
  it("are all there: each variant on each kind of stream", () => {
    expect([sotwWays.length, deltaWays.length, allWays.length]).toEqual([2, 2, 4]);
  });
});
